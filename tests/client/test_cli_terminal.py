"""The command line as a program of its own: in a terminal, in a pipe, interrupted, without its extra."""

import fcntl
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from orgbilling_client import Client

from tests.client.cast import Cast
from tests.client.hostile import hostile, stall
from tests.service import ROOT

PROGRAM = [sys.executable, "-c", "from orgbilling_client.cli import main; main()"]
WITHIN_SECONDS = 60


@pytest.fixture
def env(cast: Cast, tmp_path: Path) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    return inherited | {
        "ORGBILLING_URL": cast.url,
        "ORGBILLING_API_KEY": cast.key,
        "ORGBILLING_ORG_ID": cast.org_id,
        "ORGBILLING_CONFIG": str(tmp_path / "config.toml"),
        "PYTHONPATH": str(ROOT / "clients/python/src"),
        "TERM": "xterm-256color",
    }


def in_terminal(env: dict[str, str], *arguments: str, columns: int = 80) -> str:
    """What a command shows in a terminal."""
    mine, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    with subprocess.Popen(
        [*PROGRAM, *arguments], env=env, stdin=theirs, stdout=theirs, stderr=theirs
    ):
        os.close(theirs)
        shown = bytearray()
        # The terminal is gone with the program: Linux says so by an error.
        with suppress(OSError):
            while part := os.read(mine, 65536):
                shown += part
    os.close(mine)
    return shown.decode()


@contextmanager
def tailing(env: dict[str, str], *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    program = subprocess.Popen(
        [*PROGRAM, "tail", "--json", "--every", "0.1", *arguments],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield program
    finally:
        program.kill()
        program.communicate()


def line_of(stream: object) -> str:
    """The next line, which comes before long."""
    assert hasattr(stream, "readline")
    assert select.select([stream], [], [], WITHIN_SECONDS)[0], "Nothing came."
    text: str = stream.readline()
    return text


class Forwarder:
    """A port that leads to the service, while it is open."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._service = (host, int(port))
        self._pairs: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self._start()

    def shut(self) -> None:
        """Be gone, with all connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for one in self._pairs:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._pairs.clear()

    def open_again(self) -> None:
        self._listener = socket.create_server(self.address)
        self._start()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._accept, args=[self._listener], daemon=True)
        self._thread.start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                caller, _ = listener.accept()
                service = socket.create_connection(self._service)
                self._pairs += [caller, service]
                for pair in ((caller, service), (service, caller)):
                    threading.Thread(target=self._copy, args=pair, daemon=True).start()

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while part := source.recv(65536):
                target.sendall(part)
            target.shutdown(socket.SHUT_WR)


def test_tables_fit_a_terminal_of_80_columns(
    env: dict[str, str], client: Client, cast: Cast
) -> None:
    client.deduct(cast.user_id, "a_service_whose_name_needs_more_room_than_there_is", credits=1)
    for command in (["balance"], ["usage"], ["verify"], ["summary", "--by", "service"]):
        shown = in_terminal(env | {"NO_COLOR": "1"}, *command)
        printed = [_plain(line) for line in shown.splitlines()]
        assert max(map(len, printed)) <= 80, command
        if command == ["usage"]:
            assert any("…" in line and "9,999" in line for line in printed)


def test_without_a_terminal_there_is_no_bar_and_no_colour(
    env: dict[str, str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [*PROGRAM, "export", str(tmp_path / "usage.csv")],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert "\x1b" not in done.stdout


def test_a_tail_shows_what_comes_and_ends_with_130(
    env: dict[str, str], client: Client, cast: Cast
) -> None:
    client.deduct(cast.user_id, "before", credits=1)
    with tailing(env, "--lines", "1") as tail:
        assert '"service_name": "before"' in line_of(tail.stdout)
        for number in range(3):
            client.deduct(cast.user_id, f"s-{number}", credits=1)
            assert f'"service_name": "s-{number}"' in line_of(tail.stdout)
        tail.send_signal(signal.SIGINT)
        out, err = tail.communicate(timeout=WITHIN_SECONDS)
        assert (tail.returncode, out, err) == (130, "", "")


def test_a_tail_outlives_the_service_and_misses_nothing(
    env: dict[str, str], client: Client, cast: Cast
) -> None:
    forwarder = Forwarder(cast.url)
    env["ORGBILLING_URL"] = f"http://127.0.0.1:{forwarder.address[1]}"
    client.deduct(cast.user_id, "before", credits=1)
    with tailing(env, "--lines", "1") as tail:
        assert "before" in line_of(tail.stdout)
        forwarder.shut()
        assert "can't be reached" in line_of(tail.stderr)
        client.deduct(cast.user_id, "meanwhile", credits=1)
        forwarder.open_again()
        assert "meanwhile" in line_of(tail.stdout)
        client.deduct(cast.user_id, "after", credits=1)
        assert "after" in line_of(tail.stdout)
        assert "is back" in line_of(tail.stderr)
    forwarder.shut()


def test_whoever_reads_a_pipe_may_go(env: dict[str, str], client: Client, cast: Cast) -> None:
    for _ in range(3):
        client.deduct(cast.user_id, "s", credits=1)
    with subprocess.Popen(
        [*PROGRAM, "usage", "--json"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        assert program.stdout is not None
        program.stdout.close()
        assert program.stderr is not None
        assert b"Traceback" not in program.stderr.read()


def test_a_shell_completes_commands(env: dict[str, str]) -> None:
    asked = {
        "_ORGBILLING_COMPLETE": "complete_bash",
        "COMP_WORDS": "orgbilling al",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(PROGRAM, env=env | asked, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["allocate"]


def test_without_typer_it_says_what_to_install(env: dict[str, str]) -> None:
    code = "import sys; sys.modules['typer'] = None; from orgbilling_client.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.strip().endswith("pip install './clients/python[cli]'")


def _plain(line: str) -> str:
    """A line without what moves the cursor."""
    text, _, _ = line.partition("\x1b[")
    while "\x1b[" in line:
        _, _, rest = line.partition("\x1b[")
        end = next(index for index, char in enumerate(rest) if char.isalpha())
        line = rest[end + 1 :]
        text += line.partition("\x1b[")[0]
    return text.rpartition("\r")[2].rstrip()


def test_ctrl_c_tells_the_key_that_repeats_a_charge(env: dict[str, str], cast: Cast) -> None:
    with (
        hostile(stall) as server,
        subprocess.Popen(
            [*PROGRAM, "--url", server.url, "deduct", cast.user_id, "s", "--credits", "1"],
            env=env,
            stderr=subprocess.PIPE,
            text=True,
        ) as program,
    ):
        deadline = time.monotonic() + WITHIN_SECONDS
        while not server.requests and time.monotonic() < deadline:
            time.sleep(0.01)
        program.send_signal(signal.SIGINT)
        _, said = program.communicate(timeout=WITHIN_SECONDS)
    assert program.returncode == 130
    assert f"--idempotency-key {server.requests[0].key}" in said


def test_a_charge_whose_answer_cant_be_shown_exits_with_4_and_its_key(
    env: dict[str, str], client: Client, cast: Cast
) -> None:
    command = [*PROGRAM, "deduct", cast.user_id, "s", "--credits", "1"]
    with Path("/dev/full").open("w") as full:
        made = subprocess.run(
            command, env=env, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert made.returncode == 4
    key = made.stderr.rpartition("--idempotency-key ")[2].split()[0]
    subprocess.run([*command, "--idempotency-key", key], env=env, check=True, capture_output=True)
    assert [row.credits_used for row in client.usage()] == [1]
