"""The corpus in every field, parameter, header and path of the API: no 5xx, nothing undocumented, nothing written
by what was refused, nothing accepted that isn't kept as it was sent. Operations come from the OpenAPI document.
"""

import json
import re
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest

from credits.holding import HoldOrder, place
from tests.api_client import ApiClient
from tests.authorization.tenants import Tenant
from tests.concurrency.invariants import broken
from tests.corpus.operations import JSON, Operation, Path, operations
from tests.corpus.room import Judge
from tests.corpus.values import (
    BODIES,
    CONTENT_TYPES,
    HEADERS,
    JSON_TEXTS,
    LONG,
    PARAMETERS,
    PATH_PARTS,
    QUERIES,
    TYPES,
    share,
)
from tests.factories import make_user
from tests.ledger import charge

PROBLEM = "application/problem+json"
pytestmark = pytest.mark.django_db(databases=["default", "counters"])

SHARDS = 2
SHARD = pytest.mark.parametrize("shard", range(SHARDS))
#: Answers that come before an operation of the document: of a foreign Host, of another address.
BEFORE = frozenset({400, 401, 404, 405})
#: Its notes go to the journal; those in its answer are the allocation's.
NOTED_ELSEWHERE = "/reclaim"
AMOUNT = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,9})?")
#: Of what else a field, a parameter or a path is tried with, how many in the suite; others each time.
TRIED = 16
EVERYWHERE = (
    "X-Request-ID",
    "Accept",
    "Accept-Language",
    "Authorization",
    "Content-Encoding",
    "Content-Length",
    "Cookie",
    "Host",
    "If-Modified-Since",
    "Origin",
    "Range",
    "Referer",
    "Transfer-Encoding",
    "X-CSRFToken",
    "X-Forwarded-For",
)


class World:
    """An organization with everything that an id can be, and somebody whom nothing is forbidden: no 403 stands
    before what is tried."""

    def __init__(self) -> None:
        self.tenant = Tenant("alpha")
        org, member = self.tenant.org, self.tenant.member
        hold = place(HoldOrder(charge(org, member, 200), 900)).hold
        admin = make_user("root@example.com", "Root", is_staff=True, is_superuser=True)
        self.api = ApiClient(user=admin)
        self.operations = operations(
            {
                "org_id": str(self.tenant.org.pk),
                "user_id": str(self.tenant.member.pk),
                "subscription_id": str(self.tenant.subscription.pk),
                "key_id": str(self.tenant.api_key.pk),
                "hold_id": str(hold.pk),
                "usage_id": str(self.tenant.usage_id),
                "endpoint_id": str(self.tenant.delivery.endpoint_id),
                "delivery_id": str(self.tenant.delivery.pk),
            }
        )

    @property
    def writing(self) -> list[Operation]:
        """The operations with a body; of PUT and PATCH, which are one, only PUT."""
        found = [operation for operation in self.operations if operation.fields]
        put = {operation.path for operation in found if operation.method == "PUT"}
        return [each for each in found if each.method != "PATCH" or each.path not in put]


@pytest.fixture
def world(db):
    return World()


@pytest.fixture
def ask(room, world):
    """Asks one thing of an operation."""

    def sent(
        operation: Operation, judge: Judge, *what: str, query: str = "", **request: Any
    ) -> Any:
        path = request.pop("path", operation.path) + query
        send = lambda: world.api.request(operation.method, path, **request)  # noqa: E731
        return room.ask(send, judge, str(operation), *what)

    return sent


def documented(operation: Operation, beside: frozenset[int] = frozenset()) -> Judge:
    """Judges whether the document tells of the answer: its status, and its media type there."""

    def judge(answer: Any) -> str | None:
        media = answer.get("Content-Type", "").partition(";")[0]
        if answer.status_code >= 400 and media != PROBLEM:
            return f"a refusal as {media}"
        if answer.status_code in beside:
            return None
        if answer.status_code not in operation.answers:
            return "a status that is not documented"
        expected = operation.answers[answer.status_code]
        return f"{media} is not documented" if expected and media not in expected else None

    return judge


def kept(operation: Operation, field: Path, text: str) -> Judge:
    """Judges as `documented` does, and whether a text that was accepted is in the answer as it was sent."""

    def judge(answer: Any) -> str | None:
        complaint = documented(operation)(answer)
        if complaint or answer.status_code >= 300 or answer.get("Content-Type") != JSON:
            return complaint
        sent, name = json.loads(text), field[-1]
        if not isinstance(sent, str) or not sent or isinstance(name, int):
            return None
        if operation.path.endswith(NOTED_ELSEWHERE) and name == "notes":
            return None
        said = [same(one) for one in values_of(json.loads(answer.content), name)]
        return f"accepted, and kept as {said[0]!r}" if said and same(sent) not in said else None

    return judge


def same(value: Any) -> Any:
    """A text without what every form strips, in small letters, as addresses are kept; an amount as its number."""
    if not isinstance(value, str):
        return value
    text = value.strip().lower()
    return Decimal(text) if AMOUNT.fullmatch(text) else text


