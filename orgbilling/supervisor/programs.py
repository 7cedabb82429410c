"""The programs that a run consists of, and how they start and end."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from orgbilling.supervisor.errors import StepFailed
from orgbilling.supervisor.instance import HOST

PR_SET_PDEATHSIG = 1
STOP_TIMEOUT_SECONDS = 10
LOG_BYTES_MAX = 10_000_000

WEB_WORKERS = 2
# Each thread may hold a database connection: keep it at or below DB_POOL_SIZE.
WEB_THREADS = 8
# Connections that one worker accepts at once; more wait in the kernel's queue. An idle keep-alive
# connection counts, so this is far above the number of threads.
WEB_CONNECTIONS = 512


@dataclass(frozen=True)
class Program:
    """A long-running child of the run."""

    name: str
    command: list[str]


def programs(port: int) -> list[Program]:
    """Returns what a run keeps alive; the first one serves the port."""
    return [_web(port)]


def _web(port: int) -> Program:
    command = [sys.executable, "-m", "granian", "orgbilling.wsgi:application"]
    command += ["--interface", "wsgi", "--no-ws", "--host", HOST, "--port", str(port)]
    command += ["--workers", str(WEB_WORKERS), "--blocking-threads", str(WEB_THREADS)]
    command += ["--backpressure", str(WEB_CONNECTIONS), "--respawn-failed-workers"]
    command += ["--workers-kill-timeout", "5", "--access-log"]
    return Program("web", command)


class Child:
    """A running program with its log."""

    def __init__(self, program: Program, log: Path, env: dict[str, str], cwd: Path) -> None:
        self.program = program
        self.log = log
        self._process = _start(program.command, log, env, cwd)

    @property
    def ended(self) -> bool:
        """Whether the program is gone."""
        return self._process.poll() is not None

    def check(self) -> None:
        """Raises StepFailed when the program has ended by itself."""
        if self.ended:
            raise StepFailed(f"The {self.program.name} program", self.log)

    def stop(self) -> None:
        """Asks the program to end, and after a while ends all of its session."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_TIMEOUT_SECONDS)
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
            preexec_fn=_end_with_parent(),  # noqa: PLW1509 - the supervisor has one thread
        )


def _end_with_parent() -> Callable[[], None] | None:
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
