"""How a call is charged, step by step. Nothing here sends: a step is a call that the driver makes.

Each generator yields steps and is sent what they return, or thrown what they raise; so threads and asyncio
share every decision.
"""

import logging
from collections.abc import Callable, Generator
from datetime import timedelta
from functools import partial
from typing import Any

from orgbilling_client.calls import BASE, Call, org_of
from orgbilling_client.decorating.caller import Caller
from orgbilling_client.decorating.charged import Charged
from orgbilling_client.decorating.plan import Cost, Plan
from orgbilling_client.errors import HoldNotPending, OrgBillingError
from orgbilling_client.journal.attempt import Attempt, undelivered
from orgbilling_client.journal.errors import JournalConflict, JournalError
from orgbilling_client.keys import derived, new_key
from orgbilling_client.models.charging import Hold, Usage
from orgbilling_client.paging import PAGE_SIZE_MAX, Page, pages
from orgbilling_client.requests import charging

logger = logging.getLogger("orgbilling_client.decorating")

#: A call to the service, or something to do that waits for the disk.
Step = Call[Any] | Callable[[], Any]
Steps = Generator[Step, Any, Any]
# So often a caller's key is looked at: each time the same request failed before, and cost nothing.
REPEATS_MAX = 8
REASON = "The call failed"


def before(
    plan: Plan[Any], cost: Cost, caller: Caller, default_org: str | None
) -> Generator[Step, Any, Charged]:
    """Reserve or charge what the call costs, before it is let in.

    Raises:
        OrgBillingError: refused; or the service can't be reached, and there is no journal.
    """
    org_id = org_of(cost.org_id, default_org)
    base = caller.key_of(plan, cost)
    key = base
    for number in range(2, REPEATS_MAX + 2):
        charged = Charged(plan, cost, org_id, key)
        charged.next_key = derived(base, str(number))
        try:
            yield from _open(charged)
        except OrgBillingError as error:
            if plan.journal is None or not undelivered(error):
                raise
            logger.warning(
                "Let in uncharged, to be charged from the journal: key %s: %s", key, error
            )
            charged.deferred = True
            return charged
        if charged.is_usable:
            return charged
        key = charged.next_key
    charged = Charged(plan, cost, org_id, new_key())
    yield from _open(charged)
    return charged


def after(charged: Charged, *, failed: bool) -> Steps:
    """Settle the charge of a call that ended. Never raises what the service says: the call's answer goes on."""
    try:
        if not failed:
            yield from _settle(charged)
        elif not charged.paid_before:
            yield from _undo(charged)
    except (OrgBillingError, JournalError) as error:
        # What can't be undone costs a customer, what can't be settled costs the owner: both want to know.
        logger.error(  # noqa: TRY400 - the loss is the news, not where it was raised
            "A call %s: user %s of organization %s, service %s, key %s: %s",
            "failed, and its charge stands" if failed else "was made, and is not charged",
            charged.cost.user_id,
            charged.org_id,
            charged.plan.service,
            getattr(error, "idempotency_key", None) or charged.key,
            error,
        )


def _open(charged: Charged) -> Steps:
    plan, cost = charged.plan, charged.cost
    said: dict[str, Any] = {
        "credits": cost.credits,
        "quantity": cost.quantity,
        "service_type": None,
        "metadata": cost.metadata,
        "request_id": None,
        "key": charged.key,
    }
    who = (charged.org_id, cost.user_id, plan.service)
    if plan.mode == "hold":
        hold: Hold = yield charging.hold(*who, ttl_seconds=plan.ttl_seconds, **said)
        charged.hold = hold
        if hold.replayed:
            charged.hold = yield charging.get_hold(hold.id)
            charged.repeats(
                paid=_status(charged) == "captured", pending=_status(charged) == "pending"
            )
    else:
        usage: Usage = yield charging.deduct(*who, **said)
        charged.usage = usage
        if usage.replayed:
            current = yield from _current(usage)
            charged.repeats(paid=current.refunded_credits == 0, pending=False)


def _status(charged: Charged) -> str:
    return "" if charged.hold is None else charged.hold.status


