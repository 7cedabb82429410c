"""``manage.py issue_api_key``: a service account's key, made by the operator."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from organizations.choices import Scope
from organizations.models import ApiKey, Organization


class Command(BaseCommand):
    """Prints the key, this once: only its hash is stored. The only way to make a key of all organizations."""

    help = "Make an API key, of one organization or of all, and print it this once."

    def add_arguments(self, parser: CommandParser) -> None:
        """The key's name, its reach and its scopes."""
        parser.add_argument("name", help="what the service is called")
        reach = parser.add_mutually_exclusive_group(required=True)
        reach.add_argument(
            "--organization", metavar="SLUG", help="bind the key to this organization"
        )
        reach.add_argument("--all-organizations", action="store_true")
        parser.add_argument(
            "--scope",
            action="append",
            choices=Scope.values,
            help="give this scope; may be repeated; every scope when left out",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Print nothing but the key, so that a script can keep it.

        Raises:
            CommandError: there is no such organization.
        """
        organization = None
        if options["organization"]:
            organization = Organization.objects.filter(name=options["organization"]).first()
            if organization is None:
                message = f"There is no organization {options['organization']!r}."
                raise CommandError(message)
        scopes = [Scope(scope) for scope in options["scope"] or Scope.values]
        _key, plaintext = ApiKey.objects.issue(
            organization, name=options["name"], scopes=scopes, by=None
        )
        self.stdout.write(plaintext)
