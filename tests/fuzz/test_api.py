"""The running service under schemathesis: every operation of its OpenAPI document, as every caller.

Whatever is sent, no answer is a 5xx, and none is one that the document doesn't tell of. Each run
prints its seed; `FUZZ_SEED=7 make test ARGS=tests/fuzz` draws other examples.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.authorization.routes import api_methods, readable
from tests.authorization.table import ROWS
from tests.fuzz.callers import CALLERS, restore, write_known_ids
from tests.service import ROOT, running

pytestmark = pytest.mark.fuzz

CONFIG = ROOT / "tests" / "fuzz" / "schemathesis.toml"
PHASES = ("examples", "coverage", "fuzzing", "stateful")
SEED = os.environ.get("FUZZ_SEED", "20261122")
ENDED_WITHIN_SECONDS = 600
OPERATIONS_OUTSIDE = 2  # /health and /ready
# Each run begins with some of these; other operations of the run take the ground from more: they reclaim the last
# credits, every known organization has a live subscription, and a canceled one changes no more.
MADE_BEFORE = {
    ("POST", "credits/holds"),
    ("POST", "subscriptions"),
    ("PUT", "subscriptions/{subscription_id}"),
    ("PATCH", "subscriptions/{subscription_id}"),
    # Endpoints are disabled and deleted, and a delivery's address names both.
    (
        "POST",
        "organizations/{org_id}/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/replay",
    ),
}


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with running(tmp_path_factory.mktemp("service")) as service:
        yield service


@pytest.mark.parametrize("name", CALLERS)
def test_the_service_answers_as_its_document_says(service, tmp_path, name):
    caller = CALLERS[name]
    charged = restore(service)
    shutil.copy(CONFIG, tmp_path)
    write_known_ids(service, caller, charged, tmp_path)
    command = [str(Path(sys.executable).with_name("st")), "--config-file", CONFIG.name, "run"]
    command += [f"{service.url}/api/schema?format=json", "--no-color", "--seed", SEED]
    command += ["--checks", "all", "--phases", ",".join(PHASES)]
    env = {
        **service.env,
        "PYTHONPATH": str(ROOT),
        "FUZZ_URL": service.url,
        "FUZZ_CREDENTIALS": json.dumps(caller.credentials(service)),
    }
    logged = len(service.log)
    sys.stdout.write(f"schemathesis as {name}, seed {SEED}\n")
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=ENDED_WITHIN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"seed {SEED}\n{done.stdout}"
    operations = sum(map(len, api_methods().values())) + OPERATIONS_OUTSIDE
    assert f"Tested: {operations}\n" in done.stdout, done.stdout
    assert [phase for phase in PHASES if f"✅  {phase.title()}" not in done.stdout] == []
    assert "internal_error" not in service.log
    assert not service.child.ended
    log = service.log[logged:]
    wanted = {(row.method, row.route) for row in ROWS if caller.reaches(row)}
    missing = wanted - succeeded(log) - MADE_BEFORE
    assert missing == set(), {place: answers(log, place) for place in missing}


def requests(log):
    """Method and route of each answer, and its status."""
    events = [json.loads(line) for line in log.splitlines() if '"request.finished"' in line]
    return [
        ((event["method"], readable(event["route"])), event["status"])
        for event in events
        if event["route"].startswith("api/v1/")
    ]


def answers(log, place):
    """How often each status was the answer to a method and route."""
    return Counter(status for asked, status in requests(log) if asked == place)


def succeeded(log):
    """The methods and routes that were answered with a success: the fuzzing got beyond the door."""
    return {asked for asked, status in requests(log) if 200 <= status < 300}
