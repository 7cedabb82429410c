"""Usage as CSV: every row, streamed, safe to open in a spreadsheet."""

import csv
import io
import json

import pytest

from credits.api import csv_export
from credits.models import Usage
from tests.api_client import absolute, ok, problem
from tests.credits.test_deduct import PATH, body

pytestmark = pytest.mark.django_db

NASTY = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("x","y")', "\uff1d1"]


def export(api, org, query=""):
    answer = api.get(f"credits/{org.pk}/usage/export{query}")
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))


def test_the_same_rows_as_the_list(funded, alice, bob, alpha_key, client_for):
    api = client_for(alpha_key)
    ok(api.post(PATH, body(funded, alice, 5, metadata={"a": 'ä, "b"'}, request_id="r1")), 201)
    ok(api.post(PATH, body(funded, bob, None, quantity=2, service_type="api")), 201)
    listed = ok(api.get(f"credits/{funded.pk}/usage"))["results"]
    rows = export(api, funded)
    assert len(rows) == 2
    for row, shown in zip(rows, listed, strict=True):
        assert set(row) == set(shown)
        assert json.loads(row.pop("metadata")) == shown.pop("metadata")
        assert row == {name: "" if value is None else str(value) for name, value in shown.items()}


def test_the_answer_is_a_file(funded, alpha_key, client_for):
    answer = client_for(alpha_key).get(f"credits/{funded.pk}/usage/export")
    disposition = answer["Content-Disposition"]
    assert disposition.startswith('attachment; filename="usage-test-org-alpha-20')
    assert disposition.endswith('.csv"')
    assert answer["Cache-Control"] == "no-store"
    assert "X-Request-ID" in answer
    assert answer.content.decode() == ",".join(csv_export.COLUMNS) + "\r\n"


@pytest.mark.parametrize("text", NASTY)
def test_no_cell_is_a_formula(funded, alice, alpha_key, client_for, text):
    api = client_for(alpha_key)
    ok(api.post(PATH, {**body(funded, alice, 1), "service_name": text}), 201)
    ok(api.post(PATH, body(funded, alice, 1, service_type=text, request_id=text)), 201)
    second, first = export(api, funded)
    assert first["service_name"] == f"'{text}"
    assert (second["service_type"], second["request_id"]) == (f"'{text}", f"'{text}")
    assert export(api, funded, "?service_name=company_enrichment") == [second]


def test_a_refund_stays_a_number(funded, alice, alpha_key, client_for):
    api = client_for(alpha_key)
    usage = ok(api.post(PATH, body(funded, alice, 50)), 201)
    ok(api.post(f"credits/usage/{usage['id']}/refund", {"reason": "a test"}), 201)
    rows = export(api, funded)
    assert [row["credits_used"] for row in rows] == ["-50", "50"]
    assert sum(int(row["credits_used"]) for row in rows) == 0


def test_the_filters_of_the_list(funded, alice, bob, alpha_key, client_for):
    api = client_for(alpha_key)
    ok(api.post(PATH, body(funded, alice, 1)), 201)
    ok(api.post(PATH, {**body(funded, bob, 2), "service_name": "fax"}), 201)
    assert [row["credits_used"] for row in export(api, funded, f"?user_id={alice.pk}")] == ["1"]
    assert [row["credits_used"] for row in export(api, funded, "?service_name=fax")] == ["2"]
    assert export(api, funded, "?end=2020-01-01T00:00:00Z") == []
    path = f"credits/{funded.pk}/usage/export"
    problem(api.get(f"{path}?start=x"), 400, "validation_error")
    problem(api.get(f"{path}?page_size=1"), 400, "validation_error")
    problem(api.get(f"{path}?nope=1"), 400, "validation_error")


def test_a_member_exports_their_own(funded, alice, bob, client_for):
    ok(client_for(alice).post(PATH, body(funded, alice, 1)), 201)
    ok(client_for(bob).post(PATH, body(funded, bob, 2)), 201)
    assert [row["user_id"] for row in export(client_for(bob), funded)] == [str(bob.pk)]
    assert len(export(client_for(alice), funded)) == 2
    foreign = client_for(bob).get(f"credits/{funded.pk}/usage/export?user_id={alice.pk}")
    problem(foreign, 403, "permission_denied")


def test_it_is_read_in_chunks_and_none_is_lost(
    funded, alice, alpha_key, client_for, monkeypatch, django_assert_num_queries
):
    api = client_for(alpha_key)
    made = [
        ok(api.post(PATH, body(funded, alice, 1, request_id=f"r{number}")), 201)["request_id"]
        for number in range(7)
    ]
    # One transaction, one moment: only the id tells the rows apart.
    assert Usage.objects.values("created_at").distinct().count() <= 7
    monkeypatch.setattr(csv_export, "CHUNK_ROWS", 3)
    lines = csv_export.csv_lines(Usage.objects.with_refunds().filter(org=funded))
    with django_assert_num_queries(1):
        header, first = next(lines), next(lines)
    assert header.decode() == csv_export.HEADER
    assert first.count(b"\r\n") == 3
    with django_assert_num_queries(2):
        assert [chunk.count(b"\r\n") for chunk in lines] == [3, 1]
    assert [row["request_id"] for row in export(api, funded)] == made[::-1]


def test_it_is_streamed(funded, alpha_key, client_for):
    api = client_for(alpha_key)
    path = absolute(f"credits/{funded.pk}/usage/export")
    answer = api.client.get(path, headers={"Authorization": f"Bearer {alpha_key}"})
    assert answer.streaming
    assert "Content-Length" not in answer
    b"".join(answer)


def test_what_is_accepted(funded, charlie, alpha_key, system_key, client_for):
    api, path = client_for(alpha_key), f"credits/{funded.pk}/usage/export"
    for accepted in ("text/csv", "text/*", "*/*", "application/json"):
        assert api.get(path, Accept=accepted).status_code == 200
    problem(api.get(path, Accept="text/html"), 406, "not_acceptable")
    problem(client_for(charlie).get(path), 403, "permission_denied")
    unknown = "credits/00000000-0000-4000-8000-000000000000/usage/export"
    problem(client_for(system_key).get(unknown), 404, "not_found")
    assert api.request("HEAD", path).content == b""
