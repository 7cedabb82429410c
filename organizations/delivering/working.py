"""The loop that delivers: one thread that talks to the database, and some that talk to receivers.

No transaction is open while a receiver is waited for: those threads have no connection. Whoever is killed anywhere
leaves claims that end, and the events are sent again, with the same ids.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog
from django.conf import settings
from django.db import DatabaseError

from organizations.delivering.outcomes import Parcel, settle, take
from organizations.managers.webhook_deliveries import Due
from organizations.models import WebhookDelivery, WebhookEndpoint
from organizations.webhooks import guarding, posting
from organizations.webhooks.network import Line
from organizations.webhooks.posting import Answer
from orgbilling.lib.clock import database_now
from orgbilling.lib.errors import OrgBillingError

logger = structlog.stdlib.get_logger(__name__)

#: Seconds between two looks for work.
POLL_SECONDS: Final = 1.0
#: While requests are under way the loop looks more often, for there may be room for others.
BUSY_SECONDS: Final = 0.25
#: Seconds that requests under way have to end when the worker stops, before they are cut off.
GRACE_SECONDS: Final = 2.0
#: Requests under way to one endpoint.
EACH: Final = 2
#: Deliveries looked up at a time: more than there is room for, to choose from.
LOOKED_UP: Final = 200

UNREADABLE: Final = Answer(
    error="The endpoint's secret can't be read, because SECRET_KEY was changed: rotate the secret."
)


def deliver(*, seconds: float, stop: Callable[[], bool] = lambda: False, stay: bool = True) -> int:
    """Deliver what is due; returns how many attempts were made.

    Args:
        seconds: take nothing new after so long. What is under way then is waited for.
        stop: asked again and again; once it is true nothing new is taken, and what lasts is cut off.
        stay: wait for more to become due; otherwise return as soon as nothing is.
    """
    if not WebhookEndpoint.objects.enabled().exists():
        return 0
    with ThreadPoolExecutor(settings.WEBHOOKS_CONCURRENCY, "webhook") as threads:
        loop = _Loop(threads, settings.WEBHOOKS_CONCURRENCY)
        try:
            loop.run(time.monotonic() + seconds, stop, stay=stay)
        finally:
            loop.end(stop)
    return loop.made


@dataclass(slots=True)
class _Loop:
    threads: ThreadPoolExecutor
    size: int
    made: int = 0
    _under_way: dict[Future[Answer], tuple[Due, Parcel, Line]] = field(default_factory=dict)

    def run(self, ends: float, stop: Callable[[], bool], *, stay: bool) -> None:
        """Take, send and write until the time is over."""
        while not stop() and time.monotonic() < ends:
            taken = self._fill()
            if self._under_way:
                self._write_finished(BUSY_SECONDS)
            elif not taken:
                if not stay:
                    return
                self._rest(ends, stop)

    def end(self, stop: Callable[[], bool]) -> None:
        """Let what is under way end, or cut it off once the worker stops; nothing is left under way."""
        grace = time.monotonic() + posting.TOTAL_SECONDS + GRACE_SECONDS
        while self._under_way and time.monotonic() < grace:
            if stop():
                grace = min(grace, time.monotonic() + GRACE_SECONDS)
                stop = _never
            self._write_finished(BUSY_SECONDS)
        for _, _, line in self._under_way.values():
            line.cut()
        while self._under_way:
            self._write_finished(None)

    def _fill(self) -> int:
        """Take what there is room for; returns how many."""
        room = self.size - len(self._under_way)
        moment = database_now()
        if room <= 0 or not WebhookDelivery.objects.anything_due(moment):
            return 0
        found = WebhookDelivery.objects.to_try(moment, each=EACH, limit=LOOKED_UP)
        chosen = chosen_of(found, [due for due, _, _ in self._under_way.values()], self.size)
        return sum(self._send(due) for due in chosen)

    def _send(self, due: Due) -> bool:
        parcel = take(due)
        if parcel is None:
            return False
        self.made += 1
        if parcel.headers is None:
            _settle(parcel, UNREADABLE)
            return True
        line = Line(posting.TOTAL_SECONDS)
        future = self.threads.submit(
            posting.post,
            parcel.url,
            parcel.headers,
            parcel.body,
            allowance=guarding.allowance(),
            line=line,
        )
        self._under_way[future] = (due, parcel, line)
        return True

    def _write_finished(self, seconds: float | None) -> None:
        finished, _ = wait(self._under_way, timeout=seconds, return_when=FIRST_COMPLETED)
        for future in finished:
            _, parcel, _ = self._under_way.pop(future)
            _settle(parcel, future.result())

    @staticmethod
    def _rest(ends: float, stop: Callable[[], bool]) -> None:
        until = min(ends, time.monotonic() + POLL_SECONDS)
        while not stop() and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, BUSY_SECONDS))


def chosen_of(found: list[Due], under_way: list[Due], size: int) -> list[Due]:
    """Which of the deliveries found are taken, so that nobody takes the others' places.

    Of one endpoint at most two are under way, of one that fails one; those that fail have at most half of the
    places together, and the last place, if none of them has another; an organization has at most three quarters;
    and the next place goes to the organization that has the fewest.
    """
    by_endpoint = Counter(due.endpoint_id for due in under_way)
    by_org: Counter[UUID] = Counter(due.org_id for due in under_way)
    failing = sum(due.is_failing for due in under_way)
    waiting = list(found)
    chosen: list[Due] = []
    while waiting and (left := size - len(under_way) - len(chosen)) > 0:
        is_kept = left == 1 and size > 1 and not failing
        kept = [one for one in waiting if one.is_failing] if is_kept else []
        due = min(kept or waiting, key=lambda one: by_org[one.org_id])
        waiting.remove(due)
        if by_endpoint[due.endpoint_id] >= (1 if due.is_failing else EACH):
            continue
        if due.is_failing and failing >= max(1, size // 2):
            continue
        if by_org[due.org_id] >= max(1, size - max(1, size // 4)):
            continue
        chosen.append(due)
        by_endpoint[due.endpoint_id] += 1
        by_org[due.org_id] += 1
        failing += due.is_failing
    return chosen


def _settle(parcel: Parcel, answer: Answer) -> None:
    """Write what came of it; what can't be written is sent again, once its claim has ended."""
    try:
        settle(parcel, answer)
    except (OrgBillingError, DatabaseError):
        logger.exception(
            "webhook.not_settled",
            org_id=parcel.delivery.org_id,
            delivery_id=parcel.delivery.pk,
        )


def _never() -> bool:
    return False
