"""Programs that end with this one: run to their end with what they print, or spoken to line by line."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from orgbilling.supervisor.programs import end_with_parent

ROOT = Path(__file__).resolve().parent.parent
TAIL_LINES = 12


class ProgramFailed(RuntimeError):
    """A program ended with an error, or not in time; the message has the end of what it printed."""

    def __init__(self, command: Sequence[str], why: str, output: str) -> None:
        tail = "\n".join(output.strip().splitlines()[-TAIL_LINES:])
        super().__init__(f"{Path(command[0]).name} {' '.join(command[1:4])}: {why}\n{tail}")


def own_module(name: str, *arguments: str) -> list[str]:
    """The command for a module of this package, under this interpreter."""
    return [sys.executable, "-m", f"bench.{name}", *arguments]


def start(command: Sequence[str], env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start a program in a session of its own, with pipes; it ends with this process however that ends."""
    return subprocess.Popen(
        command,
        env=env,
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=end_with_parent(),  # noqa: PLW1509 - this process has one thread
    )


def run(
    command: Sequence[str],
    *,
    timeout_seconds: float,
    given: str = "",
    env: Mapping[str, str] | None = None,
) -> str:
    """What a program printed.

    Raises:
        ProgramFailed: it ended with another status than 0, or not in time.
    """
    (output,) = run_together([command], timeout_seconds=timeout_seconds, given=[given], env=env)
    return output


def run_together(
    commands: Sequence[Sequence[str]],
    *,
    timeout_seconds: float,
    given: Sequence[str],
    env: Mapping[str, str] | None = None,
) -> list[str]:
    """What several programs that ran at the same time printed, in order.

    Raises:
        ProgramFailed: one ended with another status than 0, or not in time; none runs any more.
    """
    deadline = time.monotonic() + timeout_seconds
    processes: list[subprocess.Popen[str]] = []
    try:
        processes.extend(start(command, env) for command in commands)
        for process, text in zip(processes, given, strict=True):
            assert process.stdin is not None
            process.stdin.write(text)
            process.stdin.close()
            process.stdin = None
        outputs = []
        for command, process in zip(commands, processes, strict=True):
            try:
                output, errors = process.communicate(timeout=max(1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                why = f"not done after {timeout_seconds:.0f} s"
                raise ProgramFailed(command, why, "") from None
            if process.returncode != 0:
                raise ProgramFailed(command, f"status {process.returncode}", output + errors)
            outputs.append(output)
        return outputs
    finally:
        for process in processes:
            end(process)


class Conversation:
    """A program that answers each line of JSON with one."""

    def __init__(self, command: Sequence[str], process: subprocess.Popen[str]) -> None:
        self.command, self.process = command, process

    def ask(self, question: Any) -> Any:
        """The answer.

        Raises:
            ProgramFailed: it has ended instead.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            assert self.process.stderr is not None
            raise ProgramFailed(self.command, "ended unasked", self.process.stderr.read())
        return json.loads(line)


@contextmanager
def conversation(command: Sequence[str], env: Mapping[str, str]) -> Iterator[Conversation]:
    """A program to talk to; it ends with its input."""
    process = start(command, env)
    try:
        yield Conversation(command, process)
    finally:
        end(process)


def end(process: subprocess.Popen[str], patience_seconds: float = 60) -> None:
    """Let a program end by the end of its input, or kill it; close its pipes."""
    if process.stdin is not None and not process.stdin.closed:
        with suppress(BrokenPipeError):
            process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience_seconds)
    if process.poll() is None:
        process.kill()
        process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
