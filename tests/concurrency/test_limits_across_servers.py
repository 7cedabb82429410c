"""The limits of production, exact over two servers: counted in PostgreSQL, and in a real Redis."""

import ipaddress
import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import redis_server
from tests.concurrency.limited_servers import (
    Answer,
    Servers,
    at_once,
    fresh,
    in_one_window,
    limited_servers,
)
from tests.redis_server import RedisServer, running_redis

STORES = ["postgresql", *(["redis"] if redis_server.is_expected() else [])]
WRITES, READS = 20, 100
CROWD = 100
NETWORK = ipaddress.ip_network("198.18.0.0/15")


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture(scope="module", params=STORES)
def servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Servers]:
    folder: Path = tmp_path_factory.mktemp(f"limited-{request.param}")
    given = {"REDIS_URL": request.getfixturevalue("redis").url} if request.param == "redis" else {}
    with limited_servers(folder, **given) as servers:
        yield servers


def statuses(answers: list[Answer]) -> dict[int, int]:
    found = [answer.status for answer in answers]
    return {status: found.count(status) for status in sorted(set(found))}


def check_headers(answers: list[Answer], policy: str, limit: int) -> None:
    for answer in answers:
        assert answer.headers["RateLimit-Policy"] == f'"{policy}";q={limit};w=60'
        left, seconds = (
            int(part.partition("=")[2]) for part in answer.headers["RateLimit"].split(";")[1:]
        )
        assert 0 <= left < limit
        assert 1 <= seconds <= 60
        if answer.status == 429:
            assert left == 0
            assert answer.headers["Retry-After"] == str(seconds)
            assert json.loads(answer.body)["code"] == "rate_limited"
    passed = [answer for answer in answers if answer.status != 429]
    lefts = {answer.headers["RateLimit"].split(";")[1] for answer in passed}
    # Each of those that passed was told another number: none was counted twice or not at all.
    assert lefts == {f"r={left}" for left in range(limit)}


def check_exactly(servers: Servers, policy: str, method: str, path: str, success: int) -> None:
    """Some one after the other, then a crowd across the edge, then each server once more."""
    limit, before = (WRITES, 15) if policy == "write" else (READS, 60)
    keys = {}

    def make() -> str:
        identity, keys[identity] = servers.key()
        return identity

    def spend(identity: str) -> list[Answer]:
        key = keys[identity]

        def one(number: int) -> Answer:
            return servers.call(number, key, path, method=method)

        some = [one(number) for number in range(before)]
        crowd = at_once([lambda number=number: one(number) for number in range(CROWD)])
        return [*some, *crowd, one(0), one(1)]

    answers = in_one_window(make, spend)
    assert statuses(answers[:before]) == {success: before}
    assert statuses(answers) == {success: limit, 429: before + CROWD + 2 - limit}
    check_headers(answers, policy, limit)
    # Another key of the same address has all of its own.
    _, other = servers.key()
    assert servers.call(0, other, path, method=method).status == success


def check_addresses(servers: Servers) -> None:
    """Wrong credentials count for the address that the proxy names, whatever the caller wrote itself."""
    numbers = random.Random(7)

    def make() -> str:
        return f"ip:{NETWORK[numbers.randrange(NETWORK.num_addresses)]}"

    def guess(identity: str) -> list[Answer]:
        mine = identity.removeprefix("ip:")

        def one(number: int) -> Answer:
            return servers.call(number, "guess", forwarded=f"10.0.0.{number}, {mine}")

        return at_once([lambda number=number: one(number) for number in range(READS + 20)])

    answers = in_one_window(make, guess)
    assert statuses(answers) == {401: READS, 429: 20}
    check_headers(answers, "read", READS)
    assert all("WWW-Authenticate" in answer.headers for answer in answers if answer.status == 401)
    other = fresh(make).removeprefix("ip:")
    assert servers.call(0, "guess", forwarded=other).status == 401


def test_the_21st_write_and_the_101st_read_of_a_minute_are_refused(servers):
    """And the 101st wrong key. One test: what it needs takes longer to start than to ask."""
    check_exactly(servers, "write", "POST", "/organizations", 201)
    check_exactly(servers, "read", "GET", "/plans", 200)
    check_addresses(servers)