def values_of(node: Any, name: Any) -> Any:
    """The values of all members of this name, but for what a batch says of an item that it refused."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == name:
                yield value
            if key != "error":
                yield from values_of(value, name)
    if isinstance(node, list):
        for one in node:
            yield from values_of(one, name)


@SHARD
def test_every_field_of_every_body(ask, room, world, shard):
    turn = shard
    for operation in world.writing[shard::SHARDS]:
        for field in operation.fields:
            turn += 1
            for text in (*TYPES, *share(JSON_TEXTS, turn, TRIED)):
                raw = operation.with_value(field, text)
                ask(operation, kept(operation, field, text), str(field), text, raw=raw)
            room.nothing_written(str(operation), str(field))
    assert not room.wrong, str(room)
    assert room.asked > 300
    assert room.done > 10
    assert broken(world.tenant.org.pk) == []


def test_every_good_body_is_good(ask, room, world):
    """The corpus is put into requests that would have succeeded."""
    refused = {}
    for operation in world.writing:
        for body in operation.bodies:
            answer = ask(
                operation, documented(operation), "as it is", raw=json.dumps(body).encode()
            )
            if answer.status_code >= 300:
                refused[str(operation)] = answer.content[:200]
    assert not room.wrong, str(room)
    # Its organization has a subscription.
    assert {name.rpartition("/")[2] for name in refused} <= {"subscriptions"}, refused


def test_every_body(ask, room, world):
    for operation in world.writing:
        judge = documented(operation)
        for body in BODIES:
            answer = ask(operation, judge, repr(body[:40]), raw=body)
            assert answer.status_code >= 400 or body.strip() == b"", (operation, body[:40])
        for media in CONTENT_TYPES:
            ask(operation, judge, media, raw=b"{}", Content_Type=media)
        for encoding in ("gzip", "br", "identity, gzip", "\x00"):
            ask(operation, judge, encoding, raw=BODIES[-1], Content_Encoding=encoding)
        room.nothing_written(str(operation))
    assert not room.wrong, str(room)


@SHARD
def test_every_parameter_of_every_query(ask, room, world, shard):
    turn = shard
    for operation in world.operations[shard::SHARDS]:
        queries = []
        for name in operation.parameters:
            turn += 1
            queries += [f"{name}={value}" for value in share(PARAMETERS, turn, TRIED)]
            queries += [f"{name}=1&{name}=1"]
        for query in (*queries, *share(QUERIES, turn, 6)):
            ask(operation, documented(operation, BEFORE), query, query=f"?{query}")
        room.nothing_written(str(operation))
    assert not room.wrong, str(room)


def test_every_cursor_that_was_tampered_with(ask, room, world):
    """Cut off, with a letter changed, of another list, signed for something else."""
    reading = [operation for operation in world.operations if "cursor" in operation.parameters]
    own = {str(operation): cursor_of(world.api, operation) for operation in reading}
    tokens = [token for token in own.values() if token]
    assert len(reading) > 3
    assert tokens
    for operation in reading:
        token = own[str(operation)] or tokens[0]
        for forged in (*forgeries(token), *(other for other in tokens if other != token)):
            judge = documented(operation)
            answer = ask(operation, judge, forged, query=f"?cursor={quote(forged, safe=':')}")
            assert answer.status_code == 400, (operation, forged)
        room.nothing_written(str(operation))
    assert not room.wrong, str(room)


def cursor_of(api, operation):
    """The cursor of the list's second page, None when it has one page."""
    page = json.loads(api.get(f"{operation.path}?page_size=1").content)
    return page["next"].partition("cursor=")[2].partition("&")[0] if page.get("next") else None


def forgeries(token):
    """What is almost the token."""
    token = token.replace("%3A", ":")
    yield from (token[:-1], token[1:], token[: len(token) // 2], token * 2, token + "x", "")
    for at in range(0, len(token) - 1, 1 if LONG else 23):
        if token[at] != ":":
            yield token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
    yield from (token.partition(":")[0], ":" * 5, "eyJhIjoxfQ:1:" + "A" * 43)


def test_every_id_of_every_path(ask, room, world):
    turn = 0
    for operation in world.operations:
        for some_id in operation.path_ids:
            turn += 1
            for value in share(PATH_PARTS, turn, TRIED):
                path = operation.path.replace(some_id, quote(value, safe="%'-_.:"))
                ask(operation, documented(operation, BEFORE), path, path=path)
        room.nothing_written(str(operation))
    assert not room.wrong, str(room)


def test_every_header_that_is_read(ask, room, world):
    """All operations read the same ones in the same place, but for those of their own."""
    some = [next(one for one in world.operations if one.path.endswith("/plans")), world.writing[0]]
    tried = [(operation, name) for operation in some for name in EVERYWHERE]
    tried += [(operation, name) for operation in world.operations for name in operation.headers]
    for operation, name in tried:
        for value in HEADERS:
            raw = json.dumps(dict(operation.body)).encode() if operation.fields else None
            headers = {name.replace("-", "_"): value}
            ask(operation, documented(operation, BEFORE), name, value, raw=raw, **headers)
        room.nothing_written(str(operation), name)
    assert not room.wrong, str(room)
