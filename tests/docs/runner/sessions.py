"""The reader's windows: a shell, a Python session and a database, which take one block after another."""

import os
import secrets
import select
import shutil
import signal
import subprocess
import time
import traceback
from pathlib import Path
from typing import NamedTuple

import psycopg

PYTHON_SESSION = Path(__file__).with_name("python_session.py")
ENDS_WITHIN_SECONDS = 10
CHUNK_BYTES = 65_536


class Ran(NamedTuple):
    """What a block printed, its errors included, and 0 unless it failed."""

    printed: str
    status: int


class Window:
    """A program that is given names of files with blocks, and says when it is through with one."""

    def __init__(self, command: list[str], home: Path, env: dict[str, str]) -> None:
        self.home = home
        self.mark = f"=== {secrets.token_hex(8)} ==="
        self.process = subprocess.Popen(
            command,
            cwd=home,
            env={**env, "END_OF_BLOCK": self.mark},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, order: str, within_seconds: float) -> Ran:
        """Send one line to the program, and return what is printed until the mark.

        Raises:
            AssertionError: the program ended, or isn't through in time.
        """
        assert self.process.stdin is not None
        self.process.stdin.write(order.encode() + b"\n")
        self.process.stdin.flush()
        text = self._read_to_mark(time.monotonic() + within_seconds)
        printed, _, status = text.rpartition(f"\n{self.mark} ")
        return Ran(printed, int(status.split()[0]))

    def _read_to_mark(self, deadline: float) -> str:
        assert self.process.stdout is not None
        pipe = self.process.stdout.fileno()
        seen = b""
        while f"\n{self.mark} ".encode() not in seen or not seen.endswith(b"\n"):
            ready, _, _ = select.select([pipe], [], [], max(0, deadline - time.monotonic()))
            chunk = os.read(pipe, CHUNK_BYTES) if ready else b""
            assert ready, f"It is not through in time. So far:\n{seen.decode()}"
            assert chunk, f"The session ended. Its last words:\n{seen.decode()}"
            seen += chunk
        return seen.decode().replace("\r\n", "\n")

    def close(self) -> None:
        """End the program and everything that its blocks left running."""
        deadline = time.monotonic() + ENDS_WITHIN_SECONDS
        self._signal(signal.SIGTERM)
        while self._alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        self._signal(signal.SIGKILL)
        self.process.communicate()

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return

    def _alive(self) -> bool:
        self.process.poll()
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True


class Shell(Window):
    """A bash of the page; nothing of the person's own start-up files."""

    def __init__(self, home: Path, env: dict[str, str]) -> None:
        super().__init__([shutil.which("bash") or "bash", "--norc"], home, env)

    def paste(self, block: Path, within_seconds: float) -> Ran:
        """Run the block in the shell itself, so that later ones know its variables."""
        return self.run(
            f"source '{block}' </dev/null; printf '\\n%s %s\\n' \"$END_OF_BLOCK\" \"$?\"",
            within_seconds,
        )

    def exported(self) -> dict[str, str]:
        """Return the environment that a program gets which is started now."""
        listed = self.run(
            "env -0 | base64 -w 0; printf '\\n%s 0\\n' \"$END_OF_BLOCK\"", ENDS_WITHIN_SECONDS
        )
        decoded = subprocess.run(
            ["base64", "-d"], input=listed.printed.encode(), capture_output=True, check=True
        )
        pairs = [one.partition(b"=") for one in decoded.stdout.split(b"\0") if one]
        return {name.decode(): value.decode() for name, _, value in pairs}


class Python(Window):
    """A Python of the page; its blocks share their names."""

    def __init__(self, home: Path, env: dict[str, str]) -> None:
        program = shutil.which("python", path=env["PATH"]) or "python3"
        super().__init__([program, "-P", str(PYTHON_SESSION)], home, env)

    def paste(self, block: Path, within_seconds: float) -> Ran:
        """Run the block with the names that earlier ones made."""
        return self.run(str(block), within_seconds)


class Database:
    """An empty database of the page's own."""

    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url, autocommit=True)

    def paste(self, block: Path) -> Ran:
        """Run the block's statements; what they return is not shown."""
        try:
            self.connection.execute(block.read_bytes())
        except psycopg.Error:
            return Ran(traceback.format_exc(), 1)
        return Ran("", 0)

    def close(self) -> None:
        """Leave the database."""
        self.connection.close()
