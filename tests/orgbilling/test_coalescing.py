"""Who leads, who follows, and that nobody is left behind, whatever a call meets.

There is no database here: the calls are the test's own.
"""

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest

from orgbilling.lib.coalescing import Apart, Bounds, Coalescer, Undone
from orgbilling.lib.errors import OutcomeUnknown

LONG = 60


class Stand:
    """A coalescer whose calls wait until the test lets them go on, and what became of each item."""

    def __init__(self, *, most=64, waiting=64, abreast=1, patience=LONG, end=LONG):
        self.calls, self.apart = [], Counter()
        self.gates, self.rest = {}, []
        self.outcomes = lambda items: [f"with {item}" for item in items]
        self.coalescer = Coalescer(
            alone=self.alone,
            together=self.together,
            place=lambda item: item[0],
            tell=lambda why: self.apart.update([why]),
            bounds=Bounds(most, waiting, abreast, patience, end),
        )
        self.pool = ThreadPoolExecutor(32)

    def alone(self, item):
        self.calls.append([item])
        self._pass(item)
        return f"alone {item}"

    def together(self, items):
        self.calls.append(list(items))
        for item in items:
            self._pass(item)
        return self.outcomes(items)

    def _pass(self, item):
        if item in self.gates:
            assert self.gates[item].wait(LONG)

    def ask(self, *items):
        return [self.pool.submit(self.coalescer.do, item) for item in items]

    def hold(self, item):
        """An item whose calls wait until its gate is set."""
        self.gates[item] = threading.Event()
        return self.gates[item]

    def queued(self, count):
        until(lambda: len(self.coalescer._queue) == count)


def until(happens):
    deadline = time.monotonic() + LONG
    while not happens():
        assert time.monotonic() < deadline
        time.sleep(0.0005)


@contextmanager
def standing(**bounds):
    stand = Stand(**bounds)
    try:
        yield stand
    finally:
        for gate in stand.gates.values():
            gate.set()
        stand.pool.shutdown()
    assert not stand.coalescer._queue
    assert not stand.coalescer._calls
    assert not stand.coalescer._beside


@contextmanager
def gathered(*items, **bounds):
    """Items that wait while another one is on its way; the block lets it end."""
    with standing(**bounds) as stand:
        gate = stand.hold("first")
        (first,) = stand.ask("first")
        until(lambda: stand.calls == [["first"]])
        for number, item in enumerate(items, 1):
            stand.rest += stand.ask(item)
            stand.queued(number)

        def go():
            gate.set()
            return [error_or_result(one) for one in stand.rest]

        yield stand, go
        assert first.result(LONG) == "alone first"


def error_or_result(future):
    error = future.exception(LONG)
    return type(error) if error is not None else future.result()


def test_who_finds_nobody_goes_at_once_and_alone():
    with standing() as stand:
        assert stand.coalescer.do("a") == "alone a"
        assert stand.coalescer.do("b") == "alone b"
        assert stand.calls == [["a"], ["b"]]
        assert not stand.apart


def test_who_comes_meanwhile_goes_together():
    with gathered("a", "b", "c") as (stand, go):
        assert go() == ["with a", "with b", "with c"]
        assert stand.calls == [["first"], ["a", "b", "c"]]
        assert not stand.apart


def test_a_call_takes_no_more_than_the_most():
    with gathered("a", "b", "c", "d", "e", most=3) as (stand, go):
        assert go() == ["with a", "with b", "with c", "with d", "with e"]
        assert stand.calls == [["first"], ["a", "b", "c"], ["d", "e"]]


def test_two_calls_may_go_abreast():
    with standing(abreast=2) as stand:
        gates = [stand.hold("a"), stand.hold("b")]
        ends = stand.ask("a")
        until(lambda: len(stand.calls) == 1)
        ends += stand.ask("b")
        until(lambda: len(stand.calls) == 2)
        ends += stand.ask("c")
        stand.queued(1)
        gates[1].set()
        assert [one.result(LONG) for one in ends[1:]] == ["alone b", "alone c"]
        gates[0].set()
        assert ends[0].result(LONG) == "alone a"


