"""The runner of pages: it takes every block, and it notices what is wrong with one."""

from pathlib import Path

import pytest

from tests.docs.runner.comparing import same
from tests.docs.runner.sessions import Database, Python, Shell
from tests.docs.runner.steps import NotRunnable, Step, settings, steps
from tests.service import own_database

TICKS = "`" * 3


def fenced(language: str, text: str) -> str:
    return f"Prose.\n\n{TICKS}{language}\n{text}{TICKS}\n\n"


def test_a_block_and_what_it_prints_are_one_step() -> None:
    page = fenced("bash", "echo 1\n") + fenced("text", "1\n") + fenced("python", "x = 1\n")
    assert steps(page) == [Step(3, "bash", "echo 1\n", "1\n"), Step(15, "python", "x = 1\n")]


def test_a_python_block_that_names_a_file_is_saved_and_run_later() -> None:
    page = fenced("python", "# app/main.py\nprint(1)\n") + fenced("bash", "python app/main.py\n")
    assert [step.file for step in steps(page)] == ["app/main.py", ""]


@pytest.mark.parametrize(
    "page",
    [
        fenced("", "echo 1\n"),
        fenced("console", "$ echo 1\n"),
        fenced("text", "shown and never compared\n"),
        fenced("bash", "echo 1\n") + fenced("text", "1\n") + fenced("text", "2\n"),
        fenced("json", "{'no': 'json'}\n"),
        fenced("toml", "= 1\n"),
        fenced("yaml", "a: b: c\n"),
        fenced("ini", "no setting\n"),
        fenced("python", "# never_run.py\n"),
        fenced("http", "200 OK\n"),
        fenced("http", "POST / HTTP/1.1\nno header\n"),
        fenced("http", "POST / HTTP/1.1\na: b\n\nnot json\n"),
        f"- A list\n\n  {TICKS}bash\n  echo 1\n  {TICKS}\n",
        f'{TICKS}bash title="a"\necho 1\n{TICKS}\n',
        f"{TICKS}bash\necho 1\n",
    ],
)
def test_a_block_without_a_rule_or_against_it_is_refused(page: str) -> None:
    with pytest.raises(NotRunnable):
        steps(page)


def test_settings_are_read() -> None:
    page = fenced("ini", "# why\nOIDC_ISSUER=https://sso.example.com\nEMPTY=\n")
    page += fenced("bash", "A_B=1 C=d make run\n") + fenced("bash", "E=1 make test\n")
    expected = {"OIDC_ISSUER": "https://sso.example.com", "EMPTY": "", "A_B": "1", "C": "d"}
    assert settings(page) == expected


def test_what_stands_alone_is_read() -> None:
    page = fenced("http", 'POST / HTTP/1.1\nwebhook-id: 1\n\n{"a": 1}\n')
    page += fenced("json", "{}\n") + fenced("toml", "a = 1\n") + fenced("yaml", "a: 1\n")
    assert steps(page) == []


@pytest.mark.parametrize(
    ("printed", "promised", "language"),
    [
        (
            "id 01a8c2f0-0000-7000-8000-000000000001\n",
            "id 01a8c2f1-1111-7000-8000-000000000002\n",
            "text",
        ),
        ("key obk_abc\n", "key obk_xyz\n", "text"),
        ("took 0.3 s\nend\n", "took … s\nend\n", "text"),
        ("a\nb\nc\nend\n", "a\n…\nend\n", "text"),
        ('{"b": 1, "a": [1, "2026-01-01T00:00:00Z"]}', '{"a": [1, "…"], "b": 1}', "json"),
        ('{"at": "2026-01-01T00:00:00Z"}', '{"at": "2026-11-28T04:00:00.5Z"}', "json"),
    ],
)
def test_what_may_differ(printed: str, promised: str, language: str) -> None:
    assert same(printed, promised, language)


@pytest.mark.parametrize(
    ("printed", "promised", "language"),
    [
        ("remaining: 950\n", "remaining: 951\n", "text"),
        ("a\nb\n", "a\n", "text"),
        ("", "a\n", "text"),
        ("a\n", "", "text"),
        ("a.c\n", "abc\n", "text"),
        ('{"a": 1}', '{"a": 1, "b": 2}', "json"),
        ('{"a": 1, "b": 2}', '{"a": 1}', "json"),
        ('{"a": true}', '{"a": 1}', "json"),
        ("not json", "{}", "json"),
    ],
)
def test_what_may_not(printed: str, promised: str, language: str) -> None:
    assert not same(printed, promised, language)


def block(folder: Path, text: str) -> Path:
    path = folder / "a block"
    path.write_text(text)
    return path


def test_a_shell_keeps_its_variables_and_tells_a_failure(tmp_path: Path) -> None:
    shell = Shell(tmp_path, {"PATH": "/usr/bin:/bin"})
    try:
        assert shell.paste(block(tmp_path, "export A='1\n2'; B=3\n"), 10) == ("", 0)
        assert shell.paste(block(tmp_path, 'cat; printf "$A $B"\n'), 10) == ("1\n2 3", 0)
        assert shell.paste(block(tmp_path, "echo said\nls nowhere\n"), 10).status == 2
        assert shell.exported()["A"] == "1\n2"
        shell.paste(block(tmp_path, "sleep 600 & echo $! > child\n"), 10)
    finally:
        shell.close()
    child = int((tmp_path / "child").read_text())
    status = Path(f"/proc/{child}/stat")
    # A container without an init keeps what ended as a zombie.
    assert not status.exists() or status.read_text().split()[2] == "Z"


def test_a_block_that_does_not_end_and_a_shell_that_does_are_failures(tmp_path: Path) -> None:
    for text, said in (("echo on; sleep 600\n", "not through"), ("exit 0\n", "session ended")):
        shell = Shell(tmp_path, {"PATH": "/usr/bin:/bin"})
        try:
            with pytest.raises(AssertionError, match=said):
                shell.paste(block(tmp_path, text), 0.5)
        finally:
            shell.close()


def test_a_python_session_keeps_its_names_and_tells_a_failure(tmp_path: Path) -> None:
    python = Python(tmp_path, {"PATH": "/usr/bin:/bin"})
    try:
        assert python.paste(block(tmp_path, "import sys\nx = sys.stdin.read()\n"), 10) == ("", 0)
        assert python.paste(block(tmp_path, "print(repr(x))\n"), 10) == ("''\n", 0)
        failed = python.paste(block(tmp_path, "raise SystemExit(3)\n"), 10)
        assert (failed.status, "SystemExit: 3" in failed.printed) == (1, True)
        assert python.paste(block(tmp_path, "print(1)\n"), 10) == ("1\n", 0)
    finally:
        python.close()


def test_a_database_keeps_its_tables_and_tells_a_failure(tmp_path: Path) -> None:
    with own_database() as url:
        database = Database(url)
        try:
            once = "INSERT INTO seen VALUES (1);\n"
            assert (
                database.paste(block(tmp_path, "CREATE TABLE seen (id int PRIMARY KEY);")).status
                == 0
            )
            assert database.paste(block(tmp_path, once)).status == 0
            assert database.paste(block(tmp_path, once)).status == 1
        finally:
            database.close()
