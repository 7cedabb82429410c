"""Time. Decisions about credits use the database's clock; this one is for the rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime

from django.db import connection
from django.utils import timezone

SETTING = "orgbilling.now"

_simulating: ContextVar[bool] = ContextVar("simulating", default=False)


def now() -> datetime:
    """The current moment, aware, in UTC."""
    return timezone.now()


def database_now() -> datetime:
    """What the SQL functions take for the current moment: ``billing_now()``."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT public.billing_now()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def is_simulated() -> bool:
    """Whether the SQL functions see another moment than the server's."""
    return _simulating.get()


@contextmanager
def simulated(moment: datetime) -> Iterator[None]:
    """Let the SQL functions of this connection see ``moment`` as the current time.

    For seeding a believable past and for tests of long periods; nothing that serves a request calls it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, false)", [SETTING, moment.isoformat()])
        before = _simulating.set(True)
        try:
            yield
        finally:
            _simulating.reset(before)
            cursor.execute("SELECT set_config(%s, '', false)", [SETTING])
