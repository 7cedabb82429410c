"""A month of believable usage: more on weekdays, in office hours, mostly small calls."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from orgbilling.demo.cast import Person

#: Within one monthly period, so that a person's credits are the ones they were given.
DAYS = 27
WEEKDAY, WEEKEND = 6, 1
OFFICE_HOURS = (8, 19)


@dataclass(frozen=True, slots=True)
class Call:
    """One priced call of a service at a moment."""

    at: datetime
    service: str
    quantity: int
    about: str


#: Service, how often, the most of it in one call.
MENU = (
    ("intelligence_cache_lookup", 45, 1),
    ("contact_lookup", 35, 1),
    ("company_enrichment", 12, 1),
    ("bulk_export", 8, 20),
)
COMPANIES = (
    "acme",
    "initech",
    "umbrella",
    "hooli",
    "soylent",
    "stark",
    "wayne",
    "tyrell",
    "cyberdyne",
)


def month_of(person: Person, until: datetime) -> Iterator[Call]:
    """The person's calls before ``until``, oldest first; the same ones for the same person and moment."""
    draw = random.Random(person.email)  # noqa: S311 - believable, not secret
    moments = sorted(_moment(draw, until) for _ in range(person.charges))
    names, weights = [row[0] for row in MENU], [row[1] for row in MENU]
    most = {row[0]: row[2] for row in MENU}
    for at in moments:
        service = draw.choices(names, weights)[0]
        yield Call(at, service, draw.randint(1, most[service]), f"{draw.choice(COMPANIES)}.example")


def _moment(draw: random.Random, until: datetime) -> datetime:
    days = [until - timedelta(days=back) for back in range(1, DAYS)]
    weights = [WEEKDAY if day.weekday() < 5 else WEEKEND for day in days]
    day = draw.choices(days, weights)[0]
    return day.replace(
        hour=draw.randint(*OFFICE_HOURS), minute=draw.randint(0, 59), second=draw.randint(0, 59)
    )
