"""docs/dependencies.md has one line for each direct dependency, with the licence that it declares."""

import re
import sys
from importlib.metadata import Distribution, distributions

import pytest

from bench import environment
from tests.docs.markdown import ROOT, codes, rows, section

PAGE = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
SECTIONS = {
    "requirements.in": "## The service",
    "requirements-demo.in": "## `make run`",
    "requirements-dev.in": "## Tests and checks",
    "requirements-bench.in": "## `make bench`",
    "requirements-bootstrap.in": "## The environment itself",
}


def documented(heading: str) -> dict[str, str]:
    return {codes(name)[0]: licence for name, _for, licence, _why in rows(section(PAGE, heading))}


@pytest.mark.parametrize("file", SECTIONS)
def test_every_direct_dependency_has_its_line(file: str) -> None:
    lines = (ROOT / file).read_text(encoding="utf-8").splitlines()
    direct = [match[0] for line in lines if (match := re.match(r"[a-z][\w.-]*", line))]
    assert list(documented(SECTIONS[file])) == sorted(direct)


def test_every_file_of_requirements_is_described() -> None:
    assert {path.name for path in ROOT.glob("requirements*.in")} == set(SECTIONS)


def installed(name: str) -> Distribution | None:
    """The package here, or else in the environment of the benchmark's peers."""
    peers = environment.prepare().parent.parent.glob("lib/python*/site-packages")
    for path in (sys.path, [str(one) for one in peers]):
        for found in distributions(name=name, path=path):
            return found
    return None


@pytest.mark.parametrize(
    ("name", "licence"),
    [pair for heading in SECTIONS.values() for pair in documented(heading).items()],
)
def test_the_licence_is_the_declared_one(name: str, licence: str) -> None:
    found = installed(name)
    if found is None:
        # Only the installer itself may be missing: where it can't run, pip has taken its place.
        assert name == "uv"
        return
    declared = found.metadata
    expression = declared.get("License-Expression")
    if expression is not None:
        assert licence == expression
        return
    # Older packages say it in words, or only by the file: the family is all that can be compared.
    files = [file for file in found.files or [] if file.name.startswith("LICENSE")]
    said = f"{declared.get('License', '')} {declared.get_all('Classifier', [])}"
    said += "".join(file.read_text() for file in files)
    for family in re.findall(r"MIT|BSD|Apache", licence):
        assert re.search(rf"\b{family}\b", said), said
