"""Django's handle on the app that knows money."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Plans, subscriptions, purchases, payments and the history of all of them."""

    name = "billing"
    default_auto_field = "django.db.models.UUIDField"
