"""Clients whose charges, refunds and captures are kept when they can't be made."""

from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar

from anyio.to_thread import run_sync

from orgbilling_client import AsyncClient, Client
from orgbilling_client.calls import Call, Id
from orgbilling_client.context import current_request_id, request_context
from orgbilling_client.ending import raise_on, to_its_end
from orgbilling_client.errors import OrgBillingError
from orgbilling_client.journal.attempt import Attempt
from orgbilling_client.journal.entries import Deferred
from orgbilling_client.journal.store import Journal
from orgbilling_client.models.charging import Captured, Usage
from orgbilling_client.requests import charging

T = TypeVar("T")


class _Calls:
    """The calls that can be kept, as data, for one client."""

    client: Client | AsyncClient

    def _org(self, org_id: Id | None) -> str:
        return self.client._org(org_id)  # noqa: SLF001 - of this package

    def _org_if_known(self, org_id: Id | None) -> str | None:
        return self.client._org_if_known(org_id)  # noqa: SLF001 - of this package

    def _deduct(self, user_id: Id, service: str, **said: Any) -> Call[Usage]:
        key, org_id = said.pop("idempotency_key"), said.pop("org_id")
        return charging.deduct(self._org(org_id), user_id, service, **said, key=key)

    def _refund(self, usage_id: Id, **said: Any) -> Call[Usage]:
        key, org_id = said.pop("idempotency_key"), said.pop("org_id")
        return charging.refund(usage_id, org_id=self._org_if_known(org_id), **said, key=key)

    def _capture(self, hold_id: Id, **said: Any) -> Call[Captured]:
        key, org_id = said.pop("idempotency_key"), said.pop("org_id")
        return charging.capture(hold_id, org_id=self._org_if_known(org_id), **said, key=key)


class JournaledClient(_Calls):
    """A client for services that must go on: what it can't deliver is kept, and answered by `Deferred`.

    A refusal is raised as by `Client`. Give the client a short `RetryPolicy`: there is a journal to wait in.
    """

    client: Client

    def __init__(self, client: Client, journal: Journal) -> None:
        self.client, self.journal = client, journal

    def deduct(
        self,
        user_id: Id,
        service: str,
        credits: int | None = None,
        quantity: int | None = None,
        *,
        org_id: Id | None = None,
        service_type: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        request_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Usage | Deferred:
        """Charge a member, now or later; see `Client.deduct`.

        Raises:
            ApiError: the service refused.
            JournalConflict: another call is kept with this key.
            JournalError: in write-ahead mode, the call can't be kept; nothing was sent.
        """
        call = self._deduct(
            user_id,
            service,
            credits=credits,
            quantity=quantity,
            org_id=org_id,
            service_type=service_type,
            metadata=metadata,
            request_id=request_id,
            idempotency_key=idempotency_key,
        )
        return self._make(call)

    def refund(
        self,
        usage_id: Id,
        reason: str,
        credits: int | None = None,
        *,
        org_id: Id | None = None,
        idempotency_key: str | None = None,
    ) -> Usage | Deferred:
        """Give back what a usage charged, now or later; raises as `deduct` does."""
        call = self._refund(
            usage_id, credits=credits, reason=reason, org_id=org_id, idempotency_key=idempotency_key
        )
        return self._make(call)

    def capture(
        self,
        hold_id: Id,
        credits: int | None = None,
        *,
        final: bool = True,
        metadata: Mapping[str, Any] | None = None,
        org_id: Id | None = None,
        idempotency_key: str | None = None,
    ) -> Captured | Deferred:
        """Charge what a hold reserves, now or later; raises as `deduct` does.

        Later may be too late: once the hold has expired, the replay is refused, and waits for a person.
        """
        call = self._capture(
            hold_id,
            credits=credits,
            final=final,
            metadata=metadata,
            org_id=org_id,
            idempotency_key=idempotency_key,
        )
        return self._make(call)

    def _make(self, call: Call[T]) -> T | Deferred:
        with request_context(current_request_id()) as x_request_id:
            attempt = Attempt(self.journal, call, x_request_id)
            attempt.begin()
            try:
                answer = self.client._send(call)  # noqa: SLF001 - of this package
            except OrgBillingError as error:
                return attempt.failed(error)
            except BaseException as error:
                attempt.interrupted(error)
                raise
            attempt.succeeded()
            return answer


class AsyncJournaledClient(_Calls):
    """The same for asyncio: the disk is waited for in a thread."""

    client: AsyncClient

    def __init__(self, client: AsyncClient, journal: Journal) -> None:
        self.client, self.journal = client, journal

    async def deduct(
        self,
        user_id: Id,
        service: str,
        credits: int | None = None,
        quantity: int | None = None,
        *,
        org_id: Id | None = None,
        service_type: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        request_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Usage | Deferred:
        """Charge a member, now or later; see `JournaledClient.deduct`."""
        call = self._deduct(
            user_id,
            service,
            credits=credits,
            quantity=quantity,
            org_id=org_id,
            service_type=service_type,
            metadata=metadata,
            request_id=request_id,
            idempotency_key=idempotency_key,
        )
        return await self._make(call)

    async def refund(
        self,
        usage_id: Id,
        reason: str,
        credits: int | None = None,
        *,
        org_id: Id | None = None,
        idempotency_key: str | None = None,
    ) -> Usage | Deferred:
        """Give back what a usage charged, now or later."""
        call = self._refund(
            usage_id, credits=credits, reason=reason, org_id=org_id, idempotency_key=idempotency_key
        )
        return await self._make(call)

    async def capture(
        self,
        hold_id: Id,
        credits: int | None = None,
        *,
        final: bool = True,
        metadata: Mapping[str, Any] | None = None,
        org_id: Id | None = None,
        idempotency_key: str | None = None,
    ) -> Captured | Deferred:
        """Charge what a hold reserves, now or later; see `JournaledClient.capture`."""
        call = self._capture(
            hold_id,
            credits=credits,
            final=final,
            metadata=metadata,
            org_id=org_id,
            idempotency_key=idempotency_key,
        )
        return await self._make(call)

    async def _make(self, call: Call[T]) -> T | Deferred:
        with request_context(current_request_id()) as x_request_id:
            attempt = Attempt(self.journal, call, x_request_id)
            # Its entry is this process's own from then on: nobody else would ever put it back.
            _, cancelled = await to_its_end(lambda: run_sync(attempt.begin))
            try:
                raise_on(cancelled)
                answer = await self.client._send(call)  # noqa: SLF001 - of this package
            except OrgBillingError as error:
                return await run_sync(attempt.failed, error)
            except BaseException as error:
                # A cancelled task may still write down what it leaves behind.
                cut = partial(attempt.interrupted, error)
                await to_its_end(lambda: run_sync(cut))
                raise
            await run_sync(attempt.succeeded)
            return answer
