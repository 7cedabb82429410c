"""The roof as a Django app: it holds the commands that need every other app."""

from django.apps import AppConfig


class OrgbillingConfig(AppConfig):
    """No models; management commands only."""

    name = "orgbilling"
    verbose_name = "Org billing"
