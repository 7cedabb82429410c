"""Sentences of libraries that are events of ours: theirs would show addresses with ids in them, or arguments."""

from __future__ import annotations

import logging
from typing import Any

from orgbilling.lib.logs.jobs import job_event

DJANGO_REQUEST = "django.request"
_CSRF = "django.security.csrf"


def library_event(record: logging.LogRecord) -> dict[str, Any]:
    """The event of a record that isn't ours: Django's, a job's, or else its sentence."""
    if record.name == DJANGO_REQUEST:
        return {"event": "request.failed", "code": "internal_error"}
    if record.name == _CSRF and isinstance(record.args, tuple) and record.args:
        # The reason; the path comes after it.
        return {"event": "request.csrf_refused", "reason": str(record.args[0])}
    return job_event(record) or {"event": record.getMessage()}
