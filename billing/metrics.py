"""What is counted of money, each after its transaction was committed."""

from __future__ import annotations

from typing import Final

from billing.choices import AttemptStatus
from orgbilling.lib.metrics import counter

DUPLICATE: Final = "duplicate"

PAYMENT_ATTEMPTS = counter(
    "payment_attempts", "What became of attempts to collect payments.", "outcome"
)
for _outcome in (*AttemptStatus.values, DUPLICATE):
    PAYMENT_ATTEMPTS.labels(_outcome)
