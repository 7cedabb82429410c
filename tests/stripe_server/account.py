"""An account at Stripe: customers, cards, charges, and what it would tell by webhook."""

import itertools
import time
from dataclasses import dataclass, field
from typing import Any

import stripe

from tests.stripe_server.shapes import shaped

#: What a card does when it is charged, and Stripe's words for it: code, decline code.
REFUSALS = {
    "declined": ("card_declined", "insufficient_funds"),
    "stolen": ("card_declined", "stolen_card"),
    "expired": ("expired_card", None),
    "consent": ("authentication_required", "authentication_required"),
}


class Refused(Exception):
    """An error of the API."""

    def __init__(self, status: int, code: str | None, message: str, **more: Any) -> None:
        kind = {402: "card_error"}.get(status, "invalid_request_error")
        self.status = status
        error = {"type": kind, "message": message, **more}
        self.body = {"error": error if code is None else {**error, "code": code}}
        super().__init__(message)


@dataclass
class Account:
    """Its objects, by id, and the events in their order."""

    customers: dict[str, dict[str, Any]] = field(default_factory=dict)
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    setups: dict[str, dict[str, Any]] = field(default_factory=dict)
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    intents: dict[str, dict[str, Any]] = field(default_factory=dict)
    charges: dict[str, dict[str, Any]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    #: What each card does when it is charged: `ok`, or a word of REFUSALS.
    behaviours: dict[str, str] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    # What a person does, at Stripe.

    def add_card(
        self, customer: str, behaviour: str = "ok", *, default: bool = False, **card: Any
    ) -> str:
        """A card that somebody has entered for a customer; returns its id."""
        brand = {"brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2030, **card}
        method = shaped(
            stripe.PaymentMethod,
            **self._common("pm", "payment_method"),
            type="card",
            customer=customer,
            metadata={},
            billing_details=shaped(stripe.PaymentMethod.BillingDetails),
            card=shaped(stripe.PaymentMethod.Card, funding="credit", **brand),
        )
        self.cards[method["id"]] = method
        self.behaviours[method["id"]] = behaviour
        if default:
            settings = self.customers[customer]["invoice_settings"]
            settings["default_payment_method"] = method["id"]
        return method["id"]

    def leads_back(self, session: str) -> str:
        """Where the hosted page leads when the card is entered."""
        address: str = self.sessions[session]["success_url"]
        return address.replace("{CHECKOUT_SESSION_ID}", session)

    def complete_session(self, session: str, behaviour: str = "ok") -> str:
        """Somebody enters a card on the hosted page; returns the card's id."""
        found = self.sessions[session]
        card = self.complete_setup(found["setup_intent"], behaviour)
        found["status"] = "complete"
        self.tell("checkout.session.completed", found)
        return card

    def complete_setup(self, setup: str, behaviour: str = "ok") -> str:
        """Somebody enters a card; returns its id."""
        found = self.setups[setup]
        card = self.add_card(found["customer"], behaviour)
        found.update(status="succeeded", payment_method=card)
        self.tell("setup_intent.succeeded", found)
        return card

    def agree(self, intent: str) -> None:
        """The card's holder agrees to a charge at the bank."""
        self._succeed(self.intents[intent])

    def refund(self, intent: str, amount: int) -> None:
        """Some of a charge is given back, in the dashboard."""
        charge = self.charges[self.intents[intent]["latest_charge"]]
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self.tell("charge.refunded", charge)

    def tell(self, event_type: str, thing: dict[str, Any]) -> dict[str, Any]:
        """What would be sent to webhooks."""
        event = shaped(
            stripe.Event,
            **self._common("evt", "event"),
            type=event_type,
            pending_webhooks=1,
            api_version=stripe.api_version,
            data={"object": dict(thing)},
        )
        self.events.append(event)
        return event

    # What is asked by the API.

    def create_customer(self, params: dict[str, Any]) -> dict[str, Any]:
        customer = shaped(
            stripe.Customer,
            **self._common("cus", "customer"),
            metadata=params.get("metadata", {}),
            name=params.get("name"),
            email=params.get("email"),
            invoice_settings=shaped(stripe.Customer.InvoiceSettings),
        )
        self.customers[customer["id"]] = customer
        return customer

    def update_customer(self, customer: str, params: dict[str, Any]) -> dict[str, Any]:
        found = self._find(self.customers, customer, "customer")
        changes = dict(params)
        default = changes.pop("invoice_settings", {}).get("default_payment_method")
        if default is not None:
            self.card_of(customer, default)
            found["invoice_settings"]["default_payment_method"] = default
        found.update({name: value or None for name, value in changes.items()})
        return found

    def customer(self, customer: str) -> dict[str, Any]:
        return self._find(self.customers, customer, "customer")

    def cards_of(self, customer: str) -> list[dict[str, Any]]:
        self.customer(customer)
        mine = [card for card in self.cards.values() if card["customer"] == customer]
        return mine[::-1]

    def card_of(self, customer: str, card: str) -> dict[str, Any]:
        found = self._find(self.cards, card, "PaymentMethod")
        if found["customer"] != customer:
            raise Refused(404, "resource_missing", f"No such PaymentMethod: '{card}'")
        return found

    def detach(self, card: str) -> dict[str, Any]:
        found = self._find(self.cards, card, "PaymentMethod")
        settings = self.customers[found["customer"]]["invoice_settings"]
        if settings["default_payment_method"] == card:
            settings["default_payment_method"] = None
        found["customer"] = None
        return found

    def create_setup(self, params: dict[str, Any]) -> dict[str, Any]:
        self.customer(params["customer"])
        common = self._common("seti", "setup_intent")
        setup = shaped(
            stripe.SetupIntent,
            **common,
            client_secret=f"{common['id']}_secret_1",
            customer=params["customer"],
            metadata={},
            payment_method_types=["card"],
            status="requires_payment_method",
            usage=params.get("usage", "off_session"),
        )
        self.setups[setup["id"]] = setup
        return setup

    def create_session(self, params: dict[str, Any]) -> dict[str, Any]:
        setup = self.create_setup({"customer": params["customer"]})
        common = self._common("cs", "checkout.session")
        session = shaped(
            stripe.checkout.Session,
            **common,
            automatic_tax=shaped(stripe.checkout.Session.AutomaticTax, enabled=False),
            custom_fields=[],
            custom_text=shaped(stripe.checkout.Session.CustomText),
            shipping_options=[],
            expires_at=common["created"] + 86_400,
            mode=params["mode"],
            customer=params["customer"],
            payment_method_types=["card"],
            payment_status="no_payment_required",
            setup_intent=setup["id"],
            status="open",
            success_url=params["success_url"],
            cancel_url=params["cancel_url"],
            url=f"https://checkout.stripe.com/c/pay/{common['id']}",
        )
        self.sessions[session["id"]] = session
        return session

    def create_intent(self, params: dict[str, Any]) -> dict[str, Any]:
        self.card_of(params["customer"], params["payment_method"])
        if int(params["amount"]) < 50:
            raise Refused(400, "amount_too_small", "Amount must be at least $0.50 usd")
        common = self._common("pi", "payment_intent")
        intent = shaped(
            stripe.PaymentIntent,
            **common,
            amount=int(params["amount"]),
            amount_capturable=0,
            amount_received=0,
            capture_method="automatic_async",
            confirmation_method="automatic",
            client_secret=f"{common['id']}_secret_1",
            currency=params["currency"],
            customer=params["customer"],
            description=params.get("description"),
            metadata=params.get("metadata", {}),
            payment_method=params["payment_method"],
            payment_method_types=["card"],
            status="requires_confirmation",
        )
        self.intents[intent["id"]] = intent
        self._confirm(intent, params)
        return intent

    def cancel_intent(self, intent: str) -> dict[str, Any]:
        found = self._find(self.intents, intent, "payment_intent")
        if found["status"] in {"succeeded", "canceled"}:
            text = f"You cannot cancel this PaymentIntent: it has a status of {found['status']}."
            raise Refused(400, "payment_intent_unexpected_state", text)
        found.update(status="canceled", canceled_at=int(time.time()), next_action=None)
        self.tell("payment_intent.canceled", found)
        return found

    def intents_of(self, customer: str, since: int) -> list[dict[str, Any]]:
        found = [
            intent
            for intent in self.intents.values()
            if intent["customer"] == customer and intent["created"] >= since
        ]
        return found[::-1]

    def _confirm(self, intent: dict[str, Any], params: dict[str, Any]) -> None:
        behaviour = self.behaviours[params["payment_method"]]
        if behaviour == "ok":
            self._succeed(intent)
        elif behaviour == "consent" and params.get("off_session") != "true":
            url = f"https://hooks.stripe.com/redirect/{intent['id']}"
            redirect = shaped(
                stripe.PaymentIntent.NextAction.RedirectToUrl,
                url=url,
                return_url=params["return_url"],
            )
            intent["next_action"] = shaped(
                stripe.PaymentIntent.NextAction, type="redirect_to_url", redirect_to_url=redirect
            )
            intent["status"] = "requires_action"
            self.tell("payment_intent.requires_action", intent)
        else:
            self._refuse(intent, *REFUSALS[behaviour])

    def _succeed(self, intent: dict[str, Any]) -> None:
        charge = shaped(
            stripe.Charge,
            **self._common("ch", "charge"),
            amount=intent["amount"],
            amount_captured=intent["amount"],
            amount_refunded=0,
            billing_details=shaped(stripe.Charge.BillingDetails),
            captured=True,
            currency=intent["currency"],
            customer=intent["customer"],
            disputed=False,
            metadata={},
            paid=True,
            payment_intent=intent["id"],
            refunded=False,
            status="succeeded",
        )
        self.charges[charge["id"]] = charge
        intent.update(
            status="succeeded",
            amount_received=intent["amount"],
            latest_charge=charge["id"],
            next_action=None,
        )
        self.tell("payment_intent.succeeded", intent)

    def _refuse(self, intent: dict[str, Any], code: str, decline_code: str | None) -> None:
        intent["status"] = "requires_payment_method"
        intent["last_payment_error"] = shaped(
            stripe.PaymentIntent.LastPaymentError,
            type="card_error",
            code=code,
            decline_code=decline_code,
            message="Your card was declined.",
        )
        self.tell("payment_intent.payment_failed", intent)
        more = {} if decline_code is None else {"decline_code": decline_code}
        raise Refused(402, code, "Your card was declined.", payment_intent=dict(intent), **more)

    def _find(self, where: dict[str, dict[str, Any]], key: str, word: str) -> dict[str, Any]:
        if key not in where:
            raise Refused(404, "resource_missing", f"No such {word}: '{key}'", param="id")
        return where[key]

    def _common(self, prefix: str, name: str) -> dict[str, Any]:
        return {
            "id": f"{prefix}_{next(self._numbers)}",
            "object": name,
            "created": int(time.time()),
            "livemode": False,
        }
