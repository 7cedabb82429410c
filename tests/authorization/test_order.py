"""403, 405, 413, 415, 406, 404, 400, then the domain: spot checks on real endpoints."""

import re

import pytest

from orgbilling.lib.ids import uuid7
from tests.api_client import ApiClient, problem
from tests.authorization.calls import body_of, path_of, send
from tests.authorization.table import ROWS
from tests.authorization.tenants import written

LARGE = b'{"notes": "' + b"a" * 300_000 + b'"}'
UNSAFE = [row for row in ROWS if row.writes]
WITH_BODY = [row for row in ROWS if row.takes_body]
ADD = "credits/{org_id}/add"
DEDUCT = "credits/deduct"
OWNED = re.compile(r"\{(?:org|hold|usage|subscription)_id\}")


@pytest.fixture
def alpha(world):
    return world.tenants["alpha"]


@pytest.fixture
def owner(alpha):
    return ApiClient(user=alpha.owner)


@pytest.fixture
def stranger(world, alpha):
    return ApiClient(user=world.other(alpha).owner)


@pytest.fixture
def root(world):
    return ApiClient(user=world.system_admin)


@pytest.mark.parametrize("row", [row for row in ROWS if OWNED.search(row.route)], ids=str)
def test_403_before_405_413_415_406_400(alpha, stranger, row):
    path = path_of(row.route, alpha)
    odd = {"Content-Type": "text/plain", "Accept": "text/html"}
    for method in (row.method, "PUT", "TRACE", "BREW"):
        answer = stranger.request(method, f"{path}?nope=1", raw=LARGE, **odd)
        problem(answer, 403, "permission_denied")
    problem(stranger.request(row.method, path, raw=b"{"), 403, "permission_denied")


def test_405_before_413_415_406_404_400(alpha, root):
    odd = {"Content-Type": "text/plain", "Accept": "text/html"}
    for org_id in (alpha.org.pk, uuid7(), "nonsense"):
        path = path_of(ADD, alpha, org_id=org_id)
        answer = root.put(f"{path}?nope=1", raw=LARGE, **odd)
        problem(answer, 405, "method_not_allowed")
        assert answer["Allow"] == "POST"


def test_413_then_415_then_406_then_404_then_400(alpha, root):
    unknown = path_of(ADD, alpha, org_id=uuid7()) + "?nope=1"
    text, html = {"Content-Type": "text/plain"}, {"Accept": "text/html"}
    problem(root.post(unknown, raw=LARGE, **text, **html), 413, "body_too_large")
    problem(root.post(unknown, raw=b"{", **text, **html), 415, "unsupported_media_type")
    problem(root.post(unknown, raw=b"{", **html), 406, "not_acceptable")
    malformed = path_of(ADD, alpha, org_id="nonsense")
    problem(root.post(malformed, raw=b"{"), 404, "not_found")
    problem(root.post(path_of(ADD, alpha, org_id=uuid7()), raw=b"{"), 404, "not_found")
    problem(root.post(path_of(ADD, alpha), raw=b"{"), 400, "malformed_json")


@pytest.mark.parametrize("row", [row for row in WITH_BODY if "{" in row.route], ids=str)
def test_404_before_400(alpha, root, row):
    unknown = {name.strip("{}"): uuid7() for name in row.route.split("/") if "{" in name}
    path = path_of(row.route, alpha, **unknown)
    problem(root.request(row.method, path, {"nope": 1}), 404, "not_found")
    problem(root.request(row.method, path, raw=b"{"), 404, "not_found")


@pytest.mark.parametrize("row", WITH_BODY, ids=str)
@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", "malformed_json"),
        (b'{"a": 1, "a": 2}', "malformed_json"),
        (b'{"a": NaN}', "malformed_json"),
        (b'{"a": "\\u0000"}', "malformed_json"),
        (b'{"a": "\\ud800"}', "malformed_json"),
        (b"[" * 40 + b"]" * 40, "malformed_json"),
        (b"[]", "validation_error"),
        (b'"text"', "validation_error"),
        (b"null", "validation_error"),
    ],
)
def test_a_body_that_is_no_strict_json_object_is_400(alpha, root, row, raw, code):
    before = written()
    problem(root.request(row.method, path_of(row.route, alpha), raw=raw), 400, code)
    assert written() == before


@pytest.mark.parametrize("route", ["subscriptions", DEDUCT, "credits/check", "credits/holds"])
def test_where_the_body_names_the_organization_403_comes_after_parsing(
    alpha, stranger, root, route
):
    org_id = str(alpha.org.pk)
    problem(stranger.post(route, raw=b"{"), 400, "malformed_json")
    problem(stranger.post(route, {}), 400, "validation_error")
    problem(stranger.post(route, {"org_id": org_id, "nope": 1}), 403, "permission_denied")
    problem(stranger.post(route, {"org_id": org_id}), 403, "permission_denied")
    unknown = str(uuid7())
    problem(stranger.post(route, {"org_id": unknown, "nope": 1}), 403, "permission_denied")
    problem(root.post(route, {"org_id": unknown, "nope": 1}), 404, "not_found")
    problem(root.post(route, {"org_id": org_id, "nope": 1}), 400, "unknown_field")
    text = {"Content-Type": "text/plain"}
    problem(stranger.post(route, raw=LARGE, **text), 413, "body_too_large")
    problem(stranger.post(route, raw=b"{}", **text), 415, "unsupported_media_type")
    problem(stranger.put(route, raw=b"{"), 405, "method_not_allowed")


def test_400_before_402_409_and_422(alpha, owner):
    org_id, stranger_id = str(alpha.org.pk), str(uuid7())
    deduct = {"org_id": org_id, "user_id": stranger_id, "service_name": "x", "credits": 10**15}
    problem(owner.post(DEDUCT, {**deduct, "credits": 0}), 400, "validation_error")
    problem(owner.post(DEDUCT, deduct), 422, "not_a_member")
    problem(
        owner.post(DEDUCT, {**deduct, "user_id": str(alpha.member.pk)}), 402, "insufficient_credits"
    )
    second = {"org_id": org_id, "subscription_plan": "nonsense"}
    problem(owner.post("subscriptions", second), 400, "validation_error")
    problem(
        owner.post("subscriptions", {**second, "subscription_plan": "byok"}),
        409,
        "subscription_exists",
    )
    allocate = path_of("credits/{org_id}/allocate", alpha)
    problem(owner.post(allocate, {"user_id": stranger_id, "credits": 0}), 400, "validation_error")
    problem(owner.post(allocate, {"user_id": stranger_id, "credits": 1}), 422, "not_a_member")


@pytest.mark.parametrize("row", UNSAFE, ids=str)
def test_a_session_writes_with_its_csrf_token_only(world, alpha, row):
    before = None
    for user in (alpha.owner, world.system_admin):
        client = ApiClient(user=user, csrf=True)
        before = before or written()
        problem(send(row, alpha, client), 403, "permission_denied")
        wrong = client.request(
            row.method, path_of(row.route, alpha), body_of(row, alpha), X_CSRFToken="a" * 32
        )
        problem(wrong, 403, "permission_denied")
    assert before == written()
