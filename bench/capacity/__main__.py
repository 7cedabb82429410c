"""`make capacity`: docs/scaling.md, of what was measured and of what is asked for.

Without options it writes the page. With a demand or a price of your own it prints one instead.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from typing import Any

from bench import results
from bench.capacity import costs, page
from bench.capacity.model import Demand, Terms
from bench.telling import say


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """What was asked for; an option for each field of a demand and of the terms."""
    parser = argparse.ArgumentParser(prog="python -m bench.capacity", description=__doc__)
    parser.add_argument(
        "--measure",
        action="store_true",
        help="measure the costs first: two minutes, nothing else running",
    )
    for kind in (Demand, Terms):
        for one in fields(kind):
            default: Any = one.default
            read = int if one.type == "int" else float
            parser.add_argument(
                f"--{one.name.replace('_', '-')}",
                type=read,
                help=f"{default:g} unless given",
            )
    return parser.parse_args(argv)


def asked_for(asked: argparse.Namespace) -> dict[str, Any]:
    """What was given on the command line, by field."""
    return {
        one.name: getattr(asked, one.name)
        for kind in (Demand, Terms)
        for one in fields(kind)
        if getattr(asked, one.name) is not None
    }


def text(given: dict[str, Any]) -> str:
    """The page for these values."""
    demand, terms = (
        kind(**{one.name: given[one.name] for one in fields(kind) if one.name in given})
        for kind in (Demand, Terms)
    )
    assert isinstance(demand, Demand)
    assert isinstance(terms, Terms)
    return page.page(costs.known(), demand, terms)


def main() -> int:
    """Measure if asked to, and write the page, or print one."""
    asked = arguments()
    if asked.measure:
        from bench.capacity.measuring import measured  # noqa: PLC0415 - starts nothing unless asked

        results.write(costs.COSTS, costs.document(measured()))
    given = asked_for(asked)
    if given:
        say(text(given))
    else:
        results.write(page.PAGE, text({}))
        say(f"Written: {page.PAGE.name}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
