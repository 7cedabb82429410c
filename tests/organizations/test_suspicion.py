"""Bursts of refusals are told to system admins, once for each subject and window; nothing else is counted."""

from types import SimpleNamespace

import pytest
from django.core.cache import caches
from procrastinate.contrib.django.models import ProcrastinateJob

from organizations import suspecting
from organizations.choices import NoticeKind, Scope
from organizations.models import ApiKey, Notice
from orgbilling.web import counting, suspicion
from tests.api_client import ok, problem
from tests.factories import make_key

pytestmark = pytest.mark.django_db(databases=["default", "counters"])


@pytest.fixture(autouse=True)
def one_window(monkeypatch):
    """No window ends while a test counts."""
    caches["counters"].clear()
    monkeypatch.setattr(suspicion, "time", SimpleNamespace(time=lambda: 1_800_000_000.0))


def asked():
    """What the jobs that were asked for shall tell."""
    return list(
        ProcrastinateJob.objects.filter(task_name=suspicion.TASK)
        .order_by("id")
        .values_list("args", flat=True)
    )


def test_a_burst_of_wrong_credentials_is_told_once(client_for, system_admin, alice):
    client = client_for("obk_nonsense")
    for _time in range(suspicion.KINDS[suspicion.WRONG_CREDENTIALS].count - 1):
        problem(client.get("/organizations"), 401, "authentication_failed")
    assert asked() == []
    for _time in range(21):
        client.get("/organizations")
    jobs = asked()
    assert [job["count"] for job in jobs] == ["20", "40"]
    for job in jobs:
        suspecting.tell_of(**job)
    (notice,) = Notice.objects.all()
    assert (notice.user, notice.kind) == (system_admin, NoticeKind.SUSPICIOUS)
    assert notice.title == "Wrong credentials from 127.0.0.1, 20 times"


def test_no_credentials_at_all_are_no_burst(client_for):
    for _time in range(25):
        problem(client_for(None).get("/organizations"), 401, "not_authenticated")
    assert asked() == []


def test_a_burst_of_refusals_names_the_key(client_for, system_admin, alpha, globex):
    key, text = make_key(alpha, Scope.CREDITS_READ, name="curious")
    for _time in range(20):
        problem(client_for(text).get(f"/credits/{globex.pk}"), 403, "permission_denied")
    (job,) = asked()
    suspecting.tell_of(**job)
    assert Notice.objects.get().title == f"the key {key} was refused 20 times"


def test_a_revoked_key_is_told_at_its_first_use(client_for, system_admin, alpha):
    key, text = make_key(alpha)
    ok(client_for(text).get("/organizations"))
    ApiKey.objects.revoke(alpha.pk, key.pk, by=None)
    problem(client_for(text).get("/organizations"), 401, "authentication_failed")
    problem(client_for(text).get("/organizations"), 401, "authentication_failed")
    for job in asked():
        suspecting.tell_of(**job)
    (notice,) = Notice.objects.all()
    assert notice.title == f"A dead key was used: the key {key}"
    assert text not in notice.title + notice.detail


def test_a_store_that_is_away_refuses_nobody_more(client_for, monkeypatch, alpha, globex, caplog):
    def away(*_arguments):
        raise ConnectionError

    monkeypatch.setattr(suspicion, "increment", away)
    monkeypatch.setattr(counting, "_store", counting.Store())
    _key, text = make_key(alpha)
    problem(client_for(text).get(f"/credits/{globex.pk}"), 403, "permission_denied")
    assert "counters.unreachable" in caplog.text


def test_a_reached_limit_of_sign_ins_is_told_once(client, settings, system_admin):
    settings.LOGIN_LIMIT_PAIR = settings.LOGIN_LIMIT_ACCOUNT = ""
    settings.LOGIN_LIMIT_ADDRESS = "2/m"
    for _time in range(5):
        client.post("/admin/login/", {"username": "root@example.com", "password": "wrong"})
    for job in asked():
        suspecting.tell_of(**job)
    assert Notice.objects.get().title == "Too many failed sign-ins: 127.0.0.1"


def test_a_dead_key_that_goes_on_asks_for_few_jobs(client_for, alpha):
    key, text = make_key(alpha)
    ApiKey.objects.revoke(alpha.pk, key.pk, by=None)
    for _time in range(19):
        client_for(text).get("/organizations")
    dead = [job["count"] for job in asked() if job["kind"] == suspicion.DEAD_KEY]
    assert dead == ["1", "2", "4", "8", "16"]


@pytest.mark.parametrize("name", ["a b\x00c", "\ud800", "é" * 300, ""])
def test_any_name_can_be_a_subject(name):
    suspicion.report(suspicion.SIGN_IN, name)
    (job,) = asked()
    assert len(job["subject"]) <= suspicion.SUBJECT_LENGTH
