"""Guessing passwords is limited; nobody who knows theirs is shut out for long."""

import re
from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth import hashers
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.db import connections
from django.test import Client
from django.utils import timezone

from orgbilling.web import attempts, counting, jobs
from tests.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "counters"])

PASSWORD = "correct horse battery staple"
HOUR = 3600
NOW = 1_795_363_200 + 1_000
HERE, THERE, ELSEWHERE = "203.0.113.1", "203.0.113.2", "203.0.113.3"


@pytest.fixture(autouse=True)
def clock(settings, monkeypatch):
    """A clock of the test's own, by which all windows end with an hour."""
    settings.LOGIN_LIMIT_PAIR = "3/h"
    settings.LOGIN_LIMIT_ADDRESS = "5/h"
    settings.LOGIN_LIMIT_ACCOUNT = "7/h"
    caches["counters"].clear()
    ticking = SimpleNamespace(now=NOW)
    monkeypatch.setattr(attempts, "time", SimpleNamespace(time=lambda: ticking.now))
    return ticking


@pytest.fixture
def dora():
    return make_user("dora@example.com", "Dora", PASSWORD)


def sign_in(password, email="dora@example.com", address=HERE):
    form = {"username": email, "password": password}
    return Client().post("/admin/login/", form, REMOTE_ADDR=address)


def wrong(times, **where):
    return [sign_in("guess", **where).status_code for _ in range(times)]


def test_one_too_many_is_told_why_and_until_when(dora):
    assert wrong(3) == [200] * 3
    refused = sign_in(PASSWORD)
    assert refused.status_code == 429
    left = HOUR - NOW % HOUR
    assert refused["Retry-After"] == str(left)
    assert "no-store" in refused["Cache-Control"]
    page = refused.content.decode()
    assert "Too many sign-ins to this account have failed from your address." in page
    assert re.search(rf"at <time [^>]+>\d\d:00:00 UTC</time>,\s+in {-(-left // 60)} minutes", page)
    assert "_auth_user_id" not in refused.wsgi_request.session


def test_the_next_window_is_open_again(dora, clock):
    wrong(4)
    clock.now += HOUR
    assert sign_in(PASSWORD).status_code == 302


def test_a_right_password_forgets_the_failures_of_the_pair(dora):
    wrong(2)
    assert sign_in(PASSWORD).status_code == 302
    assert wrong(4) == [200] * 3 + [429]


def test_signing_in_is_no_failure(dora):
    assert [sign_in(PASSWORD).status_code for _ in range(12)] == [302] * 12


def test_other_spellings_are_the_same_account(dora):
    spellings = ("DORA@example.com", " dora@example.com ", "\uff44ora@example.com")
    assert [sign_in("guess", email=name).status_code for name in spellings] == [200] * 3
    assert sign_in(PASSWORD).status_code == 429


def test_an_address_that_tries_many_accounts(dora):
    assert [sign_in("guess", email=f"{n}@example.com").status_code for n in range(6)] == [
        200
    ] * 5 + [429]
    refused = sign_in(PASSWORD)
    assert "Too many sign-ins have failed from your address." in refused.content.decode()
    assert sign_in(PASSWORD, address=THERE).status_code == 302


def test_of_ipv6_a_whole_network_is_one_address():
    tried = [sign_in("guess", email=f"{n}@x.example", address=f"2001:db8::{n}") for n in range(6)]
    assert [answer.status_code for answer in tried] == [200] * 5 + [429]


def test_an_account_that_many_addresses_try(dora):
    for address in (HERE, THERE):
        wrong(3, address=address)
    assert wrong(2, address=ELSEWHERE) == [200, 429]
    assert "from several addresses" in sign_in(PASSWORD, address="203.0.113.9").content.decode()


def test_attempts_that_were_not_judged_use_up_nobodys_account(dora):
    """One address alone, however stubborn, reaches its own limit and no other."""
    wrong(50)
    assert sign_in(PASSWORD, address=THERE).status_code == 302


