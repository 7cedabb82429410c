"""The roof as a Django app: it holds the commands that need every other app."""

from django.apps import AppConfig
from django.core.checks import Tags, register


class OrgbillingConfig(AppConfig):
    """No models; management commands only."""

    name = "orgbilling"
    verbose_name = "Org billing"

    def ready(self) -> None:
        """Register the check that needs the apps."""
        from orgbilling.demo.checks import demo_is_not_served  # noqa: PLC0415 - models are there by now

        register(demo_is_not_served, Tags.database)
