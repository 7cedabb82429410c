"""What a worker tidies up of the web floor: sessions and counters that have expired."""

from __future__ import annotations

from django.contrib.sessions.models import Session
from django.utils import timezone
from procrastinate.contrib.django import app

from orgbilling.lib import jobs
from orgbilling.web.counters import PURGE_ROWS_MAX, CountersCache

#: So many in a transaction: however many there are, each is a short one.
SESSIONS_MAX = 2_000


@app.task(name="web.purge", queueing_lock="web.purge")
def purge(timestamp: int) -> None:
    """Delete every expired session, and every expired counter of the table, in use or from before Redis."""
    del timestamp
    while jobs.run(_delete_sessions) == SESSIONS_MAX:
        pass
    counters = CountersCache("counters", {})
    while counters.purge() == PURGE_ROWS_MAX:
        pass


def _delete_sessions() -> int:
    expired = Session.objects.filter(expire_date__lt=timezone.now())
    chosen = list(expired.values_list("pk", flat=True)[:SESSIONS_MAX])
    Session.objects.filter(pk__in=chosen).delete()
    return len(chosen)
