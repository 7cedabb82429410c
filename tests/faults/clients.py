"""Clients that post without pause, retry whatever they don't know, and write down what they do."""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from pathlib import Path
from random import Random

from orgbilling.supervisor.instance import HOST
from tests.faults.answers import Answer, Outcome, judged, lost
from tests.faults.calls import Call, Cast
from tests.faults.log import AckLog, Entry
from tests.faults.operations import draw

ANSWER_TIMEOUT_SECONDS = 20
KNOWN_WITHIN_SECONDS = 60
PAUSE_SECONDS = (0.02, 0.1)
# A call that is known is sent once more this often: the answer must be the first one's.
ECHOES = 0.05
MEDIA = {"Content-Type": "application/json"}


@dataclass
class Load:
    """Who calls where as whom, and when it is enough: `scripts` None is until ``stop`` is set."""

    name: str
    port: int
    token: str
    cast: Cast
    seed: str
    scripts: int | None = None
    stop: threading.Event = field(default_factory=threading.Event)


class Tally:
    """What all clients have seen together."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._successes: list[tuple[float, float]] = []
        self._started = 0
        self.answers: Counter[str] = Counter()
        self.unexpected: Counter[str] = Counter()
        #: Of each kind of answer the seconds that the longest took.
        self.longest: dict[str, float] = {}
        #: Requests that were done without an answer: their retry was a replay.
        self.missed = 0

    def may_start(self, limit: int | None) -> bool:
        """Count one more script, unless there have been enough."""
        with self._changed:
            if limit is not None and self._started >= limit:
                return False
            self._started += 1
            return True

    def note(self, answer: Answer, sent_at: float) -> None:
        """Count an answer to a request that was sent at that moment."""
        with self._changed:
            took = time.monotonic() - sent_at
            self.answers[answer.why] += 1
            self.longest[answer.why] = max(took, self.longest.get(answer.why, 0.0))
            if answer.outcome is Outcome.UNEXPECTED:
                self.unexpected[answer.why] += 1
            if answer.known:
                self._successes.append((sent_at, time.monotonic()))
                self._changed.notify_all()

    def miss(self) -> None:
        """Count a request that was done, and whose caller heard nothing of it."""
        with self._changed:
            self.missed += 1

    def wrong(self, what: str) -> None:
        """Count an answer that contradicts an earlier one."""
        with self._changed:
            self.unexpected[what] += 1

    def first_success_after(self, moment: float, patience: float) -> float | None:
        """Wait for the outcome of a request that was sent after the moment; when that was known."""
        with self._changed:
            self._successes.clear()
            self._changed.wait_for(lambda: self._after(moment) is not None, patience)
            return self._after(moment)

    def _after(self, moment: float) -> float | None:
        done = [done_at for sent_at, done_at in self._successes if sent_at >= moment]
        return min(done, default=None)


class Client(threading.Thread):
    """One caller with one connection."""

    def __init__(self, number: int, load: Load, tally: Tally, folder: Path) -> None:
        super().__init__(name=f"{load.name}-{number}", daemon=True)
        self._load, self._tally = load, tally
        self._rng = Random(f"{load.seed}-{load.name}-{number}")
        self._log = AckLog(folder / f"{number:03}.jsonl")
        self._connection: http.client.HTTPConnection | None = None
        self._sent = 0

    def run(self) -> None:
        """Play scripts until it is enough."""
        try:
            while not self._load.stop.is_set() and self._tally.may_start(self._load.scripts):
                self._play()
        finally:
            self._drop()
            self._log.close()

    def _play(self) -> None:
        script = draw(self._load.cast, self._rng)
        call = next(script, None)
        while call is not None:
            document = self._settle(call)
            try:
                call = script.send(document)
            except StopIteration:
                call = None

    def _settle(self, call: Call) -> dict[str, object] | None:
        """Send a call until its outcome is known; the document of a success."""
        self._sent += 1
        key = call.key or f"{self._load.seed}-{self.name}-{self._sent}"
        unknown = unanswered = told = False
        deadline = time.monotonic() + KNOWN_WITHIN_SECONDS
        while True:
            answer = self._send(call, key, repeated=unknown)
            if unanswered and answer.replayed and not told:
                self._tally.miss()
            unknown = unknown or answer.outcome is Outcome.UNKNOWN
            unanswered = answer.unanswered
            # An answer that says that the outcome is unknown has told all that there was to tell.
            told = told or not unanswered
            if call.method == "POST":
                self._write(call, key, answer)
            if answer.known or time.monotonic() > deadline:
                break
            time.sleep(self._rng.uniform(*PAUSE_SECONDS))
        if answer.known and call.method == "POST" and self._rng.random() < ECHOES:
            self._echo(call, key, answer)
        return answer.document if answer.outcome is Outcome.OK else None

    def _echo(self, call: Call, key: str, first: Answer) -> None:
        if call.repeated is not None or first.why in call.may_refuse:
            # Such an answer is not kept.
            return
        again = self._send(call, key)
        if again.known and not first.said_again_by(again, keyed=call.keyed):
            self._tally.wrong(f"another answer to the same {call.kind}")

    def _send(self, call: Call, key: str, *, repeated: bool = False) -> Answer:
        sent_at = time.monotonic()
        try:
            answer = self._exchange(call, key)
            if repeated and answer.why == f"{HTTPStatus.CONFLICT} {call.repeated}":
                answer = replace(answer, outcome=Outcome.OK)
        except (OSError, http.client.HTTPException) as error:
            self._drop()
            answer = lost(error)
        self._tally.note(answer, sent_at)
        return answer

    def _exchange(self, call: Call, key: str) -> Answer:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                HOST, self._load.port, timeout=ANSWER_TIMEOUT_SECONDS
            )
        headers = {"Authorization": f"Bearer {self._load.token}", "X-Request-ID": key, **MEDIA}
        if call.keyed:
            headers["Idempotency-Key"] = key
        body = json.dumps(call.content(key)).encode()
        self._connection.request(call.method, f"/api/v1/org-billing/{call.path}", body, headers)
        response = self._connection.getresponse()
        if response.length is None:
            # Every answer says its length: the head itself was cut off.
            raise http.client.IncompleteRead(b"")
        return judged(response.status, response.headers, response.read(), call.may_refuse)

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _write(self, call: Call, key: str, answer: Answer) -> None:
        if not call.items:
            self._log.write(_entry(call, key, answer))
            return
        answers = answer.results(len(call.items))
        for item, item_key, one in zip(call.items, call.item_keys(key), answers, strict=True):
            self._log.write(_entry(item, item_key, one))
            if answer.known and not one.known:
                self._tally.wrong(one.why)


def _entry(call: Call, key: str, answer: Answer) -> Entry:
    member, outcome = call.member, answer.outcome
    return Entry(
        key, call.kind, member.org_id, member.user_id, call.credits, outcome, answer.why, call.held
    )


@contextmanager
def calling(count: int, load: Load, folder: Path) -> Iterator[Tally]:
    """Clients at work inside the block, and for as long afterwards as their last calls take."""
    folder.mkdir(parents=True)
    tally = Tally()
    clients = [Client(number, load, tally, folder) for number in range(count)]
    for client in clients:
        client.start()
    try:
        yield tally
    except BaseException:
        load.stop.set()
        raise
    finally:
        if load.scripts is None:
            load.stop.set()
        for client in clients:
            client.join()
