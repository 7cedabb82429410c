"""A dump is restored into a server of its own, and of what it says only the tables are heard."""

import gzip
import os
import subprocess
import tempfile
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from organizations.models import Organization
from orgbilling.backups.programs import programs_for
from orgbilling.importing import dump
from orgbilling.importing.errors import ImportRefusedError
from orgbilling.importing.running import Options, Outcome, run
from orgbilling.importing.source import opened
from orgbilling.importing.statements import pieces
from tests.importing.acme import balances
from tests.importing.conftest import Predecessor, statements

pytestmark = pytest.mark.django_db


def silent(_text: str) -> None:
    """Nobody listens."""


def imported(path: Path) -> Outcome:
    with dump.restored(path, "public", silent) as url, opened(url, "public") as source:
        return run(source, Options(apply=True))


def dumped(predecessor: Predecessor, path: Path, *arguments: str) -> Path:
    (version,) = predecessor.execute("SHOW server_version_num")[0]
    tools = programs_for(int(version) // 10_000)
    parts = conninfo_to_dict(predecessor.url)
    names = {
        "PGHOST": "host",
        "PGUSER": "user",
        "PGDATABASE": "dbname",
        "PGPORT": "port",
        "PGPASSWORD": "password",
    }
    env = {name: str(parts[key]) for name, key in names.items() if parts.get(key)}
    command = [str(tools.folder / "pg_dump"), f"--file={path}", *arguments]
    subprocess.run(command, env={**os.environ, **env}, check=True)
    return path


@pytest.fixture
def acme(migration_files: Predecessor) -> Predecessor:
    migration_files.execute(statements("cast"))
    return migration_files


@pytest.mark.parametrize("form", ["plain", "custom", "tar"])
def test_every_form_of_dump_is_read(acme: Predecessor, tmp_path: Path, form: str) -> None:
    before = set(Path(tempfile.gettempdir()).glob(dump.PREFIX + "*"))
    outcome = imported(dumped(acme, tmp_path / "dump", f"--format={form}"))
    assert (outcome.variant, outcome.charges) == ("migration files", 2)
    assert balances().total == 10_000
    # Its server and its folder are gone.
    assert set(Path(tempfile.gettempdir()).glob(dump.PREFIX + "*")) <= before


def test_inserts_and_the_other_variant_packed(running_system: Predecessor, tmp_path: Path) -> None:
    running_system.execute(statements("story_running"))
    path = dumped(running_system, tmp_path / "dump.sql", "--inserts", "--create", "--clean")
    text = path.read_text(encoding="utf-8").replace("\\connect", "-- connect")
    packed = tmp_path / "dump.sql.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    assert imported(packed).variant == "running system"


HOSTILE = """
\\! touch {mark}
\\o | touch {mark}
COPY (SELECT 1) TO PROGRAM 'touch {mark}';
CREATE FUNCTION public.evil() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN
    COPY (SELECT 1) TO PROGRAM 'touch {mark}'; RETURN new; END; $body$;
DO $$ BEGIN EXECUTE 'DROP SCHEMA public CASCADE'; END $$;
ALTER ROLE orgbilling SUPERUSER;
CREATE EXTENSION dblink;
CREATE VIEW public.v AS SELECT ';' AS "a;b";
/* nested /* ; */ COPY public.organizations (id) FROM stdin; */
COPY public.something_else (a) FROM stdin;
DROP TABLE public.organizations; -- only data
\\.
CREATE TRIGGER evil BEFORE INSERT ON public.organizations FOR EACH ROW EXECUTE FUNCTION public.evil();
SELECT pg_catalog.pg_sleep(3600);
INSERT INTO public.organizations SELECT gen_random_uuid(), pg_read_file('/etc/passwd');
"""


def test_what_a_dump_wants_to_run_is_not_run(acme: Predecessor, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    evil = HOSTILE.format(mark=mark)
    plain = dumped(acme, tmp_path / "plain.sql", "--format=plain").read_text(encoding="utf-8")
    hostile = tmp_path / "hostile.sql"
    hostile.write_text(evil + plain + evil, encoding="utf-8")
    outcome = imported(hostile)
    assert outcome.charges == 2
    assert not mark.exists()
    assert Organization.objects.count() == 1


@pytest.mark.parametrize(
    "default",
    ["pg_read_file('/etc/passwd')", "(SELECT 1)", "no_such_function()"],
)
def test_a_table_whose_making_does_more_is_refused(tmp_path: Path, default: str) -> None:
    path = tmp_path / "dump.sql"
    path.write_text(
        f"CREATE TABLE public.organizations (id text DEFAULT {default});\n"
        "INSERT INTO public.organizations VALUES (DEFAULT);\n",
        encoding="utf-8",
    )
    with pytest.raises(ImportRefusedError, match="The dump can't be restored"):
        imported(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\\connect other\n", "several databases"),
        (
            "CREATE TABLE organizations (id text);\nCOPY organizations (id) FROM stdin;\n1\n",
            "ends in the middle",
        ),
        ("CREATE TABLE public.organizations (id text);\n", "is missing"),
        ("hello\n", "is missing"),
    ],
    ids=["several", "cut off", "half", "no dump"],
)
def test_what_is_no_dump_of_it_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "dump.sql"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ImportRefusedError, match=said):
        imported(path)


