"""Who collects what is owed: on account (nobody) or Stripe, chosen by the environment.

A provider only talks to the outside: it knows no table, and no call of it runs inside a transaction.
What follows from its answers is decided by `billing.collecting`, `billing.payment_methods` and
`billing.inbox`.
"""

from functools import lru_cache

from django.conf import settings

from billing.choices import ProviderName
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
from billing.providers.on_account import OnAccount
from billing.providers.stripe import Stripe

__all__ = [
    "Answer",
    "Charge",
    "Kind",
    "PaymentMethod",
    "Provider",
    "Refunded",
    "Setup",
    "SetupStart",
    "Telling",
    "current",
]


def current() -> Provider:
    """The provider that this service is configured for."""
    if settings.PAYMENT_PROVIDER == ProviderName.STRIPE:
        return _stripe(
            settings.STRIPE_SECRET_KEY,
            settings.STRIPE_WEBHOOK_SECRET,
            settings.STRIPE_PUBLISHABLE_KEY,
            settings.STRIPE_API_BASE,
        )
    return OnAccount()


# One client a process: it keeps its connections, one to a thread.
@lru_cache(maxsize=4)
def _stripe(secret_key: str, webhook_secret: str, publishable_key: str, api_base: str) -> Stripe:
    return Stripe(
        secret_key=secret_key,
        webhook_secret=webhook_secret,
        publishable_key=publishable_key,
        api_base=api_base,
    )
