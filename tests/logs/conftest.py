"""One running service for the tests of its logs, with secrets of its own that no line may show."""

import pytest

from tests.logs.reading import Logged
from tests.service import running

#: What the settings of the service hold; nothing of it may be logged.
PLANTED = {
    "SECRET_KEY": "planted-secret-key-0123456789-0123456789-0123456789",
    "STRIPE_SECRET_KEY": "sk_test_plantedStripeSecretKey0123456789",
    "STRIPE_WEBHOOK_SECRET": "whsec_plantedWebhookSecret0123456789",
    # Nobody listens there: what is asked of Stripe fails.
    "STRIPE_API_BASE": "http://127.0.0.1:9",
}


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """A service, and what it logs."""
    folder = tmp_path_factory.mktemp("logs")
    with running(folder, LOG_LEVEL="DEBUG", **PLANTED) as service:
        yield Logged(service)