PARENT = "CREATE TABLE public.credit_usage_attribution (id text) PARTITION BY RANGE (id);\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            PARENT + "CREATE TABLE public.u26 (id text);\n"
            "ALTER TABLE ONLY public.credit_usage_attribution ATTACH PARTITION public.u26 DEFAULT;\n",
            "of several parts",
        ),
        (
            PARENT + "CREATE TABLE u26 PARTITION OF public.credit_usage_attribution DEFAULT;\n",
            "of several parts",
        ),
        (
            "CREATE TABLE public.u26 (\n    a int\n)\nINHERITS (public.credit_usage_attribution);\n",
            "of several parts",
        ),
        ("COPY public.credit_usage_attribution FROM stdin;\n1\n\\.\n", "not pg_dump's"),
        (
            "COPY credit_usage_attribution (id) FROM stdin WITH (FORMAT csv);\n1\n\\.\n",
            "not pg_dump's",
        ),
        ("COPY other (id) FROM stdin WITH (FORMAT csv);\nINSERT INTO users VALUES (1);\n\\.\n", ""),
    ],
    ids=["attached", "partition", "inherited", "no columns", "csv", "another's csv"],
)
def test_rows_that_would_be_missing_are_refused(text: str, said: str) -> None:
    lines = text.encode().splitlines(keepends=True)
    if not said:
        assert list(pieces(lines)) == []
        return
    with pytest.raises(ImportRefusedError, match=said):
        list(pieces(lines))


def test_a_damaged_packed_dump_is_said(tmp_path: Path) -> None:
    path = tmp_path / "dump.sql.gz"
    packed = bytearray(gzip.compress(b"SELECT 1;\n" * 5_000 + bytes(range(256)) * 100))
    packed[40:42] = bytes(one ^ 0xFF for one in packed[40:42])
    path.write_bytes(packed)
    with pytest.raises(ImportRefusedError, match="can't be unpacked"):
        imported(path)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ImportRefusedError, match="can't be read"):
        imported(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"INSERT INTO users (id) VALUES ('a;b''c');\nSELECT 1;\n", 1),
        (b"INSERT INTO users VALUES (E'it\\';s');INSERT INTO users VALUES ('\\');\n", 2),
        (
            b"SELECT $a$ ; INSERT INTO users VALUES (1); $a$; INSERT INTO public.users VALUES ($$;$$);\n",
            1,
        ),
        (b"INSERT INTO users\n-- a; comment '\nVALUES (1)\n;\n", 0),
        (b'INSERT INTO "public"."users" ("id") VALUES (1);\n', 1),
        (b"INSERT INTO users SELECT 1;\nINSERT INTO secrets VALUES (1);\n", 0),
        (b"COPY users (id) FROM stdin;\n;\n\\.\nCOPY users (id) FROM '/etc/passwd';\n", 1),
        (b"create table Users (id int);\nCREATE TABLE users_old (id int);\n", 1),
    ],
)
def test_statements_are_told_apart(text: bytes, found: int) -> None:
    assert len(list(pieces(text.splitlines(keepends=True)))) == found
