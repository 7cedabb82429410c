"""The number on the bell."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest

from organizations.models import Notice
from organizations.scoping import person_of

#: The bell counts no further.
COUNTED: Final = 99


def unread_of(request: HttpRequest) -> int:
    """How many notices the person has not read, at most 100. One query."""
    rows = Notice.objects.visible_to(person_of(request)).unread().order_by()
    return len(rows.values_list("pk")[: COUNTED + 1])
