"""The package as a stranger gets it: a wheel in a clean environment, beside httpx and nothing else."""

import json
import os
import subprocess
import sys
import venv
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.docs.markdown import ROOT

PACKAGE = ROOT / "clients/python"
CHARGE = """
import sys
from importlib.metadata import version
import orgbilling_client
from orgbilling_client import AsyncClient, Client

assert "site-packages" in orgbilling_client.__file__
assert orgbilling_client.__version__ == version("orgbilling-client")
for name in ("django", "typer", "pydantic", "fastapi", "orgbilling"):
    assert name not in sys.modules
    try:
        __import__(name)
    except ImportError:
        continue
    raise AssertionError(f"{name} can be imported")
with Client() as client:
    print(client.deduct(sys.argv[1], "company_enrichment", credits=50).remaining_credits)
"""


def needed(name: str, found: set[str]) -> set[str]:
    """The distributions that one needs without extras, and those that they need."""
    if name not in found:
        found.add(name)
        for text in distribution(name).requires or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                needed(requirement.name, found)
    return found


def lend(name: str, folder: Path) -> None:
    """Let an environment use a distribution of this one."""
    lent = distribution(name)
    for top in {Path(file).parts[0] for file in lent.files or []} - {"..", "__pycache__"}:
        if not (folder / top).exists():
            (folder / top).symlink_to(Path(str(lent.locate_file(top))).resolve())


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a clean environment in which the wheel is installed."""
    folder = tmp_path_factory.mktemp("stranger")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=PACKAGE,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=False)
    interpreter = folder / "venv/bin/python"
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    for name in needed("httpx", set()):
        lend(name, site)
    install = [
        "install",
        "--quiet",
        "--no-index",
        "--no-deps",
        "--disable-pip-version-check",
        wheel,
    ]
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", interpreter, *install], check=True, timeout=120
    )
    return interpreter


def test_httpx_brings_all_that_it_needs():
    metadata = ["-m", "hatchling", "metadata", "dependencies"]
    shown = subprocess.run(
        [sys.executable, *metadata], cwd=PACKAGE, check=True, capture_output=True
    )
    declared = {Requirement(text).name for text in json.loads(shown.stdout)}

    assert declared == {"httpx", "anyio"}
    assert declared <= needed("httpx", set())


def test_a_stranger_charges(python, cast):
    variables = {name: value for name, value in cast.environment.items() if name != "PYTHONPATH"}
    ran = subprocess.run(
        [python, "-I", "-W", "error", "-c", CHARGE, cast.user_id],
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == "9950"


def test_types_are_part_of_it(python):
    (site,) = python.parent.parent.glob("lib/python*/site-packages")

    assert (site / "orgbilling_client/py.typed").exists()
    assert not list(site.glob("orgbilling_client/**/test*"))
