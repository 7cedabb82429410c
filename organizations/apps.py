"""Django's handle on the app that knows who is who."""

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class OrganizationsConfig(AppConfig):
    """Users, organizations, members and API keys."""

    name = "organizations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Stop the start when single sign-on is half configured: it must never check less.

        Raises ImproperlyConfigured.
        """
        if settings.OIDC_ISSUER and not (settings.OIDC_AUDIENCE and settings.OIDC_JWKS_URL):
            msg = "OIDC_ISSUER needs OIDC_AUDIENCE and OIDC_JWKS_URL beside it."
            raise ImproperlyConfigured(msg)
