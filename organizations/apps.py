"""Django's handle on the app that knows who is who."""

from django.apps import AppConfig

from organizations.sign_on.configuration import refuse_half_configuration


class OrganizationsConfig(AppConfig):
    """Users, organizations, members and API keys."""

    name = "organizations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Stop the start when single sign-on is half configured: it must never check less.

        Raises ImproperlyConfigured.
        """
        refuse_half_configuration()
