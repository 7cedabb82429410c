"""A job in the log: its beginning, its end, its failure, and all that is logged in between."""

import pytest
import structlog
from procrastinate.contrib.django import app

from credits import sweeping
from orgbilling.lib.errors import DatabaseUnavailable
from tests.logs.kept import kept
from tests.orgbilling.test_jobs import work_until_idle

pytestmark = pytest.mark.django_db(transaction=True)
TASK = "credits.purge"


def run():
    """Have it done; what was logged of it, by event. The worker may do periodic tasks beside it."""
    job_id = app.configure_task(TASK).defer(timestamp=0)
    with kept() as log:
        work_until_idle()
    return {one["event"]: one for one in log.events if one.get("job_id") == job_id}


def test_a_job_that_succeeds(monkeypatch):
    logger = structlog.stdlib.get_logger("credits.sweeping")
    monkeypatch.setattr(sweeping, "purge_answers", lambda: logger.info("in.between"))
    log = run()
    assert {"job.started", "in.between", "job.finished"} <= set(log)
    finished = log["job.finished"]
    assert (finished["task"], finished["queue"], finished["attempt"]) == (TASK, "default", 1)
    assert (finished["retried"], finished["level"]) == (False, "info")
    assert finished["duration_ms"] >= 0


def test_a_job_that_fails(monkeypatch):
    def fail():
        raise DatabaseUnavailable

    monkeypatch.setattr(sweeping, "purge_answers", fail)
    failed = run()["job.failed"]
    assert (failed["level"], failed["retried"], failed["attempt"]) == ("error", False, 1)
    assert failed["exception"][0]["type"].endswith("DatabaseUnavailable")
