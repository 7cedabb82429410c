"""The load generator: it counts what was answered, and takes no wrong answer."""

import json
import socket
import threading
from dataclasses import asdict

import pytest

from bench import load
from bench.cases import http
from bench.requests import OWN, Job, Requests, WrongAnswer


@pytest.fixture
def server():
    """Answers each request of a connection with the next of its answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    answers, threads = [], []

    def serve():
        while True:
            try:
                peer, _address = listener.accept()
            except OSError:
                return
            with peer:
                while peer.recv(65_536):
                    if not answers:
                        break
                    peer.sendall(answers.pop(0))

    threads.append(threading.Thread(target=serve))
    threads[0].start()
    yield listener.getsockname()[1], answers
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    threads[0].join()


def answer(status, body=b"{}"):
    return b"HTTP/1.1 %s X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


def job(port, kind="deduct", **more):
    asked = {"connections": 1, "seconds": 0.05, **more}
    return Job(port=port, key="obk_nobody", kind=kind, **asked)


def test_every_answer_is_counted_and_timed(tiny):
    assert http.ceiling(tiny, 0.1) > 0


def test_an_answer_that_comes_in_parts_is_waited_for(server):
    port, answers = server
    whole = answer(b"201")
    connection = load.Connection(port, Requests.of(job(port))())
    answers.append(whole[:20])
    connection.ask(0)
    assert not connection.answered()
    answers.append(whole[20:])
    connection.socket.sendall(b"more")
    assert connection.answered()
    connection.socket.close()


@pytest.mark.parametrize(
    ("status", "said"),
    [(b"200", "200 X"), (b"429", "429 X"), (b"503", "503 X")],
    ids=["replayed", "limited", "unavailable"],
)
def test_a_charge_that_was_not_made_now_ends_the_load(server, status, said):
    port, answers = server
    answers += [answer(b"201"), answer(status)]
    done = load.Load(job(port, seconds=20)).run()
    assert done.charges == 1
    assert said in done.wrong


def test_a_closed_connection_ends_the_load(server):
    port, answers = server
    answers.append(answer(b"201"))
    done = load.Load(job(port, seconds=20)).run()
    assert done.charges == 1
    assert done.wrong == "the connection was closed"


def test_a_batch_with_a_failed_item_ends_the_load(server):
    port, answers = server
    answers.append(answer(b"200", b'{"results":[],"deducted":1,"failed":1}'))
    done = load.Load(job(port, "batch", items=2, seconds=20)).run()
    assert done.charges == 0
    assert '"failed":1' in done.wrong


def test_a_hold_counts_once_it_is_captured(server):
    port, answers = server
    answers += [answer(b"201", b'{"id":"0193"}'), answer(b"200"), answer(b"409")]
    done = load.Load(job(port, "hold_capture", seconds=20)).run()
    assert (done.answers, done.charges) == (1, 1)


def test_a_steady_load_sends_what_is_due_and_no_more(server):
    port, answers = server
    answers += [answer(b"201")] * 50
    done = load.Load(job(port, seconds=0.5, rate=20)).run()
    assert (done.answers, done.wrong) == (10, "")
    assert len(done.latencies_ms) == 10


@pytest.mark.parametrize("kind", ["deduct", "batch", "hold_capture"])
def test_no_two_requests_have_a_key_in_common(kind):
    seen = set()
    for _connection in range(2):
        requests = Requests.of(job(1, kind, items=3))()
        for _turn in range(50):
            request = requests.next()
            assert OWN not in request
            head, _, body = request.partition(b"\r\n\r\n")
            assert load.content_length(head) == len(body)
            keys = [item["request_id"] for item in json.loads(body).get("items", [])]
            keys += [line for line in head.decode().split("\r\n") if "Idempotency-Key" in line]
            assert keys
            assert not seen & set(keys)
            seen.update(keys)


def test_a_head_without_a_length_is_refused():
    with pytest.raises(WrongAnswer):
        load.content_length(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked")


def test_a_job_is_a_document():
    assert Job(**json.loads(json.dumps(asdict(job(1))))) == job(1)
