"""What the payment provider tells us by webhook: stored first, processed by a job.

What an event says is never believed: it names a charge, a card or a refund, which is then read from the
provider. So it doesn't matter in which order events come, how often, or how late.
"""

import uuid
from datetime import timedelta
from typing import Final

import structlog

from billing import collecting, payment_methods, providers
from billing.choices import InboxStatus
from billing.models import PaymentAttempt, PaymentCustomer, WebhookEvent
from billing.providers import Kind
from billing.providers.amounts import from_minor
from orgbilling.lib import clock, transactions
from orgbilling.lib.errors import NotFound

logger = structlog.stdlib.get_logger(__name__)

#: An event that has waited for so long is processed by the sweep.
WAITING: Final = timedelta(minutes=10)
#: After so many vain attempts an event is marked as failed, for somebody to look at.
ATTEMPTS_MAX: Final = 30

Verdict = tuple[InboxStatus, str]
DONE: Final[Verdict] = (InboxStatus.PROCESSED, "")


def receive(body: bytes, signature: str) -> bool:
    """Store an event that the provider signed, and ask for its processing; False: it was here already.

    Raises NotFound where no provider sends any, InvalidSignature, and InvalidRequest for what is no event.
    """
    provider = providers.current()
    telling = provider.tell(body, signature)
    return transactions.run(
        lambda: WebhookEvent.objects.store(
            provider=provider.name,
            event_id=telling.event_id,
            event_type=telling.event_type,
            body=body,
            moment=clock.database_now(),
        )
    )


def process(event_id: uuid.UUID) -> None:
    """Process an event of the inbox; one that was processed already is left alone.

    Whatever goes wrong is kept with the row and raised, so that the job is tried again.
    """
    event = WebhookEvent.objects.filter(pk=event_id, status=InboxStatus.RECEIVED).first()
    provider = providers.current()
    if event is None or event.provider != provider.name:
        return
    try:
        status, error = _apply(provider, provider.understand(bytes(event.body)))
    except collecting.AnswerMismatch as mismatch:
        logger.exception("webhook.mismatched", event_id=event.event_id)
        status, error = InboxStatus.FAILED, str(mismatch)
    except Exception as failure:
        if event.attempts + 1 < ATTEMPTS_MAX:
            WebhookEvent.objects.count_attempt(event.pk, error=_told(failure))
            raise
        logger.exception("webhook.given_up", event_id=event.event_id)
        status, error = InboxStatus.FAILED, _told(failure)
    WebhookEvent.objects.close(event.pk, status=status, moment=clock.database_now(), error=error)


def process_waiting(limit: int = 500) -> None:
    """Process what jobs have left, the oldest first; one that fails doesn't stop the others."""
    before = clock.database_now() - WAITING
    for event in WebhookEvent.objects.waiting(before=before)[:limit]:
        try:
            process(event.pk)
        except Exception:
            logger.exception("webhook.not_processed", event_id=event.event_id)


def purge() -> int:
    """Forget events whose processing ended 90 days ago; failed ones stay. Returns how many."""
    return WebhookEvent.objects.purge(clock.database_now())


def _apply(provider: providers.Provider, telling: providers.Telling) -> Verdict:
    match telling.kind:
        case Kind.CHARGE:
            return _apply_charge(provider, telling.subject)
        case Kind.SETUP:
            return _apply_setup(provider, telling.subject)
        case Kind.REFUND:
            return _apply_refund(provider, telling.subject)
    return InboxStatus.IGNORED, "Nothing here follows from events of this type."


def _apply_charge(provider: providers.Provider, subject: str) -> Verdict:
    answer = provider.find(subject)
    if answer is None:
        return InboxStatus.FAILED, f"The provider knows no {subject}."
    if "attempt_id" not in answer.metadata:
        return InboxStatus.IGNORED, "It is no charge of this service."
    attempt = _attempt_of(answer)
    if attempt is None:
        return InboxStatus.FAILED, f"{subject} names an attempt that isn't here."
    collecting.follow(attempt, answer)
    return DONE


def _apply_setup(provider: providers.Provider, subject: str) -> Verdict:
    setup = provider.setup(subject)
    if setup is None or not setup.is_done:
        return InboxStatus.IGNORED, "No card was taken."
    customer = PaymentCustomer.objects.named(provider=provider.name, customer_id=setup.customer_id)
    if customer is None:
        return InboxStatus.IGNORED, "It is no customer of this service."
    try:
        payment_methods.adopt(customer, setup.method_id)
    except NotFound:
        return InboxStatus.IGNORED, "The card was removed meanwhile."
    return DONE


def _apply_refund(provider: providers.Provider, subject: str) -> Verdict:
    refunded = provider.refunded(subject)
    if refunded is None:
        return InboxStatus.IGNORED, "It is no charge of this service."
    if _note(provider, refunded):
        return DONE
    # The charge's answer was lost and nobody has asked again yet: what became of it comes first.
    verdict = _apply_charge(provider, refunded.reference)
    if verdict == DONE:
        _note(provider, refunded)
    return verdict


def _note(provider: providers.Provider, refunded: providers.Refunded) -> bool:
    noted: bool = PaymentAttempt.objects.note_refund(
        provider=provider.name,
        reference=refunded.reference,
        amount=from_minor(refunded.amount, refunded.currency),
        moment=clock.database_now(),
    )
    return noted


def _attempt_of(answer: providers.Answer) -> PaymentAttempt | None:
    try:
        org_id = uuid.UUID(answer.metadata.get("org_id", ""))
        attempt_id = uuid.UUID(answer.metadata["attempt_id"])
    except ValueError:
        return None
    found: PaymentAttempt | None = PaymentAttempt.objects.filter(
        org_id=org_id, id=attempt_id
    ).first()
    return found


def _told(failure: Exception) -> str:
    cause = f" ({failure.__cause__})" if failure.__cause__ is not None else ""
    return f"{type(failure).__name__}: {failure}{cause}"
