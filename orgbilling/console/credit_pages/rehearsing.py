"""A rehearsal: the change is made and undone, so that a review shows exactly what would become of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from django.db import transaction

from orgbilling.lib.transactions import run

Result = TypeVar("Result")


def rehearse(work: Callable[[], Result]) -> Result:
    """What ``work`` returns now; nothing of it stays. It sees what time has brought, as the real one will.

    The work may act on the database alone: what leaves it (a mail, a card that is charged) can't be undone.

    Raises:
        OrgBillingError: what forbids the work; or the database's, see ``orgbilling.lib.transactions.run``.
    """

    def undone() -> Result:
        result = work()
        transaction.set_rollback(True)
        return result

    return run(undone)
