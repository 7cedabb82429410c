"""The ledger is proved as a whole, and what that found is kept."""

from typing import Any, Final

from billing.models import LedgerCheck
from billing.verification import EVERY
from credits.verification import Result, snapshot, verify
from orgbilling.lib.clock import database_now
from orgbilling.lib.jobs import defer_once

TASK: Final = "billing.verify_ledger"

#: Violations kept of each broken equation; their number is kept whole.
EXAMPLES: Final = 5
#: Characters kept of what was expected and found.
TEXT_LENGTH: Final = 200


def ask(*, asked_by: str) -> None:
    """Ask for a run, in the caller's transaction, unless one waits already.

    Args:
        asked_by: ``user:<id>``, ``key:<id>`` or ``system``.
    """
    defer_once(TASK, key=TASK, at=database_now(), asked_by=asked_by)


def prove(*, asked_by: str = "system") -> LedgerCheck:
    """Check every equation over all organizations, in one snapshot that blocks nobody, and keep the result.

    Ended half-way it leaves a run without an end, which counts for nothing.

    Raises:
        RuntimeError: inside a transaction.
    """
    run = LedgerCheck.objects.begin(asked_by=asked_by)
    with snapshot():
        as_of = database_now()
        results = list(verify(EVERY))
    return LedgerCheck.objects.finish(
        run,
        as_of=as_of,
        checked=len(results),
        violations=sum(violation.rows for result in results for violation in result.violations),
        details=[_rendered(result) for result in results if result.violations],
    )


def _rendered(result: Result) -> dict[str, Any]:
    return {
        "check": result.check.name,
        "says": result.check.says,
        "organizations": len(result.violations),
        "rows": sum(violation.rows for violation in result.violations),
        "examples": [
            {
                "org_id": str(violation.org_id),
                "row_id": violation.row_id,
                "expected": str(violation.expected)[:TEXT_LENGTH],
                "found": str(violation.found)[:TEXT_LENGTH],
            }
            for violation in result.violations[:EXAMPLES]
        ],
    }
