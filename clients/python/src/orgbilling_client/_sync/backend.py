"""What waiting means here; ``_async/backend.py`` is its counterpart for asyncio."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import httpx

from orgbilling_client.connecting import LIMITS

Http = httpx.Client
Opened = AbstractContextManager[httpx.Response]


def new_http(*, proxies: bool) -> httpx.Client:
    """Return what keeps the connections; through the environment's proxies, or straight."""
    return httpx.Client(limits=LIMITS, follow_redirects=False, trust_env=proxies)


def pause(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


@contextmanager
def at_most(_seconds: float) -> Iterator[None]:
    """Do nothing: a thread can't be interrupted; the socket's time limits and the deadline for the body hold."""
    yield


@contextmanager
def undisturbed(_seconds: float) -> Iterator[None]:
    """Do nothing: what is inside isn't cancelled from outside."""
    yield
