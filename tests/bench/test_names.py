"""The names that others read: the cases and peers of the issue, the goals, the page."""

from bench import __main__ as bench
from bench import page, results
from bench.plan import FULL, QUICK

CASES = {
    "sql_deduct_spread",
    "sql_deduct_one_org",
    "sql_deduct_one_user",
    "sql_batch_1000",
    "http_deduct",
    "http_deduct_coalesced",
    "http_batch_1000",
    "dashboard_org",
    "dashboard_system",
}


def cases(plan):
    return [case for one in bench.comparisons(plan) for case in one.cases]


def test_both_forms_have_the_agreed_cases_and_none_twice():
    for plan in (FULL, QUICK):
        names = cases(plan)
        assert set(names) >= CASES
        assert len(names) == len(set(names))


def test_the_quick_form_is_a_part_of_the_whole_one():
    assert set(cases(QUICK)) < set(cases(FULL))


def test_every_goal_is_of_a_case_and_a_described_peer():
    assert {case for case, _peer in page.GOALS} <= set(cases(FULL))
    assert {peer for _case, peer in page.GOALS} <= set(page.PEERS)


def test_every_case_has_its_place_on_the_page():
    places = tuple(prefix for prefix, _title, _text in page.FAMILIES)
    assert [case for case in cases(FULL) if not case.startswith(places)] == []


def test_the_page_is_made_of_the_document():
    """Change `bench/page.py` or run `make bench`; neither file is written by hand."""
    text = results.LATEST.read_text(encoding="utf-8")
    found = results.read(text)
    assert results.PAGE.read_text(encoding="utf-8") == page.page(found)
    assert results.document(found) == text


def test_the_committed_rows_are_of_cases_and_peers_that_there_are():
    rows = results.read(results.LATEST.read_text(encoding="utf-8")).rows
    assert {row.case for row in rows} <= set(cases(FULL))
    assert {row.peer for row in rows} <= set(page.PEERS)
