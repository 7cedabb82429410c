"""Charged calls that are cancelled, or repeated while they run: work that was done is paid, other work isn't."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.views import View
from fastapi import FastAPI, Response
from orgbilling_client import AsyncClient, Client
from orgbilling_client.django import charge as charge_django
from orgbilling_client.fastapi import charge
from orgbilling_client.journal import Journal, JournalError

from tests.client.cast import Cast

MODES = pytest.mark.parametrize("mode", ["hold", "deduct"])
SAME = {"Idempotency-Key": "same"}
Step = Callable[[], Awaitable[None]]


class Gate(httpx.AsyncHTTPTransport):
    """The way to the service, on which calls to one operation stop before they go on, or on their way back."""

    def __init__(self, operation: str) -> None:
        super().__init__()
        self._operation = operation
        self.reached, self.opened = asyncio.Event(), asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        if request.url.path.endswith(self._operation):
            self.reached.set()
            await self.opened.wait()
        return answer


def balance(client: Client, cast: Cast) -> tuple[int, int]:
    (allocation,) = client.user_credits(cast.user_id).allocations
    return allocation.lifetime_used_credits, allocation.held_credits


@asynccontextmanager
async def calling(
    cast: Cast, way: httpx.AsyncBaseTransport, work: Step, mode: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """Callers of the endpoint ``POST /work``, which costs 7."""
    api = FastAPI()
    async with AsyncClient(
        cast.url, cast.key, cast.org_id, http=httpx.AsyncClient(transport=way)
    ) as client:

        @api.post("/work")
        @charge(client, service="s", credits=7, user=lambda _call: cast.user_id, mode=mode)
        async def endpoint() -> str:
            await work()
            return "done"

        transport = httpx.ASGITransport(api)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as caller:
            yield caller
    await way.aclose()


async def cancelled(task: "asyncio.Task[Any]") -> None:
    with pytest.raises(asyncio.CancelledError):
        await task


async def nothing() -> None:
    """Work that is done at once."""


@MODES
def test_work_is_paid_though_the_call_that_it_repeats_was_cancelled(
    cast: Cast, client: Client, mode: str
) -> None:
    async def both() -> tuple[int, int]:
        begun: asyncio.Queue[None] = asyncio.Queue()
        go_on = asyncio.Event()

        async def work() -> None:
            begun.put_nowait(None)
            await go_on.wait()

        async with calling(cast, httpx.AsyncHTTPTransport(), work, mode) as caller:
            first = asyncio.create_task(caller.post("/work", headers=SAME))
            await begun.get()
            second = asyncio.create_task(caller.post("/work", headers=SAME))
            await begun.get()
            first.cancel()
            await cancelled(first)
            go_on.set()
            assert (await second).status_code == 200
            paid = balance(client, cast)
            # And once more: it is found to be paid.
            await caller.post("/work", headers=SAME)
            return paid

    assert asyncio.run(both()) == (7, 0)
    assert balance(client, cast) == (7, 0)


@MODES
def test_a_call_that_is_cancelled_before_its_view_costs_nothing(
    cast: Cast, client: Client, mode: str
) -> None:
    async def cut() -> None:
        gate = Gate("/holds" if mode == "hold" else "/deduct")
        async with calling(cast, gate, nothing, mode) as caller:
            call = asyncio.create_task(caller.post("/work"))
            await gate.reached.wait()
            call.cancel()
            await asyncio.sleep(0)
            gate.opened.set()
            await cancelled(call)

    asyncio.run(cut())
    assert balance(client, cast) == (0, 0)


def test_work_is_paid_though_its_caller_went_while_it_was_charged(
    cast: Cast, client: Client
) -> None:
    class Late(httpx.AsyncHTTPTransport):
        def __init__(self) -> None:
            super().__init__()
            self.reached = asyncio.Event()

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/capture"):
                self.reached.set()
                await asyncio.sleep(0.05)
            return await super().handle_async_request(request)

    async def cut() -> None:
        way = Late()
        async with calling(cast, way, nothing, "hold") as caller:
            call = asyncio.create_task(caller.post("/work"))
            await way.reached.wait()
            call.cancel()
            await cancelled(call)

    asyncio.run(cut())
    assert balance(client, cast) == (7, 0)


def test_a_status_that_an_endpoint_sets_is_that_of_its_answer(cast: Cast, client: Client) -> None:
    api = FastAPI()

    @api.post("/work")
    @charge(client, service="s", credits=7, user=lambda _call: cast.user_id)
    async def endpoint(response: Response, status: int | None = None) -> str:
        if status is not None:
            response.status_code = status
        return "said"

    async def statuses() -> list[int]:
        transport = httpx.ASGITransport(api)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as caller:
            addresses = ("/work?status=503", "/work")
            return [(await caller.post(one)).status_code for one in addresses]

    assert asyncio.run(statuses()) == [503, 200]
    assert balance(client, cast) == (7, 0)


def test_a_class_of_asyncio_is_charged_when_it_has_answered(cast: Cast, client: Client) -> None:
    class Work(View):
        async def post(self, request: HttpRequest, status: int) -> HttpResponse:
            return HttpResponse(status=status)

    charged = charge_django(client, service="s", credits=7, user=lambda _call: cast.user_id)
    view = charged(Work.as_view())

    async def statuses() -> list[int]:
        request = RequestFactory().post("/work")
        return [(await view(request, status=one)).status_code for one in (503, 200)]

    assert asyncio.run(statuses()) == [503, 200]
    assert balance(client, cast) == (7, 0)


@pytest.mark.parametrize("write_ahead", [False, True])
def test_a_journal_that_fails_takes_neither_answer_nor_charge(
    cast: Cast, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write_ahead: bool
) -> None:
    journal = Journal(tmp_path / "charges.journal", write_ahead=write_ahead)

    def full(*_said: Any, **_more: Any) -> None:
        raise JournalError("The disk is full.")

    monkeypatch.setattr(journal, "keep", full)

    @charge_django(client, service="s", credits=7, user=lambda _call: cast.user_id, journal=journal)
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=200)

    assert view(RequestFactory().post("/work")).status_code == 200
    assert balance(client, cast) == (7, 0)
