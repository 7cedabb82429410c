"""`make run`: PostgreSQL, migrations, demo data, the web server and the worker, until Ctrl-C."""

import http.client
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from orgbilling.embedded.errors import EmbeddedError
from orgbilling.embedded.home import data_dir
from orgbilling.embedded.server import Server
from orgbilling.env import env_int
from orgbilling.supervisor.console import say, step
from orgbilling.supervisor.errors import RunError, StepFailed
from orgbilling.supervisor.instance import HOST, address, check_port, only_run
from orgbilling.supervisor.programs import Child, Program, programs, run_step
from orgbilling.supervisor.signals import Stopped, StopSignals

BASE_DIR = Path(__file__).resolve().parent.parent.parent
READY_TIMEOUT_SECONDS = 60
POLL_SECONDS = 0.1
# Between two attempts to start a PostgreSQL that doesn't.
REVIVE_PAUSE_SECONDS = 2


class Run:
    """One run of the service from this clone."""

    def __init__(self, home: Path, port: int, signals: StopSignals) -> None:
        self.home = home
        self.port = port
        self.url = address(port)
        self.signals = signals
        self.server: Server | None = None
        self._revive_at = 0.0
        self.env = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.env.setdefault("PUBLIC_URL", self.url)
        # People read what is in the folder of logs.
        self.env.setdefault("LOG_FORMAT", "console")

    def serve(self) -> None:
        """Brings everything up, and returns only through Stopped or RunError."""
        with ExitStack() as stack:
            try:
                stack.enter_context(self._database())
                with step("Migrations"):
                    self._manage("migrate", "--no-input")
                self._seed()
                self._keep(self._start_programs(stack))
            finally:
                self.signals.stopping()

    @contextmanager
    def _database(self) -> Iterator[None]:
        if self.env.get("DATABASE_URL") or self.env.get("DATABASE_URL_FILE"):
            yield
            return
        server = Server(self.home)
        try:
            with step("PostgreSQL"), self.signals.postponed():
                server.acquire()
            self.env["DATABASE_URL"] = server.url
            self.server = server
            yield
        finally:
            if not server.release():
                say("   PostgreSQL stays up for another program that uses it.")

    def _seed(self) -> None:
        demo = self.home / "demo.json"
        if not demo.exists():
            with step("Demo data"):
                self._manage("seed_demo")
        content = json.loads(demo.read_text(encoding="utf-8"))
        if content["base_url"] != self.url:
            draft = demo.with_suffix(".draft")
            draft.touch(mode=0o600)
            draft.write_text(json.dumps({**content, "base_url": self.url}, indent=2))
            draft.replace(demo)

    def _manage(self, *arguments: str) -> None:
        run_step(list(arguments), self.home / "logs" / "setup.log", self.env, BASE_DIR)

    def _start_programs(self, stack: ExitStack) -> list[Child]:
        first, *others = programs(self.port)
        with step("Web server"):
            children = [self._start(first, stack)]
            self._await_health(children)
        # Nobody waits for these, and they don't slow down the start of what is waited for.
        children += [self._start(program, stack) for program in others]
        # All of them finish what they do at the same time, and the web server takes nothing new meanwhile.
        for child in children:
            stack.callback(child.ask_to_stop)
        return children

    def _start(self, program: Program, stack: ExitStack) -> Child:
        log = self.home / "logs" / f"{program.name}.log"
        with self.signals.postponed():
            child = Child(program, log, self.env, BASE_DIR)
            stack.callback(child.stop)
        return child

    def _await_health(self, children: list[Child]) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            for child in children:
                child.check()
            if self._healthy():
                return
            time.sleep(POLL_SECONDS)
        raise StepFailed("The start of the web server", children[0].log)

    def _healthy(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _keep(self, children: list[Child]) -> None:
        say()
        say(f"   Console              {self.url}/admin/")
        say(f"   API documentation    {self.url}/api/docs")
        say(f"   Demo credentials     {self.home / 'demo.json'}")
        say(f"   Logs                 {self.home / 'logs'}")
        say()
        say("Serving. Ctrl-C stops it.")
        while True:
            self._tend_database()
            for child in children:
                with self.signals.postponed():
                    if child.tend():
                        say(
                            f"The {child.program.name} program has ended unexpectedly; started again."
                        )
            time.sleep(POLL_SECONDS)

    def _tend_database(self) -> None:
        """Starts the embedded server again if it was killed; the programs find it by themselves.

        It may fail to start, on a full disk for one: then it is tried again until somebody has mended that.
        """
        if self.server is None or self.server.cluster().postmaster() is not None:
            return
        if time.monotonic() < self._revive_at:
            return
        say("PostgreSQL has ended unexpectedly.")
        try:
            with step("Its recovery"), self.signals.postponed():
                self.server.revive()
        except (EmbeddedError, OSError) as error:
            say(f"   {error}")
            self._revive_at = time.monotonic() + REVIVE_PAUSE_SECONDS


def main() -> int:
    """Runs until it is asked to stop; returns the exit status."""
    signals = StopSignals()
    signals.install()
    try:
        port = env_int("PORT", 8084, minimum=1, maximum=65535)
        home = data_dir(BASE_DIR)
        with only_run(home, port):
            check_port(port)
            say(f"Org billing on {address(port)}")
            Run(home, port, signals).serve()
    except Stopped:
        say("Stopped.")
        return 0
    except (RunError, ImproperlyConfigured) as error:
        sys.stderr.write(f"\n{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
