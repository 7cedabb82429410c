"""``orgbilling verify``: the ledger's equations, as far as a caller can see their sides."""

import csv
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from orgbilling_client import Client
from orgbilling_client.cli.arguments import AsJson, Org, session_of
from orgbilling_client.cli.failing import ExitCode
from orgbilling_client.cli.output import plain, progress, say, show_json, show_table
from orgbilling_client.models.pools import Allocation, Pool

READS_MAX = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One equation: what it says, and where it doesn't hold."""

    name: str
    says: str
    differences: tuple[str, ...]


@dataclass(slots=True)
class Charges:
    """What the rows of usage add up to."""

    rows: int = 0
    credits: int = 0
    used_by: Counter[str] = field(default_factory=Counter)
    refunded: Counter[str] = field(default_factory=Counter)
    said_refunded: dict[str, int] = field(default_factory=dict)
    charged: dict[str, int] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    twice: list[str] = field(default_factory=list)

    def add(self, row: dict[str, str]) -> None:
        """Take a row of the export."""
        credits = int(row["credits_used"])
        self.rows += 1
        self.credits += credits
        self.used_by[row["allocation_id"]] += credits
        if row["id"] in self.ids:
            self.twice.append(row["id"])
        self.ids.add(row["id"])
        if row["refund_of"]:
            self.refunded[row["refund_of"]] -= credits
        else:
            self.charged[row["id"]] = credits
            self.said_refunded[row["id"]] = int(row["refunded_credits"])


@dataclass(frozen=True, slots=True)
class Books:
    """What was read of an organization; `is_still` when nothing moved meanwhile."""

    pool: Pool
    allocations: list[Allocation]
    charges: Charges
    is_still: bool


def verify(context: typer.Context, org: Org = None, as_json: AsJson = False) -> None:
    """Check that pool, allocations and usage add up. Exits with 1 when they don't.

    It reads all usage of the organization. What moves meanwhile is read again; the service's own
    `manage.py verify_ledger` sees more, and all of it at one moment.
    """
    with session_of(context).client(org) as client:
        books = _read(client)
    checks = list(_checks(books))
    wrong = [one for one in checks if one.differences]
    if as_json:
        show_json(
            {
                "org_id": books.pool.org_id,
                "usage_rows": books.charges.rows,
                "consistent_read": books.is_still,
                "ok": not wrong,
                "checks": [plain(one) for one in checks],
            }
        )
    else:
        _show(books, checks)
    if wrong:
        raise typer.Exit(ExitCode.REFUSED)


def _read(client: Client) -> Books:
    """Read until nothing moves between the beginning and the end, or for the last time."""
    with progress() as bar:
        task = bar.add_task("Reading", total=None, done="")

        def show(size: int) -> None:
            bar.update(task, done=f"{size / 1_000_000:.1f} MB")

        for _ in range(READS_MAX):
            pool, allocations = client.pool(), list(client.allocations(page_size=500))
            charges = _charges(client, show)
            again = client.pool(), list(client.allocations(page_size=500))
            if _moving(pool, allocations) == _moving(*again):
                return Books(pool, allocations, charges, is_still=True)
        return Books(pool, allocations, charges, is_still=False)


def _moving(pool: Pool, allocations: list[Allocation]) -> Any:
    figures = (pool.total_credits, pool.allocated_credits, pool.used_credits, pool.held_credits)
    return figures, {
        (one.id, one.remaining_credits, one.held_credits, one.lifetime_used_credits)
        for one in allocations
    }


def _charges(client: Client, show: Any) -> Charges:
    with tempfile.TemporaryDirectory(prefix="orgbilling-") as folder:
        path = Path(folder) / "usage.csv"
        client.export_usage(path, on_progress=show)
        charges = Charges()
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                charges.add(row)
        return charges


def _checks(books: Books) -> Iterator[Check]:
    pool, allocations, charges = books.pool, books.allocations, books.charges
    yield _sum("pool_total", "total = available + allocated", pool.total_credits,
               pool.available_credits + pool.allocated_credits)  # fmt: skip
    yield _sum("pool_used", "pool: used = the members' lifetime use", pool.used_credits,
               sum(one.lifetime_used_credits for one in allocations))  # fmt: skip
    yield _sum("pool_held", "pool: held = what the members' holds reserve", pool.held_credits,
               sum(one.held_credits for one in allocations))  # fmt: skip
    yield _sum(
        "conservation",
        "allocated = remaining + held + lifetime use - lifetime overage",
        pool.allocated_credits,
        sum(
            one.remaining_credits + one.held_credits + one.lifetime_used_credits
            for one in allocations
        )
        - pool.overage_used,
    )
    yield Check(
        "allocation",
        "each member: allocated = used + held + remaining, none below zero",
        tuple(_uneven(allocations)),
    )
    yield Check(
        "allocation_lifetime",
        "each member: lifetime use = the charges - the refunds",
        tuple(_unused(allocations, charges)),
    )
    yield Check("usage_once", "each charge is listed once", tuple(charges.twice))
    yield Check(
        "refunds",
        "each charge: refunded = its refunds, at most what it took",
        tuple(_misrefunded(charges)),
    )


def _sum(name: str, says: str, left: int, right: int) -> Check:
    return Check(name, says, () if left == right else (f"{left:,} is not {right:,}",))


def _uneven(allocations: list[Allocation]) -> Iterator[str]:
    for one in allocations:
        parts = (one.used_credits, one.held_credits, one.remaining_credits)
        if one.allocated_credits != sum(parts) or min(parts) < 0:
            yield f"{one.user_email}: {one.allocated_credits:,} is not the sum of {parts}"


def _unused(allocations: list[Allocation], charges: Charges) -> Iterator[str]:
    known = {one.id: one for one in allocations}
    for allocation_id in sorted(known.keys() | charges.used_by.keys()):
        one = known.get(allocation_id)
        said = 0 if one is None else one.lifetime_used_credits
        if said != charges.used_by[allocation_id]:
            who = allocation_id if one is None else one.user_email
            yield f"{who}: {said:,} is not {charges.used_by[allocation_id]:,}"


def _misrefunded(charges: Charges) -> Iterator[str]:
    for usage_id in sorted(charges.charged.keys() | charges.refunded.keys()):
        refunded = charges.refunded[usage_id]
        if refunded != charges.said_refunded.get(usage_id, 0):
            yield f"{usage_id}: {charges.said_refunded.get(usage_id, 0):,} is not {refunded:,}"
        if refunded > charges.charged.get(usage_id, 0):
            yield f"{usage_id}: refunded {refunded:,} of {charges.charged.get(usage_id, 0):,}"


def _show(books: Books, checks: list[Check]) -> None:
    rows = [("ok" if not one.differences else "WRONG", one.name, one.says) for one in checks]
    show_table(("", "check", "says…"), rows, title=books.pool.org_name)
    for one in checks:
        for difference in one.differences[:10]:
            say(f"{one.name}: {difference}", "red")
        if len(one.differences) > 10:
            say(f"{one.name}: and {len(one.differences) - 10:,} more", "red")
    say(f"{books.charges.rows:,} rows of usage, {books.charges.credits:,} credits", "bold")
    if not books.is_still:
        say(
            "Credits moved at each reading: a difference may come from that. Run it again.",
            "yellow",
        )
