"""The running service under schemathesis: every operation of its OpenAPI document, as three callers.

Whatever is sent, no answer is a 5xx, and none is one that the document doesn't tell of. Each run
prints its seed; `FUZZ_SEED=7 make test ARGS="tests/fuzz"` draws other examples.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.authorization.routes import api_methods
from tests.fuzz.service import ROOT, Service, running

pytestmark = pytest.mark.fuzz

PHASES = ("examples", "coverage", "fuzzing", "stateful")
CALLERS = {
    "a key of all organizations": lambda service: service.key(bound=False),
    "a key bound to Globex": lambda service: service.key(bound=True),
    "a member in the console": lambda service: service.session("member"),
}
SEED = os.environ.get("FUZZ_SEED", "20261122")
CONFIG = ROOT / "tests" / "fuzz" / "schemathesis.toml"
ENDED_WITHIN_SECONDS = 600
ROOT_OPERATIONS = 2  # /health and /ready


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with running(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.fixture
def known(service: Service, tmp_path: Path) -> Path:
    """A folder with the configuration of schemathesis and the ids that exist."""
    organizations = [organization["id"] for organization in service.demo["organizations"]]
    subscriptions = [
        row["id"]
        for organization in organizations
        for row in service.get(f"subscriptions/org/{organization}")["results"]
    ]
    users = [user["id"] for user in service.demo["users"]]
    for name, ids in (
        ("organizations", organizations),
        ("subscriptions", subscriptions),
        ("users", users),
    ):
        (tmp_path / f"{name}.txt").write_text("".join(f'"{one}"\n' for one in ids))
    shutil.copy(CONFIG, tmp_path)
    return tmp_path


@pytest.mark.parametrize("caller", CALLERS)
def test_the_service_answers_as_its_document_says(service, known, caller):
    env = {
        **service.env,
        "PYTHONPATH": str(ROOT),
        "FUZZ_URL": service.url,
        "FUZZ_CREDENTIALS": json.dumps(CALLERS[caller](service)),
    }
    command = [str(Path(sys.executable).with_name("st"))]
    command += ["--config-file", str(known / CONFIG.name), "run", "--no-color", "--seed", SEED]
    command += [f"{service.url}/api/schema?format=json"]
    command += ["--checks", "all", "--phases", ",".join(PHASES)]
    sys.stdout.write(f"schemathesis as {caller}, seed {SEED}\n")
    done = subprocess.run(
        command,
        cwd=known,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=ENDED_WITHIN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"seed {SEED}\n{done.stdout}"
    operations = sum(map(len, api_methods().values())) + ROOT_OPERATIONS
    assert f"Tested: {operations}\n" in done.stdout, done.stdout
    for phase in PHASES:
        assert f"✅ {phase.title()}" in done.stdout, done.stdout
    assert "internal_error" not in service.log
    assert not service.child.ended
