"""Ratios come of measurements of the same round, and a load is worth what the books say."""

import pytest

from bench.pgbench import read
from bench.proof import proved
from bench.rounds import RoundFailed, Row, rows_of

PGBENCH = """
number of transactions actually processed: 1234
number of failed transactions: {failed} (0.000%)
latency average = 1.9 ms
tps = 617.25 (without initial connection time)
"""


class Ledger:
    """What was booked, whatever was asked for."""

    def __init__(self, *booked):
        self.booked = booked

    def mark(self):
        return "the beginning"

    def since(self, mark):
        assert mark == "the beginning"
        return self.booked


def test_the_ratio_is_the_median_of_the_rounds_ratios():
    rounds = [
        {"ours": {"speed": 100.0}, "peer": {"speed": 100.0}},
        # A bad moment of the machine, for both.
        {"ours": {"speed": 30.0}, "peer": {"speed": 10.0}},
        {"ours": {"speed": 200.0}, "peer": {"speed": 100.0}},
    ]
    assert rows_of({"speed": "calls/s"}, rounds) == [
        Row("speed", "peer", ratio=2, min=1, max=3, ours=100, theirs=100, unit="calls/s")
    ]


def test_a_peer_without_the_case_has_no_row():
    rounds = [
        {
            "ours": {"speed": 4.0, "p99": 8.0},
            "fast": {"speed": 2.0},
            "slow": {"speed": 1.0, "p99": 4.0},
        }
    ]
    rows = rows_of({"speed": "calls/s", "p99": "ms"}, rounds)
    assert [(row.case, row.peer, row.ratio) for row in rows] == [
        ("speed", "fast", 2),
        ("speed", "slow", 4),
        ("p99", "slow", 2),
    ]


def test_a_load_that_the_books_confirm_counts():
    with proved(Ledger(3, 30, 30)) as acknowledged:
        acknowledged.charges = 3


@pytest.mark.parametrize(
    "booked",
    [(2, 20, 20), (4, 40, 40), (3, 31, 31), (3, 30, 20)],
    ids=["one lost", "one twice", "another amount", "a balance that didn't move"],
)
def test_a_load_that_the_books_deny_is_worth_nothing(booked):
    with (
        pytest.raises(RoundFailed, match="acknowledged 3 charges"),
        proved(Ledger(*booked)) as counted,
    ):
        counted.charges = 3


def test_pgbench_is_read():
    assert read(PGBENCH.format(failed=0)).transactions == 1234
    assert read(PGBENCH.format(failed=0)).per_second == 617.25


def test_a_failed_transaction_is_no_result():
    with pytest.raises(ValueError, match="number of failed transactions: 1"):
        read(PGBENCH.format(failed=1))
