"""Mutants of what every function has: locks, their order, the organization; and of the triggers."""

import re
from collections.abc import Iterator

from orgbilling.lib.sqlfiles import ROOT
from tests.mutants.altering import Nth, Text, Trigger
from tests.mutants.catalogue import Mutant, text
from tests.regressions.teeth import newest

ORDER = "tests/verification/test_one_after_the_other.py"
AT_ONCE = f"{ORDER}::test_two_at_once_end_as_one_after_the_other"
POOL_FIRST = f"{ORDER}::test_who_waits_for_the_pool_holds_no_allocation"
HOLD_LAST = f"{ORDER}::test_who_waits_for_an_allocation_holds_no_hold"
APART = "tests/verification/test_apart.py"
STAYS = f"{APART}::test_an_operation_stays_in_its_organization"
TRIGGERS = "tests/verification/test_triggers.py::test_a_trigger_refuses"

LOCK = "FOR NO KEY UPDATE"
#: Function -> the operations that show its locks. One lock after another is taken out of each.
LOCKING = {
    "add_credits_to_pool": ("add",),
    "allocate_credits_to_user": ("allocate", "allocate_bob"),
    "capture_hold": ("capture", "capture_part", "capture_left"),
    "change_reset_period": ("period", "period_plain"),
    "close_allocation": ("close",),
    "deduct_batch": ("batch",),
    "deduct_batch_with_pool": ("batch_with_pool",),
    "deduct_credits_with_pool": ("deduct_later", "overage"),
    "place_hold_with_pool": ("hold_overage",),
    "reclaim_credits": ("reclaim",),
    "refund_usage": ("refund", "refund_left"),
    "release_hold": ("release", "release_left"),
    "settle_due": ("sweep_later", "sweep_plain"),
}
#: What else shows a function's locks. An INSERT ... ON CONFLICT waits for a single other transaction as a lock would;
#: a crowd gets past it.
MORE = {
    "deduct_batch": (f"{ORDER}::test_a_batch_locks_allocations_by_user[deduct_batch]",),
    "deduct_many": (
        "tests/credits/test_deduct_many.py::test_two_calls_in_opposite_order_wait_and_never_deadlock",
    ),
    "deduct_batch_with_pool": (
        f"{ORDER}::test_a_batch_locks_allocations_by_user[deduct_batch_with_pool]",
    ),
    "add_credits_to_pool": ("tests/verification/test_crowd.py::test_of_a_pool",),
    "allocate_credits_to_user": ("tests/verification/test_crowd.py::test_of_an_allocation",),
}
#: Locks that change nothing when they are gone, and why: whoever wants the row has another lock first.
IMPLIED = {
    ("capture_hold", 2): "the hold's row: whoever settles a hold has locked its allocation before",
    ("release_hold", 2): "the hold's row: whoever settles a hold has locked its allocation before",
}


#: The operations that a test is about; all of a function's when it isn't here.
ONLY = {
    POOL_FIRST: {
        "allocate",
        "close",
        "reclaim",
        "period",
        "period_plain",
        "deduct_later",
        "overage",
        "hold_overage",
        "sweep_later",
    }
    | {"batch_with_pool", "refund_left", "capture_left", "release_left"},
    HOLD_LAST: {"capture", "capture_part", "release"},
}


def _locks() -> Iterator[Mutant]:
    for function, operations in LOCKING.items():
        code = re.sub(r"--.*", "", newest("functions", function).read_text())
        number = code.count(LOCK)
        tests = tuple(
            f"{test}[{name}]"
            for name in operations
            for test in (AT_ONCE, POOL_FIRST, HOLD_LAST)
            if name in ONLY.get(test, operations)
        )
        tests += MORE.get(function, ())
        for place in range(number):
            if (function, place) not in IMPLIED:
                what = f"lock {place + 1} of {number} in {function}"
                yield Mutant(
                    f"lock:{function}:{place + 1}", what, (Nth(function, LOCK, place),), tests
                )


def _triggers() -> Iterator[Mutant]:
    for path in sorted(ROOT.glob("*/sql/triggers/*.sql")):
        text = path.read_text()
        for name, table in re.findall(r"CREATE TRIGGER (\w+)[^;]*?ON public\.(\w+)", text):
            what = f"the trigger {name}"
            yield Mutant(f"trigger:{name}", what, (Trigger(table, name),), (f"{TRIGGERS}[{name}]",))


def _filters() -> Iterator[Mutant]:
    for function, alias, operation in (
        ("add_credits_to_pool", "pool", "add"),
        ("allocate_credits_to_user", "pool", "allocate"),
        ("allocate_credits_to_user", "a", "allocate"),
        ("close_allocation", "a", "close"),
        ("deduct_credits", "a", "deduct"),
        ("place_hold", "a", "hold"),
        ("reclaim_credits", "a", "reclaim"),
        ("reset_allocation_if_due", "pool", "deduct_later"),
        ("move_remaining_to_pool", "pool", "reclaim"),
    ):
        change = ((f"{alias}.org_id = p_org_id", f"{alias}.org_id IS NOT NULL"),)
        what = f"the organization of {alias} in {function}"
        yield Mutant(
            f"organization:{function}:{alias}",
            what,
            (Text(function, change),),
            (f"{STAYS}[{operation}]",),
        )


def _orders() -> Iterator[Mutant]:
    """The allocation is locked before the pool, in functions that lock both."""
    for function, operation in (
        ("allocate_credits_to_user", "allocate"),
        ("close_allocation", "close"),
        ("deduct_credits_with_pool", "overage"),
        ("place_hold_with_pool", "hold_overage"),
        ("reclaim_credits", "reclaim"),
    ):
        early = "PERFORM 1 FROM public.user_credit_allocations AS early WHERE early.org_id = p_org_id\n    "
        early += "AND early.user_id = p_user_id FOR NO KEY UPDATE;\n    "
        body = newest("functions", function).read_text()
        first = re.search(
            r"(?:SELECT|PERFORM)[^;]*organization_credit_pools AS pool[^;]*FOR NO KEY UPDATE", body
        )
        assert first is not None, f"{function} locks no pool"
        yield text(
            f"order:{function}",
            f"the order of locks in {function}",
            function,
            first[0],
            early + first[0],
            f"{POOL_FIRST}[{operation}]",
        )


GUARDS: tuple[Mutant, ...] = (*_locks(), *_orders(), *_filters(), *_triggers())
