"""The web floor: HTTP pieces that know no app of ours."""

from __future__ import annotations

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Owns one table, the shared counters of the rate limits."""

    name = "orgbilling.web"
    label = "web"
    verbose_name = "Web"
