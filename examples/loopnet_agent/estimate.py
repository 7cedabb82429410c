"""What a run may still cost, asked before anything is charged."""

from __future__ import annotations

from examples.loopnet_agent.journal import Journal
from examples.loopnet_agent.stopping import OutOfCredits
from examples.loopnet_agent.till import Till
from examples.loopnet_agent.units import Kind


def before(till: Till, journal: Journal, contacts: int, *, whole: bool) -> str:
    """Say what the run may cost at most from here on, and how far the credits go.

    Args:
        contacts: how many are looked up of a company at most.
        whole: refuse to begin what couldn't be finished.

    Raises:
        OutOfCredits: it was wanted whole, and can't be paid now.
    """
    credits, check = till.check_all(most(journal, contacts))
    if check is None:
        return "Nothing more to pay."
    if check:
        return f"It costs {credits} credits at most; {check.remaining_credits} are there."
    if whole:
        raise OutOfCredits(check.why)
    return (
        f"It costs {credits} credits at most, and {check.remaining_credits} are there: "
        "it goes as far as they do, and on from there later."
    )


def most(journal: Journal, contacts: int) -> dict[Kind, int]:
    """How often each kind may still be charged: as if the cache had nothing, and nothing failed."""
    open_units = {kind: sum(u.open for u in journal.units(kind)) for kind in Kind}
    enrich = open_units[Kind.ENRICH] + open_units[Kind.CACHE]
    contact = open_units[Kind.CONTACT] + contacts * enrich
    rows = len(journal.units(Kind.CACHE)) + len(journal.units(Kind.CONTACT)) + contacts * enrich
    return {
        Kind.CACHE: open_units[Kind.CACHE],
        Kind.ENRICH: enrich,
        Kind.CONTACT: contact,
        Kind.EXPORT: rows if open_units[Kind.EXPORT] else 0,
    }