def test_strangers_cannot_shut_somebody_out_where_they_have_signed_in(dora):
    assert sign_in(PASSWORD).status_code == 302
    for number in range(20):
        wrong(1, address=f"198.51.100.{number}")
    assert sign_in(PASSWORD, address="198.51.100.200").status_code == 429
    assert sign_in(PASSWORD).status_code == 302


def test_nobody_learns_whether_there_is_an_account(dora, monkeypatch):
    """Not from the answers, not from the work: a hash is made for each that is judged, for no other."""
    hashed = []
    encode = hashers.Argon2PasswordHasher.encode
    monkeypatch.setattr(
        hashers.Argon2PasswordHasher,
        "encode",
        lambda self, *given: hashed.append(1) or encode(self, *given),
    )
    verify = hashers.Argon2PasswordHasher.verify
    monkeypatch.setattr(
        hashers.Argon2PasswordHasher,
        "verify",
        lambda self, *given: hashed.append(1) or verify(self, *given),
    )

    def told(email, address):
        hashed.clear()
        answers = [sign_in("guess", email=email, address=address) for _ in range(4)]
        text = answers[-1].content.decode()
        return [answer.status_code for answer in answers], text, len(hashed)

    invited = make_user("invited@example.com")
    invited.set_unusable_password()
    invited.save()
    known = told("dora@example.com", HERE)
    assert known == told("nobody@example.com", THERE) == told("invited@example.com", ELSEWHERE)
    assert known[0] == [200] * 3 + [429]
    assert known[2] == 3


@pytest.mark.parametrize("name", ["", "x" * 100_000, "a\x00b", "'; --", "🦆" * 300])
def test_odd_names_are_only_names(name):
    assert [sign_in("guess", email=name).status_code for _ in range(4)] == [200] * 3 + [429]


def test_without_limits_nobody_is_refused(dora, settings):
    settings.LOGIN_LIMIT_PAIR = settings.LOGIN_LIMIT_ADDRESS = settings.LOGIN_LIMIT_ACCOUNT = ""
    assert wrong(12) == [200] * 12
    assert sign_in(PASSWORD).status_code == 302


@contextmanager
def nobody_can_count(monkeypatch):
    def lost(*_, **__):
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(counting, "_store", counting.Store())
        patch.setattr("orgbilling.web.counters.CountersCache._one", lost)
        yield


def test_while_nobody_can_count_nobody_signs_in(dora, monkeypatch):
    with nobody_can_count(monkeypatch):
        refused = sign_in(PASSWORD)
    assert refused.status_code == 503
    assert refused["Retry-After"] == "5"
    assert "attempts can&#x27;t be counted" in refused.content.decode()


def test_unless_limits_fail_open(dora, monkeypatch, settings):
    settings.RATE_LIMIT_FAIL = "open"
    with nobody_can_count(monkeypatch):
        assert wrong(5) == [200] * 5
        assert sign_in(PASSWORD).status_code == 302


def test_a_store_that_is_lost_meanwhile_spoils_no_sign_in(dora, monkeypatch):
    def lost(_self):
        raise ConnectionError

    monkeypatch.setattr(attempts.Attempt, "_settle", lost)
    monkeypatch.setattr(counting, "_store", counting.Store())
    assert sign_in(PASSWORD).status_code == 302


def test_an_hourly_job_deletes_expired_sessions_and_counters(dora, monkeypatch):
    monkeypatch.setattr(jobs, "SESSIONS_MAX", 2)
    for _ in range(6):
        sign_in(PASSWORD)
    past = timezone.now() - timedelta(seconds=1)
    gone = Session.objects.values_list("pk", flat=True)[:5]
    Session.objects.filter(pk__in=list(gone)).update(expire_date=past)
    cache = caches["counters"]
    cache.add("old", 1, -1)
    cache.add("new", 1, 60)
    jobs.purge(timestamp=0)
    assert Session.objects.count() == 1
    with connections["counters"].cursor() as cursor:
        cursor.execute("SELECT key FROM rate_counters WHERE key LIKE '%:old' OR key LIKE '%:new'")
        assert [row[0] for row in cursor.fetchall()] == [":1:new"]
