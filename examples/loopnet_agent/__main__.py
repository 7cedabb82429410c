"""``python -m examples.loopnet_agent --input companies.csv --output folder``."""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from orgbilling_client import Client, IdempotencyKeyReused, OrgBillingError, RetryPolicy

from examples.loopnet_agent import companies, estimate, summary
from examples.loopnet_agent.agent import Agent
from examples.loopnet_agent.companies import BadInput, Company
from examples.loopnet_agent.journal import Journal, Run, WrongRun
from examples.loopnet_agent.output import InUse, Output
from examples.loopnet_agent.provider import MadeUpProvider
from examples.loopnet_agent.reconcile import compare
from examples.loopnet_agent.stopping import Stopped
from examples.loopnet_agent.till import Till
from examples.loopnet_agent.units import RUN_NAME, cache_unit, export_unit

DONE, DIFFERENT, MISUSED, STOPPED = range(4)
DESCRIPTION = "Enrich companies, look contacts up and export both, each charged once, whatever kills this program."
EPILOG = (
    "The API key is read from ORGBILLING_API_KEY: options are seen by everybody on the machine. Status: 0 all is "
    "done and the service's usage agrees, 1 it doesn't agree, 2 wrong options or input, 3 stopped before the end, "
    "and the same command goes on."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the agent; returns the exit status."""
    options = _parsed(arguments)
    try:
        listed = companies.read(options.input)
        run = _run_of(options, listed)
        output = Output(options.output)
        with output.reserved(), closing(Journal(output.folder / "journal.sqlite")) as journal:
            first = [cache_unit(one.name, one.domain) for one in listed]
            journal.begin(run, [*first, export_unit("companies"), export_unit("contacts")])
            retry = RetryPolicy(total_seconds=options.patience)
            with Client(base_url=options.url, org_id=run.org_id, retry=retry) as client:
                return _attend(options, client, run, journal, output)
    except (BadInput, WrongRun, InUse) as error:
        _complain(str(error))
        return MISUSED
    except IdempotencyKeyReused as error:
        _complain(
            f"{error}\nRun {run.name} was charged for other work before: choose another --run."
        )
        return MISUSED
    except (OrgBillingError, OSError, sqlite3.Error) as error:
        # The service, or a disk that is full: neither changes what the journal says.
        _complain(f"Stopped: {error}\nNothing is lost: the same command goes on from here.")
        return STOPPED
    except KeyboardInterrupt:
        _complain("Interrupted. The same command goes on from here.")
        return STOPPED


def _attend(
    options: argparse.Namespace, client: Client, run: Run, journal: Journal, output: Output
) -> int:
    """Work the journal off, unless only a comparison is wanted; then compare."""
    if not options.reconcile:
        till = Till(client, run, hold_seconds=options.hold_seconds)
        agent = Agent(
            journal,
            till,
            MadeUpProvider(),
            output,
            workers=options.workers,
            contacts=options.contacts,
        )
        try:
            _say(f"Run {run.name}")
            _say(estimate.before(till, journal, options.contacts, whole=options.whole))
            agent.run()
        except Stopped as stop:
            _say(summary.table(journal, None))
            _complain(
                f"Stopped: {stop.reason}\n{stop.fix}\nOnce that is done, the same command goes on."
            )
            return STOPPED
    comparison = compare(client, run, journal)
    _say(summary.table(journal, comparison))
    _say(summary.verdict(comparison))
    return DIFFERENT if comparison.differences else DONE


def _run_of(options: argparse.Namespace, listed: list[Company]) -> Run:
    digest = companies.digest(listed)
    # Whoever pays belongs to the name: for somebody else the same list is another run.
    name = options.run or companies.digest(listed, options.org, options.user)[:12]
    return Run(name, digest, options.org, options.user)


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("loopnet_agent", description=DESCRIPTION, epilog=EPILOG)
    add = parser.add_argument
    add("--input", type=Path, required=True, help="the companies: CSV with company,domain, or JSON")
    add("--output", type=Path, required=True, help="the run's folder: its journal and its results")
    add("--run", type=_run_name, help="the run's name; without it, the same input is the same run")
    add("--workers", type=_from_1_to(64), default=4, help="units at once; 4")
    add("--contacts", type=_from_1_to(10), default=3, help="contacts looked up of a company; 3")
    add(
        "--hold-seconds",
        type=_from_1_to(86_400),
        default=900,
        help="for how long exports reserve; 900",
    )
    add("--patience", type=_from_1_to(3_600), default=60, help="seconds that a call is retried; 60")
    add("--whole", action="store_true", help="begin only if the whole run can be paid now")
    add("--reconcile", action="store_true", help="only compare the journal with the service")
    _setting(parser, "--url", "ORGBILLING_URL", "where the service is")
    _setting(parser, "--org", "ORGBILLING_ORG_ID", "the organization that pays")
    _setting(parser, "--user", "LOOPNET_USER_ID", "the member whose credits are spent")
    options = parser.parse_args(arguments)
    if not os.environ.get("ORGBILLING_API_KEY"):
        parser.error(
            "ORGBILLING_API_KEY has to hold an API key with credits:deduct and credits:read"
        )
    return options


def _setting(parser: argparse.ArgumentParser, flag: str, variable: str, meaning: str) -> None:
    value = os.environ.get(variable)
    parser.add_argument(flag, default=value, required=not value, help=f"{meaning}; {variable}")


def _run_name(text: str) -> str:
    if not RUN_NAME.fullmatch(text):
        raise argparse.ArgumentTypeError("1 to 40 letters, digits, dots, dashes and underscores")
    return text


def _from_1_to(most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if text.isdecimal() and 1 <= int(text) <= most:
            return int(text)
        raise argparse.ArgumentTypeError(f"a number from 1 to {most}")

    return number


def _say(text: str) -> None:
    print(text, flush=True)


def _complain(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
