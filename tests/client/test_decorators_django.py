"""Views of Django that charge; what is the same for every framework is in test_decorators_fastapi."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.test import RequestFactory
from django.utils.decorators import method_decorator
from django.views import View
from orgbilling_client import AsyncClient, Client, ConfigurationError, RetryPolicy
from orgbilling_client.django import charge, current_charge
from orgbilling_client.journal import Journal, replay

from tests.client.cast import Cast

MODES = pytest.mark.parametrize("mode", ["hold", "deduct"])
requests = RequestFactory()


class Books:
    """Who pays, and what they have paid."""

    def __init__(self, cast: Cast, client: Client) -> None:
        self.cast, self.client = cast, client

    def payer(self, _call: Any) -> str:
        return self.cast.user_id

    @property
    def spent(self) -> int:
        (allocation,) = self.client.user_credits(self.cast.user_id).allocations
        assert allocation.held_credits == 0
        return allocation.lifetime_used_credits


@pytest.fixture
def books(cast: Cast, client: Client) -> Books:
    return Books(cast, client)


def post(document: Any, **headers: str) -> HttpRequest:
    return requests.post("/enrich", json.dumps(document), "application/json", headers=headers)


@MODES
def test_a_view_is_charged_when_it_succeeds_and_free_when_it_fails(
    books: Books, client: Client, mode: Any
) -> None:
    @charge(client, service="company_enrichment", user=books.payer, quantity=1, mode=mode)
    def enrich(request: HttpRequest) -> HttpResponse:
        said = json.loads(request.body)
        if said == "missing":
            raise Http404
        return JsonResponse({}, status=said)

    assert enrich(post(200)).status_code == 200
    assert books.spent == 50
    with pytest.raises(Http404):
        enrich(post("missing"))
    assert enrich(post(502)).status_code == 502
    assert books.spent == 50


@MODES
def test_a_view_of_asyncio_too(books: Books, cast: Cast, mode: Any) -> None:
    async def called() -> list[int]:
        async with AsyncClient(cast.url, cast.key, cast.org_id) as client:

            @charge(client, service="s", user=books.payer, credits=lambda _: 7, mode=mode)
            async def view(request: HttpRequest, status: int) -> HttpResponse:
                await asyncio.sleep(0)
                return HttpResponse(status=status)

            return [(await view(post({}), status=status)).status_code for status in (200, 500)]

    assert asyncio.run(called()) == [200, 500]
    assert books.spent == 7


def test_a_view_of_asyncio_with_a_client_for_threads(books: Books, client: Client) -> None:
    @charge(client, service="s", user=books.payer, credits=7)
    async def view(request: HttpRequest) -> HttpResponse:
        current_charge().cost_was(3)
        return HttpResponse()

    assert asyncio.run(view(post({}))).status_code == 200
    assert books.spent == 3


def test_a_method_of_a_class(books: Books, client: Client) -> None:
    charged = charge(
        client, service="s", user=books.payer, credits=lambda call: call.arguments["rows"]
    )

    class Export(View):
        @method_decorator(charged)
        def post(self, request: HttpRequest, rows: int) -> StreamingHttpResponse:
            return StreamingHttpResponse(iter([b"row"] * rows))

    answer = Export.as_view()(post({}), rows=4)
    assert b"".join(answer.streaming_content) == b"row" * 4
    assert books.spent == 4


def test_who_cant_pay_is_told_why(books: Books, client: Client) -> None:
    @charge(client, service="s", user=books.payer, credits=1_000_000)
    def view(request: HttpRequest) -> HttpResponse:
        raise AssertionError("No work is done.")

    answer = view(post({}))
    assert (answer.status_code, answer["Content-Type"]) == (402, "application/problem+json")
    document = json.loads(answer.content)
    assert document["code"] == "insufficient_credits"
    assert document["why"]["fix"]


@MODES
def test_the_same_request_is_charged_once(books: Books, client: Client, mode: Any) -> None:
    @charge(client, service="s", user=books.payer, credits=1, mode=mode)
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.body)

    for document in ("a", "a", "b"):
        assert view(post(document, **{"Idempotency-Key": "one"})).status_code == 200
    assert books.spent == 2
    for _ in range(2):
        view(post("a"))
    assert books.spent == 4


def test_a_body_that_was_read_as_a_stream_is_charged_each_time(
    books: Books, client: Client
) -> None:
    @charge(client, service="s", user=books.payer, credits=1)
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    for _ in range(2):
        request = post("a", **{"Idempotency-Key": "one"})
        request.read(1)
        view(request)
    assert books.spent == 2


@pytest.mark.parametrize("length", ["nonsense", "-1", "1e3", "\u0663", "9" * 5_000])
def test_a_length_that_is_none_is_charged_each_time(
    books: Books, client: Client, length: str
) -> None:
    @charge(client, service="s", user=books.payer, credits=1)
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    for _ in range(2):
        request = post("a", **{"Idempotency-Key": "one"})
        request.META["CONTENT_LENGTH"] = length
        assert view(request).status_code == 200
    assert books.spent == 2


def test_while_billing_is_away(books: Books, cast: Cast, tmp_path: Path) -> None:
    policy = RetryPolicy(attempts=1)
    with (
        Client("http://127.0.0.1:1", cast.key, cast.org_id, retry=policy) as away,
        Journal(tmp_path / "charges.journal") as journal,
    ):

        def view(request: HttpRequest) -> HttpResponse:
            return HttpResponse()

        shut = charge(away, service="s", user=books.payer, credits=1)(view)(post({}))
        assert (shut.status_code, shut["Retry-After"]) == (503, "5")
        let_in = charge(away, service="s", user=books.payer, credits=1, journal=journal)(view)
        assert let_in(post({})).status_code == 200
        assert replay(journal, books.client).delivered == 1
    assert books.spent == 1


def test_a_client_for_asyncio_needs_a_view_of_asyncio(books: Books, cast: Cast) -> None:
    client = AsyncClient(cast.url, cast.key, cast.org_id)

    @charge(client, service="s", user=books.payer, credits=1)
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    with pytest.raises(ConfigurationError, match="async"):
        view(post({}))
    asyncio.run(client.aclose())
