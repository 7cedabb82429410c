"""The programs that a run consists of, and how they start and end."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from orgbilling.supervisor.errors import StepFailed
from orgbilling.supervisor.instance import HOST

PR_SET_PDEATHSIG = 1
# What a request or a job may take at most before it is cut off, and a little more for the program itself to end.
WEB_GRACE_SECONDS = 30
STOP_TIMEOUT_SECONDS = WEB_GRACE_SECONDS + 5
LOG_BYTES_MAX = 10_000_000

WEB_WORKERS = 2
# More than DB_POOL_SIZE: so many requests are at work at once, and the others stand in line in a thread, where
# they can be told that it doesn't move (orgbilling.web.admission).
WEB_THREADS = 24
# Connections that one worker accepts at once; more wait in the kernel's queue. An idle keep-alive
# connection counts, so this is far above the number of threads.
WEB_CONNECTIONS = 512


# A program that ends by itself is started again. One that lives for a minute is counted as sound.
# The web server's callers are waiting: it starts again at once. It ends when its first process is
# killed, and when a worker of its own dies within seconds of its start.
WEB_RESTARTS = 20
# A worker that loses PostgreSQL ends. Started again, later each time, it finds it.
WORKER_RESTARTS = 10
WORKER_PAUSE_SECONDS_MAX = 30
SOUND_AFTER_SECONDS = 60


@dataclass(frozen=True)
class Program:
    """A long-running child of the run.

    `restarts`: how often in a row it is started again when it ends by itself. `pause_seconds_max`: the
    longest wait before that, which doubles from a second on; 0: at once.
    """

    name: str
    command: list[str]
    restarts: int = 0
    pause_seconds_max: int = WORKER_PAUSE_SECONDS_MAX


def programs(port: int) -> list[Program]:
    """Returns what a run keeps alive; the first one serves the port."""
    worker = [sys.executable, "manage.py", "procrastinate", "worker"]
    return [_web(port), Program("worker", worker, restarts=WORKER_RESTARTS)]


def _web(port: int) -> Program:
    command = [sys.executable, "-m", "granian", "orgbilling.wsgi:application"]
    command += ["--interface", "wsgi", "--no-ws", "--host", HOST, "--port", str(port)]
    command += ["--workers", str(WEB_WORKERS), "--blocking-threads", str(WEB_THREADS)]
    command += ["--backpressure", str(WEB_CONNECTIONS), "--respawn-failed-workers"]
    command += ["--workers-kill-timeout", str(WEB_GRACE_SECONDS)]
    command += ["--log-config", "orgbilling/granian-logs.json"]
    return Program("web", command, restarts=WEB_RESTARTS, pause_seconds_max=0)


class Child:
    """A running program with its log."""

    def __init__(self, program: Program, log: Path, env: dict[str, str], cwd: Path) -> None:
        self.program = program
        self.log = log
        self._start = partial(_start, program.command, log, env, cwd)
        self._process = self._start()
        self._started = time.monotonic()
        self._ends = 0
        self._asked: subprocess.Popen[bytes] | None = None
        self._restart_at: float | None = None

    @property
    def pid(self) -> int:
        """The program's first process, which leads its session."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the program is gone."""
        return self._process.poll() is not None

    def check(self) -> None:
        """Raises StepFailed when the program has ended by itself."""
        if self.ended:
            raise StepFailed(f"The {self.program.name} program", self.log)

    def tend(self) -> bool:
        """Starts the program again if it has ended by itself; raises StepFailed once it did too often.

        Returns whether it did.
        """
        if not self.ended:
            return False
        now = time.monotonic()
        if self._restart_at is None:
            if now - self._started >= SOUND_AFTER_SECONDS:
                self._ends = 0
            self._ends += 1
            if self._ends > self.program.restarts:
                self.check()
            self._restart_at = now + min(self.program.pause_seconds_max, 2 ** (self._ends - 1))
        if now < self._restart_at:
            return False
        # What it started may have outlived it, and still hold its port.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = self._start()
        self._started, self._restart_at = now, None
        return True

    def ask_to_stop(self) -> None:
        """Asks the program to finish what it does and to end; doesn't wait for it. Asks once: twice is impatience."""
        if self._asked is not self._process:
            self._asked = self._process
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()

    def await_end(self) -> int:
        """Returns the program's exit status once it has ended; raises subprocess.TimeoutExpired after its grace."""
        return self._process.wait(STOP_TIMEOUT_SECONDS)

    def stop(self) -> None:
        """Asks the program to end, and after a while ends all of its session."""
        self.ask_to_stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.await_end()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def run_step(arguments: list[str], log: Path, env: dict[str, str], cwd: Path) -> None:
    """Runs one manage.py command to its end; raises StepFailed with the tail of its output."""
    process = _start([sys.executable, "manage.py", *arguments], log, env, cwd)
    try:
        if process.wait() != 0:
            raise StepFailed(f"manage.py {arguments[0]}", log)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _start(
    command: list[str], log: Path, env: dict[str, str], cwd: Path
) -> "subprocess.Popen[bytes]":
    """Starts a program in a session of its own (a terminal's Ctrl-C is the supervisor's alone)."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=end_with_parent(),  # noqa: PLW1509 - the supervisor has one thread
        )


def end_with_parent() -> Callable[[], None] | None:
    """Returns what makes the kernel end the child when the supervisor is killed (Linux)."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def arrange() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)

    return arrange
