"""The environment of a fresh clone: made once, kept when it is current, refused with a reason."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from orgbilling import bootstrap


@pytest.fixture
def installs(monkeypatch, tmp_path):
    """A clone of its own whose installations are only written down."""
    done = []
    venv = tmp_path / ".venv"
    locks = {name: tmp_path / f"requirements-{name}.txt" for name in ("demo", "dev")}
    for name, lock in locks.items():
        lock.write_text(f"# {name}\n")

    def make_venv():
        (venv / "bin").mkdir(parents=True)
        (venv / "bin" / "python").symlink_to(sys.executable)
        done.append("venv")

    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", venv)
    monkeypatch.setattr(bootstrap, "STAMP", venv / ".installed.json")
    monkeypatch.setattr(bootstrap, "PYTHON", venv / "bin" / "python")
    monkeypatch.setattr(bootstrap, "LOCKS", locks)
    monkeypatch.setattr(bootstrap, "make_venv", make_venv)
    monkeypatch.setattr(bootstrap, "install", done.append)
    return done


def test_a_second_call_does_nothing(installs):
    bootstrap.bring_up("demo")
    bootstrap.bring_up("demo")
    assert installs == ["venv", "demo"]


def test_a_changed_lock_is_installed_into_the_same_environment(installs):
    bootstrap.bring_up("demo")
    bootstrap.LOCKS["demo"].write_text("# another\n")
    bootstrap.bring_up("demo")
    assert installs == ["venv", "demo", "demo"]


def test_the_test_tools_stay_when_the_demo_is_run(installs):
    bootstrap.bring_up("demo")
    bootstrap.bring_up("dev")
    bootstrap.bring_up("demo")
    assert installs == ["venv", "demo", "dev"]


def test_an_interrupted_installation_is_repeated(installs, monkeypatch):
    bootstrap.bring_up("demo")

    def interrupted(name):
        raise KeyboardInterrupt

    bootstrap.LOCKS["demo"].write_text("# another\n")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(bootstrap, "install", interrupted)
        bootstrap.bring_up("demo")
    assert bootstrap.installed() == {}


def test_a_folder_that_was_moved_gets_a_new_environment(installs, monkeypatch, tmp_path):
    bootstrap.bring_up("demo")
    moved = tmp_path / "moved"
    bootstrap.VENV.rename(moved)
    monkeypatch.setattr(bootstrap, "VENV", moved)
    monkeypatch.setattr(bootstrap, "STAMP", moved / ".installed.json")
    monkeypatch.setattr(bootstrap, "PYTHON", moved / "bin" / "python")
    assert bootstrap.installed() == {}


def test_an_environment_whose_python_is_gone_is_made_anew(installs):
    bootstrap.bring_up("demo")
    bootstrap.PYTHON.unlink()
    assert bootstrap.installed() == {}


def test_an_old_python_reads_the_file_and_is_refused_in_a_sentence(monkeypatch, capsys):
    ast.parse(Path(bootstrap.__file__).read_text(), feature_version=(3, 7))
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(SystemExit) as ended:
        bootstrap.main()
    assert ended.value.code == 1
    assert "Python 3.11 or newer is needed" in capsys.readouterr().err


@pytest.fixture
def bare(installs, monkeypatch, tmp_path):
    """A machine without a browser, and what is run on it to get one."""
    commands = []

    def run(command, **options):
        commands.append(command[0])
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "browsers"))
    monkeypatch.setattr(bootstrap.subprocess, "run", run)
    return commands


def program(path):
    """Something that can be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    path.chmod(0o755)
    return str(path)


def test_the_systems_browser_is_found_and_nothing_is_got(bare, tmp_path):
    found = program(tmp_path / "chromium")
    assert bootstrap.browser() == found
    bootstrap.bring_browser()
    assert bare == []


def test_a_browser_that_is_named_comes_first(bare, monkeypatch, tmp_path):
    program(tmp_path / "chromium")
    monkeypatch.setenv("CHROMIUM", program(tmp_path / "elsewhere" / "chrome"))
    assert bootstrap.browser() == str(tmp_path / "elsewhere" / "chrome")


def test_a_downloaded_browser_is_found(bare, tmp_path):
    found = program(tmp_path / "browsers" / "chromium-1200" / "chrome-linux64" / "chrome")
    assert bootstrap.browser() == found


@pytest.mark.parametrize(
    ("user", "programs", "runs"),
    [
        (0, ["apt-get"], ["apt-get", "apt-get"]),
        (1000, ["apt-get"], ["playwright"]),
        (0, [], ["playwright"]),
    ],
)
def test_a_browser_is_got_where_that_can_be_or_asked_for(
    bare, monkeypatch, capsys, tmp_path, user, programs, runs
):
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: user)
    for name in programs:
        program(tmp_path / name)
    bootstrap.bring_browser()
    assert [command.rsplit("/", 1)[-1] for command in bare] == runs
    assert "apt-get install --no-install-recommends chromium" in capsys.readouterr().out


def test_a_named_browser_that_is_not_there_is_not_replaced_by_another(bare, monkeypatch):
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")
    bootstrap.bring_browser()
    assert bootstrap.browser() is None
    assert bare == []
