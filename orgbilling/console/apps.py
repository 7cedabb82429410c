"""Puts our site in the place of Django's default admin site."""

from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    """Every ``@admin.register`` registers with the console."""

    default_site = "orgbilling.console.site.ConsoleSite"
