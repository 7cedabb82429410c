"""What can go wrong about money."""

from orgbilling.lib.errors import OrgBillingError


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


class AccountLimitExceeded(OrgBillingError):
    """The purchase would take the unpaid sum past the organization's on-account limit."""

    code = "account_limit_exceeded"
    title = "Account limit exceeded"
    default_detail = "The unpaid purchases would pass what this organization may owe."
