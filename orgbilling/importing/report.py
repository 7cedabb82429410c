"""The report: a table for people, and a file with every mend."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from orgbilling.importing.mending import KINDS, Mend
from orgbilling.importing.running import Outcome
from orgbilling.importing.totals import Comparison, Totals

#: So many organizations are shown; the file has all.
SHOWN: Final = 40
NAME_WIDTH: Final = 28
#: So many rows of a kind are shown.
EXAMPLES: Final = 3


def lines(outcome: Outcome, *, applied: bool) -> Iterator[str]:
    """What people read, line by line."""
    yield f"Source: Ops-Center, schema of the {outcome.variant}"
    if outcome.naive:
        yield f"Moments without a zone are taken for UTC: {', '.join(outcome.naive)}"
    for name in outcome.unknown:
        yield f"Not known, not imported: {name} (--apply wants --leave-out {name})"
    if outcome.already:
        yield f"Imported by an earlier run, left alone: {len(outcome.already)} organizations"
    yield (
        f"{len(outcome.organizations)} organizations, {outcome.people_made} people made and {outcome.people_found} "
        f"found here, {outcome.members} memberships, {outcome.subscriptions} subscriptions, {outcome.charges} charges, "
        f"{outcome.events} events of the history"
    )
    if outcome.organizations:
        yield ""
        yield from _organizations(outcome.organizations)
    if outcome.mends.rows:
        yield ""
        yield from _mends(outcome)
    yield ""
    if outcome.organizations:
        yield f"Every difference is explained to the credit; {outcome.equations} equations of the ledger hold."
    yield "Applied." if applied else "Dry run: nothing was changed. Say --apply to import."


def _organizations(found: list[Comparison]) -> Iterator[str]:
    table: list[tuple[str, ...]] = [
        ("", "ever given", "", "can be spent", "", "used", ""),
        ("organization", *("Ops-Center", "here") * 3),
    ]
    for one in found[:SHOWN]:
        pairs = zip(_numbers(one.before), _numbers(one.after), strict=True)
        table.append((one.name[:NAME_WIDTH], *(text for pair in pairs for text in pair)))
    widths = [max(len(row[place]) for row in table) for place in range(len(table[0]))]
    for name, *numbers in table:
        cells = [text.rjust(width) for text, width in zip(numbers, widths[1:], strict=True)]
        yield "  ".join([name.ljust(widths[0]), *cells]).rstrip()
    if len(found) > SHOWN:
        yield f"and {len(found) - SHOWN} more: --report FILE has all"


def _numbers(totals: Totals) -> tuple[str, str, str]:
    return _amount(totals.total), _amount(totals.spendable), _amount(totals.used)


def _mends(outcome: Outcome) -> Iterator[str]:
    mends = outcome.mends
    yield "Mended (effect on what was ever given / on what can be spent):"
    for name, kind in KINDS.items():
        rows = mends.rows[name]
        if not rows:
            continue
        effect = f"{_signed(mends.by_kind[name])} / {_signed(mends.spendable_by_kind[name])}"
        mark = "?" if kind.asks else " "
        yield f"{mark} {name:<22}{rows:>8} rows  {effect:>20}  {kind.found}: {kind.done}"
        for one in mends.shown[name][:EXAMPLES]:
            yield f"      {_told(one)}"
        if rows > EXAMPLES:
            yield f"      and {rows - EXAMPLES} more"
    if any(KINDS[name].asks for name in mends.rows):
        yield "? wants somebody to look at it: docs/import.md says what at."


def _told(one: Mend) -> str:
    where = f"{one.table} {one.row}" + (f" of {one.org_id}" if one.org_id != one.row else "")
    told = f"{where}: {one.old} -> {one.new}"[:160]
    # A text of the source is no order to the terminal.
    return "".join(letter if letter.isprintable() else " " for letter in told)


def write(outcome: Outcome, path: Path, *, applied: bool) -> None:
    """Write the report as JSON, mend by mend, so that a million of them take no memory.

    Raises:
        OSError: it can't be written.
    """
    head: dict[str, Any] = {
        "applied": applied,
        "variant": outcome.variant,
        "unknown_columns": outcome.unknown,
        "moments_without_zone": outcome.naive,
        "already_imported": outcome.already,
        "people": {"made": outcome.people_made, "found": outcome.people_found},
        "memberships": outcome.members,
        "subscriptions": outcome.subscriptions,
        "charges": outcome.charges,
        "events": outcome.events,
        "equations": outcome.equations,
        "kinds": {
            name: {
                "rows": rows,
                "total": _amount(outcome.mends.by_kind[name]),
                "spendable": _amount(outcome.mends.spendable_by_kind[name]),
                "found": KINDS[name].found,
                "done": KINDS[name].done,
                "asks": KINDS[name].asks,
            }
            for name, rows in sorted(outcome.mends.rows.items())
        },
        "organizations": [_comparison(one) for one in outcome.organizations],
    }
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps(head, indent=2)[:-2] + ',\n  "mends": [')
        for number, mend in enumerate(outcome.mends.every()):
            file.write(("," if number else "") + "\n    " + json.dumps(mend))
        file.write("\n  ]\n}\n")


def _comparison(one: Comparison) -> dict[str, Any]:
    return {
        "source_id": one.source_id,
        "org_id": str(one.org_id),
        "name": one.name,
        "before": _totals(one.before),
        "after": _totals(one.after),
        "charges": one.charges,
    }


def _totals(totals: Totals) -> dict[str, str]:
    return {
        "total": _amount(totals.total),
        "spendable": _amount(totals.spendable),
        "used": _amount(totals.used),
    }


def _amount(amount: Decimal) -> str:
    """Without an exponent, and without places that say nothing."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _signed(amount: Decimal) -> str:
    return f"+{_amount(amount)}" if amount > 0 else _amount(amount)
