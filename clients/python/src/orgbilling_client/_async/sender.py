"""Sends calls: one attempt after the other, until there is an answer or none is to be had."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Self, TypeVar

import httpx

from orgbilling_client import _transport
from orgbilling_client._async.backend import AsyncHttp, AsyncOpened, at_most, new_http, pause
from orgbilling_client.calls import Call, Id, org_of
from orgbilling_client.connecting import connection_from
from orgbilling_client.context import current_request_id
from orgbilling_client.errors import OrgBillingError
from orgbilling_client.paging import Page
from orgbilling_client.retrying import Attempts, Retry, RetryPolicy

T = TypeVar("T")

logger = logging.getLogger("orgbilling_client")


class AsyncSender:
    """The connections to one service, and how calls go through them."""

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        org_id: Id | None = None,
        *,
        timeout: float = 10.0,
        retry: RetryPolicy | None = None,
        on_retry: Callable[[Retry], None] | None = None,
        http: AsyncHttp | None = None,
    ) -> None:
        """Make a client; it connects with its first call.

        Args:
            base_url: the service's root, as ``https://billing.example.com``; else ``ORGBILLING_URL``.
            api_key: the service account's key; else ``ORGBILLING_API_KEY``.
            org_id: the organization of calls that name none; else ``ORGBILLING_ORG_ID``, else each call names its own.
            timeout: seconds that an attempt waits for a connection, and for an answer.
            retry: when calls are sent again.
            on_retry: told before each wait.
            http: connections of one's own (proxies, certificates, tests); it is not closed with the client.

        Raises:
            ConfigurationError: something is missing or unusable.
        """
        self._connection = connection_from(base_url, api_key, org_id, timeout)
        self._policy = retry or RetryPolicy()
        self._on_retry = on_retry
        self._given_http = http
        self._own_http = self._new_http() if http is None else None
        self._process = os.getpid()
        #: A parent's connections are never used, nor closed, in a child.
        self._inherited: list[AsyncHttp] = []

    def __repr__(self) -> str:
        where = self._connection
        return (
            f"{type(self).__name__}(base_url={where.base_url!r}, api_key={where.shown_key!r}, "
            f"org_id={where.org_id!r})"
        )

    @property
    def base_url(self) -> str:
        """The service's root."""
        return self._connection.base_url

    @property
    def org_id(self) -> str | None:
        """The organization of calls that name none."""
        return self._connection.org_id

    @property
    def retry(self) -> RetryPolicy:
        """When calls are sent again."""
        return self._policy

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections; later calls raise RuntimeError."""
        if self._own_http is not None:
            await self._http().aclose()

    def _http(self) -> AsyncHttp:
        if self._own_http is None:
            assert self._given_http is not None  # noqa: S101 - one of them is there
            return self._given_http
        if self._process != os.getpid():
            self._inherited.append(self._own_http)
            self._own_http, self._process = self._new_http(), os.getpid()
        return self._own_http

    def _new_http(self) -> AsyncHttp:
        return new_http(proxies=self._connection.uses_proxies)

    def _org(self, org_id: Id | None) -> str:
        return org_of(org_id, self._connection.org_id)

    def _org_if_known(self, org_id: Id | None) -> str | None:
        return None if org_id is None and self._connection.org_id is None else self._org(org_id)

    async def _send(self, call: Call[T], policy: RetryPolicy | None = None) -> T:
        """Send a call until it is answered.

        Raises:
            OrgBillingError: what the last attempt came to.
        """
        attempts = Attempts(
            policy or self._policy,
            call.repeat,
            key=call.key,
            request_id=current_request_id(),
            started=time.monotonic(),
        )
        while True:
            try:
                return await self._attempt(call, attempts)
            except OrgBillingError as error:
                wait = attempts.wait_after(error, time.monotonic())
                if wait is None:
                    raise
                self._tell(call, attempts, wait, error)
            await pause(wait)

    async def _attempt(self, call: Call[T], attempts: Attempts) -> T:
        seconds = attempts.timeout(self._connection.timeout, time.monotonic())
        address = self._connection.base_url
        try:
            async with (
                at_most(2 * seconds),
                self._open(call, attempts.request_id, seconds, _transport.JSON) as response,
            ):
                _transport.check_head(response, address)
                received = _transport.Received(time.monotonic() + seconds)
                async for chunk in response.aiter_bytes():
                    received.add(chunk, time.monotonic())
        except (httpx.HTTPError, OSError) as exc:
            raise _transport.failure_of(exc, address) from exc
        return _transport.understood(call, response, received.content)

    def _open(self, call: Call[Any], request_id: str, seconds: float, accept: str) -> AsyncOpened:
        return self._http().stream(
            call.method,
            f"{self._connection.base_url}{call.target}",
            content=call.body,
            headers=_transport.headers_of(call, self._connection, request_id, accept=accept),
            timeout=seconds,
            # The key goes to base_url and nowhere else.
            follow_redirects=False,
        )

    def _tell(
        self, call: Call[Any], attempts: Attempts, wait: float, error: OrgBillingError
    ) -> None:
        logger.info(
            "%s %s: attempt %d failed, the next one follows in %.2f s: %s (request %s)",
            call.method,
            call.path,
            attempts.made,
            wait,
            error.message,
            attempts.request_id,
        )
        if self._on_retry is not None:
            self._on_retry(
                Retry(
                    method=call.method,
                    path=call.path,
                    attempt=attempts.made,
                    wait_seconds=wait,
                    error=error,
                    idempotency_key=call.key,
                )
            )

    async def _pages(self, first: Call[Page[T]]) -> AsyncIterator[T]:
        following: Call[Page[T]] | None = first
        while following is not None:
            page = await self._send(following)
            for row in page.results:
                yield row
            following = page.following