def _current(usage: Usage) -> Generator[Step, Any, Usage]:
    """The usage as it is now: a replay tells how it was, before any refund."""
    second = {"start": usage.created_at, "end": usage.created_at + timedelta(seconds=1)}
    query = {"user_id": usage.user_id, **second}
    call: Call[Page[Usage]] | None = pages(
        f"{BASE}/credits/{usage.org_id}/usage", Usage, query, PAGE_SIZE_MAX
    )
    while call is not None:
        page: Page[Usage] = yield call
        for one in page.results:
            if one.id == usage.id:
                return one
        call = page.following
    return usage


def _settle(charged: Charged) -> Steps:
    if charged.paid_before:
        yield from _stay_paid(charged)
    elif charged.deferred:
        yield from _deduct_later(charged)
    elif charged.hold is not None and charged.credits == 0:
        yield _release(charged.hold, charged.key)
    elif charged.hold is not None:
        yield from _capture_or_charge(charged, charged.hold)


def _stay_paid(charged: Charged) -> Steps:
    """The attempt that had paid may have failed since, and have been given its charge back."""
    if charged.usage is not None:
        current = yield from _current(charged.usage)
        if current.refunded_credits:
            yield from _charge_anew(charged)


def _capture_or_charge(charged: Charged, hold: Hold) -> Steps:
    try:
        yield from _capture(charged, hold)
    except HoldNotPending as error:
        if not charged.adopted or error.hold_status == "captured":
            raise
        # The attempt that had placed it failed and released it, or it was old and has expired.
        yield from _charge_anew(charged)


def _capture(charged: Charged, hold: Hold) -> Steps:
    call = charging.capture(
        hold.id,
        org_id=charged.org_id,
        credits=charged.credits,
        final=True,
        metadata=None,
        key=derived(charged.key, "capture"),
    )
    yield from _through_journal(charged, call)


def _charge_anew(charged: Charged) -> Steps:
    """Charge under the key that a further repetition would look at next: it then finds that it is paid."""
    anew = Charged(charged.plan, charged.cost, charged.org_id, charged.next_key or new_key())
    anew.credits = charged.credits
    yield from _open(anew)
    if anew.hold is not None and _status(anew) == "pending":
        yield from _capture(anew, anew.hold)


def _deduct_later(charged: Charged) -> Steps:
    if charged.credits == 0:
        return
    cost = charged.cost
    exact = charged.credits is not None
    call = charging.deduct(
        charged.org_id,
        cost.user_id,
        charged.plan.service,
        credits=charged.credits if exact else cost.credits,
        quantity=None if exact else cost.quantity,
        service_type=None,
        metadata=cost.metadata,
        request_id=None,
        # In mode "deduct" the lost call may have charged under the key itself; a lost hold charged nothing.
        key=charged.key if charged.plan.mode == "deduct" else derived(charged.key, "deferred"),
    )
    yield from _through_journal(charged, call)


def _undo(charged: Charged) -> Steps:
    if charged.hold is not None and not charged.adopted:
        try:
            yield _release(charged.hold, charged.key)
        except OrgBillingError as error:
            logger.warning(
                "Hold %s wasn't released and expires at %s: %s",
                charged.hold.id,
                charged.hold.expires_at.isoformat(),
                error,
            )
    if charged.usage is not None:
        call = charging.refund(
            charged.usage.id,
            org_id=charged.org_id,
            credits=None,
            reason=REASON,
            key=derived(charged.key, "refund"),
        )
        yield from _through_journal(charged, call)


def _release(hold: Hold, key: str) -> Call[Hold]:
    return charging.release(hold.id, org_id=hold.org_id, key=derived(key, "release"))


def _through_journal(charged: Charged, call: Call[Any]) -> Steps:
    """Make a call that has to be made in the end; without a journal, now or never."""
    journal = charged.plan.journal
    if journal is None:
        yield call
        return
    attempt = Attempt(journal, call, charged.x_request_id)
    try:
        yield attempt.begin
    except JournalConflict:
        raise
    except JournalError as unkept:
        # The work is done: better to be charged without the journal than not at all.
        logger.warning("Made without the journal: %s", unkept)
        yield call
        return
    try:
        yield call
    except OrgBillingError as error:
        yield partial(attempt.failed, error)
    except BaseException as error:
        attempt.interrupted(error)
        raise
    else:
        yield attempt.succeeded
