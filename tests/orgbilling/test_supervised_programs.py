"""A program that ends by itself: started again, later each time, until it did so too often."""

import sys

import pytest

from orgbilling.supervisor import programs
from orgbilling.supervisor.errors import StepFailed
from orgbilling.supervisor.programs import Child, Program


class Clock:
    """The monotonic clock, moved by the test."""

    now = 1_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(programs.time, "monotonic", clock)
    return clock


@pytest.fixture
def make(tmp_path):
    children = []

    def make(code, restarts):
        program = Program("short", [sys.executable, "-S", "-c", code], restarts)
        children.append(Child(program, tmp_path / "logs" / "short.log", {}, tmp_path))
        return children[-1]

    yield make
    for child in children:
        child.stop()


def await_end(child):
    child._process.wait(30)


def test_each_restart_waits_longer_and_the_last_end_fails_the_run(make, clock):
    child = make("print('I was here')", restarts=3)
    pauses = []
    for _ in range(3):
        await_end(child)
        child.tend()
        noticed = clock.now
        while child.ended and child._restart_at is not None:
            clock.now += 1
            child.tend()
        pauses.append(clock.now - noticed)
    assert pauses == [1, 2, 4]
    await_end(child)
    with pytest.raises(StepFailed, match=r"The short program failed:\n\n(   I was here\n){4}"):
        child.tend()


def test_one_that_lived_for_a_minute_is_sound_again(make, clock):
    child = make("", restarts=1)
    for _ in range(5):
        await_end(child)
        clock.now += 60
        child.tend()
        clock.now += 1
        child.tend()
    assert child._ends == 1


def test_one_that_may_not_end_fails_the_run_at_once(make):
    child = make("print('over')", restarts=0)
    await_end(child)
    with pytest.raises(StepFailed, match="over"):
        child.tend()


def test_one_that_runs_is_left_alone(make):
    child = make("import signal; signal.pause()", restarts=1)
    pid = child._process.pid
    child.tend()
    assert child._process.pid == pid
    assert not child.ended
