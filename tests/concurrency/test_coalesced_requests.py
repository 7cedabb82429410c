"""Requests whose charges go together: each has its own answer, line in the log, id and count."""

from functools import partial

import pytest

from credits.models import Usage
from orgbilling.lib.metrics import REGISTRY
from tests.api_client import ok, problem
from tests.ledger import give
from tests.logs.kept import kept

pytestmark = pytest.mark.django_db(transaction=True)
CREDITS = {"a": 1, "b": 2, "c": 1_000_000, "d": 3}


def figures():
    names = (
        "deducts_total",
        "credits_deducted_total",
        "coalesced_deducts_sum",
        "deducts_apart_total",
    )
    labels = ({"outcome": "accepted"}, {}, {}, {"reason": "left"})
    pairs = zip(names, labels, strict=True)
    return [REGISTRY.get_sample_value(f"orgbilling_{name}", own) or 0 for name, own in pairs]


def test_each_request_is_told_of_as_if_it_had_been_alone(
    gathering, rich, alice, bob, client_for, alpha_key
):
    give(rich, bob, 100)
    api = client_for(alpha_key)
    # Whatever a request does but once in a process.
    ok(api.post("credits/deduct", body(rich, alice, 1)), 201)
    before = figures()
    with kept() as log:
        answers = gathering.together(
            [
                partial(
                    api.post,
                    "credits/deduct",
                    body(rich, bob, credits),
                    Idempotency_Key=f"key-{name}",
                    X_Request_ID=f"request-{name}",
                )
                for name, credits in CREDITS.items()
            ]
        )
    assert gathering.sent == [4]
    assert [answer.headers["X-Request-ID"] for answer in answers] == [
        f"request-{name}" for name in CREDITS
    ]
    assert problem(answers[2], 402, "insufficient_credits")["requested"] == 1_000_000
    paid = {name: answer for name, answer in zip(CREDITS, answers, strict=True) if name != "c"}
    for name, answer in paid.items():
        row = Usage.objects.get(pk=ok(answer, 201)["id"])
        assert (row.request_id, row.idempotency_key) == (f"request-{name}", f"key-{name}")
    lines = {line["request_id"]: line for line in log.named("credits.deducted")}
    assert {name: line["credits_deducted"] for name, line in lines.items()} == {
        f"request-{name}": CREDITS[name] for name in paid
    }
    (refused,) = log.named("credits.refused")
    assert refused["request_id"] == "request-c"
    assert sorted(line["request_id"] for line in log.named("request.finished")) == [
        f"request-{name}" for name in CREDITS
    ]
    grown = [now - then for now, then in zip(figures(), before, strict=True)]
    # The last one stood behind one of its own member that couldn't be paid: it was left to go alone, and was paid.
    assert grown == [3, 6, 4, 2]


def body(org, user, credits):
    named = {"org_id": str(org.pk), "user_id": str(user.pk), "service_name": "contact_lookup"}
    return {**named, "credits": credits}
