"""The roof as a Django app: it holds the commands that need every other app."""

from django.apps import AppConfig
from django.core.checks import Tags, register

from orgbilling.lib.metrics_files import shared_folder
from orgbilling.lib.pool_metrics import publish_forever


class OrgbillingConfig(AppConfig):
    """No models; management commands, and what every long-running program does."""

    name = "orgbilling"
    verbose_name = "Org billing"

    def ready(self) -> None:
        """Register the check that needs the apps; tell how full the connection pools are, where processes tell it."""
        from orgbilling.demo.checks import demo_is_not_served  # noqa: PLC0415 - models are there by now

        register(demo_is_not_served, Tags.database)
        if shared_folder() is not None:
            publish_forever()
