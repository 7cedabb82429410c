"""The web floor: HTTP pieces that know no app of ours."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from orgbilling.web.throttling import parse_rate


class WebConfig(AppConfig):
    """Owns one table, the shared counters of the rate limits."""

    name = "orgbilling.web"
    label = "web"
    verbose_name = "Web"

    def ready(self) -> None:
        """Stop the start when a rate limit can't be understood: no request could be answered.

        Raises:
            ImproperlyConfigured: naming the setting.
        """
        for name in ("RATE_LIMIT_READS", "RATE_LIMIT_WRITES", "RATE_LIMIT_SERVICE"):
            try:
                parse_rate(getattr(settings, name))
            except ValueError as exc:
                message = f"{name}: {exc}"
                raise ImproperlyConfigured(message) from exc
