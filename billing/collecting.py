"""Collecting what is owed: attempts by the provider's default card, each written before it is made.

An attempt's row is committed before the provider is asked and holds the whole request, so that whoever
finds it without an answer (a killed worker, a cut line) asks for the same thing by the same idempotency
key. A payment has one open attempt at a time. No call to the provider runs inside a transaction.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Final

import structlog

from billing import metrics, providers, settling
from billing.choices import AttemptStatus, PaymentStatus
from billing.errors import PaymentProviderUnavailable
from billing.models import Payment, PaymentAttempt, PaymentCustomer
from billing.providers.amounts import to_minor
from credits.functions import Origin
from orgbilling.lib import clock, transactions
from orgbilling.lib.after_commit import after_commit
from orgbilling.lib.errors import InvalidRequest

logger = structlog.stdlib.get_logger(__name__)

ACTOR: Final = "system"
#: An attempt that has had no answer for so long is asked about again by the sweep.
RESUME_AFTER: Final = timedelta(minutes=5)
#: How far the provider's clock may be from ours, when its charges are looked through.
_SKEW: Final = timedelta(days=1)


class AnswerMismatch(Exception):
    """The provider tells of a charge that isn't the one that was asked for."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of paying now.

    `redirect_url`: where the card's holder has to agree to it; empty when there is nothing to agree to.
    """

    attempt: PaymentAttempt
    redirect_url: str = ""


def collect(*, org_id: uuid.UUID, payment_id: uuid.UUID, now: bool = False) -> Outcome | None:
    """Collect a pending payment by the default card, with nobody there: what a job does.

    `now`: although it isn't due to be tried; None: nothing was tried. An attempt that has no answer yet
    is asked about first. Raises NotFound, and PaymentProviderUnavailable: call again.
    """
    provider = providers.current()
    if not provider.collects:
        return None
    found = _open_attempt(org_id, payment_id, provider.name)
    if found is not None:
        outcome = resume(found, replace=now)
        if not now or outcome.attempt.status != AttemptStatus.FAILED:
            return outcome
    due = Payment.objects.to_collect(clock.database_now())
    wanted = Payment.objects.pending() if now else due
    if not wanted.filter(org_id=org_id, id=payment_id).exists():
        return None
    return _attempt(provider, org_id, payment_id)


def pay_now(*, org_id: uuid.UUID, payment_id: uuid.UUID, return_url: str) -> Outcome:
    """Collect a pending payment by the default card while its holder waits, who may have to agree to it.

    `return_url`: where the holder comes back to from the bank. Raises NotFound, InvalidRequest when it
    isn't pending or there is no card, and PaymentProviderUnavailable: what became of it is found out by
    itself, or by calling again.
    """
    provider = providers.current()
    payment = Payment.objects.find(org_id=org_id, payment_id=payment_id)
    if payment.status != PaymentStatus.PENDING:
        raise InvalidRequest("payment", f"This payment is {payment.status} already.")
    found = _open_attempt(org_id, payment_id, provider.name)
    if found is not None:
        outcome = resume(found, replace=True)
        if outcome.attempt.status != AttemptStatus.FAILED:
            return outcome
    made = _attempt(provider, org_id, payment_id, return_url)
    if made is not None:
        return made
    meanwhile = _open_attempt(org_id, payment_id, provider.name)
    if meanwhile is not None:
        return Outcome(meanwhile)
    raise InvalidRequest("payment_method", "There is no default card: add one first.")


def resume(attempt: PaymentAttempt, *, replace: bool = False) -> Outcome:
    """Find out what became of an attempt; when it was never made, make it.

    `replace`: give it up if it waits for the card's holder. One whose payment isn't pending any more is
    never made, and given up.
    """
    provider = providers.current()
    pending = Payment.objects.find(org_id=attempt.org_id, payment_id=attempt.payment_id)
    is_owed = pending.status == PaymentStatus.PENDING
    answer = _ask_again(provider, attempt, may_charge=is_owed)
    if answer.status == AttemptStatus.REQUIRES_ACTION and (replace or not is_owed):
        answer = provider.cancel(answer.reference)
    return Outcome(follow(attempt, answer), answer.redirect_url)


def follow(attempt: PaymentAttempt, answer: providers.Answer) -> PaymentAttempt:
    """Write what became of an attempt, and settle its payment with the money.

    Money that came for a payment that is settled or void already marks the attempt as a duplicate. What
    has ended stays ended, but for money that came after all. Raises AnswerMismatch.
    """
    return transactions.run(lambda: _follow(attempt.org_id, attempt.pk, answer))


def _follow(org_id: uuid.UUID, attempt_id: uuid.UUID, answer: providers.Answer) -> PaymentAttempt:
    attempt = PaymentAttempt.objects.lock(org_id=org_id, attempt_id=attempt_id)
    _compare(attempt, answer)
    has_money = answer.status == AttemptStatus.SUCCEEDED
    if attempt.status == AttemptStatus.SUCCEEDED or not (attempt.is_open or has_money):
        return attempt
    duplicate = has_money and not _settle(attempt)
    if duplicate:
        # Somebody has to give it back: nothing here knows whom to ask.
        logger.error(
            "payment.paid_twice",
            org_id=attempt.org_id,
            payment_id=attempt.payment_id,
            attempt_id=attempt.pk,
            reference=answer.reference,
        )
    PaymentAttempt.objects.write(
        attempt,
        moment=clock.database_now(),
        status=answer.status,
        reference=answer.reference or attempt.reference,
        failure_code=answer.failure_code,
        failure_message=answer.failure_message,
        duplicate=duplicate,
    )
    outcome = metrics.DUPLICATE if duplicate else str(answer.status)
    after_commit(metrics.PAYMENT_ATTEMPTS.labels(outcome).inc)
    return attempt


def collect_due(limit: int = 5_000) -> int:
    """Ask again for what had no answer, and for what is due; returns how many were tried.

    Each is decided and written by itself, so that it may be killed anywhere. One that fails is logged
    and doesn't stop the others; when the provider can't be reached, the rest waits for the next time.
    """
    provider = providers.current()
    if not provider.collects:
        return 0
    moment = clock.database_now()
    unanswered = PaymentAttempt.objects.unanswered(before=moment - RESUME_AFTER).filter(
        provider=provider.name
    )
    # Two statements: on a cluster customers are on the coordinator, and payments where their organization is.
    customers = set(
        PaymentCustomer.objects.filter(provider=provider.name).values_list("org_id", flat=True)
    )
    due = Payment.objects.to_collect(moment).order_by("created_at", "id")
    theirs = (one for one in due.values_list("org_id", "id") if one[0] in customers)
    waiting = [(one.org_id, one.payment_id) for one in unanswered[:limit]]
    waiting += islice(theirs, limit)
    tried = 0
    cardless: set[uuid.UUID] = set()
    for org_id, payment_id in waiting:
        if org_id in cardless:
            continue
        try:
            outcome = collect(org_id=org_id, payment_id=payment_id)
        except PaymentProviderUnavailable:
            logger.warning("payment_provider.unreachable", exc_info=True)
            break
        except Exception:
            logger.exception("payment.not_collected", org_id=org_id, payment_id=payment_id)
            continue
        if outcome is not None:
            tried += 1
        elif due.filter(org_id=org_id, id=payment_id).exists():
            # Nothing else keeps it from being tried: neither settled meanwhile, nor taken by another worker.
            cardless.add(org_id)
    return tried


def _attempt(
    provider: providers.Provider, org_id: uuid.UUID, payment_id: uuid.UUID, return_url: str = ""
) -> Outcome | None:
    """Begin an attempt, make it, and write what became of it; None: there is no card, or another was begun."""
    customer = PaymentCustomer.objects.of(org_id=org_id, provider=provider.name)
    method = provider.default_method(customer.customer_id) if customer is not None else None
    if customer is None or method is None:
        return None
    attempt: PaymentAttempt | None = transactions.run(
        lambda: PaymentAttempt.objects.begin(
            org_id=org_id,
            payment_id=payment_id,
            provider=provider.name,
            customer_id=customer.customer_id,
            method_id=method,
            moment=clock.database_now(),
            return_url=return_url,
        )
    )
    if attempt is None:
        return None
    answer = provider.charge(_charge_of(attempt))
    return Outcome(follow(attempt, answer), answer.redirect_url)


def _open_attempt(org_id: uuid.UUID, payment_id: uuid.UUID, provider: str) -> PaymentAttempt | None:
    mine = PaymentAttempt.objects.of(org_id=org_id, payment_id=payment_id)
    found: PaymentAttempt | None = mine.open().filter(provider=provider).first()
    return found


def _ask_again(
    provider: providers.Provider, attempt: PaymentAttempt, *, may_charge: bool
) -> providers.Answer:
    if attempt.reference:
        found = provider.find(attempt.reference)
    else:
        # Before the key is used again: providers forget keys after a day, and charges never.
        found = provider.search(
            attempt.customer_id,
            attempt_id=str(attempt.pk),
            since=attempt.created_at - _SKEW,
        )
    if found is not None:
        return found
    if may_charge and not attempt.reference:
        return provider.charge(_charge_of(attempt))
    return providers.Answer(
        reference="",
        status=AttemptStatus.FAILED,
        failure_code="not_made",
        failure_message="The provider knows no such charge.",
    )


def _charge_of(attempt: PaymentAttempt) -> providers.Charge:
    """The request, word for word the same whenever it is made; nothing in it but what the row holds."""
    return providers.Charge(
        customer_id=attempt.customer_id,
        method_id=attempt.method_id,
        amount=to_minor(attempt.amount, attempt.currency),
        currency=attempt.currency,
        key=f"payment-{attempt.payment_id}-{attempt.number}",
        description=f"Payment {attempt.payment_id}",
        metadata=_metadata_of(attempt),
        return_url=attempt.return_url,
    )


def _metadata_of(attempt: PaymentAttempt) -> dict[str, str]:
    return {
        "org_id": str(attempt.org_id),
        "payment_id": str(attempt.payment_id),
        "attempt_id": str(attempt.pk),
    }


def _compare(attempt: PaymentAttempt, answer: providers.Answer) -> None:
    """Raise AnswerMismatch unless the charge is the attempt's own."""
    if not answer.reference:
        return
    told = {name: answer.metadata.get(name) for name in _metadata_of(attempt)}
    pairs = {
        "reference": (attempt.reference or answer.reference, answer.reference),
        "amount": (to_minor(attempt.amount, attempt.currency), answer.amount),
        "currency": (attempt.currency, answer.currency),
        "customer": (attempt.customer_id, answer.customer_id),
        "metadata": (_metadata_of(attempt), told),
    }
    wrong = [
        f"{name} is {theirs}, not {ours}"
        for name, (ours, theirs) in pairs.items()
        if ours != theirs
    ]
    if wrong:
        raise AnswerMismatch(f"{answer.reference}: {'; '.join(wrong)}.")


def _settle(attempt: PaymentAttempt) -> bool:
    """Settle the attempt's payment; False when it was settled, or void, already."""
    try:
        return settling.receive(
            org_id=attempt.org_id,
            payment_id=attempt.payment_id,
            origin=Origin(ACTOR, f"attempt:{attempt.pk}"),
        )
    except InvalidRequest:
        return False
