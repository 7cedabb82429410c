"""The embedded PostgreSQL: one server for all who use a folder, whatever happens to them."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest

from orgbilling.embedded import binaries, rootless
from orgbilling.embedded.cluster import THROW_AWAY_SETTINGS, Cluster
from orgbilling.embedded.errors import EmbeddedError, NoBinaries, OtherVersion
from orgbilling.embedded.process import alive
from orgbilling.embedded.server import NAME, Server, socket_folder

ROOT = Path(__file__).resolve().parent.parent.parent

# Uses the server of a folder until its input is closed.
USER = """
import sys
from pathlib import Path
from orgbilling.embedded.server import Server
server = Server(Path(sys.argv[1]))
server.acquire()
print(server.cluster().postmaster(), flush=True)
sys.stdin.read()
print(server.release(), flush=True)
"""


@pytest.fixture
def home():
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    yield folder
    server = Server(folder)
    assert server.stop_unused()
    shutil.rmtree(folder)


@pytest.fixture
def user(home):
    """Starts other processes that use the folder's server."""
    started = []

    def start():
        process = subprocess.Popen(
            [sys.executable, "-c", USER, str(home)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def postmaster(server):
    return server.cluster().postmaster()


def execute(server, statement):
    with psycopg.connect(server.url) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else None


def listening_tcp_inodes():
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                inodes.add(f"socket:[{fields[9]}]")
    return inodes


def test_data_survives_a_restart(home):
    server = Server(home)
    server.acquire()
    execute(server, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert server.release() is True
    assert postmaster(server) is None

    again = Server(home)
    again.acquire()
    assert execute(again, "SELECT answer FROM kept") == [(42,)]
    assert again.release() is True


def test_what_the_application_connects_as_and_to(home):
    server = Server(home)
    server.acquire()
    try:
        role = "SELECT rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = user"
        assert execute(server, role) == [(False, True, False)]
        owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'orgbilling'"
        assert execute(server, owner) == [(NAME,)]
        kept = "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'data_checksums')"
        assert dict(execute(server, kept)) == {"fsync": "on", "data_checksums": "on"}
        assert (home / "pg.socket").stat().st_mode & 0o777 == 0o700
        fds = Path(f"/proc/{postmaster(server)}/fd")
        sockets = {str(fd.readlink()) for fd in fds.iterdir()}
        assert any(name.startswith("socket:") for name in sockets)
        assert not sockets & listening_tcp_inodes()
    finally:
        server.release()


def test_two_first_starters_share_one_server_and_the_last_stops_it(home, user):
    first, second = user(), user()
    pids = {int(first.stdout.readline()), int(second.stdout.readline())}
    assert len(pids) == 1
    (pid,) = pids

    assert first.communicate()[0] == "False\n"
    assert alive(pid)
    assert second.communicate()[0] == "True\n"
    assert not alive(pid)


def test_a_killed_owner_leaves_a_server_that_the_next_one_takes_over(home, user):
    owner = user()
    pid = int(owner.stdout.readline())
    owner.kill()
    owner.wait()

    server = Server(home)
    server.acquire()
    assert postmaster(server) == pid
    assert server.release() is True
    assert not alive(pid)


def test_a_killed_server_recovers_all_that_was_committed(home):
    server = Server(home)
    server.acquire()
    execute(server, "CREATE TABLE money AS SELECT generate_series(1, 1000) AS cents")
    killed = postmaster(server)
    os.kill(killed, signal.SIGKILL)
    server.release()

    again = Server(home)
    again.acquire()
    assert postmaster(again) not in {None, killed}
    assert execute(again, "SELECT sum(cents) FROM money") == [(500500,)]
    assert again.release() is True


def test_a_lock_file_whose_number_another_program_bears_is_cleared(home):
    server = Server(home)
    server.acquire()
    server.release()
    (home / "pg" / "postmaster.pid").write_text(f"{os.getpid()}\n{home / 'pg'}\n")
    (home / "pg.socket" / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n")

    server.acquire()
    assert postmaster(server) not in {None, os.getpid()}
    assert server.release() is True


def test_a_lock_file_of_a_live_server_is_never_cleared(home):
    server = Server(home)
    server.acquire()
    pid_file = home / "pg" / "postmaster.pid"
    before = pid_file.read_text()

    second = Server(home)
    second.acquire()
    assert pid_file.read_text() == before
    assert second.release() is False
    assert server.release() is True


def test_a_killed_initdb_leaves_nothing_in_the_way(home):
    (home / "pg.init").mkdir()
    (home / "pg.init" / "half").write_text("done")
    server = Server(home, THROW_AWAY_SETTINGS)
    server.acquire()
    assert execute(server, "SELECT 1") == [(1,)]
    assert not (home / "pg" / "half").exists()
    server.release()


def test_data_of_another_version_is_refused_untouched(home):
    (home / "pg").mkdir()
    (home / "pg" / "PG_VERSION").write_text("9\n")
    with pytest.raises(OtherVersion, match="holds data of PostgreSQL 9"):
        Server(home).acquire()
    assert [path.name for path in (home / "pg").iterdir()] == ["PG_VERSION"]


def test_without_binaries_the_message_names_the_ways_out(monkeypatch):
    monkeypatch.setenv("PG_BINDIR", "/nonexistent")
    binaries.find_binaries.cache_clear()
    try:
        with pytest.raises(NoBinaries, match=r"DATABASE_URL.*PG_BINDIR"):
            binaries.find_binaries()
    finally:
        binaries.find_binaries.cache_clear()


def test_a_long_path_puts_the_socket_below_tmp():
    home = Path("/srv") / ("deep" * 30)
    folder = socket_folder(home)
    try:
        assert folder.parent == Path("/tmp")
        assert folder.stat().st_mode & 0o777 == 0o700
        assert socket_folder(home) == folder
        folder.chmod(0o755)
        with pytest.raises(EmbeddedError, match="is not ours"):
            socket_folder(home)
    finally:
        folder.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become someone else")
def test_root_without_user_namespaces_runs_it_as_nobody(home):
    private = home / "private"
    private.mkdir(mode=0o700)
    cluster = Cluster(
        data=private / "pg",
        sockets=home / "pg.socket",
        log=home / "log",
        binaries=binaries.find_binaries(),
        identity=rootless.as_nobody(),
        settings=THROW_AWAY_SETTINGS,
    )
    cluster.create()
    cluster.start()
    try:
        nobody = rootless.as_nobody().uid
        status = Path(f"/proc/{cluster.postmaster()}/status").read_text()
        assert f"Uid:\t{nobody}\t{nobody}\t{nobody}" in status
        assert (private / "pg").stat().st_uid == nobody
        assert private.stat().st_mode & 0o777 == 0o700
        with cluster.connect() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        cluster.stop()
    assert cluster.postmaster() is None


def test_manage_py_finds_the_running_server_from_the_data_folder_alone(home):
    server = Server(home, THROW_AWAY_SETTINGS)
    server.acquire()
    try:
        assert backend_parent(home) == postmaster(server)
    finally:
        assert server.release() is True


def test_manage_py_starts_the_server_for_its_own_lifetime(home):
    pid = backend_parent(home)
    assert pid is not None
    assert not alive(pid)


def backend_parent(home):
    """Runs manage.py on the folder; returns the postmaster that its connection had."""
    code = (
        "from pathlib import Path; from django.db import connection; "
        "connection.ensure_connection(); pid = connection.connection.info.backend_pid; "
        "stat = Path(f'/proc/{pid}/stat').read_text(); "
        "print('PARENT', stat.rpartition(')')[2].split()[1])"
    )
    env = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
        cwd=ROOT,
        env={**env, "DATA_DIR": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "PARENT" in done.stdout, done.stderr
    return int(done.stdout.split("PARENT")[1])