def test_what_a_call_leaves_is_done_alone():
    with gathered("a", "b", "c") as (stand, go):
        stand.outcomes = lambda items: [None if item == "b" else item for item in items]
        assert go() == ["a", "alone b", "c"]
        assert stand.calls[2:] == [["b"]]
        assert stand.apart == {Apart.LEFT: 1}


def test_after_a_call_that_did_nothing_each_is_done_alone():
    with gathered("a", "b", "c") as (stand, go):

        def refuse(items):
            raise Undone

        stand.outcomes = refuse
        assert go() == ["alone a", "alone b", "alone c"]
        assert stand.apart == {Apart.UNDONE: 3}


def test_while_one_is_kept_waiting_its_like_go_alone_and_others_together():
    with gathered("stuck-1", "b") as (stand, go):
        kept = threading.Event()

        def refuse(items):
            # From now on, as alone after the call that did nothing.
            stand.gates["stuck-1"] = kept
            raise Undone

        stand.outcomes = refuse
        waiting = stand.pool.submit(go)
        until(lambda: ["stuck-1"] in stand.calls)
        assert stand.coalescer.do("stuck-2") == "alone stuck-2"
        assert stand.apart[Apart.BESIDE] == 1
        assert stand.coalescer.do("x") == "alone x"
        kept.set()
        assert waiting.result(LONG) == ["alone stuck-1", "alone b"]
        assert stand.coalescer.do("stuck-3") == "alone stuck-3"
        assert stand.apart == {Apart.UNDONE: 2, Apart.BESIDE: 1}


def test_after_a_call_that_nobody_knows_of_nobody_tries_again():
    with gathered("a", "b", "c") as (stand, go):

        def lose(items):
            raise OutcomeUnknown

        stand.outcomes = lose
        assert go() == [OutcomeUnknown] * 3
        assert stand.calls == [["first"], ["a", "b", "c"]]


@pytest.mark.parametrize("death", [KeyboardInterrupt, SystemExit, MemoryError, ValueError])
def test_when_the_leader_dies_within_a_call_the_others_are_told(death):
    with gathered("a", "b", "c", "d", most=3) as (stand, go):
        deaths = [death]

        def die(items):
            if deaths:
                raise deaths.pop()
            return items

        stand.outcomes = die
        assert go() == [death, OutcomeUnknown, OutcomeUnknown, "alone d"]


def test_an_answer_too_short_says_nothing_of_anybody():
    with gathered("a", "b", "c") as (stand, go):
        stand.outcomes = lambda items: items[:2]
        assert go() == [ValueError, OutcomeUnknown, OutcomeUnknown]


@pytest.mark.parametrize("death", [KeyboardInterrupt, MemoryError])
def test_when_the_leader_dies_before_the_call_the_others_do_without(death, monkeypatch):
    with gathered("a", "b", "c") as (stand, go):
        lead = stand.coalescer._lead

        def die(mine):
            if mine.item == "a":
                raise death
            lead(mine)

        monkeypatch.setattr(stand.coalescer, "_lead", die)
        assert go() == [death, "alone b", "alone c"]


def test_who_dies_in_the_queue_is_missed_by_nobody(monkeypatch):
    with standing() as stand:
        gate = stand.hold("first")
        first = stand.ask("first")
        until(lambda: len(stand.calls) == 1)
        wait = stand.coalescer._wait

        def die(mine):
            raise KeyboardInterrupt

        monkeypatch.setattr(stand.coalescer, "_wait", die)
        with pytest.raises(KeyboardInterrupt):
            stand.coalescer.do("a")
        monkeypatch.setattr(stand.coalescer, "_wait", wait)
        rest = stand.ask("b")
        stand.queued(1)
        gate.set()
        assert [one.result(LONG) for one in [*first, *rest]] == ["alone first", "alone b"]


