"""What waiting means here; ``_sync/backend.py`` is its counterpart for threads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import anyio
import httpx

from orgbilling_client.connecting import LIMITS
from orgbilling_client.errors import TimedOut

AsyncHttp = httpx.AsyncClient
AsyncOpened = AbstractAsyncContextManager[httpx.Response]


def new_http(*, proxies: bool) -> httpx.AsyncClient:
    """Return what keeps the connections; through the environment's proxies, or straight."""
    return httpx.AsyncClient(limits=LIMITS, follow_redirects=False, trust_env=proxies)


async def pause(seconds: float) -> None:
    """Wait."""
    await anyio.sleep(seconds)


@asynccontextmanager
async def at_most(seconds: float) -> AsyncIterator[None]:
    """Raise TimedOut when what is inside takes longer."""
    try:
        with anyio.fail_after(seconds):
            yield
    except TimeoutError as exc:
        raise TimedOut(f"No complete answer came within {seconds:g} seconds.") from exc


@asynccontextmanager
async def undisturbed(seconds: float) -> AsyncIterator[None]:
    """Let what is inside end although the task is being cancelled, within these seconds."""
    with anyio.move_on_after(seconds, shield=True):
        yield
