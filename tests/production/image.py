"""The commands of the image, one after the other, in a clean folder with the files that the image has.

`python -m tests.production.image` is the full form: its own environment from the hashed lock, a user without rights,
and a tree that this user can't write. The test suite runs the short one, in the environment that it has.
"""

import ast
import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from orgbilling.embedded.cluster import SUPERUSER
from orgbilling.supervisor.instance import HOST
from tests.faults.stage import free_port
from tests.production.environment import HOST as PUBLIC
from tests.production.environment import ROOT, SAFE
from tests.roles.stage import APP, NAMES, OWNER, PASSWORDS, Stage, empty

DOCKERFILE = (ROOT / "Dockerfile").read_text()
USER_ID = 10001
WITHIN_SECONDS = 60


def command(instruction: str) -> list[str]:
    """The list that an instruction of the Dockerfile ends with, such as CMD."""
    joined = DOCKERFILE.replace("\\\n", " ")
    (found,) = re.findall(rf"^{instruction}[^\[\n]*(\[.*\])$", joined, re.MULTILINE)
    listed = ast.literal_eval(found)
    return [str(part) for part in listed]


@dataclass
class Image:
    """A folder as the image has it, the programs to run it, and who runs them."""

    app: Path
    bin: Path
    stage: Stage
    port: int
    user: int | None = None
    times: dict[str, float] = field(default_factory=dict)

    @property
    def scratch(self) -> Path:
        """The only folder that its user can write, as /tmp is in a container."""
        return self.stage.home / "scratch"

    def env(self, role: str) -> dict[str, str]:
        """What compose gives a container, for a database without passwords."""
        return {
            "PATH": f"{self.bin}:{os.defpath}",
            "DJANGO_SETTINGS_MODULE": "orgbilling.settings",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "STATIC_ROOT": str(self.app / "static"),
            "DATA_DIR": str(self.scratch),
            "PORT": str(self.port),
            "DATABASE_URL": self.stage.url(role),
            **SAFE,
        }

    def start(self, arguments: list[str], role: str) -> "subprocess.Popen[str]":
        """Start a program of the image."""
        program = [str(self.bin / arguments[0]), *arguments[1:]]
        return subprocess.Popen(
            program,
            cwd=self.app,
            env=self.env(role),
            user=self.user,
            extra_groups=[] if self.user else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, name: str, arguments: list[str], role: str = APP) -> str:
        """Run it to its end; raises RuntimeError with what it said unless it succeeds."""
        began = time.monotonic()
        process = self.start(arguments, role)
        said = process.communicate(timeout=WITHIN_SECONDS)[0]
        self.times[name] = time.monotonic() - began
        if process.returncode != 0:
            raise RuntimeError(f"{name}: {process.returncode}\n{said}")
        return said

    @contextmanager
    def serving(self, name: str, arguments: list[str]) -> Iterator["subprocess.Popen[str]"]:
        """A program that goes on; ended as an orchestrator does it, and it has to succeed in that."""
        process = self.start(arguments, APP)
        try:
            yield process
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=WITHIN_SECONDS)[0]
            self.times[f"SIGTERM to {name}"] = time.monotonic() - began
            if process.returncode != 0:
                raise RuntimeError(f"{name}: {process.returncode}\n{said}")
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def await_health(self, path: str, process: "subprocess.Popen[str]") -> None:
        """Return once the image's own check is content."""
        began = time.monotonic()
        while True:
            check = self.start([*command("HEALTHCHECK"), path], APP)
            said = check.communicate(timeout=WITHIN_SECONDS)[0]
            if check.returncode == 0:
                self.times[f"until {path}"] = time.monotonic() - began
                return
            if process.poll() is not None or time.monotonic() - began > WITHIN_SECONDS:
                process.kill()
                raise RuntimeError(f"{path}: {said}\n{process.communicate()[0]}")

    def served(self) -> list[str]:
        """The command of the image, on a port of this machine alone."""
        changed = {"0.0.0.0": HOST, "8084": str(self.port)}
        return [changed.get(part, part) for part in command("CMD")]


def files() -> list[str]:
    """What `.dockerignore` lets into the image."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [line[1:] for line in lines if line.startswith("!")]


def copy(app: Path) -> None:
    """Lay the image's files out."""
    for name in files():
        source = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
        if source.is_dir():
            shutil.copytree(source, app / name, ignore=ignored)
        else:
            shutil.copy(source, app / name)


@contextmanager
def built(stage: Stage, *, full: bool) -> Iterator[Image]:
    """The folder with collected files, and a database whose roles are made."""
    with tempfile.TemporaryDirectory() as folder:
        app = Path(folder, "app")
        app.mkdir()
        copy(app)
        binaries = Path(sys.executable).parent
        if full:
            binaries = environment(Path(folder, "venv"))
        static = {"DATA_DIR": str(Path(folder, "build")), "STATIC_ROOT": str(app / "static")}
        subprocess.run(
            [binaries / "python", "manage.py", "collectstatic", "--no-input", "-v", "0"],
            cwd=app,
            env={"PATH": os.defpath, **static},
            check=True,
        )
        if full:
            Path(folder).chmod(0o755)
        image = Image(app, binaries, stage, free_port(), USER_ID if full else None)
        image.scratch.mkdir()
        if image.user:
            os.chown(image.scratch, image.user, -1)
        yield image


def environment(folder: Path) -> Path:
    """What the image installs and nothing else, from the hashed lock; returns its programs."""
    # Not the one that runs this, which may lie where only its user can read.
    python = shutil.which("python3", path=os.defpath) or sys.executable
    subprocess.run([python, "-m", "venv", folder], check=True)
    pip = [folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    lock = ["--require-hashes", "--only-binary", ":all:", "-r", ROOT / "requirements.txt"]
    subprocess.run([*pip, *lock], check=True)
    return folder / "bin"


def rehearse(image: Image) -> None:
    """Every command in the order of docker-compose.yml; raises RuntimeError with the words of the one that failed."""
    deploy = ["check", "--deploy", "--fail-level", "WARNING"]
    image.run("check --deploy", ["python", "manage.py", *deploy])
    image.run("migrate", ["python", "manage.py", "migrate", "--no-input", "-v", "0"], OWNER)
    image.run("create_roles", ["python", "manage.py", "create_roles", *NAMES], OWNER)
    image.run("check_schema", ["python", "manage.py", "check_schema", "--app-role", APP])
    worker = ["python", "manage.py", "procrastinate", "worker"]
    with image.serving("web", image.served()) as web, image.serving("worker", worker):
        image.await_health("/health", web)
        image.await_health("/ready", web)
        look(image.port)


def look(port: int) -> None:
    """Ask as a browser and as a program do; raises RuntimeError at an answer that is not as it should be."""
    wanted = {
        "/static/console/console.css": 301,
        "/admin/login/": 301,
        "/api/v1/org-billing/plans": 403,
        "/health": 200,
    }
    for path, status in wanted.items():
        connection = http.client.HTTPConnection(HOST, port, timeout=10)
        connection.request("GET", path, headers={"Host": PUBLIC})
        answer = connection.getresponse()
        if answer.status != status:
            raise RuntimeError(f"{path}: {answer.status} {answer.read()!r}")
        connection.close()


def main() -> int:
    """The full form; returns the exit status."""
    with empty(open_to_all=True) as stage, built(stage, full=True) as image:
        stage.manage(SUPERUSER, "create_roles", *NAMES, **PASSWORDS)
        rehearse(image)
        for name, seconds in image.times.items():
            sys.stdout.write(f"   {name:<20}{seconds:6.1f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
