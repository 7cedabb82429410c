"""What an organization had and has, and the proof that mends explain the difference to the credit."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.db import connection
from django.db.models import Count, Sum

from billing.verification import EVERY
from credits.models import Allocation, CreditPool, Usage
from credits.verification import Violation, verify
from orgbilling.importing.accounts import Account
from orgbilling.importing.errors import ImportRefusedError
from orgbilling.importing.mending import ZERO, Mends

#: So many reasons are told.
TOLD: Final = 10


@dataclass(frozen=True, slots=True)
class Totals:
    """Of one organization. ``total``: ever given; ``spendable``: left in the pool and with members; ``used``: spent."""

    total: Decimal
    spendable: Decimal
    used: Decimal


@dataclass(frozen=True, slots=True)
class Comparison:
    """One organization before and after."""

    source_id: str
    org_id: uuid.UUID
    name: str
    before: Totals
    after: Totals
    charges: int


def compare(accounts: Iterable[Account]) -> list[Comparison]:
    """Every organization's totals in the source and in the ledger."""
    return [_compared(account) for account in accounts]


def _compared(account: Account) -> Comparison:
    organization = account.tenant.organization
    counted = [person.counters for person in account.people.values()]
    before = Totals(account.total, account.spendable, sum((one.used for one in counted), ZERO))
    pool = CreditPool.objects.get(org=organization)
    sums = Allocation.objects.filter(org=organization).aggregate(
        remaining=Sum("remaining_credits"), used=Sum("lifetime_used_credits")
    )
    charges = Usage.objects.filter(org=organization, refund_of=None).aggregate(n=Count("id"))["n"]
    after = Totals(
        Decimal(pool.total_credits),
        Decimal(pool.available_credits + (sums["remaining"] or 0)),
        Decimal(sums["used"] or 0),
    )
    return Comparison(
        account.tenant.source_id, organization.pk, organization.name, before, after, charges
    )


def prove(comparisons: Iterable[Comparison], mends: Mends) -> None:
    """Refuse an import of which a credit is not explained.

    Raises:
        ImportRefusedError: with the organizations, and by how much they differ.
    """
    wrong = []
    for one in comparisons:
        given = one.after.total - one.before.total - mends.total[one.source_id]
        left = one.after.spendable - one.before.spendable - mends.spendable[one.source_id]
        if given or left:
            wrong.append(
                f"{one.name} ({one.source_id}): {given} credits given and {left} left are not explained"
            )
    if wrong:
        message = "No mend explains these differences, so nothing was imported:\n  "
        raise ImportRefusedError(message + "\n  ".join(wrong[:TOLD]))


def verify_ledger(org_ids: Collection[uuid.UUID]) -> int:
    """Run every equation of the ledger over the organizations; returns how many there are.

    Raises:
        ImportRefusedError: with the first violations.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '128MB'")
        # Freshly filled tables would be planned as if they were empty.
        cursor.execute("ANALYZE credit_usage_attribution, credit_journal, user_credit_allocations")
    found: list[Violation] = []
    for result in verify(EVERY, org_ids=org_ids):
        found.extend(result.violations)
    if found:
        message = "The imported ledger would break its equations, so nothing was imported:\n  "
        raise ImportRefusedError(message + "\n  ".join(str(one) for one in found[:TOLD]))
    return len(EVERY)
