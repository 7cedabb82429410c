"""A real PgBouncer in transaction mode in front of the stage."""

import configparser
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orgbilling.embedded.rootless import identity
from orgbilling.embedded.server import NAME
from orgbilling.supervisor.instance import HOST
from tests.programs import needed
from tests.roles.stage import ROOT, Stage

DEPLOYED = ROOT / "deploy" / "pgbouncer" / "pgbouncer.ini"
STARTED_WITHIN_SECONDS = 20


@contextmanager
def pooled(stage: Stage, role: str) -> Iterator[str]:
    """The URL of the stage's database through a pooler, which is gone afterwards."""
    program = needed("pgbouncer", "pgbouncer")
    folder = stage.home / "pooler"
    folder.mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    places = {name: folder / name for name in ("users", "log", "pid")}
    configuration = folder / "pgbouncer.ini"
    _write(configuration, stage, port, places)
    places["users"].write_text(f'"{role}" ""\n')
    # It refuses to run as root, and PostgreSQL's socket is for whoever runs PostgreSQL.
    user = identity()
    for path in (folder, configuration, places["users"]):
        os.chown(path, user.uid, -1)
    process = subprocess.Popen(
        [program, str(configuration)],
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=user.become,  # noqa: PLW1509 - nothing else runs in this test's process
    )
    try:
        _await(port, process, places["log"])
        yield f"postgresql://{role}@{HOST}:{port}/{NAME}"
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _write(file: Path, stage: Stage, port: int, places: dict[str, Path]) -> None:
    """The configuration that is deployed, but for where things are and whom it trusts."""
    deployed = configparser.ConfigParser(comment_prefixes=(";",), interpolation=None)
    deployed.read(DEPLOYED)
    deployed["databases"] = {NAME: f"host={stage.server.sockets} dbname={NAME}"}
    changed = {
        "listen_addr": HOST,
        "listen_port": str(port),
        "auth_type": "trust",
        "auth_file": str(places["users"]),
        "logfile": str(places["log"]),
        "pidfile": str(places["pid"]),
        # Few, so that they are shared.
        "default_pool_size": "3",
    }
    deployed["pgbouncer"].update(changed)
    with file.open("w", encoding="utf-8") as output:
        deployed.write(output)


def _await(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + STARTED_WITHIN_SECONDS
    while True:
        try:
            socket.create_connection((HOST, port), 1).close()
        except OSError:
            said = log.read_text() if log.exists() else ""
            assert process.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.02)
        else:
            return
