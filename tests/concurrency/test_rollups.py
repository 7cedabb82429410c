"""Usage is summed up while others write: a transaction open across it is neither missed nor counted twice."""

import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F

from credits import reports
from credits.deducting import Receipt, deduct
from credits.models import Allocation, LateUsage, Rollup, Usage
from credits.refunding import refund
from credits.reports import Selection
from credits.verification import LEDGER, snapshot, verify
from tests.concurrency.threads import PATIENCE_SECONDS, Elsewhere
from tests.credits.rolled import as_reported, by_hand, day_of, door, drawn, row, settle, write
from tests.ledger import ORIGIN, charge, give

pytestmark = pytest.mark.django_db(transaction=True)
ROWS = 60


class Open:
    """A transaction that has done its work and isn't committed."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._done, self._may_end = threading.Event(), threading.Event()
        self._elsewhere = Elsewhere(lambda: self._run(work))
        assert self._done.wait(PATIENCE_SECONDS)

    def _run(self, work: Callable[[], object]) -> None:
        with transaction.atomic():
            work()
            self._done.set()
            assert self._may_end.wait(PATIENCE_SECONDS)

    def commit(self) -> None:
        """End it."""
        self._may_end.set()
        assert self._elsewhere.result() is None


def used(org) -> int:
    """As reports say it, which is always what the rows say."""
    of = Selection(datetime.now(UTC) - timedelta(days=40), None, (org.pk,))
    assert as_reported(of.by_service(), "service_name") == by_hand(of, lambda one: one.service_name)
    assert as_reported(of.by_user(), "user_id") == by_hand(of, lambda one: one.user_id)
    assert as_reported(of.by_day(), "date") == by_hand(of, day_of())
    return sum(one["credits_used"] for one in reports.grouped_by(of, "day"))


def an_hour_passes(org) -> None:
    """The candidate's beginning is as long ago as everything before it."""
    Rollup.objects.filter(org=org).update(candidate_at=F("candidate_at") + timedelta(hours=1))


def roll(org) -> datetime | None:
    Rollup.objects.roll_up(org.pk, 1_000)
    return Rollup.objects.get(org=org).rolled_until


def test_a_horizon_waits_for_a_transaction_that_has_written(rich, alice):
    assert isinstance(deduct(charge(rich, alice, 5)), Receipt)
    settle(rich.pk)
    before = roll(rich)
    held = Open(lambda: deduct(charge(rich, alice, 70)))
    # Whatever candidate is taken from now on, the transaction's number is below it.
    Rollup.objects.filter(org=rich).update(candidate_xid=_number())
    an_hour_passes(rich)
    assert [roll(rich) for _ in range(3)] == [before] * 3
    assert used(rich) == 5
    held.commit()
    assert used(rich) == 75
    ahead = _rolled_beyond(rich, datetime.now(UTC) + timedelta(minutes=30))
    assert ahead > before
    assert used(rich) == 75


def _number() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::text::bigint")
        return cursor.fetchone()[0]


def _rolled_beyond(org, moment) -> datetime:
    for _ in range(10_000):
        until = roll(org)
        if until is not None and until > moment:
            return until
    raise AssertionError("a transaction doesn't end")


def test_a_row_of_the_past_that_commits_after_its_time_was_summed_up(rich, alice):
    allocation = Allocation.objects.get(org=rich, user=alice)
    past = datetime.now(UTC) - timedelta(days=2)
    write(row(allocation, 5, past), row(allocation, 6, past + timedelta(hours=3)))
    settle(rich.pk)

    def late() -> None:
        with door():
            Usage.objects.bulk_create(
                row(allocation, 10**at, past + timedelta(hours=at)) for at in (0, 1, 2)
            )

    held = Open(late)
    assert used(rich) == 11
    roll(rich)
    assert used(rich) == 11
    held.commit()
    assert LateUsage.objects.count() == 3
    assert used(rich) == 122
    Rollup.objects.roll_up(rich.pk, 2)
    assert LateUsage.objects.count() == 1
    assert used(rich) == 122
    settle(rich.pk)
    assert not LateUsage.objects.exists()
    assert used(rich) == 122


def test_a_roll_up_that_is_rolled_back_took_nothing(rich, alice):
    allocation = Allocation.objects.get(org=rich, user=alice)
    write(
        *(row(allocation, 1, datetime.now(UTC) - timedelta(hours=hours)) for hours in range(1, 9))
    )
    settle(rich.pk)
    write(
        *(row(allocation, 1, datetime.now(UTC) - timedelta(hours=hours)) for hours in range(1, 9))
    )
    with transaction.atomic():
        assert Rollup.objects.roll_up(rich.pk, 5).rows > 0
        transaction.set_rollback(True)
    assert (used(rich), LateUsage.objects.count()) == (16, 8)


def test_readers_see_one_truth_while_all_write(rich, alice, bob):
    give(rich, bob, 10_000)
    allocations = list(Allocation.objects.filter(org=rich))
    over = threading.Event()
    chance = random.Random(7)

    def charge_and_refund() -> None:
        for _ in range(ROWS):
            done = deduct(charge(rich, alice, 7))
            refund(
                org_id=rich.pk, usage_id=done.charged.usage_id, credits=2, reason="r", origin=ORIGIN
            )

    def bring_in() -> None:
        for _ in range(ROWS // 10):
            write(*drawn(chance, allocations, 10))

    def sum_up() -> None:
        while not over.is_set():
            Rollup.objects.roll_up(rich.pk, 3)
            Rollup.objects.roll_up(rich.pk, 30)

    writers = [Elsewhere(charge_and_refund), Elsewhere(bring_in)]
    rollers = [Elsewhere(sum_up), Elsewhere(sum_up)]
    try:
        for _ in range(12):
            with snapshot():
                used(rich)
        assert [one.result() for one in writers] == [None, None]
    finally:
        over.set()
        assert [one.result() for one in rollers] == [None, None]
    settle(rich.pk)
    with snapshot():
        used(rich)
        checks = [check for check in LEDGER if check.name.startswith("rollup_")]
        assert [result.violations for result in verify(checks)] == [()] * 4
