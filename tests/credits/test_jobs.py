"""The ledger's jobs call what sweeps; what they sweep is tested where it is."""

import pytest

from credits import jobs, sweeping, watching


@pytest.mark.parametrize(
    ("job", "called"),
    [
        (jobs.reset_due, ["reset_due"]),
        (jobs.refresh_due, ["refresh_due"]),
        (jobs.expire_holds_due, ["expire_holds_due"]),
        (jobs.close_overage_due, ["close_overage_due"]),
        (jobs.watch_balances, ["watch"]),
        (jobs.purge, ["purge_refusals", "purge_answers", "purge"]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_each_job_sweeps_what_it_is_named_for(monkeypatch, job, called):
    seen = []
    for name in ("reset_due", "refresh_due", "expire_holds_due", "close_overage_due"):
        monkeypatch.setattr(sweeping, name, lambda name=name: seen.append(name))
    for name in ("purge_refusals", "purge_answers"):
        monkeypatch.setattr(sweeping, name, lambda name=name: seen.append(name))
    for name in ("watch", "purge"):
        monkeypatch.setattr(watching, name, lambda name=name: seen.append(name))
    job(timestamp=0)
    assert seen == called


def test_on_an_empty_ledger_they_do_nothing(db):
    for job in (jobs.reset_due, jobs.refresh_due, jobs.expire_holds_due, jobs.close_overage_due):
        job(timestamp=0)
    jobs.purge(timestamp=0)
