"""What Stripe's objects mean to us; nothing here talks to anybody."""

from collections.abc import Mapping
from typing import Any, Final

import stripe

from billing.choices import AttemptStatus
from billing.providers.base import Answer, Kind, PaymentMethod

#: Stripe's words for a card whose holder has to agree at the bank.
AUTHENTICATION_REQUIRED: Final = "authentication_required"
#: By what a type of event begins, what it is about.
KINDS: Final = {
    "payment_intent.": Kind.CHARGE,
    "setup_intent.succeeded": Kind.SETUP,
    "checkout.session.completed": Kind.SETUP,
    "charge.refunded": Kind.REFUND,
}
_TEXT_MAX: Final = 500


def kind_of(event_type: str) -> Kind:
    """What an event of this type is about."""
    return next((kind for begin, kind in KINDS.items() if event_type.startswith(begin)), Kind.OTHER)


def id_of(thing: Any) -> str:
    """The id of what Stripe writes either as an id or, expanded, as an object; empty for None."""
    return thing if isinstance(thing, str) else thing.id if thing is not None else ""


def answer_of(intent: stripe.PaymentIntent) -> Answer:
    """What has become of a PaymentIntent."""
    code, message = _failure_of(intent)
    status = _status_of(intent.status, code)
    if intent.status == "canceled":
        code, message = "canceled", message or "The charge was given up."
    failed = status in {AttemptStatus.FAILED, AttemptStatus.REQUIRES_ACTION}
    return Answer(
        reference=intent.id,
        status=status,
        amount=intent.amount_received if status == AttemptStatus.SUCCEEDED else intent.amount,
        currency=intent.currency.upper(),
        customer_id=id_of(intent.customer),
        metadata=plain(intent.metadata),
        failure_code=code if failed else "",
        failure_message=message[:_TEXT_MAX] if failed else "",
        redirect_url=_redirect_of(intent) if status == AttemptStatus.REQUIRES_ACTION else "",
    )


def refusal_of(error: stripe.StripeError) -> Answer:
    """A charge that was refused before there was a PaymentIntent, as an answer."""
    return Answer(
        reference="",
        status=AttemptStatus.FAILED,
        failure_code=(error.code or type(error).__name__)[:64],
        failure_message=(error.user_message or "")[:_TEXT_MAX],
    )


def method_of(method: stripe.PaymentMethod, default: str | None) -> PaymentMethod:
    """A card as people recognise it."""
    card = method.card
    return PaymentMethod(
        id=method.id,
        brand=card.brand if card is not None else method.type,
        last4=(card.last4 or "") if card is not None else "",
        exp_month=card.exp_month if card is not None else 0,
        exp_year=card.exp_year if card is not None else 0,
        is_default=method.id == default,
    )


def plain(metadata: Any) -> Mapping[str, str]:
    """Metadata as a mapping of ours; empty for None."""
    return {} if metadata is None else dict(metadata.to_dict())


def _failure_of(intent: stripe.PaymentIntent) -> tuple[str, str]:
    error = intent.last_payment_error
    if error is None:
        return "", ""
    # Why the bank declined says more than that it did; but a missing consent is no plain decline.
    named = getattr(error, "decline_code", None)
    code = error.code if error.code == AUTHENTICATION_REQUIRED else named or error.code
    return (code or "card_declined")[:64], error.message or ""


def _status_of(status: str, failure_code: str) -> AttemptStatus:
    match status:
        case "succeeded":
            return AttemptStatus.SUCCEEDED
        case "processing" | "requires_confirmation" | "requires_capture":
            return AttemptStatus.STARTED
        case "requires_action":
            return AttemptStatus.REQUIRES_ACTION
        case "requires_payment_method" if failure_code == AUTHENTICATION_REQUIRED:
            return AttemptStatus.REQUIRES_ACTION
    return AttemptStatus.FAILED


def _redirect_of(intent: stripe.PaymentIntent) -> str:
    action = intent.next_action
    redirect = getattr(action, "redirect_to_url", None) if action is not None else None
    return (redirect.url or "") if redirect is not None else ""
