"""The short form of `make agent-kills`."""

import os
import subprocess
import sys
from collections.abc import Callable

from tests.docs.markdown import ROOT
from tests.examples.evidence import Payer
from tests.service import Service

COMMAND = [sys.executable, "-m", "tests.examples.kills"]
ENDED_WITHIN_SECONDS = 300


def test_killed_a_hundred_times_it_is_charged_for_its_work_once(
    service: Service, payer_of: Callable[..., Payer]
) -> None:
    env = {"PYTHONPATH": os.pathsep.join(sys.path), **payer_of(1).environment()}
    done = subprocess.run(
        [*COMMAND, "--kills", "100", "--chains", "15"],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=ENDED_WITHIN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Charges equal work done" in done.stdout
    verified = subprocess.run(
        [sys.executable, "manage.py", "verify_ledger"],
        cwd=ROOT,
        env=service.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stdout
