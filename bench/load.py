"""A load of HTTP: so many connections kept busy, or asked at a steady rate, for so many seconds.

Reads one JSON document (`Job`) from its input and prints one (`Done`). Raw sockets and prepared requests, so that the
generator costs a fraction of what it measures; `make bench` measures its own ceiling and prints it.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from array import array
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Final

from bench.requests import Job, Requests, WrongAnswer

END_OF_HEAD: Final = b"\r\n\r\n"
RECEIVE_BYTES: Final = 262_144
#: How long the last answers may take once the time is up.
DRAIN_SECONDS: Final = 30


@dataclass(slots=True)
class Done:
    """What came of a load.

    Attributes:
        answers: whole answers as they should be; of a pair of requests the pair counts.
        charges: charges that were acknowledged.
        seconds: from the first request to the last answer that was awaited in time.
        latencies_ms: of each answer; at a steady rate from the moment that it was due.
        wrong: the first answer that wasn't as it should be.
    """

    answers: int = 0
    charges: int = 0
    seconds: float = 0.0
    latencies_ms: list[float] = field(default_factory=list)
    wrong: str = ""


class Connection:
    """One connection and the answer that it waits for."""

    __slots__ = ("asked_at", "buffer", "requests", "socket", "wanted")

    def __init__(self, port: int, requests: Requests) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.requests = requests
        self.buffer = b""
        self.wanted = 0
        self.asked_at = 0.0

    def ask(self, at: float) -> None:
        """Send the next request."""
        self.asked_at = at
        self.buffer, self.wanted = b"", 0
        self.socket.sendall(self.requests.next())

    def answered(self) -> bool:
        """Take in what has come; tells whether the answer is whole.

        Raises:
            WrongAnswer: it isn't what was asked for.
        """
        data = self.socket.recv(RECEIVE_BYTES)
        if not data:
            raise WrongAnswer("the connection was closed")
        self.buffer = self.buffer + data if self.buffer else data
        if not self.wanted:
            end = self.buffer.find(END_OF_HEAD)
            if end < 0:
                return False
            self.wanted = end + 4 + content_length(self.buffer[:end])
        return len(self.buffer) >= self.wanted


def content_length(head: bytes) -> int:
    """What a head says of its body.

    Raises:
        WrongAnswer: nothing.
    """
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    if at < 0:
        raise WrongAnswer(head.decode("latin-1"))
    end = lower.find(b"\r\n", at + 2)
    return int(lower[at + 17 : end if end >= 0 else None])


class Load:
    """The connections, and what they have done."""

    def __init__(self, job: Job) -> None:
        self.job, self.done = job, Done()
        self.latencies = array("d")
        requests = Requests.of(job)
        self.connections = [Connection(job.port, requests()) for _ in range(job.connections)]
        self.poll = select.epoll()
        self.by_number = {one.socket.fileno(): one for one in self.connections}
        for number in self.by_number:
            self.poll.register(number, select.EPOLLIN)

    def run(self) -> Done:
        """Do the job."""
        began = time.perf_counter()
        try:
            if self.job.rate:
                self._steadily(began)
            else:
                self._busily(began)
        except WrongAnswer as wrong:
            self.done.wrong = str(wrong)
        for connection in self.connections:
            connection.socket.close()
        self.done.seconds = time.perf_counter() - began
        self.done.latencies_ms = [round(one * 1000, 3) for one in self.latencies]
        return self.done

    def _busily(self, began: float) -> None:
        """Every connection asks again as soon as it is answered."""
        until = began + self.job.seconds
        for connection in self.connections:
            connection.ask(time.perf_counter())
        waiting = len(self.connections)
        while waiting:
            for number, _event in self._events(until + DRAIN_SECONDS):
                connection = self.by_number[number]
                if not connection.answered():
                    continue
                now = time.perf_counter()
                whole = self._take(connection, now)
                # A pair that is begun is finished: its second half is charged too.
                if now < until or not whole:
                    connection.ask(connection.asked_at if not whole else now)
                else:
                    waiting -= 1

    def _steadily(self, began: float) -> None:
        """Requests are due at a steady rate; whichever connection is free takes the next one."""
        left = max(1, round(self.job.seconds * self.job.rate))
        until = began + self.job.seconds
        free = deque(self.connections)
        due, sent, waiting = began, 0, 0
        while left or waiting:
            while free and left and due <= time.perf_counter():
                free.popleft().ask(due)
                sent, left, waiting = sent + 1, left - 1, waiting + 1
                due = began + sent / self.job.rate
            if not waiting or (free and left):
                # Finer than epoll's milliseconds.
                select.select([self.poll], [], [], max(0.0, due - time.perf_counter()))
                events = self.poll.poll(0)
            else:
                events = self._events(until + DRAIN_SECONDS)
            for number, _event in events:
                connection = self.by_number[number]
                if not connection.answered():
                    continue
                if self._take(connection, time.perf_counter()):
                    free.append(connection)
                    waiting -= 1
                else:
                    connection.ask(connection.asked_at)

    def _events(self, deadline: float) -> list[tuple[int, int]]:
        events = self.poll.poll(max(0.0, deadline - time.perf_counter()))
        if not events:
            raise WrongAnswer("an answer is missing")
        return events

    def _take(self, connection: Connection, now: float) -> bool:
        """Count an answer; tells whether all that belongs together is done."""
        charges = connection.requests.take(connection.buffer)
        if charges is None:
            return False
        self.done.charges += charges
        self.done.answers += 1
        self.latencies.append(now - connection.asked_at)
        return True


def main(run: Callable[[Job], Done] = lambda job: Load(job).run()) -> int:
    """Do one job; returns the exit status."""
    done = run(Job(**json.load(sys.stdin)))
    json.dump(asdict(done), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
