"""What a payment provider is asked, and what it answers; nothing of any provider's own words."""

import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import ClassVar

from billing.choices import AttemptStatus, ProviderName


@dataclass(frozen=True, slots=True)
class PaymentMethod:
    """A card as people recognise it: `Visa ···· 4242, 12/2030`.

    Attributes:
        id: the provider's, such as `pm_…`.
        last4: its last four digits.
        exp_month: 1 to 12.
        exp_year: four digits.
    """

    id: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    is_default: bool


@dataclass(frozen=True, slots=True)
class SetupStart:
    """What a page with the provider's own script needs to take a card."""

    client_secret: str
    publishable_key: str


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge to be made; the same one asked for again, with the same key, is made once.

    Attributes:
        amount: what is taken, in the currency's smallest unit; at least 1.
        currency: three capital letters.
        key: the idempotency key. Everything else must be the same whenever it is used.
        metadata: kept by the provider beside the charge, to be found again by.
        return_url: where the holder comes back to after agreeing at the bank; empty: nobody is there to
            be asked, and a card that insists on it is refused.
    """

    customer_id: str
    method_id: str
    amount: int
    currency: str
    key: str
    description: str
    metadata: Mapping[str, str]
    return_url: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider says of a charge.

    Attributes:
        reference: the provider's id of it, such as `pi_…`; empty when it refused before it made one.
        status: `started` while the provider itself doesn't know yet.
        amount: in the currency's smallest unit; 0 without a reference.
        currency: three capital letters; empty without a reference.
        failure_code: short and stable, for rules; empty unless it failed.
        failure_message: for people.
        redirect_url: where the holder agrees to it; empty when there is nothing to agree to, or nowhere.
    """

    reference: str
    status: AttemptStatus
    amount: int = 0
    currency: str = ""
    customer_id: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    failure_code: str = ""
    failure_message: str = ""
    redirect_url: str = ""


@dataclass(frozen=True, slots=True)
class Setup:
    """A card that was taken, or is being taken, for a customer."""

    customer_id: str
    method_id: str
    is_done: bool


@dataclass(frozen=True, slots=True)
class Refunded:
    """How much of a charge has been given back, in the currency's smallest unit."""

    reference: str
    amount: int
    currency: str


class Kind(Enum):
    """What an event is about; which of them it says is never trusted, the subject is read again."""

    CHARGE = "charge"
    SETUP = "setup"
    REFUND = "refund"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Telling:
    """An event that the provider told us of by webhook.

    Attributes:
        event_id: the provider's; the same event has the same one, however often it is told.
        event_type: in the provider's words.
        subject: the provider's id of what to read again; empty for `Kind.OTHER`.
    """

    event_id: str
    event_type: str
    kind: Kind
    subject: str


class Provider(ABC):
    """Takes money, or doesn't.

    Every method talks to the provider over the network, `tell` and `understand` aside, and raises
    PaymentProviderUnavailable when there is no answer: what was asked may have been done.
    """

    name: ClassVar[ProviderName]
    #: For people: what invoices are paid by.
    title: ClassVar[str]
    #: Whether it takes the money by itself.
    collects: ClassVar[bool]

    @abstractmethod
    def create_customer(self, *, org_id: uuid.UUID) -> str:
        """Make the customer of an organization; called again, it returns the same one."""

    @abstractmethod
    def describe_customer(self, customer_id: str, *, name: str, email: str) -> None:
        """Tell the provider what the customer is called and where receipts go; `email` may be empty."""

    @abstractmethod
    def start_setup(self, customer_id: str) -> SetupStart:
        """Begin to take a card on a page that runs the provider's script."""

    @abstractmethod
    def start_hosted_setup(self, customer_id: str, *, success_url: str, cancel_url: str) -> str:
        """Begin to take a card on the provider's own page; returns its address.

        Where it leads back to has `?setup=` added, with what `setup` reads.
        """

    @abstractmethod
    def setup(self, subject: str) -> Setup | None:
        """Read a setup that an event told of. None: it is not one of a customer's card."""

    @abstractmethod
    def methods(self, customer_id: str) -> list[PaymentMethod]:
        """The customer's cards, the default first, then the newest."""

    @abstractmethod
    def default_method(self, customer_id: str) -> str | None:
        """The id of the card that is charged; None when there is none."""

    @abstractmethod
    def set_default(self, customer_id: str, method_id: str) -> None:
        """Make a card the one that is charged. Raises NotFound for a card that isn't the customer's."""

    @abstractmethod
    def detach(self, customer_id: str, method_id: str) -> None:
        """Forget a card. Raises NotFound for a card that isn't the customer's."""

    @abstractmethod
    def charge(self, charge: Charge) -> Answer:
        """Take money. A refusal is an answer."""

    @abstractmethod
    def find(self, reference: str) -> Answer | None:
        """Read a charge again; None: there is no such charge."""

    @abstractmethod
    def search(self, customer_id: str, *, attempt_id: str, since: datetime) -> Answer | None:
        """Look for the charge of an attempt whose answer was lost, among those made since."""

    @abstractmethod
    def cancel(self, reference: str) -> Answer:
        """Give up a charge that waits for its holder; one that succeeded meanwhile says so."""

    @abstractmethod
    def refunded(self, subject: str) -> Refunded | None:
        """How much of a charge was given back, by the subject that an event told of."""

    @abstractmethod
    def tell(self, body: bytes, signature: str) -> Telling:
        """Take in a webhook. Raises InvalidSignature, and InvalidRequest for what is no event."""

    @abstractmethod
    def understand(self, body: bytes) -> Telling:
        """Read a webhook that `tell` took in earlier."""
