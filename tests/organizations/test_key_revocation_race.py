"""A key that is revoked while a crowd uses it: nobody who begins after the revocation was answered gets through."""

import threading
import time

import pytest
from django.db import connections

from credits.models import Usage
from organizations import known_keys
from organizations.models import ApiKey
from orgbilling.web import doors
from tests.credits.test_doors import DEDUCT, environ
from tests.factories import make_key

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "counters"])

CALLERS = 16
ROUNDS = 3
#: Calls that have to have passed before the key is revoked, and that each caller makes after it.
BEFORE, AFTER = 48, 3
PATIENCE_SECONDS = 60


@pytest.fixture(autouse=True)
def counting(settings):
    """Requests are counted, so that the key is remembered."""
    settings.RATE_LIMIT_SERVICE = settings.RATE_LIMIT_READS = settings.RATE_LIMIT_WRITES = (
        "100000/m"
    )
    known_keys._kept.clear()


class Crowd:
    """Callers with one key; each call with the moment at which it began."""

    def __init__(self, application, text, body):
        self._application, self._text, self._body = application, text, body
        self.answers: list[tuple[float, int]] = []
        self.revoked = threading.Event()
        self._threads = [threading.Thread(target=self._call) for _ in range(CALLERS)]

    def _call(self):
        left = AFTER
        try:
            while left:
                if self.revoked.is_set():
                    left -= 1
                began = time.monotonic()
                self.answers.append((began, self._answer()))
        finally:
            connections.close_all()

    def _answer(self):
        said = []
        response = self._application(
            environ("POST", DEDUCT, self._text, self._body),
            lambda status, _headers, _error=None: said.append(int(status[:3])),
        )
        try:
            list(response)
        finally:
            getattr(response, "close", lambda: None)()
        return said[0]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exc):
        self.revoked.set()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)
        assert not any(thread.is_alive() for thread in self._threads)

    def await_charges(self, number):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while sum(status == 201 for _began, status in list(self.answers)) < number:
            assert time.monotonic() < deadline, self.answers[-3:]
            time.sleep(0.005)


@pytest.mark.parametrize("elsewhere", [False, True])
def test_no_request_that_begins_after_the_revocation_passes(funded, alice, monkeypatch, elsewhere):
    if elsewhere:
        # Another process revokes it: nobody takes it out of this one's memory.
        monkeypatch.setattr(known_keys, "forget", lambda _key_id: None)
    body = {
        "org_id": str(funded.pk),
        "user_id": str(alice.pk),
        "service_name": "contact_lookup",
        "credits": 1,
    }
    application = doors.Doors()
    charged = 0
    for _round in range(ROUNDS):
        key, text = make_key(funded)
        with Crowd(application, text, body) as crowd:
            crowd.await_charges(BEFORE)
            assert known_keys.get(key.key_hash) is not None
            ApiKey.objects.revoke(key.org_id, key.pk, by=None)
            revoked_at = time.monotonic()
        after = [status for began, status in crowd.answers if began > revoked_at]
        assert len(after) >= CALLERS
        assert set(after) == {401}
        charged += sum(status == 201 for _began, status in crowd.answers)
        assert {status for _began, status in crowd.answers} == {201, 401}
    assert Usage.objects.count() == charged
