"""Endpoints of FastAPI that charge: a call costs once when it succeeds, and nothing when it fails."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Body, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, StreamingResponse
from orgbilling_client import AsyncClient, Client, ConfigurationError, RetryPolicy
from orgbilling_client.fastapi import charge, current_charge
from orgbilling_client.journal import Journal, replay

from tests.client.cast import Cast

SERVICE = "company_enrichment"
PRICE = 50
NOBODY = "http://127.0.0.1:1"
MODES = pytest.mark.parametrize("mode", ["hold", "deduct"])


class App:
    """An application, called as a server would, and the books of who pays for it."""

    def __init__(self, cast: Cast, books: Client) -> None:
        self.api, self.cast, self.books = FastAPI(), cast, books
        self.worked: list[str] = []

    def call(self, method: str, path: str, **request: Any) -> httpx.Response:
        async def called() -> httpx.Response:
            transport = httpx.ASGITransport(self.api, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://app") as caller:
                return await caller.request(method, path, **request)

        return asyncio.run(called())

    def spent(self) -> int:
        (allocation,) = self.books.user_credits(self.cast.user_id).allocations
        return allocation.lifetime_used_credits

    def held(self) -> int:
        (allocation,) = self.books.user_credits(self.cast.user_id).allocations
        return allocation.held_credits

    def payer(self, _call: Any) -> str:
        return self.cast.user_id

    def work(self, said: dict[str, Any]) -> Any:
        """What the endpoint does: it fails as it is told to."""
        self.worked.append(said["domain"])
        if said.get("raise"):
            raise RuntimeError("broken")
        if said.get("refuse"):
            raise HTTPException(404)
        return JSONResponse({"name": "Acme"}, said.get("status", 200))


@pytest.fixture
def app(cast: Cast, client: Client) -> App:
    return App(cast, client)


@pytest.fixture(params=["async", "threads"])
def enrich(request: pytest.FixtureRequest, app: App, cast: Cast) -> Iterator[Callable[..., None]]:
    """A maker of the endpoint `POST /enrich`, which fails as its body says."""
    near = Client(cast.url, cast.key, cast.org_id)

    def make(client: Client | None = None, **options: Any) -> None:
        price = {} if {"credits", "quantity"} & options.keys() else {"quantity": 1}
        charged = charge(client or near, service=SERVICE, user=app.payer, **{**price, **options})

        if request.param == "async":

            @app.api.post("/enrich")
            @charged
            async def endpoint(said: Annotated[dict[str, Any], Body()]) -> Any:
                return app.work(said)
        else:

            @app.api.post("/enrich")
            @charged
            def endpoint_in_thread(said: Annotated[dict[str, Any], Body()]) -> Any:
                return app.work(said)

    yield make
    near.close()


@MODES
def test_a_call_that_succeeds_is_charged(app: App, enrich: Callable[..., None], mode: str) -> None:
    enrich(mode=mode, metadata=lambda call: {"domain": call.arguments["said"]["domain"]})
    answer = app.call("POST", "/enrich", json={"domain": "acme.example"})
    assert (answer.status_code, answer.json()) == (200, {"name": "Acme"})
    (row,) = app.books.usage()
    assert (row.credits_used, row.service_name) == (PRICE, SERVICE)
    assert row.metadata == {"domain": "acme.example"}
    assert app.held() == 0


@MODES
@pytest.mark.parametrize("said", [{"raise": True}, {"refuse": True}, {"status": 503}], ids=str)
def test_a_call_that_fails_costs_nothing(
    app: App, enrich: Callable[..., None], mode: str, said: dict[str, Any]
) -> None:
    enrich(mode=mode)
    answer = app.call("POST", "/enrich", json={"domain": "acme.example", **said})
    assert answer.status_code == (503 if "status" in said else 404 if "refuse" in said else 500)
    assert app.worked == ["acme.example"]
    assert (app.spent(), app.held()) == (0, 0)


def test_an_answer_below_500_is_charged_unless_told_otherwise(
    app: App, enrich: Callable[..., None]
) -> None:
    enrich()
    app.call("POST", "/enrich", json={"domain": "a.example", "status": 404})
    assert app.spent() == PRICE


def test_statuses_can_be_free(app: App, enrich: Callable[..., None]) -> None:
    enrich(free_statuses=range(400, 600))
    app.call("POST", "/enrich", json={"domain": "a.example", "status": 404})
    assert app.spent() == 0


@MODES
def test_who_cant_pay_is_told_why_and_no_work_is_done(
    app: App, enrich: Callable[..., None], mode: str
) -> None:
    enrich(mode=mode, credits=1_000_000)
    answer = app.call("POST", "/enrich", json={"domain": "acme.example"})
    assert answer.status_code == 402
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert (document["code"], document["status"]) == ("insufficient_credits", 402)
    assert (document["requested"], document["remaining"]) == (1_000_000, 10_000)
    assert "fix" in document["why"]
    assert app.worked == []


def test_a_fault_of_the_service_itself_is_no_answer_to_its_caller(
    app: App, enrich: Callable[..., None], cast: Cast
) -> None:
    with Client(cast.url, "obk_live_wrong", cast.org_id) as wrong:
        enrich(wrong)
        answer = app.call("POST", "/enrich", json={"domain": "acme.example"})
    assert answer.status_code == 500
    assert app.worked == []


@MODES
def test_the_same_request_is_charged_once(app: App, enrich: Callable[..., None], mode: str) -> None:
    enrich(mode=mode)
    for header in ("Idempotency-Key", "X-Request-ID"):
        for _ in range(3):
            app.call("POST", "/enrich", json={"domain": "acme.example"}, headers={header: "a-1"})
    # Both headers carry the same name, and it is the same request.
    assert (app.spent(), len(app.worked)) == (PRICE, 6)


@MODES
def test_another_request_under_the_same_key_is_charged(
    app: App, enrich: Callable[..., None], mode: str
) -> None:
    enrich(mode=mode)
    for domain in ("a.example", "b.example"):
        app.call("POST", "/enrich", json={"domain": domain}, headers={"Idempotency-Key": "one"})
    app.call(
        "POST", "/enrich?x=1", json={"domain": "a.example"}, headers={"Idempotency-Key": "one"}
    )
    assert app.spent() == 3 * PRICE


@MODES
def test_a_repetition_after_a_failure_is_charged_when_it_succeeds(
    app: App, enrich: Callable[..., None], mode: str
) -> None:
    failing = threading.Event()
    failing.set()
    enrich(mode=mode, free_statuses=_While(failing))
    once = {"json": {"domain": "a.example"}, "headers": {"Idempotency-Key": "one"}}
    app.call("POST", "/enrich", **once)
    app.call("POST", "/enrich", **once)
    assert (app.spent(), app.held()) == (0, 0)
    failing.clear()
    for _ in range(3):
        app.call("POST", "/enrich", **once)
    assert (app.spent(), app.held()) == (PRICE, 0)


def test_a_caller_that_may_not_repeat_pays_each_time(app: App, enrich: Callable[..., None]) -> None:
    enrich(repeat_within=timedelta(0))
    for _ in range(2):
        app.call("POST", "/enrich", json={"domain": "a"}, headers={"Idempotency-Key": "one"})
    assert app.spent() == 2 * PRICE


def test_without_a_journal_nobody_is_let_in_while_billing_is_away(
    app: App, enrich: Callable[..., None], cast: Cast
) -> None:
    with Client(NOBODY, cast.key, cast.org_id, retry=RetryPolicy(attempts=1)) as away:
        enrich(away)
        answer = app.call("POST", "/enrich", json={"domain": "acme.example"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["code"] == "billing_unavailable"
    assert app.worked == []


@MODES
def test_with_a_journal_everybody_is_let_in_and_charged_later(
    app: App, enrich: Callable[..., None], cast: Cast, tmp_path: Path, mode: str
) -> None:
    with (
        Client(NOBODY, cast.key, cast.org_id, retry=RetryPolicy(attempts=1)) as away,
        Journal(tmp_path / "charges.journal") as journal,
    ):
        enrich(away, journal=journal, mode=mode)
        good = app.call("POST", "/enrich", json={"domain": "a.example"})
        bad = app.call("POST", "/enrich", json={"domain": "b.example", "raise": True})
        assert (good.status_code, bad.status_code) == (200, 500)
        assert journal.pending() == 1
        assert replay(journal, app.books).delivered == 1
    assert app.spent() == PRICE


def test_a_call_may_say_what_it_cost(app: App, cast: Cast) -> None:
    with Client(cast.url, cast.key, cast.org_id) as client:

        @app.api.get("/ask")
        @charge(client, service="llm", user=app.payer, credits=400)
        def ask(cost: int) -> str:
            current_charge().cost_was(cost)
            return "answered"

        assert app.call("GET", "/ask?cost=150").status_code == 200
        assert app.call("GET", "/ask?cost=0").status_code == 200
        assert app.call("GET", "/ask?cost=401").status_code == 500
    assert (app.spent(), app.held()) == (150, 0)


def test_an_endpoint_keeps_its_own_request_and_its_documentation(app: App, cast: Cast) -> None:
    with Client(cast.url, cast.key, cast.org_id) as client:

        @app.api.get("/own/{name}")
        @charge(
            client, service="s", user=app.payer, credits=lambda call: len(call.arguments["name"])
        )
        def own(request: Request, name: str) -> str:
            return f"{request.method} {name}"

        assert app.call("GET", "/own/acme").json() == "GET acme"
    (parameter,) = app.api.openapi()["paths"]["/own/{name}"]["get"]["parameters"]
    assert parameter["name"] == "name"
    assert app.spent() == 4


def test_an_async_client_and_functions_that_wait(app: App, cast: Cast) -> None:
    async def payer(_call: Any) -> str:
        await asyncio.sleep(0)
        return cast.user_id

    async def called() -> httpx.Response:
        async with AsyncClient(cast.url, cast.key, cast.org_id) as client:

            @app.api.get("/wait")
            @charge(lambda: client, service="s", user=payer, credits=3)
            async def wait() -> str:
                return "done"

            transport = httpx.ASGITransport(app.api)
            async with httpx.AsyncClient(transport=transport, base_url="http://app") as caller:
                return await caller.get("/wait")

    assert asyncio.run(called()).status_code == 200
    assert app.spent() == 3


def test_who_isnt_known_is_answered_by_the_framework(app: App, cast: Cast) -> None:
    def nobody(_call: Any) -> str:
        raise HTTPException(401, "Sign in first.")

    with Client(cast.url, cast.key, cast.org_id) as client:

        @app.api.post("/closed")
        @charge(client, service="s", user=nobody, credits=1)
        async def closed() -> int:
            return 1

        assert app.call("POST", "/closed").status_code == 401
    assert app.spent() == 0


def test_a_body_of_unknown_length_is_charged_each_time(app: App, cast: Cast) -> None:
    """It is not read ahead for the sake of recognising it, so that no key can stand for it."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    with Client(cast.url, cast.key, cast.org_id) as client:

        @app.api.post("/upload")
        @charge(client, service="s", user=app.payer, credits=1)
        async def upload(request: Request) -> int:
            return len([part async for part in request.stream()])

        for _ in range(2):
            answer = app.call(
                "POST", "/upload", content=chunks(), headers={"Idempotency-Key": "one"}
            )
            assert answer.status_code == 200
    assert app.spent() == 2


