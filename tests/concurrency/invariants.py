"""The ledger's equations, as `manage.py verify_ledger` checks them, for one organization after any step."""

from uuid import UUID

from billing.verification import BILLING
from credits.verification import LEDGER, counted_in_one_query

#: That a pool says what its subscription lets spend is billing's; tests of the ledger say it by themselves.
EQUATIONS = (*LEDGER, *(check for check in BILLING if check.name != "entitlement"))


def broken(org_id: UUID) -> list[str]:
    """The names of the equations that don't hold for an organization; one round trip."""
    counts = counted_in_one_query(EQUATIONS, org_id=org_id)
    return [name for name, rows in counts.items() if rows]
