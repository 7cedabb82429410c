"""The environment of a fresh clone: made once, kept when it is current, refused with a reason."""

import ast
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
