"""The roof as a Django app: it holds the commands that need every other app."""

from django.apps import AppConfig

from orgbilling.lib.metrics_files import shared_folder
from orgbilling.lib.pool_metrics import publish_forever


class OrgbillingConfig(AppConfig):
    """No models; management commands, and what every long-running program does."""

    name = "orgbilling"
    verbose_name = "Org billing"

    def ready(self) -> None:
        """Tell how full the connection pools are, where the figures of several processes are told together."""
        if shared_folder() is not None:
            publish_forever()
