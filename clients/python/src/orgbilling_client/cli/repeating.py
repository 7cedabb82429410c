"""Commands that change something: whatever ends them, the key is told that repeats them safely."""

import functools
import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import typer

from orgbilling_client.cli.failing import ExitCode
from orgbilling_client.cli.output import tell
from orgbilling_client.keys import new_key

Command = TypeVar("Command", bound=Callable[..., None])


def repeatable(command: Command) -> Command:
    """Give a command its key before it begins, and tell it where the command ends without an answer shown."""

    @functools.wraps(command)
    def keyed(**said: Any) -> None:
        # A request id is the key of a charge that was given no other.
        key = said["key"] or said.get("request_id") or new_key()
        try:
            command(**{**said, "key": key})
            sys.stdout.flush()
        except KeyboardInterrupt:
            _tell("Interrupted", key)
            raise
        except OSError as error:
            # The service was asked already: what fails so is showing its answer.
            _drop_output()
            _tell(f"The answer can't be shown ({error.strerror})", key)
            raise typer.Exit(ExitCode.UNKNOWN) from error

    return keyed  # type: ignore[return-value] # with the command's own signature


def _drop_output() -> None:
    """Let Python write what it still keeps nowhere, else it fails at its end and the exit code is Python's."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    # Not a file where another program runs the command and reads what it says.
    with suppress(io.UnsupportedOperation):
        os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _tell(what: str, key: str) -> None:
    tell(f"{what}: it may have been done.", "yellow")
    tell(f"Repeat the same command with: --idempotency-key {key}", "yellow")
