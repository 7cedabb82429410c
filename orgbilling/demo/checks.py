"""Whether the demo's people or keys could get into a service that strangers reach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.db import connections

from organizations.models import ApiKey, User
from orgbilling.demo.cast import tenants
from orgbilling.demo.seeding import ADMIN_EMAIL, KEY_NAMES


def demo_is_not_served(
    *, databases: Sequence[str] | None = None, **_options: Any
) -> list[CheckMessage]:
    """Complain, in production, about people and keys of the demo that still open a door.

    Run by ``migrate``, and by ``check --database default``.
    """
    if not settings.PRODUCTION or "default" not in (databases or ()):
        return []
    if User._meta.db_table not in connections["default"].introspection.table_names():
        return []
    people = [person.email for tenant in tenants("large") for person in tenant.people]
    there = User.objects.filter(email__in=[ADMIN_EMAIL, *people], is_active=True).count()
    there += ApiKey.objects.filter(name__in=KEY_NAMES, revoked_at=None).count()
    if not there:
        return []
    return [
        Error(
            f"{there} people and keys of the demo can use this service.",
            hint="Serve an empty database, or switch these people off and revoke the keys.",
            id="orgbilling.E001",
        )
    ]
