"""Why `make run` could not start, as sentences for the person at the terminal."""

from pathlib import Path


class RunError(Exception):
    """The run cannot start or go on; the message is all that the person needs."""


class AlreadyRunning(RunError):
    """Another `make run` holds the same data folder."""

    def __init__(self, pid: int, url: str) -> None:
        super().__init__(
            f"Already running: {url} (pid {pid}). Stop it with Ctrl-C there, or: kill {pid}"
        )


class PortTaken(RunError):
    """Another program listens on the port."""

    def __init__(self, port: int) -> None:
        super().__init__(
            f"Port {port} is taken by another program. "
            f"Choose another one: make run PORT={port + 1 if port < 65535 else port - 1}"
        )


class StepFailed(RunError):
    """A step or a program of the run ended with an error."""

    def __init__(self, what: str, log: Path) -> None:
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        tail = "\n".join(f"   {line}" for line in lines[-12:])
        super().__init__(f"{what} failed:\n\n{tail}\n\nAll of it is in {log}")
