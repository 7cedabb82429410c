"""Who acted and who is meant, by name, as far as the person who looks may know; a query a page for each kind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest

from credits.models import Allocation
from organizations.models import ApiKey, Member, User
from organizations.scoping import reach_of

SYSTEM: Final = "By itself"


def name_people(request: HttpRequest, rows: Iterable[Any]) -> None:
    """Give each row with a bare ``user_id`` its ``person``: who belongs or belonged to its organization, or None.

    An id may be anybody's: whoever only asked about a stranger learns no name.
    """
    rows = list(rows)
    known = _belonging({(row.org_id, row.user_id) for row in rows}, reach_of(request).everything)
    for row in rows:
        row.person = known.get((row.org_id, row.user_id))


def name_actors(request: HttpRequest, rows: Iterable[Any]) -> None:
    """Give each row with an ``actor`` its ``actor_name``."""
    rows = list(rows)
    everything = reach_of(request).everything
    pairs = {(row.org_id, *_split(row.actor)) for row in rows}
    people = _belonging(
        {(org_id, found) for org_id, kind, found in pairs if kind == "user" and found}, everything
    )
    key_ids = {found for _org, kind, found in pairs if kind == "key" and found}
    keys = {key.pk: key for key in ApiKey.objects.filter(pk__in=key_ids)} if key_ids else {}
    for row in rows:
        kind, found = _split(row.actor)
        if kind == "user":
            user = people.get((row.org_id, found)) if found is not None else None
            row.actor_name = (user.name or user.email) if user is not None else "Operator"
        elif kind == "key":
            key = keys.get(found) if found is not None else None
            seen = key is not None and (everything or key.org_id == row.org_id)
            row.actor_name = f"API key “{key.name}”" if seen and key else "Operator's API key"
        else:
            row.actor_name = SYSTEM


def _belonging(pairs: set[tuple[Any, Any]], everything: bool) -> dict[tuple[Any, Any], User]:  # noqa: FBT001
    """The users of the pairs (organization, user) who belong there, or did while they had credits."""
    ids = {user_id for _org, user_id in pairs}
    if not ids:
        return {}
    users = {user.pk: user for user in User.objects.filter(pk__in=ids)}
    if everything:
        return {pair: users[pair[1]] for pair in pairs if pair[1] in users}
    orgs = {org_id for org_id, _user in pairs}
    within = Q(org_id__in=orgs, user_id__in=ids)
    belong = set(Member.objects.filter(within).values_list("org_id", "user_id"))
    belong |= set(Allocation.objects.filter(within).values_list("org_id", "user_id"))
    return {pair: users[pair[1]] for pair in pairs & belong if pair[1] in users}


def _split(actor: str) -> tuple[str, UUID | None]:
    kind, _colon, text = actor.partition(":")
    try:
        return kind, UUID(text)
    except ValueError:
        return "system", None
