"""Many charges of one organization at once: one call when all of them pass, one more when some don't."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from credits import functions, metrics, refusing
from credits.deducting import Receipt, receipt_of, settled, tell
from credits.errors import KeyClaimed
from credits.functions import Charge, Charged
from credits.idempotency import Answer, run_claiming
from orgbilling.lib.errors import OrgBillingError
from orgbilling.lib.transactions import call

Outcome = Receipt | Answer | OrgBillingError


class BatchRefused(Exception):
    """An atomic batch was undone because of one of its charges."""

    def __init__(self, index: int, outcome: Answer | OrgBillingError) -> None:
        super().__init__(index)
        self.index = index
        self.outcome = outcome


def deduct_batch(
    *, org_id: UUID, charges: Sequence[Charge], atomic: bool = False, in_transaction: bool = False
) -> list[Outcome]:
    """Charge 1 to 1,000 charges of one organization, in order, each at most once for its key.

    Args:
        atomic: all or none.
        in_transaction: the caller holds a transaction, and with it locks: go the locked way at once, so that the pool
            is locked before any allocation.

    Returns:
        For each charge its receipt, the stored answer of a refusal (402), or the error that refused it.

    Raises:
        BatchRefused: ``atomic`` and one was refused; nothing was charged, no key is taken.
        NotFound, NoCreditPool: there is nothing to charge.
        DatabaseUnavailable, OutcomeUnknown: see ``orgbilling.lib.transactions``.
    """
    try:
        if in_transaction:
            outcomes = _one_by_one(org_id, charges, atomic=atomic)
        else:
            outcomes = _deduct(org_id, charges, atomic=atomic)
    except BatchRefused as refused:
        _tell(refused.outcome)
        raise
    except OrgBillingError as exc:
        metrics.not_charged(exc)
        raise
    for outcome in outcomes:
        _tell(outcome)
    return outcomes


def _tell(outcome: Outcome) -> None:
    if isinstance(outcome, OrgBillingError):
        metrics.not_charged(outcome)
    else:
        tell(outcome)


def _deduct(org_id: UUID, charges: Sequence[Charge], *, atomic: bool) -> list[Outcome]:
    try:
        charged = call(lambda: functions.deduct_batch(org_id, charges))
    except KeyClaimed:
        charged = None
    if charged is not None:
        return [receipt_of(*pair) for pair in zip(charges, charged, strict=True)]
    return _decide(org_id, charges, atomic=atomic)


def _decide(org_id: UUID, charges: Sequence[Charge], *, atomic: bool) -> list[Outcome]:
    try:
        return run_claiming(lambda: _one_by_one(org_id, charges, atomic=atomic))
    except BatchRefused as refused:
        refusing.count(charges[refused.index], refused.outcome)
        raise


def _one_by_one(org_id: UUID, charges: Sequence[Charge], *, atomic: bool) -> list[Outcome]:
    outcomes: list[Outcome] = []
    results = functions.deduct_batch_with_pool(org_id, charges)
    for index, (charge, result) in enumerate(zip(charges, results, strict=True)):
        outcome = _outcome(charge, result)
        if atomic and not isinstance(outcome, Receipt):
            raise BatchRefused(index, outcome)
        if isinstance(outcome, OrgBillingError):
            refusing.count(charge, outcome)
        outcomes.append(outcome)
    return outcomes


def _outcome(charge: Charge, result: Charged | OrgBillingError) -> Outcome:
    if isinstance(result, OrgBillingError):
        return result
    try:
        return settled(charge, result)
    except OrgBillingError as exc:
        return exc
