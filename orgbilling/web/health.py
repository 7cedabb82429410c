"""Whether the service lives (``/health``) and whether it can serve (``/ready``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

import structlog
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpResponseBase
from rest_framework import serializers
from rest_framework.request import Request

from orgbilling.web.openapi import operation
from orgbilling.web.responses import json_response
from orgbilling.web.views import ApiView

logger = structlog.stdlib.get_logger(__name__)

OK: Final = "ok"
FAILING: Final = "failing"
_PROBE_KEY = "ready"
_PROBE_SECONDS = 60


class HealthSerializer(serializers.Serializer[None]):
    """The process answers."""

    status = serializers.ChoiceField(choices=[OK])


class CheckSerializer(serializers.Serializer[None]):
    """One dependency."""

    status = serializers.ChoiceField(choices=[OK, FAILING])


class ChecksSerializer(serializers.Serializer[None]):
    """Every dependency."""

    database = CheckSerializer()
    migrations = CheckSerializer()
    counters = CheckSerializer()


class ReadySerializer(serializers.Serializer[None]):
    """Whether requests can be served, and what stands in the way."""

    status = serializers.ChoiceField(choices=["ready", "not_ready"])
    checks = ChecksSerializer()


class HealthView(ApiView):
    """Liveness: asks nothing of anyone, so that a lost database doesn't restart every process."""

    public = True
    limited = False

    @operation(
        summary="Say whether the process lives",
        responses={200: (HealthSerializer, {"status": OK})},
        tags=["Operation"],
        operation_id="health",
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Answer 200 while the process can answer at all."""
        return json_response({"status": OK})


class ReadyView(ApiView):
    """Readiness: what a load balancer asks before it sends requests."""

    public = True
    limited = False

    @operation(
        summary="Say whether requests can be served",
        responses={
            200: (
                ReadySerializer,
                {
                    "status": "ready",
                    "checks": {
                        "database": {"status": OK},
                        "migrations": {"status": OK},
                        "counters": {"status": OK},
                    },
                },
            ),
            503: (
                ReadySerializer,
                {
                    "status": "not_ready",
                    "checks": {
                        "database": {"status": OK},
                        "migrations": {"status": "failing"},
                        "counters": {"status": OK},
                    },
                },
            ),
        },
        tags=["Operation"],
        operation_id="ready",
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Answer 200 when every dependency that is needed works, 503 otherwise; the body names each."""
        checks: dict[str, dict[str, str]] = {}
        for name, check in CHECKS.items():
            # Its answer would have to be waited for in vain once more.
            vain = name == "migrations" and checks["database"]["status"] != OK
            checks[name] = {"status": FAILING if vain else _state(name, check)}
        ready = all(checks[name]["status"] == OK for name in CHECKS if _needed(name))
        return json_response(
            {"status": "ready" if ready else "not_ready", "checks": checks}, 200 if ready else 503
        )


def database_answers() -> bool:
    """Whether the database runs a statement."""
    connection.ensure_connection()
    return bool(connection.is_usable())


def migrations_applied() -> bool:
    """Whether the database has every migration that the code has."""
    return _migrations_of_the_code() <= set(MigrationRecorder(connection).applied_migrations())


def counters_count() -> bool:
    """Whether the shared counters, and with them the rate limits, work."""
    counters = caches[settings.RATELIMIT_USE_CACHE]
    counters.set(_PROBE_KEY, 1, _PROBE_SECONDS)
    return bool(counters.incr(_PROBE_KEY) >= 2)


CHECKS: Final[Mapping[str, Callable[[], bool]]] = {
    "database": database_answers,
    "migrations": migrations_applied,
    "counters": counters_count,
}


def _needed(name: str) -> bool:
    """Whether nothing can be served without it: without counters something can if it is set so."""
    return name != "counters" or settings.RATE_LIMIT_FAIL == "closed"


def _state(name: str, check: Callable[[], bool]) -> str:
    try:
        return OK if check() else FAILING
    except Exception:
        logger.warning("readiness.failed", check=name, exc_info=True)
        return FAILING


@lru_cache(maxsize=1)
def _migrations_of_the_code() -> frozenset[tuple[str, str]]:
    loader = MigrationLoader(None)
    return frozenset(loader.disk_migrations)
