"""What a run consists of: units of work, each with an id, a state and the key of its charge.

Ids and keys are derived from the run's name and the work itself, never drawn at random: a process that knows nothing
any more, not even its journal, sends the same keys and is charged nothing twice.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

PREFIX = "loopnet"
RUN_NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")
#: The service stores request ids of up to 128 characters; this leaves room for the rest of a key.
LONGEST_SUBJECT = 60


class Kind(StrEnum):
    """What is done in a unit; the value begins its id."""

    CACHE = "cache"
    ENRICH = "enrich"
    CONTACT = "contact"
    EXPORT = "export"


#: What each kind is charged as; names of the service's price catalogue.
SERVICES = {
    Kind.CACHE: "intelligence_cache_lookup",
    Kind.ENRICH: "company_enrichment",
    Kind.CONTACT: "contact_lookup",
    Kind.EXPORT: "bulk_export",
}


class State(StrEnum):
    """How far a unit is. What a state says has happened; whatever comes next may have happened too."""

    PLANNED = "planned"
    #: The key and the body of the charge (or the hold) are fixed: from here on it may have been made.
    INTENDED = "intended"
    CHARGED = "charged"
    #: The work failed for good: from here on the refund may have been made.
    REFUNDING = "refunding"
    #: An export's records are counted: from here on its hold may have been captured or released.
    WRITTEN = "written"
    DONE = "done"
    REFUNDED = "refunded"


ENDED = frozenset({State.DONE, State.REFUNDED})


@dataclass(frozen=True, slots=True)
class Unit:
    """One thing that is paid once. ``attempt`` counts the keys that a refusal or an expired hold has used up."""

    id: str
    kind: Kind
    subject: dict[str, str]
    state: State = State.PLANNED
    attempt: int = 1
    #: What is sent with the key: a repetition has to be the same to the letter, or the service refuses it.
    request: dict[str, Any] = field(default_factory=dict)
    usage_id: str | None = None
    #: Why it failed for good, or how much was written.
    outcome: dict[str, Any] = field(default_factory=dict)

    @property
    def service(self) -> str:
        """The service that it is charged as."""
        return SERVICES[self.kind]

    @property
    def open(self) -> bool:
        """Whether something remains to be done."""
        return self.state not in ENDED


def unit_id(kind: Kind, *names: str) -> str:
    """The id of a unit: the same for the same work. Names too long for a request id are digested."""
    subject = ":".join(names)
    if len(subject) > LONGEST_SUBJECT:
        subject = hashlib.sha256(subject.encode()).hexdigest()[:32]
    return f"{kind}:{subject}"


def key_of(run: str, unit: Unit, step: str = "") -> str:
    """The idempotency key, and the request id, of a call for a unit.

    Args:
        run: the run's name.
        step: what the call does, when it isn't the charge or the hold: ``capture``, ``refund``.
    """
    key = f"{PREFIX}:{run}:{unit.id}:{unit.attempt}"
    return f"{key}:{step}" if step else key


def cache_unit(company: str, domain: str) -> Unit:
    """The look-up that every company begins with."""
    return Unit(unit_id(Kind.CACHE, domain), Kind.CACHE, {"company": company, "domain": domain})


def enrich_unit(subject: dict[str, str]) -> Unit:
    """What a company needs that the cache doesn't have."""
    return Unit(unit_id(Kind.ENRICH, subject["domain"]), Kind.ENRICH, subject)


def contact_unit(subject: dict[str, str], role: str) -> Unit:
    """The look-up of whoever has a role in a company."""
    name = unit_id(Kind.CONTACT, subject["domain"], role)
    return Unit(name, Kind.CONTACT, {**subject, "contact": role})


def export_unit(table: str) -> Unit:
    """The export of one table."""
    return Unit(unit_id(Kind.EXPORT, table), Kind.EXPORT, {"table": table})
