"""What is counted of the ledger, each after its transaction was committed."""

from __future__ import annotations

from typing import Final

from orgbilling.lib.coalescing import Apart
from orgbilling.lib.errors import DatabaseUnavailable, OrgBillingError, OutcomeUnknown
from orgbilling.lib.metrics import counter, histogram

DEDUCTS = counter("deducts", "Deductions asked for, items of batches too.", "outcome")
CREDITS_DEDUCTED = counter("credits_deducted", "Credits charged by deductions and captures.")
COALESCED = histogram(
    "coalesced_deducts",
    "Deductions that were asked for at the same time and sent in one statement.",
    buckets=(2, 4, 8, 16, 32, 64, 128, 256),
)
APART = counter("deducts_apart", "Deductions made alone although others were near.", "reason")
HOLDS = counter("holds", "What happened to holds.", "event")

ACCEPTED: Final = DEDUCTS.labels("accepted")
REPLAYED: Final = DEDUCTS.labels("replayed")
REFUSED: Final = DEDUCTS.labels("refused")
FAILED: Final = DEDUCTS.labels("failed")
UNKNOWN: Final = DEDUCTS.labels("unknown")

_APART: Final = {reason: APART.labels(reason.value) for reason in Apart}

CREATED: Final = HOLDS.labels("created")
CAPTURED: Final = HOLDS.labels("captured")
RELEASED: Final = HOLDS.labels("released")
EXPIRED: Final = HOLDS.labels("expired")


def apart(reason: Apart) -> None:
    """Count a deduction that is made alone although others were near."""
    _APART[reason].inc()


def captured(credits: int) -> None:
    """Count a capture, final or not, of so many credits."""
    CAPTURED.inc()
    CREDITS_DEDUCTED.inc(credits)


def not_charged(error: OrgBillingError) -> None:
    """Count a deduction that an error ended: refused, failed, or nobody knows yet."""
    if isinstance(error, OutcomeUnknown):
        UNKNOWN.inc()
    elif isinstance(error, DatabaseUnavailable):
        FAILED.inc()
    else:
        REFUSED.inc()
