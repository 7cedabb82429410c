"""An organization's cards: they are kept by the provider, we know whose customer is whose.

Who may call these is decided by whoever calls: billing roles of the organization, or a system admin.
"""

import uuid

import structlog

from billing import providers
from billing.models import Payment, PaymentCustomer
from organizations.models import Organization
from orgbilling.lib import clock, transactions
from orgbilling.lib.errors import NotFound

logger = structlog.stdlib.get_logger(__name__)


def start_setup(organization: Organization, *, email: str = "") -> providers.SetupStart:
    """Begin to take a card on a page of one's own that runs the provider's script.

    `email`: where the provider's receipts go. Raises InvalidRequest where nothing is collected, and
    PaymentProviderUnavailable.
    """
    customer = _customer(organization, email)
    return providers.current().start_setup(customer.customer_id)


def start_hosted_setup(
    organization: Organization, *, success_url: str, cancel_url: str, email: str = ""
) -> str:
    """Begin to take a card on the provider's own page; returns its address, to navigate to.

    Show it as a link: the console's policy lets no form end at another site, not by a redirect either.
    Back at `success_url`, which has no query of its own, call `take_in` with its `setup`. Raises as
    `start_setup`.
    """
    customer = _customer(organization, email)
    return providers.current().start_hosted_setup(
        customer.customer_id, success_url=success_url, cancel_url=cancel_url
    )


def methods(org_id: uuid.UUID) -> list[providers.PaymentMethod]:
    """The organization's cards, the default first. Raises PaymentProviderUnavailable."""
    provider = providers.current()
    customer = PaymentCustomer.objects.of(org_id=org_id, provider=provider.name)
    return provider.methods(customer.customer_id) if customer is not None else []


def set_default(*, org_id: uuid.UUID, method_id: str) -> None:
    """Charge this card from now on, for what is pending too.

    Raises NotFound for a card that isn't the organization's, and PaymentProviderUnavailable.
    """
    customer = _existing(org_id)
    providers.current().set_default(customer.customer_id, method_id)
    logger.info("card.made_default", org_id=org_id, method_id=method_id)
    _collect_pending(org_id)


def detach(*, org_id: uuid.UUID, method_id: str) -> None:
    """Forget a card. Without a default card nothing is collected until another one is chosen.

    Raises NotFound for a card that isn't the organization's, and PaymentProviderUnavailable.
    """
    customer = _existing(org_id)
    providers.current().detach(customer.customer_id, method_id)
    logger.info("card.removed", org_id=org_id, method_id=method_id)


def take_in(org_id: uuid.UUID, subject: str) -> bool:
    """Make the card of a setup the default if there is no default; True when it did.

    For the page that people come back to from the provider's: its webhook may come later. `subject` is what
    the provider has added to its address. Anybody's link may lead to that page, so another card, such as
    one that was kept when the default was removed, is never chosen by it. Raises NotFound for a card that
    was removed meanwhile, and PaymentProviderUnavailable.
    """
    provider = providers.current()
    customer = PaymentCustomer.objects.of(org_id=org_id, provider=provider.name)
    setup = provider.setup(subject) if customer is not None and subject else None
    if customer is None or setup is None or setup.customer_id != customer.customer_id:
        return False
    return setup.is_done and adopt(customer, setup.method_id)


def adopt(customer: PaymentCustomer, method_id: str) -> bool:
    """Take in a card that the provider told of: the first one becomes the default; True when it did."""
    if providers.current().default_method(customer.customer_id) is not None:
        return False
    set_default(org_id=customer.org_id, method_id=method_id)
    return True


def _customer(organization: Organization, email: str) -> PaymentCustomer:
    """The organization's customer, made when there is none.

    Killed between the provider's answer and our row, the next call gets the same customer: its
    idempotency key is the organization's id.
    """
    provider = providers.current()
    customer = PaymentCustomer.objects.of(org_id=organization.id, provider=provider.name)
    if customer is None:
        customer_id = provider.create_customer(org_id=organization.id)
        customer = transactions.run(
            lambda: PaymentCustomer.objects.remember(
                org_id=organization.id,
                provider=provider.name,
                customer_id=customer_id,
                moment=clock.database_now(),
            )
        )
    provider.describe_customer(customer.customer_id, name=organization.display_name, email=email)
    return customer


def _existing(org_id: uuid.UUID) -> PaymentCustomer:
    customer = PaymentCustomer.objects.of(org_id=org_id, provider=providers.current().name)
    if customer is None:
        raise NotFound("There is no card with this id.")
    return customer


def _collect_pending(org_id: uuid.UUID) -> None:
    def work() -> None:
        moment = clock.database_now()
        for payment in Payment.objects.pending().filter(org_id=org_id):
            Payment.objects.ask_for(payment, moment=moment, now=True)

    transactions.run(work)
