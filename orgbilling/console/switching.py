"""The organizations that a person may look at, for the switcher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.http import HttpRequest
from django.urls import reverse

from organizations.choices import Role
from organizations.models import Member, Organization
from organizations.scoping import current_org_id, person_of

#: As many as a menu can show; more are found in the list of organizations.
SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the switcher; `role` is empty for a system admin who is no member."""

    org_id: UUID
    name: str
    role: str
    current: bool

    @property
    def url(self) -> str:
        """The organization's dashboard."""
        return reverse("admin:org_dashboard", args=[self.org_id])


@dataclass(frozen=True, slots=True)
class Places:
    """The switcher: where the person is, and where they may go."""

    current: Place | None
    others: list[Place]

    @property
    def several(self) -> bool:
        """Whether there is anything to choose."""
        return bool(self.others)


def places_of(request: HttpRequest) -> Places:
    """The person's organizations by name; a system admin's current one is among them whoever owns it."""
    person = person_of(request)
    current_id = current_org_id(request)
    rows = Member.objects.filter(user=person).select_related("org").order_by("org__display_name")
    places = [
        Place(row.org_id, row.org.display_name, Role(row.role).label, row.org_id == current_id)
        for row in rows[:SHOWN]
    ]
    current = next((place for place in places if place.current), None)
    if current is None and current_id is not None:
        found = Organization.objects.filter(pk=current_id).first()
        if found is not None:
            current = Place(found.pk, found.display_name, "", current=True)
    return Places(current, [place for place in places if not place.current])
