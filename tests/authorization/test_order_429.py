"""401 before 429, and 429 before the rest: spot checks on real endpoints."""

import pytest

from tests.api_client import ApiClient, problem
from tests.authorization.calls import path_of
from tests.authorization.tenants import World

pytestmark = pytest.mark.django_db(databases=["default", "counters"])

ADD = "credits/{org_id}/add"


@pytest.fixture
def counted_world():
    return World()


@pytest.fixture
def alpha(counted_world):
    return counted_world.tenants["alpha"]


@pytest.fixture
def owner(alpha):
    return ApiClient(user=alpha.owner)


@pytest.fixture
def stranger(counted_world, alpha):
    return ApiClient(user=counted_world.other(alpha).owner)


def test_401_before_429(alpha, owner, settings):
    settings.RATE_LIMIT_WRITES = "1/m"
    path = path_of(ADD, alpha)
    for _ in range(3):
        problem(ApiClient().post(path, {"credits": 1}), 401, "not_authenticated")
    assert owner.post(path, {"credits": 1}).status_code == 201


def test_wrong_credentials_are_counted_by_address(alpha, settings):
    settings.RATE_LIMIT_READS = "2/m"
    guess = ApiClient(token="obk_guess")
    answers = [guess.post(path_of(ADD, alpha), {"credits": 1}) for _ in range(3)]
    problem(answers[1], 401, "authentication_failed")
    assert int(problem(answers[2], 429, "rate_limited") and answers[2]["Retry-After"]) > 0


def test_429_before_403_405_415_404_400(alpha, stranger, settings):
    settings.RATE_LIMIT_WRITES = "1/m"
    problem(stranger.post(path_of(ADD, alpha), {"credits": 1}), 403, "permission_denied")
    problem(stranger.post(path_of(ADD, alpha), {"credits": 1}), 429, "rate_limited")
    problem(stranger.put(path_of(ADD, alpha), raw=b"{"), 429, "rate_limited")
    problem(stranger.post(path_of(ADD, alpha, org_id="x"), raw=b"{"), 429, "rate_limited")
    headers = {"Content-Type": "text/plain"}
    problem(stranger.post(path_of(ADD, alpha), raw=b"x", **headers), 429, "rate_limited")
