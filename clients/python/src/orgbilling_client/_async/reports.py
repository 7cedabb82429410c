"""What was used: row by row, in sums, and as a file."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import BinaryIO

import httpx

from orgbilling_client import _transport
from orgbilling_client._async.backend import pause
from orgbilling_client._async.sender import AsyncSender
from orgbilling_client.calls import Call, Id
from orgbilling_client.context import current_request_id
from orgbilling_client.errors import OrgBillingError
from orgbilling_client.exporting import Destination
from orgbilling_client.models.charging import Usage
from orgbilling_client.models.reports import Summary
from orgbilling_client.paging import PAGE_SIZE
from orgbilling_client.requests import reports
from orgbilling_client.requests.reports import GroupBy
from orgbilling_client.retrying import Attempts


class AsyncReports(AsyncSender):
    """What was charged for what."""

    def usage(
        self,
        user_id: Id | None = None,
        service: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        *,
        service_type: str | None = None,
        org_id: Id | None = None,
        page_size: int = PAGE_SIZE,
    ) -> AsyncIterator[Usage]:
        """Go through what was charged and refunded, newest first.

        Args:
            start, end: times with their time zone; from the first, and before the second.
        """
        chosen = reports.filters(user_id, service, service_type, start, end)
        return self._pages(reports.usage(self._org(org_id), chosen, page_size))

    async def usage_summary(
        self,
        group_by: GroupBy = "day",
        *,
        user_id: Id | None = None,
        service: str | None = None,
        service_type: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        org_id: Id | None = None,
    ) -> Summary:
        """Sum usage up by day, service or user."""
        chosen = reports.filters(user_id, service, service_type, start, end)
        return await self._send(reports.usage_summary(self._org(org_id), group_by, chosen))

    async def export_usage(
        self,
        path_or_file: str | os.PathLike[str] | BinaryIO,
        *,
        user_id: Id | None = None,
        service: str | None = None,
        service_type: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        org_id: Id | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> int:
        """Write usage as CSV, safe to be opened by spreadsheets; the whole of it or nothing.

        Args:
            path_or_file: a path, which is replaced when all is there, or a file opened for writing bytes.
            on_progress: told how many bytes have come.

        Returns:
            How many bytes were written.
        """
        chosen = reports.filters(user_id, service, service_type, start, end)
        call = reports.export_usage(self._org(org_id), chosen)
        with Destination(path_or_file) as destination:
            await self._download(call, destination, on_progress)
            return destination.keep()

    async def _download(
        self, call: Call[None], destination: Destination, on_progress: Callable[[int], None] | None
    ) -> None:
        attempts = Attempts(
            self._policy,
            call.repeat,
            key=None,
            request_id=current_request_id(),
            started=time.monotonic(),
        )
        while True:
            destination.begin()
            try:
                await self._stream(call, attempts, destination, on_progress)
            except OrgBillingError as error:
                wait = attempts.wait_after(error, time.monotonic())
                if wait is None:
                    raise
                self._tell(call, attempts, wait, error)
            else:
                return
            await pause(wait)

    async def _stream(
        self,
        call: Call[None],
        attempts: Attempts,
        destination: Destination,
        on_progress: Callable[[int], None] | None,
    ) -> None:
        address = self._connection.base_url
        seconds = attempts.timeout(self._connection.timeout, time.monotonic())
        try:
            async with self._open(call, attempts.request_id, seconds, _transport.CSV) as response:
                _transport.check_head(response, address)
                if response.status_code >= 400:
                    _transport.check_status(response, await response.aread())
                _transport.check_kind(call, response, "text/csv")
                async for chunk in response.aiter_bytes():
                    destination.write(chunk)
                    if on_progress is not None:
                        on_progress(destination.size)
        except httpx.HTTPError as exc:
            raise _transport.failure_of(exc, address) from exc
