"""Every kind of measurement once, on a PostgreSQL of the bench's own."""

import json
import subprocess
import sys
from contextlib import nullcontext

from bench import __main__ as bench
from bench import environment, page, results
from bench.rounds import Comparison, RoundFailed
from orgbilling.supervisor.errors import RunError

#: One of each kind; what is left out differs by its numbers only.
ASKED = (
    "dashboard_org",
    "dashboard_system",
    "usage_history",
    "sql_deduct_spread",
    "sql_deduct_one_org",
    "sql_deduct_one_user_without_key",
    "sql_deduct_grown",
    "sql_batch_100",
    "http_deduct",
    "http_deduct_coalesced",
    "http_batch_100",
    "http_check",
    "http_hold_capture",
)
PEERS = {
    "dashboard_org": {"own_100k_rows"},
    "dashboard_system": {"own_100k_rows"},
    "usage_history": {"own_100k_rows"},
    "sql_deduct_spread": {"predecessor", "bare_limit"},
    "sql_deduct_one_org": {"predecessor", "bare_limit"},
    "sql_deduct_one_user_without_key": {"predecessor", "bare_limit"},
    "sql_deduct_grown": {"own_empty"},
    "sql_batch_100": {"copy"},
    "http_deduct": {"fastapi_pool", "predecessor_http"},
    "http_batch_100": {"own_deduct", "fastapi_pool"},
    "http_check": {"own_deduct"},
    "http_hold_capture": {"own_deduct"},
}


class Bare:
    """No PostgreSQL; ledgers whose equations don't hold."""

    def __init__(self, plan, *ledgers):
        self.plan, self.ledgers = plan, set(ledgers)

    def manage(self, *_arguments, **_settings):
        message = "1 of 40 equations are broken"
        raise RunError(message)


def test_every_kind_of_measurement_comes_to_its_rows(tiny, tmp_path):
    """One test: all of it is read off one run, which takes half a minute."""
    environment.prepare()
    found = bench.run(tiny, bench.chosen(bench.comparisons(tiny), ASKED), tmp_path)
    assert list(tmp_path.iterdir()) == [], "PostgreSQL and all its data are gone."
    assert found is not None
    check_rows(found.rows)
    check_machine(found.machine)
    check_document(found)
    check_page(found)


def check_rows(rows):
    for case, peers in PEERS.items():
        assert {row.peer for row in rows if row.case == case} == peers
    for row in rows:
        assert 0 < row.min <= row.ratio <= row.max
        assert min(row.ours, row.theirs) > 0
        assert row.unit


def check_machine(machine):
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        assert machine["settings"][name] == "on"
    for case, reason in machine["not_measured"].items():
        assert case in ASKED
        assert reason


def check_document(found):
    text = results.document(found)
    content = json.loads(text)
    assert list(content) == ["machine", "rows"]
    columns = ["case", "peer", "ratio", "min", "max", "ours", "theirs", "unit"]
    assert all(list(row) == columns for row in content["rows"])
    assert results.read(text) == found


def check_page(found):
    text, table = page.page(found), results.table(found.rows)
    for row in found.rows:
        assert f"| `{row.case}` | `{row.peer}` |" in text
        assert row.case in table
    prose = [line for line in text.splitlines() if not line.startswith("|")]
    assert max(map(len, prose)) <= 119
    assert page.page(results.read(results.document(found))) == text


def test_a_failed_round_is_said_and_fails_the_run_and_the_others_are_measured(
    tiny, monkeypatch, capsys
):
    def broken(_seconds):
        message = "acknowledged 3 charges of 30 credits, booked 4 charges of 40 credits"
        raise RoundFailed(message)

    def comparison(case, measure):
        contenders = {"ours": measure, "copy": lambda _seconds: {case: 1.0}}
        return Comparison({case: "calls/s"}, lambda _ground: nullcontext(contenders))

    monkeypatch.setattr(bench, "ground", lambda plan, _folder: nullcontext(Bare(plan)))
    monkeypatch.setattr(bench.http, "ceiling", lambda _plan, _seconds: 1.0)
    monkeypatch.setattr(bench.machine, "described", lambda *_arguments: {})
    asked = [comparison("one", broken), comparison("two", lambda _seconds: {"two": 2.0})]
    assert bench.run(tiny, asked) is None
    said = capsys.readouterr().out
    assert "FAILED one: ours: acknowledged 3 charges of 30 credits, booked 4 charges" in said
    assert "two round 1: ours 2, copy 1" in said
    assert said.endswith("Failed: one. Nothing is written.\n")


def test_a_ledger_that_breaks_an_equation_fails_the_run(tiny, monkeypatch, capsys):
    monkeypatch.setattr(bench, "ground", lambda plan, _folder: nullcontext(Bare(plan, "own")))
    monkeypatch.setattr(bench.http, "ceiling", lambda _plan, _seconds: 1.0)
    monkeypatch.setattr(bench.machine, "described", lambda *_arguments: {})
    assert bench.run(tiny, []) is None
    assert "FAILED verify_ledger of own: 1 of 40 equations" in capsys.readouterr().out


def test_a_case_that_there_is_not_is_refused():
    command = [sys.executable, "-m", "bench", "--only", "sql_deduct_everything"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no case sql_deduct_everything" in done.stdout
