"""The line: in the order of arrival, no longer than its patience, and short while it doesn't move."""

import json
import threading
import time

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory

from orgbilling.web.admission import AdmissionMiddleware, Line, _line, _streams

PATIENCE_SECONDS = 60


def waiting(line, number):
    """Return once so many stand in line."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(line._waiting) < number:
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_places_are_given_out_in_the_order_of_arrival():
    line, served = Line(1, PATIENCE_SECONDS), []
    assert line.enter()

    def come(number):
        assert line.enter()
        served.append(number)
        line.leave()

    threads = []
    for number in range(5):
        threads.append(threading.Thread(target=come, args=[number]))
        threads[-1].start()
        waiting(line, number + 1)
    line.leave()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert served == [0, 1, 2, 3, 4]
    assert line.enter()


def test_who_waited_in_vain_spares_the_others_the_wait():
    line = Line(1, 0.05)
    assert line.enter()
    assert not line.enter()
    line._patience = PATIENCE_SECONDS
    # Refused at once: with that patience it would be seen.
    assert not line.enter()
    line._refusing_until = 0.0
    line.leave()
    assert line.enter()


def test_a_place_that_is_free_is_given_even_then():
    line = Line(1, 0.05)
    assert line.enter()
    assert not line.enter()
    line.leave()
    assert line.enter()


def test_nobody_is_forgotten_among_many():
    line, inside, most = Line(3, PATIENCE_SECONDS), [], []

    def come():
        for _ in range(50):
            assert line.enter()
            inside.append(1)
            most.append(len(inside))
            inside.pop()
            line.leave()

    threads = [threading.Thread(target=come) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert max(most) <= 3
    assert line._free == 3


@pytest.fixture(autouse=True)
def own_places():
    """The process's places are as before."""
    _line.cache_clear()
    _streams.cache_clear()
    yield
    _line.cache_clear()
    _streams.cache_clear()


@pytest.fixture
def full(settings):
    """A middleware with one place, which is taken."""
    settings.DB_POOL_SIZE, settings.REQUEST_WAIT_MS = 1, 100
    made = AdmissionMiddleware(lambda _request: HttpResponse("served"))
    assert made.line.enter()
    return made


def test_a_refusal_says_why_and_when_to_come_again(full):
    answer = full(RequestFactory().post("/api/v1/org-billing/x", b"{}", "application/json"))
    document = json.loads(answer.content)
    assert (answer.status_code, document["code"]) == (503, "database_unavailable")
    assert answer["Retry-After"] == "1"
    assert int(answer["Content-Length"]) == len(answer.content)
    assert "in use" in answer.content.decode()
    full.line.leave()
    full.line._refusing_until = 0.0
    assert full(RequestFactory().get("/api/x")).content == b"served"


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
def test_monitors_don_t_stand_in_line(full, path):
    assert full(RequestFactory().get(path)).content == b"served"


def test_people_get_a_page(full):
    answer = full(RequestFactory().get("/admin/"))
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert answer["Content-Type"].startswith("text/html")
    assert "at the moment" in answer.content.decode()


def test_a_place_is_left_by_whoever_fails(settings):
    settings.DB_POOL_SIZE, settings.REQUEST_WAIT_MS = 1, 100

    def fail(_request):
        raise KeyError

    middleware = AdmissionMiddleware(fail)
    for _ in range(3):
        with pytest.raises(KeyError):
            middleware(RequestFactory().get("/api/x"))


# Django looks after its connections when an answer is closed.
@pytest.mark.django_db
def test_a_stream_keeps_its_place_to_its_end(settings):
    settings.DB_POOL_SIZE, settings.REQUEST_WAIT_MS = 1, 100
    middleware = AdmissionMiddleware(lambda _request: StreamingHttpResponse(iter([b"a", b"b"])))
    answer = middleware(RequestFactory().get("/api/x"))
    assert not middleware.line.enter()
    answer.close()
    assert middleware.line.enter()


@pytest.mark.django_db
def test_it_stands_before_whatever_asks_the_database(settings):
    names = [name.rpartition(".")[2] for name in settings.MIDDLEWARE]
    assert names.index("AdmissionMiddleware") < names.index("SessionMiddleware")
    assert Client().get("/health").status_code == 200