def test_who_is_woken_and_dies_hands_on(monkeypatch):
    """It was to lead: the next one has to, although everybody else's patience is long."""
    with gathered("a", "b", "c") as (stand, go):
        begin = stand.coalescer._begin

        def die(mine):
            if mine.item == "a":
                # It stood in the queue until a moment ago.
                stand.coalescer._queue.appendleft(mine)
                raise KeyboardInterrupt
            begin(mine)

        monkeypatch.setattr(stand.coalescer, "_begin", die)
        assert go() == [KeyboardInterrupt, "with b", "with c"]


def test_who_finds_the_queue_full_goes_alone_at_once():
    with gathered("a", "b", waiting=2) as (stand, go):
        assert stand.coalescer.do("c") == "alone c"
        assert stand.apart == {Apart.FULL: 1}
        assert go() == ["with a", "with b"]


def test_nobody_waits_for_a_call_that_is_stuck():
    with standing(patience=0.01) as stand:
        gate = stand.hold("stuck")
        stuck = stand.ask("stuck")
        until(lambda: len(stand.calls) == 1)
        for item in ("a", "b", "c"):
            assert stand.coalescer.do(item) == f"alone {item}"
        gate.set()
        assert stuck[0].result(LONG) == "alone stuck"


def test_who_loses_patience_takes_the_others_along():
    with gathered("a", "b") as (stand, go):
        stand.coalescer._bounds = replace(stand.coalescer._bounds, patience_seconds=0.01)
        assert stand.coalescer.do("c") == "with c"
        assert stand.calls == [["first"], ["c", "a", "b"]]
        assert go() == ["with a", "with b"]


def test_a_call_without_an_end_is_given_up():
    with gathered("a", "b", end=0.01) as (stand, go):
        endless = stand.hold("a")
        ends = stand.pool.submit(go)
        until(lambda: len(stand.calls) == 2)
        with stand.coalescer._lock:
            # Else it would look at the clock only when its long patience with the queue ends.
            stand.coalescer._calls[0].places[1].wake()
        assert error_or_result(stand.rest[1]) is OutcomeUnknown
        endless.set()
        assert ends.result(LONG) == ["with a", OutcomeUnknown]


def test_an_error_of_one_alone_is_its_own():
    with standing() as stand:

        def refuse(item):
            raise LookupError(item)

        stand.coalescer._alone = refuse
        with pytest.raises(LookupError):
            stand.coalescer.do("a")
        stand.coalescer._alone = stand.alone
        assert stand.coalescer.do("b") == "alone b"


class Chance:
    """Does items, or doesn't, as it likes; counts how often each was done."""

    def __init__(self, seed):
        self.rng, self.lock = random.Random(seed), threading.Lock()
        self.done, self.sizes = Counter(), Counter()

    def alone(self, item):
        with self.lock:
            self.done[item] += 1
        return item

    def together(self, items):
        with self.lock:
            self.sizes[len(items)] += 1
            fate = self.rng.random()
            if fate < 0.1:
                raise Undone
            if fate < 0.2:
                self.done.update(items if fate < 0.15 else [])
                raise self.rng.choice([OutcomeUnknown, RuntimeError, MemoryError])
            results = [item if self.rng.random() < 0.8 else None for item in items]
            self.done.update(item for item in results if item is not None)
        return results


@pytest.mark.parametrize("abreast", [1, 2])
@pytest.mark.parametrize("seed", range(3))
def test_whatever_calls_meet_each_item_is_done_once_or_nobody_knows(seed, abreast):
    chance, told = Chance(seed), Counter()
    coalescer = Coalescer(
        alone=chance.alone,
        together=chance.together,
        place=lambda item: item[0] % 3,
        tell=lambda why: told.update([why]),
        bounds=Bounds(5, 6, abreast, LONG, LONG),
    )

    def caller(number):
        for count in range(150):
            item = (number, count)
            try:
                assert coalescer.do(item) == item
                assert chance.done[item] == 1
                told["done"] += 1
            except (OutcomeUnknown, RuntimeError, MemoryError):
                assert chance.done[item] <= 1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(caller, range(12)))
    assert told["done"]
    assert max(chance.sizes, default=0) <= 5
    assert max(chance.done.values()) == 1
    assert not coalescer._queue
    assert not coalescer._calls
    assert not coalescer._beside
