"""Who is in the demo: organizations, their people, their plans and what their people may spend."""

from __future__ import annotations

from dataclasses import dataclass

from organizations.choices import Role


@dataclass(frozen=True, slots=True)
class Person:
    """A member of a demo organization. ``credits`` 0: no allocation. ``charges``: how many in the month."""

    name: str
    email: str
    role: Role
    credits: int = 0
    charges: int = 0


@dataclass(frozen=True, slots=True)
class Tenant:
    """A demo organization; the first person is its owner."""

    slug: str
    name: str
    plan: str
    credits: int
    people: tuple[Person, ...]
    timezone: str = "UTC"


ALPHA = Tenant(
    slug="test-org-alpha",
    name="Test Org Alpha",
    plan="platform",
    credits=10_000,
    people=(
        Person("Alice Ames", "alice@alpha.example", Role.OWNER, 1_000, 31),
        Person("Bob Brook", "bob@alpha.example", Role.MEMBER, 500, 17),
    ),
)

GLOBEX = Tenant(
    slug="globex",
    name="Globex",
    plan="hybrid",
    credits=80_000,
    people=(
        Person("Charlie Chan", "charlie@globex.example", Role.OWNER, 8_000, 150),
        Person("Dana Diaz", "dana@globex.example", Role.ADMIN, 12_000, 220),
        Person("Erin Engel", "erin@globex.example", Role.BILLING_ADMIN, 4_000, 60),
        Person("Farid Fahmy", "farid@globex.example", Role.MEMBER, 20_000, 330),
        Person("Grace Gill", "grace@globex.example", Role.MEMBER, 2_500, 75),
    ),
    timezone="America/New_York",
)

PLANS = ("platform", "byok", "hybrid")
ZONES = ("UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Tokyo")
LARGE_TENANTS = 40
LARGE_PEOPLE = 15


def tenants(scale: str) -> list[Tenant]:
    """The organizations of a scale: ``small`` (two) or ``large`` (42, about 25,000 charges)."""
    if scale == "small":
        return [ALPHA, GLOBEX]
    return [ALPHA, GLOBEX, *(_generated(number) for number in range(1, LARGE_TENANTS + 1))]


def _generated(number: int) -> Tenant:
    people = tuple(
        Person(
            f"Person {number}.{index}",
            f"person{index}@tenant{number}.example",
            Role.OWNER if index == 0 else Role.MEMBER,
            5_000 * (1 + (number + index) % 4),
            10 + (number * 7 + index * 13) % 60,
        )
        for index in range(LARGE_PEOPLE)
    )
    return Tenant(
        slug=f"tenant-{number}",
        name=f"Tenant {number}",
        plan=PLANS[number % len(PLANS)],
        credits=250_000,
        people=people,
        timezone=ZONES[number % len(ZONES)],
    )
