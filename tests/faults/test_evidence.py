"""The evidence has teeth: whatever differs from what was acknowledged is named."""

from contextlib import suppress
from random import Random

import pytest

from tests.faults import operations
from tests.faults.answers import Answer, Outcome, judged
from tests.faults.calls import Cast, Member
from tests.faults.evidence import KINDS, Findings, compare_balances, compare_rows
from tests.faults.log import Entry, last_known
from tests.faults.operations import SCRIPTS

RETRY = {"Retry-After": "1"}


def entry(key="k", outcome=Outcome.OK, credits=5, kind="deduct", held=0):
    return Entry(key, kind, "org", "user", credits, outcome, "", held)


def found(rows, *written):
    findings = Findings()
    compare_rows("deduct", rows, last_known(written), findings)
    return findings


def test_what_is_as_it_was_acknowledged_is_right():
    rows = [("org", "k", 5)]
    assert found(rows, entry(outcome=Outcome.UNKNOWN), entry()) == Findings()
    assert found([], entry(outcome=Outcome.REFUSED)) == Findings()


def test_an_acknowledged_key_without_a_row_is_lost():
    assert found([], entry()).lost == ["k"]


def test_two_rows_of_a_key_are_charged_twice():
    assert found([("org", "k", 5), ("org", "k", 5)], entry()).twice == ["k"]


@pytest.mark.parametrize(
    ("rows", "written"),
    [
        ([("org", "k", 4)], entry()),
        ([("other", "k", 5)], entry()),
        ([("org", "k", 5)], entry(outcome=Outcome.REFUSED)),
        ([("org", "k", 5), ("org", "nobody's", 5)], entry()),
    ],
    ids=["amount", "organization", "refused", "unknown key"],
)
def test_a_row_that_nobody_was_told_of_is_wrong(rows, written):
    assert len(found(rows, written).wrong) == 1


def test_a_balance_moves_by_what_was_acknowledged_and_nothing_else():
    before = {("used", "org", "user"): 10, ("held", "org", "user"): 0, ("total", "org", ""): 100}
    final = last_known([entry("a"), entry("b"), entry("c", Outcome.REFUSED)])
    for used, wrong in ((20, 0), (25, 1)):
        findings = Findings()
        compare_balances(before, {**before, ("used", "org", "user"): used}, final, findings)
        assert len(findings.wrong) == wrong


def test_what_is_reserved_moves_by_what_each_call_says():
    written = [
        entry("h", credits=9, kind="hold", held=9),
        entry("c", credits=4, kind="capture", held=-4),
        entry("r", credits=5, kind="release", held=-5),
        entry("lapsed", credits=7, kind="hold"),
        entry("late", Outcome.REFUSED, credits=7, kind="capture"),
        entry("back", credits=3, kind="refund"),
    ]
    before = {("used", "org", "user"): 10, ("held", "org", "user"): 2}
    for held, wrong in ((2, 0), (9, 1)):
        findings = Findings()
        after = {("used", "org", "user"): 11, ("held", "org", "user"): held}
        compare_balances(before, after, last_known(written), findings)
        assert len(findings.wrong) == wrong


def test_every_item_of_a_batch_has_an_outcome_of_its_own():
    usage, error = {"id": "u"}, {"code": "insufficient_credits"}
    results = [{"status": 201, "usage": usage}, {"status": 402, "error": error}]
    results.append({"status": 404, "error": {"code": "no_allocation"}})
    told = Answer(Outcome.OK, "200", {"results": results})
    expected = [Outcome.OK, Outcome.REFUSED, Outcome.UNEXPECTED]
    assert [one.outcome for one in told.results(3)] == expected
    assert {one.outcome for one in told.results(4)} == {Outcome.UNEXPECTED}
    for of_all in (Outcome.UNKNOWN, Outcome.REFUSED):
        assert [one.outcome for one in Answer(of_all, "").results(2)] == [of_all] * 2


def test_a_second_answer_says_the_same_as_the_first():
    document = {"results": [{"status": 201, "usage": {"id": "u"}}]}
    first = Answer(Outcome.OK, "200", document)
    assert first.said_again_by(Answer(Outcome.OK, "200", document, replayed=True), keyed=True)
    assert not first.said_again_by(Answer(Outcome.OK, "200", document), keyed=True)
    assert not first.said_again_by(Answer(Outcome.OK, "200", document), keyed=False)
    again = {"results": [{"status": 200, "usage": {"id": "u"}}]}
    assert first.said_again_by(Answer(Outcome.OK, "200", again), keyed=False)
    again = {"results": [{"status": 200, "usage": {"id": "another"}}]}
    assert not first.said_again_by(Answer(Outcome.OK, "200", again), keyed=False)


def test_a_conflict_is_an_outcome_only_where_the_call_says_so():
    content = b'{"code": "hold_not_pending"}'
    assert judged(409, {}, content).outcome is Outcome.UNEXPECTED
    assert judged(409, {}, content, {"hold_not_pending"}).outcome is Outcome.REFUSED


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_a_script_asks_for_what_its_kinds_can_prove(script, monkeypatch):
    monkeypatch.setattr(operations.time, "sleep", lambda _seconds: None)
    cast = Cast((Member("org", "user"), Member("org", "other"), Member("org 2", "user")))
    for seed in range(50):
        for call in played(script(cast, Random(seed))):
            assert {"read"} >= {one.kind for one in call.items or (call,)} - set(KINDS)
            items = call.content("k").get("items", [])
            assert [item["request_id"] for item in items] == [f"k.{n}" for n in range(len(items))]
            assert {item["org_id"] for item in items} <= {call.member.org_id}


def test_holds_that_a_script_settles_leave_nothing_reserved():
    cast = Cast((Member("org", "user"),))
    settling = [script for script in SCRIPTS if script.__name__ in {"capture", "release"}]
    for script in settling:
        for seed in range(50):
            assert sum(call.held for call in played(script(cast, Random(seed)))) == 0


def played(script):
    """The calls of a script whose every call succeeds."""
    calls = [next(script)]
    with suppress(StopIteration):
        while True:
            usage = {"id": "u", "credits_used": calls[-1].credits}
            calls.append(script.send({"usage": usage, **usage}))
    return calls


@pytest.mark.parametrize(
    ("status", "headers", "content", "outcome"),
    [
        (201, {}, b"{}", Outcome.OK),
        (402, {}, b'{"code": "insufficient_credits"}', Outcome.REFUSED),
        (503, RETRY, b'{"code": "outcome_unknown"}', Outcome.UNKNOWN),
        (409, RETRY, b'{"code": "request_in_progress"}', Outcome.UNKNOWN),
        (503, {}, b'{"code": "database_unavailable"}', Outcome.UNEXPECTED),
        (503, RETRY, b'{"code": "internal_error"}', Outcome.UNEXPECTED),
        (500, {}, b'{"code": "internal_error"}', Outcome.UNEXPECTED),
        (502, {}, b"<html>", Outcome.UNEXPECTED),
    ],
)
def test_only_documented_answers_are_expected(status, headers, content, outcome):
    assert judged(status, headers, content).outcome is outcome
