"""Organizations and people as an operator names them on a command line."""

from __future__ import annotations

from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from organizations.models import Organization


def organization_named(name: str) -> Organization:
    """The organization with this id or name.

    Raises:
        CommandError: status 2; there is none.
    """
    found = Organization.objects.filter(name=name).first()
    if found is None and (key := id_of(name)) is not None:
        found = Organization.objects.filter(pk=key).first()
    if found is None:
        message = f"There is no organization {name!r}."
        raise CommandError(message, returncode=2)
    return found


def add_organizations(parser: CommandParser) -> None:
    """Let a command be given organizations, as ``options["organizations"]``; none means all."""
    parser.add_argument(
        "organizations",
        nargs="*",
        metavar="ORG",
        help="an organization's id or name; all organizations when left out",
    )


def id_of(text: str) -> UUID | None:
    """The UUID that the text is; None when it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
