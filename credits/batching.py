"""Many charges of one organization at once: one call when all of them pass, one more when some don't."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from credits import functions, metrics, refusing
from credits.deducting import Receipt, receipt_of, settled, tell_all
from credits.errors import KeyClaimed
from credits.functions import Charge, Charged
from credits.idempotency import Answer, run_claiming
from orgbilling.lib.after_commit import after_commit
from orgbilling.lib.errors import OrgBillingError
from orgbilling.lib.transactions import call

Outcome = Receipt | Answer | OrgBillingError


class BatchRefused(Exception):
    """An atomic batch was undone because of one of its charges.

    Attributes:
        index: the charge's place among those asked for.
        charge: that charge.
        outcome: the answer of its refusal (402), or the error that refused it.
    """

    def __init__(self, index: int, charge: Charge, outcome: Answer | OrgBillingError) -> None:
        super().__init__(index)
        self.index = index
        self.charge = charge
        self.outcome = outcome


class _NeedsPool(Exception):
    """Undoes the first try."""


def deduct_batch(
    *, org_id: UUID, charges: Sequence[Charge], atomic: bool = False, in_transaction: bool = False
) -> list[Outcome]:
    """Charge 1 to 1,000 charges of one organization, in order, each at most once for its key.

    Args:
        atomic: all or none.
        in_transaction: the caller holds a transaction, and in it a key but no lock of the ledger. Once it has
            undone a refused atomic batch, it says so to ``tell_refused``.

    Returns:
        For each charge its receipt, the stored answer of a refusal (402), or the error that refused it.

    Raises:
        BatchRefused: ``atomic`` and one was refused; nothing was charged, no key is taken.
        NotFound, NoCreditPool: there is nothing to charge.
        DatabaseUnavailable, OutcomeUnknown: see ``orgbilling.lib.transactions``.
    """
    try:
        outcomes = _all_at_once(org_id, charges)
        if outcomes is None:
            one_by_one = partial(_one_by_one, org_id, charges, atomic=atomic)
            # A caller's transaction is tried again as a whole by whoever holds it.
            outcomes = one_by_one() if in_transaction else run_claiming(one_by_one)
    except BatchRefused as refused:
        if not in_transaction:
            tell_refused(refused)
        raise
    except KeyClaimed:
        # Looked at again by whoever holds the transaction.
        raise
    except OrgBillingError as exc:
        metrics.not_charged(exc)
        raise
    _tell(outcomes)
    return outcomes


def tell_refused(refused: BatchRefused) -> None:
    """Count and tell why an atomic batch was undone, once it is: what it had noted itself is undone with it."""
    _tell([refused.outcome])
    refusing.count(refused.charge, refused.outcome)


def _tell(outcomes: Sequence[Outcome]) -> None:
    for outcome in outcomes:
        if isinstance(outcome, OrgBillingError):
            after_commit(metrics.not_charged, outcome)
    tell_all([one for one in outcomes if not isinstance(one, OrgBillingError)])


def _all_at_once(org_id: UUID, charges: Sequence[Charge]) -> list[Outcome] | None:
    """Receipts of all; None when one doesn't pass: nothing was changed, and no lock is kept."""

    def statement() -> list[Charged]:
        charged = functions.deduct_batch(org_id, charges)
        if charged is None:
            raise _NeedsPool
        return charged

    try:
        charged = call(statement)
    except (KeyClaimed, _NeedsPool):
        # In a transaction the locks of the allocations went with the savepoint: the pool's can be taken before them.
        return None
    return [receipt_of(*pair) for pair in zip(charges, charged, strict=True)]


def _one_by_one(org_id: UUID, charges: Sequence[Charge], *, atomic: bool) -> list[Outcome]:
    outcomes: list[Outcome] = []
    results = functions.deduct_batch_with_pool(org_id, charges)
    for index, (charge, result) in enumerate(zip(charges, results, strict=True)):
        outcome = _outcome(charge, result)
        if atomic and not isinstance(outcome, Receipt):
            raise BatchRefused(index, charge, outcome)
        if isinstance(outcome, OrgBillingError):
            refusing.count(charge, outcome)
        outcomes.append(outcome)
    return outcomes


def _outcome(charge: Charge, result: Charged | OrgBillingError) -> Outcome:
    if isinstance(result, OrgBillingError):
        return result
    try:
        return settled(charge, result)
    except KeyClaimed:
        # The whole batch is looked at again.
        raise
    except OrgBillingError as exc:
        return exc
