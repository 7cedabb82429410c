"""The predecessor answered 500 to no body, to an id that is none, to a NUL, to a second subscription."""

import json
import logging
from urllib.parse import quote

import pytest

from billing.subscribing import Order, subscribe
from credits.deducting import deduct
from credits.holding import HoldOrder, place
from organizations.models import ApiKey
from tests.api_client import ApiClient
from tests.concurrency.invariants import broken
from tests.ledger import ORIGIN, balances, charge
from tests.regressions.nasty import BODIES, CONTENT_TYPES, HEADER_VALUES, PARAMETERS, VALUES
from tests.regressions.operations import operations, with_value

# Each request commits by itself, as in production: one that fails breaks no other's transaction.
pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "counters"])
SUCCESS = {"application/json", "text/csv; charset=utf-8"}


@pytest.fixture
def known(funded, bob, alpha_key):
    """Ids that are something: bob's membership, a key and a subscription of Alpha."""
    subscription = subscribe(organization=funded, order=Order("platform"), origin=ORIGIN)
    return {
        "org_id": str(funded.pk),
        "user_id": str(bob.pk),
        "subscription_id": str(subscription.pk),
        "key_id": str(ApiKey.objects.get(org=funded).pk),
        "hold_id": str(place(HoldOrder(charge(funded, bob, 10))).hold.pk),
        "usage_id": str(deduct(charge(funded, bob, 10)).charged.usage_id),
    }


@pytest.fixture
def api(system_admin, known):
    """Somebody whom nothing is forbidden: no 403 stands before what is tried."""
    logging.disable(logging.ERROR)
    yield ApiClient(user=system_admin)
    logging.disable(logging.NOTSET)


class Answers:
    """Collects what must not be answered, so that one run tells all of it."""

    def __init__(self):
        self.wrong = {}
        self.asked = 0

    def take(self, answer, *what):
        self.asked += 1
        media = answer.get("Content-Type", "")
        good = answer.status_code < 500 and (
            answer.status_code == 204
            or media in (SUCCESS if answer.status_code < 400 else {"application/problem+json"})
        )
        if not good or "X-Injected" in answer.headers:
            self.wrong[what] = (answer.status_code, answer.content[:200])


def writing(known):
    """The operations with a body; of PUT and PATCH, which are one, only PUT."""
    found = [operation for operation in operations(known) if operation.fields]
    put = {operation.path for operation in found if operation.method == "PUT"}
    return [each for each in found if each.method != "PATCH" or each.path not in put]


def test_no_field_of_any_body_makes_a_500(api, known, funded, alice):
    answers = Answers()
    for operation in writing(known):
        for field in operation.fields:
            for value in VALUES:
                raw = with_value(operation.body, field, value)
                answer = api.request(operation.method, operation.path, raw=raw)
                answers.take(answer, operation.method, operation.path, field, value[:60])
    assert answers.wrong == {}
    assert answers.asked > 1_200
    assert broken(funded.pk) == []
    assert balances(funded, alice).remaining == 1_000


def test_no_body_makes_a_500(api, known, funded):
    answers = Answers()
    for operation in writing(known):
        for body in BODIES:
            answer = api.request(operation.method, operation.path, raw=body)
            answers.take(answer, operation.method, operation.path, body[:40])
            assert answer.status_code >= 400 or body.strip() == b""
        for media in CONTENT_TYPES:
            answer = api.request(operation.method, operation.path, raw=b"{}", Content_Type=media)
            answers.take(answer, operation.method, operation.path, media[:40])
    assert answers.wrong == {}


def test_no_query_makes_a_500(api, known):
    answers = Answers()
    for operation in operations(known):
        queries = [f"{name}={value}" for name in operation.parameters for value in PARAMETERS]
        queries += [f"{name}=1" for name in ("format", "nobody_knows_this", "%00", "%ff", "")]
        queries += ["&".join(queries[:1] * 2), "&" * 500, "a=1&" * 500]
        for query in queries:
            answer = api.request(operation.method, f"{operation.path}?{query}")
            answers.take(answer, operation.method, operation.path, query[:100])
    assert answers.wrong == {}


def test_no_path_makes_a_500(api, known):
    answers = Answers()
    for operation in operations(known):
        for some_id in operation.path_ids:
            for value in (*PARAMETERS, "..%2f..", "%2e%2e", "\u0663", "x" * 5_000):
                path = operation.path.replace(some_id, quote(value, safe="%'-_.:"))
                answer = api.request(operation.method, path)
                answers.take(answer, operation.method, path[:200])
    assert answers.wrong == {}


def test_no_header_makes_a_500(api, known):
    """All read the same ones in the same place, but for the key."""
    answers, some = Answers(), [operations(known)[0], *writing(known)[:2]]
    everywhere = ("X_Request_ID", "Accept", "Content_Encoding", "Host", "Authorization")
    tried = [(operation, name) for operation in some for name in everywhere]
    tried += [(operation, "Idempotency_Key") for operation in writing(known)]
    for operation, name in tried:
        for value in HEADER_VALUES:
            raw = json.dumps(dict(operation.body)).encode() if operation.fields else None
            answer = api.request(operation.method, operation.path, raw=raw, **{name: value})
            answers.take(answer, operation.method, operation.path, name, value[:60])
    assert answers.wrong == {}
