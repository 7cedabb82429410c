"""Keyset pages: every row once, forwards and backwards, whatever is inserted meanwhile."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest

from organizations.models import User
from orgbilling.web.pagination import Keyset
from tests.api_client import problem
from tests.factories import make_user

pytestmark = pytest.mark.django_db
START = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def users(db):
    """Seven users, of whom some were made in the same moment."""
    made = [make_user(f"u{number}@example.com", f"U{number}") for number in range(7)]
    for number, user in enumerate(made):
        User.objects.filter(pk=user.pk).update(created_at=START + timedelta(seconds=number // 3))
    return list(User.objects.order_by("-created_at", "-id").values_list("email", flat=True))


def emails(answer):
    assert answer.status_code == 200, answer.content
    return [row["email"] for row in answer.json()["results"]]


def follow(http, alice, path, link="next"):
    pages = []
    while path:
        answer = http.get(path, headers=alice)
        pages.append(emails(answer))
        path = answer.json()[link]
    return pages


@pytest.mark.parametrize(("size", "lengths"), [(1, [1] * 7), (3, [3, 3, 1]), (7, [7]), (500, [7])])
def test_every_row_once(http, alice, users, size, lengths):
    pages = follow(http, alice, f"/api/users?page_size={size}")
    assert [len(page) for page in pages] == lengths
    assert [email for page in pages for email in page] == users


def test_back_again(http, alice, users):
    first = http.get("/api/users?page_size=3", headers=alice).json()
    assert first["previous"] is None
    second = http.get(first["next"], headers=alice).json()
    last = http.get(second["next"], headers=alice).json()
    assert last["next"] is None
    pages = follow(http, alice, last["previous"], "previous")
    assert pages == [users[3:6], users[0:3]]
    middle = http.get(last["previous"], headers=alice).json()
    assert emails(http.get(middle["next"], headers=alice)) == users[6:]


def test_stable_under_inserts(http, alice, users):
    first = http.get("/api/users?page_size=3", headers=alice).json()
    make_user("newest@example.com", "Newest")
    assert emails(http.get(first["next"], headers=alice)) == users[3:6]
    again = http.get("/api/users?page_size=1", headers=alice)
    assert emails(again) == ["newest@example.com"]


def test_stable_when_the_row_at_the_edge_is_removed(http, alice, users):
    first = http.get("/api/users?page_size=3", headers=alice).json()
    User.objects.filter(email=users[2]).delete()
    assert emails(http.get(first["next"], headers=alice)) == users[3:6]


def test_no_rows(http, alice):
    answer = http.get("/api/users", headers=alice)
    assert answer.json() == {"results": [], "next": None, "previous": None}


def test_fifty_by_default(http, alice):
    for number in range(51):
        make_user(f"many{number}@example.com", "Many")
    assert len(emails(http.get("/api/users", headers=alice))) == 50


def test_links_keep_the_other_parameters(http, alice, users):
    link = http.get("/api/users?page_size=3", headers=alice).json()["next"]
    assert link.startswith("http://testserver/api/users?page_size=3&cursor=")


def test_one_statement_a_page(http, alice, users, django_assert_num_queries):
    with django_assert_num_queries(1):
        http.get("/api/users?page_size=3", headers=alice)


@pytest.mark.parametrize(
    "size",
    [
        "0",
        "-1",
        "501",
        "1000000000000000000000",
        "1.0",
        "abc",
        "",
        " 5",
        "\u0665",
        "0x5",
        "1e2",
        "5_0",
    ],
)
def test_a_page_size_out_of_range_is_400(http, alice, size):
    answer = http.get("/api/users", {"page_size": size}, headers=alice)
    assert problem(answer, 400, "validation_error")["errors"][0]["field"] == "page_size"


def forged(payload):
    return base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().strip("=")


def tampered(token):
    """The cursor with another value inside and the signature of the old one."""
    _, rest = token.split(":", 1)
    payload = [["-created_at", "-id"], False, [["t", "not a date"], ["u", "0" * 32]]]
    return f"{forged(payload)}:{rest}"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a:b:c",
        "\x00",
        "é",
        "%",
        forged([["-created_at", "-id"], False, [["t", "2026-11-22"], ["u", "0" * 32]]]),
        forged({"__class__": "x"}) + ":1:2",
        "x" * 100_000,
        "." + forged("zip") + ":a:b",
    ],
)
def test_a_cursor_that_is_not_ours_is_400(http, alice, users, token):
    answer = http.get("/api/users", {"cursor": token}, headers=alice)
    assert problem(answer, 400, "validation_error")["errors"][0]["field"] == "cursor"


def test_a_tampered_cursor_is_400(http, alice, users):
    keyset = Keyset()
    good = keyset.cursor_at(User.objects.first(), backwards=False)
    assert http.get("/api/users", {"cursor": good}, headers=alice).status_code == 200
    for bad in (tampered(good), good[:-1], good + "A", good.swapcase(), good[::-1]):
        answer = http.get("/api/users", {"cursor": bad}, headers=alice)
        problem(answer, 400, "validation_error")


def test_a_cursor_of_another_list_is_400(http, alice, users):
    other = Keyset(("email", "id")).cursor_at(User.objects.first(), backwards=False)
    problem(http.get("/api/users", {"cursor": other}, headers=alice), 400, "validation_error")


@pytest.mark.parametrize("query", ["page_size=1&page_size=2", "cursor=a&cursor=b"])
def test_given_twice_is_400(http, alice, query):
    answer = http.get(f"/api/users?{query}", headers=alice)
    assert problem(answer, 400, "validation_error")["errors"][0]["code"] == "repeated"


def test_mixed_directions(users):
    keyset = Keyset(("name", "-id"))
    rows = list(User.objects.order_by("name", "-id"))
    for index, row in enumerate(rows):
        for backwards, expected in ((False, rows[index + 1 :]), (True, rows[:index][::-1])):
            cursor = keyset.parse(keyset.cursor_at(row, backwards=backwards))
            beyond = User.objects.filter(keyset.beyond(cursor))
            assert list(beyond.order_by(*keyset.order_by(backwards=backwards))) == expected
