"""The ledger: pools, allocations, usage, journal, prices."""

from django.apps import AppConfig


class CreditsConfig(AppConfig):
    """Who may spend how many credits of which organization, and what was spent."""

    name = "credits"
    verbose_name = "Credits"
