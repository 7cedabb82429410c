"""Charges through a journal while it is killed again and again: ``python -m tests.client.killed``, settings on stdin.

A process makes three charges a life; a line of the client's code, drawn from a seed, is its last. The next one
replays the journal and goes on. What was begun and what was finished is written down beside the journal.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

import orgbilling_client
from orgbilling_client import Client, RetryPolicy
from orgbilling_client.journal import Journal, JournaledClient, replay

PACKAGE = str(Path(orgbilling_client.__file__).parent)
NOBODY = "http://127.0.0.1:1"
CHARGES_A_LIFE = 3
AWAY_SHARE = 0.4
ENOUGH = RetryPolicy(attempts=4, first_wait_seconds=0.01)
AT_ONCE = RetryPolicy(attempts=1)


@dataclass(frozen=True)
class Life:
    """What one process is told."""

    url: str
    key: str
    org_id: str
    user_id: str
    journal: str
    write_ahead: bool
    is_away: bool

    def live(self) -> None:
        """Replay, then charge: the rest of the last life first, unless the journal has it."""
        with (
            Journal(self.journal, write_ahead=self.write_ahead) as journal,
            Client(self.url, self.key, self.org_id, retry=ENOUGH) as near,
            Client(NOBODY, self.key, self.org_id, retry=AT_ONCE) as away,
        ):
            assert replay(journal, near).left == 0
            charges = JournaledClient(away if self.is_away else near, journal)
            for number in self._next():
                self._note("begun", number)
                charges.deduct(
                    self.user_id, "killed", credits=cost(number), request_id=f"work-{number}"
                )
                self._note("done", number)

    def _next(self) -> range:
        # What was kept before it was sent needs nobody to begin it again.
        last = "begun" if self.write_ahead else "done"
        first = len(set(self.noted(last))) + 1
        return range(first, first + CHARGES_A_LIFE)

    def noted(self, what: str) -> list[int]:
        path = Path(f"{self.journal}.{what}")
        return [int(line) for line in path.read_text().split()] if path.exists() else []

    def _note(self, what: str, number: int) -> None:
        handle = os.open(f"{self.journal}.{what}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(handle, f"{number}\n".encode())
        os.close(handle)


def cost(number: int) -> int:
    """What a piece of work costs."""
    return 1 + number % 7


class Lines:
    """Counts the lines of the client that run, and ends the process at one of them."""

    def __init__(self, last: int | None) -> None:
        self.count, self._last = 0, last

    def watch(self, frame: FrameType, event: str, _argument: Any) -> Callable[..., Any] | None:
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line":
            self.count += 1
            if self.count == self._last:
                os.kill(os.getpid(), signal.SIGKILL)
        return self.watch


def lived(life: Life, last: int | None) -> tuple[int, int]:
    """The signal that ended a life, 0 where it ended by itself, and how many lines it had."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        lines = Lines(last)
        sys.settrace(lines.watch)
        try:
            life.live()
        finally:
            sys.settrace(None)
        os.write(writing, str(lines.count).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as counted:
        lines_run = int(counted.read() or 0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), lines_run


def main() -> None:
    """Live and die as often as is asked; what came of it goes to stdout."""
    asked = json.load(sys.stdin)
    rng = Random(asked.pop("seed"))
    kills_wanted = asked.pop("kills")
    lengths = {is_away: lived(Life(**asked, is_away=is_away), None)[1] for is_away in (False, True)}
    kills = 0
    while kills < kills_wanted:
        is_away = rng.random() < AWAY_SHARE
        # A life that has something to replay has more lines than those that were counted.
        ended, _ = lived(Life(**asked, is_away=is_away), rng.randint(1, lengths[is_away] * 3 // 2))
        assert ended in {0, -signal.SIGKILL}, ended
        kills += ended != 0
    last = Life(**asked, is_away=False)
    lived(last, None)
    with Journal(asked["journal"]) as journal:
        left = journal.pending() + journal.refused()
    report = {
        "kills": kills,
        "left": left,
        "begun": sorted(set(last.noted("begun"))),
        "done": sorted(set(last.noted("done"))),
    }
    json.dump(report, sys.stdout)


if __name__ == "__main__":
    main()
