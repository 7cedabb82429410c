"""The client and the service's description agree: each operation, parameter, field and answer."""

import json
import re
from collections.abc import Iterator
from typing import Any, get_args

import httpx
import pytest
from jsonschema import Draft202012Validator
from orgbilling_client import Client, RetryPolicy
from orgbilling_client.calls import Repeat
from orgbilling_client.requests import billing, organizations, pools, reports, webhooks

from tests.client import description
from tests.client.asking import KEY, ORG
from tests.client.description import ALIASES, OPERATIONS

#: Its items have the keys.
IN_ITEMS = "credits_deduct_batch_create"


class Recorder:
    """Answers each call of one operation as the description's example does, and keeps what it was sent."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        status, kind, example = description.success(self.name)
        if example is None:
            return httpx.Response(status)
        if isinstance(example, dict) and "next" in example:
            example = {**example, "next": None}
        if self.name == IN_ITEMS:
            example = self._as_many_results(request, example)
        content = example if isinstance(example, str) else json.dumps(example)
        return httpx.Response(status, content=content, headers={"Content-Type": kind})

    @staticmethod
    def _as_many_results(request: httpx.Request, example: dict[str, Any]) -> dict[str, Any]:
        wanted = len(json.loads(request.content)["items"])
        return {**example, "results": (example["results"] * wanted)[:wanted]}


def recorded(name: str) -> tuple[list[httpx.Request], list[Any]]:
    """What the calls of an operation sent, and what they returned."""
    recorder, results = Recorder(name), []
    with (
        httpx.Client(transport=httpx.MockTransport(recorder)) as http,
        Client(
            "https://billing.example", KEY, ORG, retry=RetryPolicy(attempts=1), http=http
        ) as client,
    ):
        for call in OPERATIONS[name]:
            result = call(client)
            results.append(list(result) if isinstance(result, Iterator) else result)
    return recorder.requests, results


def test_every_operation_of_the_description_has_a_method():
    assert OPERATIONS.keys() | ALIASES.keys() == description.operations().keys()
    assert not OPERATIONS.keys() & ALIASES.keys()


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_is_called_as_it_is_described(name):
    method, path, _operation = description.operations()[name]
    template = re.compile(re.sub(r"\\\{\w+\\\}", r"[0-9a-f-]{36}", re.escape(path)))
    requests, results = recorded(name)

    assert len(requests) == len(results) == len(OPERATIONS[name])
    for request in requests:
        assert request.method == method
        assert template.fullmatch(request.url.path)
        assert request.headers["Authorization"] == f"Bearer {KEY}"
    sent = {key for request in requests for key in request.url.params}
    assert sent == description.parameters(name, "query")


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_body_has_every_field_that_is_described_and_no_other(name):
    schema = description.request_schema(name)
    bodies = [json.loads(request.content) for request in recorded(name)[0] if request.content]
    if schema is None:
        assert bodies == []
        return

    validator = Draft202012Validator({**schema, "components": description.document()["components"]})
    for body in bodies:
        validator.validate(body)
    properties = schema.get("properties", {})
    assert {field for body in bodies for field in body} == properties.keys()
    for field, inner in properties.items():
        if inner.get("type") == "array" and "$ref" in inner["items"]:
            fields = {one for body in bodies for item in body[field] for one in item}
            assert fields == description.resolved(inner["items"])["properties"].keys()


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_key_is_sent_where_it_is_honoured(name):
    takes_one = "Idempotency-Key" in description.parameters(name, "header")
    for request in recorded(name)[0]:
        if name == IN_ITEMS:
            assert all(item["request_id"] for item in json.loads(request.content)["items"])
            takes_one = False
        assert ("Idempotency-Key" in request.headers) is takes_one


@pytest.mark.parametrize("name", OPERATIONS)
def test_only_what_may_be_repeated_is(name):
    """A POST is repeated when it has a key, or is known to write nothing."""
    method, _path, _operation = description.operations()[name]
    sent = []

    def fail(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(502)

    with (
        httpx.Client(transport=httpx.MockTransport(fail)) as http,
        Client(
            "https://billing.example",
            KEY,
            ORG,
            retry=RetryPolicy(attempts=2, first_wait_seconds=0),
            http=http,
        ) as client,
        pytest.raises(Exception, match="502"),
    ):
        result = OPERATIONS[name][0](client)
        list(result)
    expected = (
        Repeat.KEYED
        if "Idempotency-Key" in sent[0].headers or name == IN_ITEMS
        else Repeat.SAFE
        if method == "GET" or name == "credits_check_create"
        else Repeat.ONCE
    )
    assert len(sent) == (1 if expected is Repeat.ONCE else 2)


@pytest.mark.parametrize(
    ("literal", "schema", "field"),
    [
        (billing.PlanName, "SubscribeRequest", "subscription_plan"),
        (billing.BillingCycle, "SubscribeRequest", "billing_cycle"),
        (pools.ResetPeriod, "AllocateRequest", "reset_period"),
        (organizations.Role, "MemberAddRequest", "role"),
        (reports.GroupBy, "Summary", "group_by"),
        (webhooks.EndpointStatus, "WebhookEndpointChangeRequest", "status"),
        (webhooks.DeliveryStatus, "WebhookDelivery", "status"),
    ],
)
def test_choices_are_the_same(literal, schema, field):
    described = description.schemas()[schema]["properties"][field]

    assert set(get_args(literal)) == set(described["enum"])


def test_scopes_are_the_same():
    described = description.schemas()["ApiKeyIssueRequest"]["properties"]["scopes"]

    assert set(get_args(organizations.Scope)) == set(described["items"]["enum"])
