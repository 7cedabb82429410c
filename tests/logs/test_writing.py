"""Standard error that is full, closed or slow: nobody who logs waits or fails."""

import json
import logging
import os
import threading

import pytest

from orgbilling.lib.logs.handling import LineHandler
from orgbilling.lib.logs.rendering import JsonFormatter
from orgbilling.lib.logs.writing import LineWriter

WAIT_SECONDS = 30


@pytest.fixture
def pipe():
    """Both ends of a pipe; each is closed once."""
    ends = list(os.pipe())
    yield ends
    for end in ends:
        if end is not None:
            os.close(end)


def test_lines_come_in_order(pipe):
    writer = LineWriter(pipe[1])
    for number in range(100):
        writer.put(f"{number}\n".encode())
    assert writer.flush(WAIT_SECONDS)
    assert os.read(pipe[0], 65536).split() == [str(number).encode() for number in range(100)]


def test_a_full_pipe_makes_nobody_wait_and_the_loss_is_told(pipe):
    writer = LineWriter(pipe[1], waiting_max=100)
    handler = LineHandler(JsonFormatter(), writer)
    for number in range(2_000):
        handler.handle(record(f"line {number} {'x' * 500}"))
    assert writer.total_dropped > 0
    # Somebody reads again.
    lines = []
    reader = threading.Thread(target=read_until, args=(pipe[0], b"the last", lines))
    reader.start()
    assert writer.flush(WAIT_SECONDS)
    handler.handle(record("the last"))
    assert writer.flush(WAIT_SECONDS)
    reader.join(WAIT_SECONDS)
    events = [json.loads(line) for line in lines]
    told = [event for event in events if event["event"] == "logs.dropped"]
    assert sum(event["count"] for event in told) == writer.total_dropped
    assert len(events) - len(told) - 1 + writer.total_dropped == 2_000


def test_lines_together_are_dropped_and_counted_as_each_is(pipe):
    writer = LineWriter(pipe[1], waiting_max=10)
    handler = LineHandler(JsonFormatter(), writer)
    # More than the pipe takes: its thread stands.
    writer.put(b"x" * 2**20 + b"\n")
    writer.put_each([b"y\n"] * 30)
    lost = writer.total_dropped
    assert 20 <= lost <= 21
    writer.put_each([b"z\n"] * 5)
    assert writer.total_dropped == lost + 5
    lines = []
    reader = threading.Thread(target=read_until, args=(pipe[0], b"the last", lines))
    reader.start()
    assert writer.flush(WAIT_SECONDS)
    handler.emit_each(record("the last"), {"number": [1, 2]})
    assert writer.flush(WAIT_SECONDS)
    reader.join(WAIT_SECONDS)
    told = [json.loads(line) for line in lines[-3:]]
    assert [event["event"] for event in told] == ["logs.dropped", "the last", "the last"][
        : len(told)
    ]


def test_a_closed_pipe_is_nobodys_failure(pipe):
    os.close(pipe[0])
    pipe[0] = None
    writer = LineWriter(pipe[1])
    handler = LineHandler(JsonFormatter(), writer)
    handler.handle(record("nobody listens"))
    assert writer.flush(WAIT_SECONDS)
    assert writer.total_dropped == 1


def test_a_closed_descriptor_is_nobodys_failure(pipe):
    writer = LineWriter(pipe[1])
    os.close(pipe[1])
    pipe[1] = None
    writer.put(b"x\n")
    assert writer.flush(WAIT_SECONDS)


def test_a_descriptor_that_does_not_block_gets_every_line_whole(pipe):
    os.set_blocking(pipe[1], False)
    writer = LineWriter(pipe[1])
    line = b"y" * 1000 + b"\n"
    for _ in range(500):
        writer.put(line)
    read = 0
    while read < 500 * len(line):
        read += len(os.read(pipe[0], 65536))
    assert writer.flush(WAIT_SECONDS)


def test_a_fork_writes_by_a_thread_of_its_own(pipe):
    writer = LineWriter(pipe[1])
    writer.put(b"parent\n")
    assert writer.flush(WAIT_SECONDS)
    child = os.fork()
    if child == 0:
        # Whatever happens: a child that went on would be this test run a second time.
        status = 1
        try:
            writer.put(b"child\n")
            status = 0 if writer.flush(WAIT_SECONDS) else 1
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert os.read(pipe[0], 65536) == b"parent\nchild\n"


def record(message):
    return logging.LogRecord("tests", logging.INFO, __file__, 1, message, None, None)


def read_until(descriptor, end, lines):
    data = b""
    while end not in data:
        data += os.read(descriptor, 65536)
    lines += data.splitlines()
