"""A real PgBouncer in transaction mode in front of the stage."""

import os
import shutil
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
from tests.roles.stage import Stage

PROGRAM = shutil.which("pgbouncer", path=f"{os.defpath}:/usr/sbin:/usr/local/sbin")
STARTED_WITHIN_SECONDS = 20
# As docs/deployment.md has it, but for where things are and who is trusted. Few server connections: they are shared.
CONFIGURATION = """
[databases]
{name} = host={sockets} dbname={name}

[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = 3
max_client_conn = 200
logfile = {log}
pidfile = {pid}
"""


@contextmanager
def pooled(stage: Stage, role: str) -> Iterator[str]:
    """The URL of the stage's database through a pooler, which is gone afterwards."""
    assert PROGRAM is not None
    folder = stage.home / "pooler"
    folder.mkdir(exist_ok=True)
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port = probe.getsockname()[1]
    places = {name: folder / name for name in ("users", "log", "pid")}
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        CONFIGURATION.format(
            name=NAME, host=HOST, port=port, sockets=stage.server.sockets, **places
        )
    )
    places["users"].write_text(f'"{role}" ""\n')
    # It refuses to run as root, and PostgreSQL's socket is for whoever runs PostgreSQL.
    user = identity()
    for path in (folder, configuration, places["users"]):
        os.chown(path, user.uid, -1)
    process = subprocess.Popen(
        [PROGRAM, str(configuration)],
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
