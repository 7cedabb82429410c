"""The acknowledgement logs against the ledger: one row for each acknowledged key, none for another."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.faults.answers import Outcome
from tests.faults.log import Entry, entries, last_known


@dataclass(frozen=True)
class Kind:
    """What one acknowledged call of a kind leaves behind.

    Attributes:
        rows: queries for (organization, key, credits) of every row whose key is LIKE the parameter;
            each must have exactly one row for the call.
        moves: by how much the balances of BALANCES change for each credit.
    """

    rows: tuple[str, ...]
    moves: dict[str, int] = field(default_factory=dict)


def _journal(kind: str) -> str:
    return (
        "SELECT org_id::text, idempotency_key, credits FROM credit_journal "
        f"WHERE kind = '{kind}' AND idempotency_key LIKE %s"
    )


def _usage(operation: str) -> str:
    # What was asked for without an Idempotency-Key has the key as its request id.
    return (
        "SELECT org_id::text, coalesce(idempotency_key, request_id), abs(credits_used) "
        f"FROM credit_usage_attribution WHERE operation = '{operation}' "
        "AND coalesce(idempotency_key, request_id) LIKE %s"
    )


_HISTORY = (
    "SELECT org_id::text, idempotency_key, credits FROM org_billing_history "
    "WHERE event_type = 'credit_grant' AND idempotency_key LIKE %s"
)

_HOLD = (
    "SELECT org_id::text, idempotency_key, credits FROM credit_holds WHERE idempotency_key LIKE %s"
)
# A release has no row and no key but the hold's.
_RELEASED = (
    "SELECT org_id::text, id::text, released_credits FROM credit_holds "
    "WHERE status = 'released' AND idempotency_key LIKE %s"
)

KINDS = {
    "deduct": Kind((_usage("deduct"),), {"used": 1}),
    "hold": Kind((_HOLD,)),
    "capture": Kind((_usage("capture"),), {"used": 1}),
    "release": Kind((_RELEASED,)),
    "refund": Kind((_usage("refund"),), {"used": -1}),
    "allocate": Kind((_journal("allocation"),), {"budget": 1}),
    "reclaim": Kind((_journal("reclaim"),), {"budget": -1}),
    "add": Kind((_journal("grant"), _HISTORY), {"total": 1}),
}

#: Balances that nothing but the calls changes (resets move the others); '' is the whole organization.
BALANCES = {
    "used": "SELECT org_id::text, user_id::text, lifetime_used_credits FROM user_credit_allocations",
    "budget": "SELECT org_id::text, user_id::text, budget_credits FROM user_credit_allocations",
    # What has expired counts as released, whoever has written so. Each call says what it holds: see Call.
    "held": (
        "SELECT a.org_id::text, a.user_id::text, a.held_credits - coalesce(e.held_credits, 0) "
        "FROM user_credit_allocations AS a LEFT JOIN v_elapsed_holds AS e "
        "ON e.org_id = a.org_id AND e.allocation_id = a.id"
    ),
    "total": "SELECT org_id::text, '', total_credits FROM organization_credit_pools",
}

Balances = dict[tuple[str, str, str], int]


@dataclass
class Findings:
    """What the comparison found; every list has to be empty.

    Attributes:
        kinds: how many calls of each kind were acknowledged.
        retries: how often a client did not know an outcome, and sent the call again.
        lost: keys that were acknowledged and have no row.
        twice: keys with more than one row.
        wrong: rows, or balances, that differ from what was acknowledged.
        unresolved: keys whose outcome no retry has told.
    """

    keys: int = 0
    acknowledged: int = 0
    refused: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    retries: int = 0
    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def balances(url: str) -> Balances:
    """Every balance of BALANCES as it is now."""
    found: Balances = {}
    with psycopg.connect(url) as connection:
        for name, query in BALANCES.items():
            for org_id, user_id, credits in connection.execute(query):
                found[name, org_id, user_id] = credits
    return found


def compare(url: str, folder: Path, prefix: str, before: Balances) -> Findings:
    """The logs in the folder against the rows whose keys begin with the prefix."""
    written = list(entries(folder))
    final = last_known(written)
    outcomes = Counter(entry.outcome for entry in final.values())
    findings = Findings(
        keys=len(final),
        acknowledged=outcomes[Outcome.OK],
        refused=outcomes[Outcome.REFUSED],
        kinds=dict(Counter(entry.kind for entry in final.values() if entry.outcome == Outcome.OK)),
        retries=sum(not _known(entry) for entry in written),
        unresolved=[f"{key}: {one.why}" for key, one in final.items() if not _known(one)],
    )
    with psycopg.connect(url) as connection:
        for name, kind in KINDS.items():
            for query in kind.rows:
                rows = connection.execute(query, [prefix + "%"]).fetchall()
                compare_rows(name, rows, final, findings)
    compare_balances(before, balances(url), final, findings)
    return findings


def compare_rows(
    kind: str, rows: list[tuple[str, str, int]], final: dict[str, Entry], findings: Findings
) -> None:
    """Find what is lost, twice or wrong among the rows of one kind: (organization, key, credits)."""
    found: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for org_id, key, credits in rows:
        found[key].append((org_id, credits))
    for key, entry in final.items():
        if entry.kind == kind:
            _compare_key(entry, found.pop(key, []), findings)
    findings.wrong += [f"{key}: a row that no client knows of" for key in found]


def _compare_key(entry: Entry, rows: list[tuple[str, int]], findings: Findings) -> None:
    if len(rows) > 1:
        findings.twice.append(entry.key)
    if entry.outcome == Outcome.OK and not rows:
        findings.lost.append(entry.key)
    if entry.outcome == Outcome.REFUSED and rows:
        findings.wrong.append(f"{entry.key}: refused, and charged")
    if rows and rows[0] != (entry.org_id, entry.credits):
        findings.wrong.append(f"{entry.key}: {entry.credits} acknowledged, {rows[0][1]} in its row")


def compare_balances(
    before: Balances, after: Balances, final: dict[str, Entry], findings: Findings
) -> None:
    """Find balances that moved by anything but what was acknowledged."""
    expected = Counter(before)
    for entry in final.values():
        if entry.outcome == Outcome.OK:
            expected["held", entry.org_id, entry.user_id] += entry.held
            for name, factor in KINDS[entry.kind].moves.items():
                owner = "" if name == "total" else entry.user_id
                expected[name, entry.org_id, owner] += factor * entry.credits
    findings.wrong += [
        f"{' '.join(which)}: {credits} expected, {after.get(which)} found"
        for which, credits in expected.items()
        if after.get(which) != credits
    ]


def _known(entry: Entry) -> bool:
    return entry.outcome in {Outcome.OK, Outcome.REFUSED}
