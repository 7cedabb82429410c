"""A statement for many that fails, is cut or has to wait: each of them is told the truth, and nobody pays twice."""

from functools import partial

import pytest
from django.db import OperationalError, connection, transaction

from credits import coalescing
from credits.deducting import Receipt, deduct
from credits.models import Allocation, Usage
from orgbilling.lib import transactions
from orgbilling.lib.coalescing import Apart
from orgbilling.lib.errors import DatabaseUnavailable, OutcomeUnknown
from tests.concurrency.invariants import broken
from tests.concurrency.threads import Elsewhere, await_lock
from tests.ledger import balances, charge, give

pytestmark = pytest.mark.django_db(transaction=True)

PATIENT_MS = 60_000


@pytest.fixture
def charges(rich, alice, orgs):
    """One of each of four organizations."""
    return [charge(rich, alice, 7, "a"), *(charge(*one, 3, "o") for one in orgs)]


@pytest.fixture
def apart(monkeypatch, gathering):
    """Why charges were made alone."""
    told = []
    monkeypatch.setattr(gathering.coalescer, "_tell", told.append)
    return told


def works(charges):
    return [partial(deduct, one) for one in charges]


def each_is_charged_once(charges, ends):
    assert all(isinstance(end, Receipt) and not end.replayed for end in ends)
    assert Usage.objects.count() == len(charges)
    for one in charges:
        assert Usage.objects.get(org=one.org_id, user=one.user_id).credits_used == one.credits
        assert broken(one.org_id) == []


def held_up(gathering, charges, hold):
    """Charges in a statement that waits for a lock; ``hold`` is called meanwhile and may let go of it."""
    first = charges[0]
    with transaction.atomic():
        Allocation.objects.select_for_update().get(org=first.org_id, user=first.user_id)
        futures = gathering.begun(works(charges))
        await_lock()
        hold(futures)
    return [future.result(60) for future in futures]


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03", "57014", "53200", "XX000", "OB009"])
def test_what_the_server_refuses_is_made_one_by_one(gathering, monkeypatch, charges, apart, state):
    send = Usage.objects.charge_many

    def refused(*args, **options):
        with connection.cursor() as cursor:
            cursor.execute(f"DO $$ BEGIN RAISE 'as if' USING ERRCODE = '{state}'; END $$")
        return send(*args, **options)

    monkeypatch.setattr(Usage.objects, "charge_many", refused)
    ends = gathering.together(works(charges))
    each_is_charged_once(charges, ends)
    assert apart == [Apart.UNDONE] * 4
    assert gathering.charged_together() == [1] * 4


def test_a_row_that_is_locked_keeps_nobody_else_waiting(
    gathering, charges, apart, rich, alice, orgs
):
    """An administrator's transaction has one member's allocation: the other three are answered while it lasts."""

    def meanwhile(futures):
        others = [future.result(60) for future in futures[1:]]
        each_is_charged_once(charges[1:], others)
        assert not futures[0].done()
        # Who comes for the same allocation waits alone, whoever comes for another goes with others.
        later = Elsewhere(lambda: deduct(charge(rich, alice, 1, "later")))
        assert later.is_stuck()
        waiting.append(later)
        ends = gathering.together(works(charge(*one, 2) for one in orgs))
        assert all(isinstance(end, Receipt) for end in ends)

    waiting = []
    ends = held_up(gathering, charges, meanwhile)
    assert isinstance(ends[0], Receipt)
    assert isinstance(waiting[0].result(), Receipt)
    assert gathering.sent == [4, 3]
    assert apart == [Apart.UNDONE] * 4 + [Apart.BESIDE]
    assert balances(rich, alice).remaining == 10_000 - 8
    assert broken(rich.pk) == []


def test_a_key_that_another_server_is_using_keeps_nobody_else_waiting(
    gathering, charges, rich, bob
):
    give(rich, bob, 100)
    with transaction.atomic():
        Usage.objects.charge(charge(rich, bob, 1, "a"))
        futures = gathering.begun(works(charges))
        others = [future.result(60) for future in futures[1:]]
        assert all(isinstance(end, Receipt) for end in others)
        assert not futures[0].done()
        transaction.set_rollback(True)
    assert futures[0].result(60).charged.outcome == "charged"


def test_a_key_that_another_server_has_just_used(gathering, monkeypatch, charges, rich, alice):
    """It was free when the statement looked, and taken when it wrote: all of it is undone, and each looks again."""
    monkeypatch.setattr(coalescing, "LOCK_PATIENCE_MS", PATIENT_MS)
    with transaction.atomic():
        first = Usage.objects.charge(charge(rich, alice, 7, "a"))
        futures = gathering.begun(works(charges))
        await_lock()
    ends = [future.result(60) for future in futures]
    assert [end.replayed for end in ends] == [True, False, False, False]
    assert ends[0].charged.usage_id == first.usage_id
    assert Usage.objects.count() == 4


def test_a_backend_that_is_killed_leaves_the_outcome_open_for_all(gathering, monkeypatch, charges):
    monkeypatch.setattr(coalescing, "LOCK_PATIENCE_MS", PATIENT_MS)

    def kill(_futures):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [gathering.pids[0]])

    ends = held_up(gathering, charges, kill)
    assert [type(end) for end in ends] == [OutcomeUnknown] * 4
    assert Usage.objects.count() == 0
    retried(gathering, charges, replayed=False)


@pytest.mark.parametrize("lost", ["the answer", "its thread"])
def test_an_answer_that_is_lost_after_the_commit(gathering, monkeypatch, charges, lost):
    """Everybody is told that nobody knows, and is told the charge when they ask again with their key."""
    send = Usage.objects.charge_many

    def answered_to_nobody(*args, **options):
        send(*args, **options)
        if lost == "the answer":
            raise OperationalError("the connection is lost")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Usage.objects, "charge_many", answered_to_nobody)
        first, *others = gathering.together(works(charges))
    assert type(first) is (OutcomeUnknown if lost == "the answer" else KeyboardInterrupt)
    assert [type(end) for end in others] == [OutcomeUnknown] * 3
    assert Usage.objects.count() == 4
    retried(gathering, charges, replayed=True)


@pytest.mark.parametrize("error", [MemoryError, SystemExit, KeyboardInterrupt, RuntimeError])
def test_a_thread_that_dies_before_it_sends_anything(gathering, monkeypatch, charges, error):
    """Nobody can tell whether it had: all are told so, nothing is charged, and the next call goes as any."""

    def die(*_args, **_options):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Usage.objects, "charge_many", die)
        ends = gathering.together(works(charges))
    assert [type(end) for end in ends] == [error, *[OutcomeUnknown] * 3]
    assert Usage.objects.count() == 0
    retried(gathering, charges, replayed=False)


def test_without_a_connection_each_asks_for_one_itself(gathering, monkeypatch, charges, apart):
    connect, refusals = transactions._connect, [DatabaseUnavailable]

    def refuse_once():
        if refusals:
            raise refusals.pop()
        connect()

    monkeypatch.setattr(transactions, "_connect", refuse_once)
    each_is_charged_once(charges, gathering.together(works(charges)))
    assert apart == [Apart.UNDONE] * 4


def retried(gathering, charges, *, replayed):
    """The same requests again, in one statement."""
    ends = gathering.together(works(charges))
    assert [end.replayed for end in ends] == [replayed] * 4
    assert Usage.objects.count() == 4
    assert {row.idempotency_key for row in Usage.objects.all()} == {"a", "o"}
    for one in charges:
        assert broken(one.org_id) == []
