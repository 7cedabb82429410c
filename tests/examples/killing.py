"""Runs the agent in a child that dies by SIGKILL at a line which it chooses in advance, or at any moment."""

import itertools
import os
import select
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import httpcore
import orgbilling_client

from examples.loopnet_agent.__main__ import main
from tests.docs.markdown import ROOT

#: Whose lines are counted. The agent's own are all that it decides; the client's and the HTTP library's lie between
#: a request and its answer.
WATCHED = {
    "agent": ROOT / "examples" / "loopnet_agent",
    "client": Path(orgbilling_client.__file__).parent,
    "http": Path(httpcore.__file__).parent,
}
ENDED_WITHIN_SECONDS = 120


@dataclass(frozen=True)
class Ending:
    """How a child ended: its exit status, or None for killed; lines it executed, when it counted and lived."""

    status: int | None
    lines: int
    said: str


class Clock:
    """Counts the lines executed in some files, in all threads, and kills the process at the one that is named."""

    def __init__(self, watched: Path, last: int | None) -> None:
        self._prefix, self._last = f"{watched}{os.sep}", last
        self._count = itertools.count(1)
        self._known: dict[CodeType, bool] = {}
        self.lines = 0

    def start(self) -> None:
        """Count from here on."""
        threading.settrace(self._enter)
        sys.settrace(self._enter)

    def _enter(self, frame: FrameType, _event: str, _arg: Any) -> Callable[..., Any] | None:
        code = frame.f_code
        wanted = self._known.get(code)
        if wanted is None:
            wanted = self._known[code] = code.co_filename.startswith(self._prefix)
        return self._line if wanted else None

    def _line(self, _frame: FrameType, event: str, _arg: Any) -> Callable[..., Any]:
        if event == "line":
            self.lines = next(self._count)
            if self.lines == self._last:
                os.kill(os.getpid(), signal.SIGKILL)
        return self._line


def run_killed(
    arguments: list[str], log: Path, *, watched: str = "agent", line: int | None = None
) -> Ending:
    """Run the agent; kill it when it comes to that many lines of what is watched, if it ever does."""
    clock = Clock(WATCHED[watched], line)
    return _ending(*_started(arguments, log, clock.start, lambda: clock.lines), log)


def run_killed_at(arguments: list[str], log: Path, seconds: float) -> Ending:
    """Run the agent, and kill it from outside after that many seconds if it isn't done by then."""
    pid, pipe = _started(arguments, log)
    if not select.select([pipe], [], [], seconds)[0]:
        os.kill(pid, signal.SIGKILL)
    return _ending(pid, pipe, log)


def run_killed_in(arguments: list[str], log: Path, owner: object, function: str) -> Ending:
    """Run the agent, and kill it when it calls that function, before a line of it is executed."""

    def die(*_arguments: Any, **_options: Any) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    return _ending(*_started(arguments, log, lambda: setattr(owner, function, die)), log)


def _started(
    arguments: list[str],
    log: Path,
    prepare: Callable[[], None] = lambda: None,
    counted: Callable[[], int] = lambda: 0,
) -> tuple[int, int]:
    """Start the agent in a child, whose end ends the pipe that is returned with its id."""
    read, write = os.pipe()
    pid = os.fork()
    if pid != 0:
        os.close(write)
        return pid, read
    # In the child, and never back from here.
    status = 70
    try:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(out, 1)
        os.dup2(out, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        prepare()
        status = main(arguments)
        sys.settrace(None)
        os.write(write, str(counted()).encode())
    except BaseException:  # noqa: BLE001 - whatever it is, it is the child's
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _ending(pid: int, read: int, log: Path) -> Ending:
    # The pipe ends with the child.
    if not select.select([read], [], [], ENDED_WITHIN_SECONDS)[0]:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise TimeoutError(log.read_text(encoding="utf-8"))
    lines = os.read(read, 20)
    os.close(read)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    said = log.read_text(encoding="utf-8") if log.exists() else ""
    return Ending(None if status == -signal.SIGKILL else status, int(lines or 0), said)
