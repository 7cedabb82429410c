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
        given = (settings.OIDC_ISSUER, settings.OIDC_AUDIENCE, settings.OIDC_JWKS_URL)
        if any(given) and not all(given):
            msg = "Single sign-on needs OIDC_ISSUER, OIDC_AUDIENCE and OIDC_JWKS_URL: all or none."
            raise ImproperlyConfigured(msg)
