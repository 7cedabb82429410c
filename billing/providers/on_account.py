"""On account: nothing is collected. A system admin says that an invoice has been paid."""

import uuid
from datetime import datetime
from typing import NoReturn

from billing.choices import ProviderName
from billing.providers.base import (
    Answer,
    Charge,
    PaymentMethod,
    Provider,
    Refunded,
    Setup,
    SetupStart,
    Telling,
)
from orgbilling.lib.errors import InvalidRequest, NotFound


class OnAccount(Provider):
    """Knows no card and takes no money: `billing.settling.settle` is how payments are settled."""

    name = ProviderName.ON_ACCOUNT
    title = "On account: invoices"
    collects = False

    def create_customer(self, *, org_id: uuid.UUID) -> str:
        """Refuse."""
        _refuse()

    def describe_customer(self, customer_id: str, *, name: str, email: str) -> None:
        """Refuse."""
        _refuse()

    def start_setup(self, customer_id: str) -> SetupStart:
        """Refuse."""
        _refuse()

    def start_hosted_setup(self, customer_id: str, *, success_url: str, cancel_url: str) -> str:
        """Refuse."""
        _refuse()

    def setup(self, subject: str) -> Setup | None:
        """There is none."""
        return None

    def methods(self, customer_id: str) -> list[PaymentMethod]:
        """There are none."""
        return []

    def default_method(self, customer_id: str) -> str | None:
        """There is none."""
        return None

    def set_default(self, customer_id: str, method_id: str) -> None:
        """Refuse."""
        raise NotFound("There is no card with this id.")

    def detach(self, customer_id: str, method_id: str) -> None:
        """Refuse."""
        raise NotFound("There is no card with this id.")

    def charge(self, charge: Charge) -> Answer:
        """Refuse."""
        _refuse()

    def find(self, reference: str) -> Answer | None:
        """There is none."""
        return None

    def search(self, customer_id: str, *, attempt_id: str, since: datetime) -> Answer | None:
        """There is none."""
        return None

    def cancel(self, reference: str) -> Answer:
        """Refuse."""
        _refuse()

    def refunded(self, subject: str) -> Refunded | None:
        """Nothing was."""
        return None

    def tell(self, body: bytes, signature: str) -> Telling:
        """Refuse: nobody sends webhooks."""
        raise NotFound

    def understand(self, body: bytes) -> Telling:
        """Refuse: there are no webhooks."""
        raise NotFound


def _refuse() -> NoReturn:
    raise InvalidRequest(
        "payment_method", "Invoices are paid on account here: no payment provider is configured."
    )
