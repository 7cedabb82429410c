"""Cards by Stripe, through its official client.

Customers, cards and charges live there; what we keep is which customer is whose, and every attempt.
"""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final, Literal

import stripe
import structlog

from billing.choices import ProviderName
from billing.errors import InvalidSignature, PaymentProviderUnavailable
from billing.providers.base import (
    Answer,
    Charge,
    Kind,
    PaymentMethod,
    Provider,
    Refunded,
    Setup,
    SetupStart,
    Telling,
)
from billing.providers.stripe_reading import (
    answer_of,
    id_of,
    kind_of,
    method_of,
    plain,
    refusal_of,
)
from orgbilling.lib.errors import InvalidRequest, NotFound

logger = structlog.stdlib.get_logger(__name__)

#: Seconds to connect, and to wait for each part of an answer. A charge takes Stripe a few.
TIMEOUT_SECONDS: Final = (5.0, 30.0)
#: The client asks again this often, with the same idempotency key.
NETWORK_RETRIES: Final = 2
#: How old a webhook's signature may be.
TOLERANCE_SECONDS: Final = 300
#: Stripe keeps far fewer cards for a customer than this.
CARDS_MAX: Final = 100
_CARD: Final[Literal["card"]] = "card"


class Stripe(Provider):
    """Takes the money by the customer's default card."""

    name = ProviderName.STRIPE
    title = "Card"
    collects = True

    def __init__(
        self, *, secret_key: str, webhook_secret: str, publishable_key: str, api_base: str
    ) -> None:
        self._webhook_secret = webhook_secret
        self._publishable_key = publishable_key
        self._client = stripe.StripeClient(
            secret_key,
            base_addresses={"api": api_base} if api_base else None,
            max_network_retries=NETWORK_RETRIES,
            http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
        )

    def create_customer(self, *, org_id: uuid.UUID) -> str:
        """Make the customer, by a key that is the organization's.

        Nothing that changes is sent with it (names do): a second call must be the same request.
        """
        with _asking():
            customer = self._client.v1.customers.create(
                {"metadata": {"org_id": str(org_id)}},
                {"idempotency_key": f"customer-{org_id}"},
            )
        return customer.id

    def describe_customer(self, customer_id: str, *, name: str, email: str) -> None:
        """Tell Stripe what the customer is called and where receipts go."""
        with _asking():
            self._client.v1.customers.update(customer_id, {"name": name, "email": email})

    def start_setup(self, customer_id: str) -> SetupStart:
        """Make a SetupIntent, for Stripe.js."""
        with _asking():
            intent = self._client.v1.setup_intents.create(
                {
                    "customer": customer_id,
                    "allowed_payment_method_types": [_CARD],
                    "usage": "off_session",
                }
            )
        return SetupStart(intent.client_secret or "", self._publishable_key)

    def start_hosted_setup(self, customer_id: str, *, success_url: str, cancel_url: str) -> str:
        """Make a Checkout Session that takes a card: Stripe's own page, left as it was entered."""
        with _asking():
            session = self._client.v1.checkout.sessions.create(
                {
                    "mode": "setup",
                    "customer": customer_id,
                    "allowed_payment_method_types": [_CARD],
                    # Stripe writes the session's id there.
                    "success_url": f"{success_url}?setup={{CHECKOUT_SESSION_ID}}",
                    "cancel_url": cancel_url,
                }
            )
        return session.url or ""

    def setup(self, subject: str) -> Setup | None:
        """Read the SetupIntent, by its own id or that of the Checkout Session it belongs to."""
        try:
            with _asking(may_refuse=True):
                if subject.startswith("cs_"):
                    session = self._client.v1.checkout.sessions.retrieve(subject)
                    subject = id_of(session.setup_intent)
                if not subject:
                    return None
                intent = self._client.v1.setup_intents.retrieve(subject)
        except stripe.InvalidRequestError:
            return None
        customer, method = id_of(intent.customer), id_of(intent.payment_method)
        if not customer:
            return None
        return Setup(customer, method, is_done=intent.status == "succeeded" and bool(method))

    def methods(self, customer_id: str) -> list[PaymentMethod]:
        """The customer's cards, the default first, then the newest."""
        default = self.default_method(customer_id)
        with _asking():
            cards = self._client.v1.customers.payment_methods.list(
                customer_id, {"type": _CARD, "limit": CARDS_MAX}
            )
        found = [method_of(card, default) for card in cards.data]
        return sorted(found, key=lambda method: not method.is_default)

    def default_method(self, customer_id: str) -> str | None:
        """What the customer's invoices are paid by; None, too, for one that Stripe doesn't know any more."""
        try:
            with _asking(may_refuse=True):
                customer = self._client.v1.customers.retrieve(customer_id)
        except stripe.InvalidRequestError:
            logger.exception("stripe.customer_refused", customer_id=customer_id)
            return None
        if getattr(customer, "deleted", False) or customer.invoice_settings is None:
            return None
        return id_of(customer.invoice_settings.default_payment_method) or None

    def set_default(self, customer_id: str, method_id: str) -> None:
        """Let invoices be paid by a card."""
        self._own(customer_id, method_id)
        with _asking():
            self._client.v1.customers.update(
                customer_id, {"invoice_settings": {"default_payment_method": method_id}}
            )

    def detach(self, customer_id: str, method_id: str) -> None:
        """Forget a card."""
        self._own(customer_id, method_id)
        with _asking():
            self._client.v1.payment_methods.detach(method_id)

    def charge(self, charge: Charge) -> Answer:
        """Make a PaymentIntent and confirm it at once."""
        params: stripe.params.PaymentIntentCreateParams = {
            "amount": charge.amount,
            "currency": charge.currency.lower(),
            "customer": charge.customer_id,
            "payment_method": charge.method_id,
            "allowed_payment_method_types": [_CARD],
            "confirm": True,
            "description": charge.description,
            "metadata": dict(charge.metadata),
        }
        if charge.return_url:
            params["return_url"] = charge.return_url
        else:
            params["off_session"] = True
        try:
            with _asking(may_refuse=True):
                intent = self._client.v1.payment_intents.create(
                    params, {"idempotency_key": charge.key}
                )
        except stripe.CardError as error:
            made = error.error.payment_intent if error.error is not None else None
            if made is None:
                return refusal_of(error)
            # A refusal tells of the PaymentIntent as it was when it was refused.
            return self.find(made.id) or refusal_of(error)
        except (stripe.InvalidRequestError, stripe.IdempotencyError) as error:
            return refusal_of(error)
        return answer_of(intent)

    def find(self, reference: str) -> Answer | None:
        """Read a PaymentIntent again."""
        try:
            with _asking(may_refuse=True):
                return answer_of(self._client.v1.payment_intents.retrieve(reference))
        except stripe.InvalidRequestError:
            return None

    def search(self, customer_id: str, *, attempt_id: str, since: datetime) -> Answer | None:
        """Look through the customer's PaymentIntents: the list, unlike the search, is never behind."""
        try:
            with _asking(may_refuse=True):
                listed = self._client.v1.payment_intents.list(
                    {
                        "customer": customer_id,
                        "created": {"gte": int(since.timestamp())},
                        "limit": 100,
                    }
                )
                for intent in listed.auto_paging_iter():
                    if plain(intent.metadata).get("attempt_id") == attempt_id:
                        return answer_of(intent)
        except stripe.InvalidRequestError:
            return None
        return None

    def cancel(self, reference: str) -> Answer:
        """Cancel a PaymentIntent; one that can't be canceled any more is read instead."""
        try:
            with _asking(may_refuse=True):
                return answer_of(self._client.v1.payment_intents.cancel(reference))
        except stripe.InvalidRequestError as error:
            return self.find(reference) or refusal_of(error)

    def refunded(self, subject: str) -> Refunded | None:
        """Read what was refunded of the charge of a PaymentIntent."""
        try:
            with _asking(may_refuse=True):
                charge = self._client.v1.charges.retrieve(subject)
        except stripe.InvalidRequestError:
            return None
        reference = id_of(charge.payment_intent)
        if not reference:
            return None
        return Refunded(reference, charge.amount_refunded, charge.currency.upper())

    def tell(self, body: bytes, signature: str) -> Telling:
        """Verify the signature, then read the event."""
        # Python compares no other texts in constant time.
        if not signature.isascii():
            raise InvalidSignature
        try:
            stripe.WebhookSignature.verify_header(
                body, signature, self._webhook_secret, TOLERANCE_SECONDS
            )
        except (stripe.SignatureVerificationError, UnicodeDecodeError) as error:
            raise InvalidSignature from error
        return self.understand(body)

    def understand(self, body: bytes) -> Telling:
        """Read the event's id, type and the id of what it is about."""
        try:
            event = json.loads(body)
            subject = event["data"]["object"]
            told = (event["id"], event["type"], subject.get("id") or "")
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise InvalidRequest("body", "This is no event of Stripe's.") from error
        if event.get("object") != "event" or not all(map(_is_word, told)):
            raise InvalidRequest("body", "This is no event of Stripe's.")
        event_id, event_type, reference = told
        kind = kind_of(event_type)
        if not reference:
            kind = Kind.OTHER
        return Telling(event_id, event_type, kind, "" if kind == Kind.OTHER else reference)

    def _own(self, customer_id: str, method_id: str) -> None:
        """Raise NotFound unless the card is the customer's."""
        try:
            with _asking(may_refuse=True):
                method = self._client.v1.customers.payment_methods.retrieve(customer_id, method_id)
        except stripe.InvalidRequestError as error:
            raise NotFound("There is no card with this id.") from error
        if id_of(method.customer) != customer_id:
            raise NotFound("There is no card with this id.")


def _is_word(told: object) -> bool:
    return isinstance(told, str) and len(told) <= 255 and (told == "" or told.isprintable())


@contextmanager
def _asking(*, may_refuse: bool = False) -> Iterator[None]:
    """Turn Stripe's errors into ours; where it may refuse what is asked, that passes as it is."""
    try:
        yield
    except stripe.StripeError as error:
        refused = isinstance(
            error, (stripe.CardError, stripe.InvalidRequestError, stripe.IdempotencyError)
        )
        if refused and may_refuse:
            raise
        raise PaymentProviderUnavailable from error
