"""A server that speaks the calls of Stripe's API that we use, over HTTP, with its state in memory.

What it takes and answers is held against the official client's own definitions: a parameter that the
client's types don't name is refused, and an object lacks nothing that they say is always there.
"""

from tests.stripe_server.account import Account
from tests.stripe_server.configuring import configured
from tests.stripe_server.server import SECRET_KEY, WEBHOOK_SECRET, StripeServer

__all__ = ["SECRET_KEY", "WEBHOOK_SECRET", "Account", "StripeServer", "configured"]
