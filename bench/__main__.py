"""`make bench`: every case beside its peers, in turns, and the page that says what came of it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench import environment, machine, page, results
from bench.capacity import page as scaling
from bench.capacity.costs import known
from bench.capacity.model import Demand, Terms
from bench.cases import batches, dashboards, http, sql
from bench.ground import FOLDER, Ground, ground
from bench.plan import FULL, QUICK, Plan
from bench.programs import ProgramFailed
from bench.rounds import Comparison, RoundFailed, Row, measured
from bench.telling import say
from orgbilling.supervisor.errors import RunError
from orgbilling.supervisor.signals import Stopped, StopSignals

CEILING_SECONDS = 2.0


def comparisons(plan: Plan) -> list[Comparison]:
    """All of them. Dashboards come first: the loads of the others add rows."""
    every = [
        *dashboards.comparisons(plan),
        *sql.comparisons(plan),
        *batches.comparisons(plan),
        *http.comparisons(plan),
    ]
    return [one for one in every if plan.details or not one.detail]


def chosen(every: Sequence[Comparison], only: Sequence[str]) -> list[Comparison]:
    """Those that have one of the named cases; all when none is named.

    Raises:
        KeyError: a name that no comparison has.
    """
    known = {case for one in every for case in one.cases}
    unknown = [name for name in only if name not in known]
    if unknown:
        message = f"no case {', '.join(unknown)}; --list names them"
        raise KeyError(message)
    return [one for one in every if not only or set(only) & set(one.cases)]


def run(plan: Plan, asked: Sequence[Comparison], parent: Path = FOLDER) -> results.Results | None:
    """Measure what was asked; None when a round failed, which is said.

    Args:
        parent: the folder below which PostgreSQL keeps its data meanwhile.
    """
    rows: list[Row] = []
    failed: list[str] = []
    not_measured: dict[str, str] = {}
    ceiling = http.ceiling(plan, min(CEILING_SECONDS, plan.seconds))
    say(f"The load generator alone: {ceiling:,.0f} requests/s at most.")
    with ground(plan, parent) as own:
        described = machine.described(own, ceiling, not_measured)
        for name, value in described.items():
            if value:
                say(f"   {name.replace('_', ' ')}: {value}")
        for comparison in asked:
            title = next(iter(comparison.cases))
            if comparison.missing:
                say(f"{title}: not measured, {comparison.missing}")
                not_measured[title] = comparison.missing
                continue
            began = time.monotonic()
            try:
                rows += measured(comparison, own, partial(say_of, title))
            except (RoundFailed, RunError, ProgramFailed, OSError) as error:
                say(f"FAILED {title}: {error}")
                failed.append(title)
            say(f"{title}: {time.monotonic() - began:.0f} s")
        failed += unsound(own)
        described = machine.described(own, ceiling, not_measured)
    say("\n" + results.table(rows))
    if failed:
        say(f"\nFailed: {', '.join(failed)}. Nothing is written.")
        return None
    return results.Results(described, rows)


def unsound(own: Ground) -> list[str]:
    """The ledgers in which an equation doesn't hold, each of which is said."""
    broken = []
    for name in sorted(own.ledgers):
        try:
            own.manage(name, "verify_ledger", DB_STATEMENT_TIMEOUT_MS="3600000")
        except RunError as error:
            say(f"FAILED verify_ledger of {name}: {error}")
            broken.append(f"verify_ledger {name}")
        else:
            say(f"verify_ledger: every equation holds in {name}.")
    return broken


def say_of(title: str, text: str) -> None:
    """One line about a comparison."""
    say(f"{title} {text}")


def arguments() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the cases that matter most, briefly")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="CASE", help="some cases; not written"
    )
    parser.add_argument("--list", action="store_true", help="name the cases and stop")
    parser.add_argument("--rows", type=_natural, help="usage rows in the ledger")
    parser.add_argument("--rounds", type=_natural, help="measurements of every contender")
    parser.add_argument("--seconds", type=_natural, help="of each measurement")
    return parser.parse_args()


def plan_of(asked: argparse.Namespace) -> Plan:
    """The plan that the arguments ask for."""
    plan = QUICK if asked.quick else FULL
    sizes = {name: getattr(asked, name) for name in ("rows", "rounds", "seconds")}
    plan = replace(plan, **{name: value for name, value in sizes.items() if value is not None})
    # Who names a case wants it whatever the form.
    return replace(plan, details=True) if asked.only or asked.list else plan


def main() -> int:
    """Run the bench; returns the exit status: 1 when a round failed, 2 for a case that there isn't."""
    asked = arguments()
    plan = plan_of(asked)
    try:
        wanted = chosen(comparisons(plan), asked.only)
    except KeyError as error:
        say(str(error.args[0]))
        return 2
    if asked.list:
        for comparison in wanted:
            say(" ".join(comparison.cases))
        return 0
    signals = StopSignals()
    signals.install()
    try:
        environment.prepare()
        found = run(plan, wanted)
    except Stopped:
        say("Stopped; nothing is written.")
        return 1
    if found is None:
        return 1
    if not asked.only:
        results.write(results.LATEST, results.document(found))
        results.write(results.PAGE, page.page(found))
        results.write(scaling.PAGE, scaling.page(known(), Demand(), Terms()))
        say(f"\nWritten: {results.LATEST.name}, {results.PAGE.name} and {scaling.PAGE.name}.")
    return 0


def _natural(text: str) -> int:
    number = int(text)
    if number < 1:
        message = "at least 1"
        raise argparse.ArgumentTypeError(message)
    return number


if __name__ == "__main__":
    sys.exit(main())