def test_a_stream_is_charged_when_it_begins(app: App, cast: Cast) -> None:
    with Client(cast.url, cast.key, cast.org_id) as client:

        @app.api.get("/stream")
        @charge(client, service="s", user=app.payer, credits=2)
        def stream() -> StreamingResponse:
            return StreamingResponse(iter(["a", "b"]))

        assert app.call("GET", "/stream").text == "ab"
    assert app.spent() == 2


def test_a_cancelled_call_gives_back_what_it_held(app: App, cast: Cast) -> None:
    async def cancelled() -> None:
        async with AsyncClient(cast.url, cast.key, cast.org_id) as client:
            begun = asyncio.Event()

            @app.api.get("/long")
            @charge(client, service="s", user=app.payer, credits=5)
            async def long() -> None:
                begun.set()
                await asyncio.Event().wait()

            transport = httpx.ASGITransport(app.api)
            async with httpx.AsyncClient(transport=transport, base_url="http://app") as caller:
                task = asyncio.create_task(caller.get("/long"))
                await begun.wait()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task

    asyncio.run(cancelled())
    assert (app.spent(), app.held()) == (0, 0)


def test_what_doesnt_go_together_is_refused_when_it_is_decorated(client: Client) -> None:
    with pytest.raises(ConfigurationError, match="credits"):
        charge(client, service="s", user=lambda _: "u")
    with pytest.raises(ConfigurationError, match="mode"):
        charge(client, service="s", user=lambda _: "u", credits=1, mode="later")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="ttl"):
        charge(client, service="s", user=lambda _: "u", credits=1, ttl_seconds=0)


class _While:
    """Statuses that are free while an event is set."""

    def __init__(self, event: threading.Event) -> None:
        self._event = event

    def __contains__(self, _status: object) -> bool:
        return self._event.is_set()
