"""The web floor: HTTP pieces that know no app of ours."""

from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from redis import ConnectionPool

from orgbilling.web.attempts import LIMITS
from orgbilling.web.throttling import parse_rate

RATES = ("RATE_LIMIT_READS", "RATE_LIMIT_WRITES", "RATE_LIMIT_SERVICE", *LIMITS)


class WebConfig(AppConfig):
    """Owns one table, the shared counters of the rate limits."""

    name = "orgbilling.web"
    label = "web"
    verbose_name = "Web"

    def ready(self) -> None:
        """Stop the start when a limit or its store can't be understood: no request could be answered.

        Raises:
            ImproperlyConfigured: naming the setting.
        """
        for name in RATES:
            try:
                parse_rate(getattr(settings, name))
            except ValueError as exc:
                message = f"{name}: {exc}"
                raise ImproperlyConfigured(message) from exc
        if settings.REDIS_URL:
            _check_redis_url(settings.REDIS_URL)


def _check_redis_url(url: str) -> None:
    try:
        ConnectionPool.from_url(url)
    except ValueError:
        # Without what was set: it may have a password in it.
        message = "REDIS_URL must look like redis://host:6379/0, rediss://… or unix://…"
        raise ImproperlyConfigured(message) from None
