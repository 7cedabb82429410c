"""What can go wrong about money."""

from decimal import Decimal

from orgbilling.lib.errors import InvalidRequest, OrgBillingError


class SubscriptionExists(OrgBillingError):
    """The organization has a live subscription already."""

    code = "subscription_exists"
    title = "Subscription exists"
    default_detail = (
        "This organization has a live subscription already: change that one, or cancel it first."
    )


class SubscriptionCanceled(OrgBillingError):
    """A canceled subscription can't be changed any more."""

    code = "subscription_canceled"
    title = "Subscription canceled"
    default_detail = "This subscription is canceled. Subscribe again to go on."


class ChargeRisen(InvalidRequest):
    """What somebody agreed to pay doesn't suffice any more: it is to be shown again, and agreed to again."""

    def __init__(self, amount: Decimal, agreed: Decimal) -> None:
        self.amount = amount
        super().__init__(
            "amount",
            f"This costs {amount:.2f} now, more than the {agreed:.2f} that was agreed to.",
            "risen",
        )


class AccountLimitExceeded(OrgBillingError):
    """The purchase would take the unpaid sum past the organization's on-account limit."""

    code = "account_limit_exceeded"
    title = "Account limit exceeded"
    default_detail = "The unpaid purchases would pass what this organization may owe."


class PaymentProviderUnavailable(OrgBillingError):
    """The payment provider gave no answer, or refused us; what it did is not known."""

    code = "payment_provider_unavailable"
    title = "Payment provider unavailable"
    default_detail = (
        "The payment provider can't be reached at the moment. Try again in a minute: "
        "nothing is charged twice."
    )
    retry_after = 60


class InvalidSignature(OrgBillingError):
    """A webhook that the payment provider didn't sign, or signed too long ago."""

    code = "invalid_signature"
    title = "Invalid signature"
    default_detail = (
        "The payment provider's signature is missing, wrong, or older than 5 minutes: "
        "check the webhook's secret and both clocks."
    )
