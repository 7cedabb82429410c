"""docs/dependencies.md has one line for each direct dependency, with the licence that it declares."""

import re
from importlib.metadata import PackageNotFoundError, metadata
from importlib.metadata import files as files_of

import pytest

from tests.docs.markdown import ROOT, codes, rows, section

PAGE = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
SECTIONS = {
    "requirements.in": "## The service",
    "requirements-demo.in": "## `make run`",
    "requirements-dev.in": "## Tests and checks",
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


@pytest.mark.parametrize(
    ("name", "licence"),
    [pair for heading in SECTIONS.values() for pair in documented(heading).items()],
)
def test_the_licence_is_the_declared_one(name: str, licence: str) -> None:
    try:
        declared = metadata(name)
    except PackageNotFoundError:
        # Only the installer itself may be missing: where it can't run, pip has taken its place.
        assert name == "uv"
        return
    expression = declared.get("License-Expression")
    if expression is not None:
        assert licence == expression
        return
    # Older packages say it in words, or only by the file: the family is all that can be compared.
    files = [file for file in files_of(name) or [] if file.name.startswith("LICENSE")]
    said = f"{declared.get('License', '')} {declared.get_all('Classifier', [])}"
    said += "".join(file.read_text() for file in files)
    for family in re.findall(r"MIT|BSD|Apache", licence):
        assert re.search(rf"\b{family}\b", said), said
