"""The proof: every equation of the ledger as a query, and a run of all of them in one snapshot."""

from credits.verification.balances import BALANCES
from credits.verification.check import Check, Violation
from credits.verification.rollups import ROLLUPS
from credits.verification.rows import ROWS, once
from credits.verification.running import Result, counted_in_one_query, snapshot, verify

#: Every equation over the tables of this app; billing adds those over its own.
LEDGER = (*BALANCES, *ROWS, *ROLLUPS)

__all__ = [
    "LEDGER",
    "Check",
    "Result",
    "Violation",
    "counted_in_one_query",
    "once",
    "snapshot",
    "verify",
]
