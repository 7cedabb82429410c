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
    job_id = app.configure_task(TASK).defer(timestamp=0)
    with kept() as log:
        work_until_idle()
    return job_id, log


def test_a_job_that_succeeds(monkeypatch):
    logger = structlog.stdlib.get_logger("credits.sweeping")
    monkeypatch.setattr(sweeping, "purge_answers", lambda: logger.info("in.between"))
    job_id, log = run()
    (started,) = log.named("job.started")
    (finished,) = log.named("job.finished")
    (between,) = log.named("in.between")
    assert {one["job_id"] for one in (started, finished, between)} == {job_id}
    assert (finished["task"], finished["queue"], finished["attempt"]) == (TASK, "default", 1)
    assert finished["duration_ms"] >= 0


def test_a_job_that_fails(monkeypatch):
    def fail():
        raise DatabaseUnavailable

    monkeypatch.setattr(sweeping, "purge_answers", fail)
    job_id, log = run()
    (failed,) = log.named("job.failed")
    assert (failed["job_id"], failed["level"], failed["retried"]) == (job_id, "error", False)
    assert failed["exception"][0]["type"].endswith("DatabaseUnavailable")
