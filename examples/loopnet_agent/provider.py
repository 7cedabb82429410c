"""The outside world of the example: a made-up data provider. Replace it by yours; nothing else knows it.

Its answers are derived from the names asked for, so that a run can be repeated and compared. Nobody in it exists.
"""

from __future__ import annotations

import hashlib
from typing import Any, Protocol

Record = dict[str, Any]


class FailedForGood(Exception):
    """The provider has no answer and won't have one: what was charged for it is refunded."""


class FailedForNow(Exception):
    """The provider can't answer at the moment: the unit stays paid and open, and a later run goes on."""


class DataProvider(Protocol):
    """What the agent needs of a data provider. The same question may be asked again, and is answered the same."""

    def cached(self, domain: str) -> Record | None:
        """The company as the intelligence cache has it; None when it doesn't. Raises FailedForNow."""

    def company(self, name: str, domain: str) -> Record:
        """The company, with the roles in ``contacts``. Raises FailedForGood, FailedForNow."""

    def contact(self, domain: str, role: str) -> Record:
        """Who has a role in a company. Raises FailedForGood, FailedForNow."""


INDUSTRIES = ("Logistics", "Retail", "Manufacturing", "Energy", "Healthcare", "Real estate")
ROLES = ("chief-executive", "head-of-sales", "head-of-property")
FIRST = ("Ada", "Bela", "Chen", "Dora", "Emil", "Fatma", "Goran", "Hana")
LAST = ("Abbot", "Brandt", "Costa", "Dufour", "Eriksen", "Farkas", "Greco", "Holm")


class MadeUpProvider:
    """Knows a quarter of all companies by its cache, and one in eight, and one contact in eight, not at all."""

    def cached(self, domain: str) -> Record | None:
        """A quarter of all domains."""
        if _draw("cache", domain) % 4:
            return None
        return self._describe(domain.split(".", maxsplit=1)[0].title(), domain)

    def company(self, name: str, domain: str) -> Record:
        """Seven in eight."""
        if _draw("unknown", domain) % 8 == 0:
            raise FailedForGood(f"Nothing is known about {domain}.")
        return self._describe(name, domain)

    def contact(self, domain: str, role: str) -> Record:
        """Seven in eight."""
        draw = _draw("contact", domain, role)
        if draw % 8 == 0:
            raise FailedForGood(f"Nobody is known as {role} of {domain}.")
        first, last = FIRST[draw // 8 % len(FIRST)], LAST[draw // 64 % len(LAST)]
        email = f"{first}.{last}@{domain}".lower()
        return {"domain": domain, "role": role, "name": f"{first} {last}", "email": email}

    def _describe(self, name: str, domain: str) -> Record:
        draw = _draw("company", domain)
        return {
            "company": name,
            "domain": domain,
            "industry": INDUSTRIES[draw % len(INDUSTRIES)],
            "employees": 10 + draw // 8 % 5_000,
            "contacts": list(ROLES[: 1 + draw % len(ROLES)]),
        }


def _draw(*names: str) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(names).encode()).digest()[:4], "big")
