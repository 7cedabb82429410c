"""Keys that a process remembers: believed as long as no key is revoked anywhere, and for seconds at most."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connections
from django.utils import timezone

from organizations import known_keys
from organizations.models import ApiKey
from orgbilling.web import epochs
from tests.api_client import ok, problem
from tests.factories import make_key

pytestmark = pytest.mark.django_db(databases=["default", "counters"])

COUNTED = "1000/m"


@pytest.fixture(autouse=True)
def counting(settings):
    """Requests are counted, so that each is told the epoch; nothing is remembered of other tests."""
    settings.RATE_LIMIT_SERVICE = settings.RATE_LIMIT_READS = settings.RATE_LIMIT_WRITES = COUNTED
    known_keys._kept.clear()


@pytest.fixture
def client(client_for, alpha):
    """A client whose key this process remembers."""
    key, text = make_key(alpha)
    made = client_for(text)
    made.key = key
    for _time in range(3):
        ok(made.get("organizations"))
    return made


def revoked_elsewhere(key):
    """Revoked by another process: this one's memory isn't touched."""
    ApiKey.objects.filter(pk=key.pk).update(revoked_at=timezone.now())
    epochs.change()


def test_a_key_that_is_remembered_is_not_looked_up(client, django_assert_num_queries):
    with django_assert_num_queries(1):  # the page
        ok(client.get("organizations"))


def test_a_key_that_is_revoked_elsewhere_is_refused_from_the_next_request_on(client):
    revoked_elsewhere(client.key)
    problem(client.get("organizations"), 401, "authentication_failed")
    problem(client.get("organizations"), 401, "authentication_failed")


def test_a_key_that_is_revoked_here_is_refused_from_the_next_request_on(client):
    ApiKey.objects.revoke(client.key.org_id, client.key.pk, by=None)
    problem(client.get("organizations"), 401, "authentication_failed")


def test_a_key_that_is_revoked_elsewhere_over_its_limit_is_unknown_first(client, settings):
    settings.RATE_LIMIT_SERVICE = settings.RATE_LIMIT_READS = settings.RATE_LIMIT_WRITES = "3/h"
    while client.get("organizations").status_code != 429:
        pass
    revoked_elsewhere(client.key)
    problem(client.get("organizations"), 401, "authentication_failed")


def test_others_are_looked_up_once_when_one_is_revoked(client, alpha, django_assert_num_queries):
    revoked_elsewhere(make_key(alpha)[0])
    with django_assert_num_queries(2):  # its key, the page
        ok(client.get("organizations"))
    with django_assert_num_queries(1):
        ok(client.get("organizations"))


def test_a_key_expires_while_it_is_remembered(client, alpha, client_for):
    soon = timezone.now() + timedelta(seconds=2)
    other = client_for(make_key(alpha, expires_at=soon)[1])
    for _time in range(2):
        ok(other.get("organizations"))
    with time_machine.travel(soon + timedelta(seconds=1)):
        problem(other.get("organizations"), 401, "authentication_failed")


def test_what_is_changed_by_hand_is_seen_after_seconds(client, monkeypatch):
    ApiKey.objects.filter(pk=client.key.pk).update(revoked_at=timezone.now())
    ok(client.get("organizations"))
    monkeypatch.setattr(known_keys.time, "monotonic", lambda: 10**9)
    problem(client.get("organizations"), 401, "authentication_failed")


def test_without_a_count_nothing_is_believed(client, settings):
    settings.RATE_LIMIT_SERVICE = settings.RATE_LIMIT_READS = ""
    ApiKey.objects.filter(pk=client.key.pk).update(revoked_at=timezone.now())
    problem(client.get("organizations"), 401, "authentication_failed")


def test_an_epoch_is_told_with_the_next_count_and_is_another_one_after_a_crash(client):
    ok(client.get("organizations"))
    first = epochs.told()
    epochs.change()
    ok(client.get("organizations"))
    second = epochs.told()
    epochs.change()
    ok(client.get("organizations"))
    assert len({first, second, epochs.told()}) == 3
    with connections["counters"].cursor() as cursor:
        cursor.execute("DELETE FROM rate_counters")
    epochs.change()
    ok(client.get("organizations"))
    assert epochs.told() not in {first, second}


def test_what_is_remembered_is_bounded(alpha, monkeypatch):
    monkeypatch.setattr(known_keys, "KEPT_MAX", 3)
    for _time in range(5):
        known_keys.keep(make_key(alpha)[0], 1)
    assert len(known_keys._kept) <= 3


@pytest.mark.django_db(transaction=True, databases=["default", "counters"])
def test_a_revocation_that_is_not_committed_yet_changes_nothing_for_others(alpha, client_for):
    key, text = make_key(alpha)
    other = client_for(text)
    for _time in range(3):
        ok(other.get("organizations"))

    def revoke():
        ApiKey.objects.revoke(key.org_id, key.pk, by=None)
        connections.close_all()

    thread = threading.Thread(target=revoke)
    thread.start()
    thread.join()
    problem(other.get("organizations"), 401, "authentication_failed")
