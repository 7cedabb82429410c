"""A process that charges through a journal is killed at any line: what was charged is what was worked."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from orgbilling_client import Client

from tests.client.cast import Cast
from tests.client.killed import cost
from tests.service import ROOT

# `make journal-kills` has the long form.
KILLS = int(os.environ.get("JOURNAL_KILLS", "30"))


def killed(cast: Cast, folder: Path, *, write_ahead: bool) -> dict[str, Any]:
    """What `tests.client.killed` reports."""
    settings = {
        "url": cast.url,
        "key": cast.key,
        "org_id": cast.org_id,
        "user_id": cast.user_id,
        "journal": str(folder / "charges.journal"),
        "write_ahead": write_ahead,
        "seed": 6,
        "kills": KILLS,
    }
    path = f"{ROOT}:{ROOT / 'clients/python/src'}"
    done = subprocess.run(
        [sys.executable, "-m", "tests.client.killed"],
        input=json.dumps(settings),
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.parametrize("write_ahead", [False, True], ids=["begun again", "kept before"])
def test_every_charge_is_made_once_whenever_it_is_killed(
    cast: Cast, client: Client, tmp_path: Path, write_ahead: bool
) -> None:
    report = killed(cast, tmp_path, write_ahead=write_ahead)
    assert (report["kills"], report["left"]) == (KILLS, 0)
    rows = {row.request_id: row.credits_used for row in client.usage(service="killed")}
    begun, done = (
        {f"work-{number}": cost(number) for number in report[what]} for what in ("begun", "done")
    )
    # None that was not begun, all that were done, each for what it costs; and no row beside these.
    assert done.items() <= rows.items() <= begun.items()
    assert len(done) > KILLS / 2
    (allocation,) = client.user_credits(cast.user_id).allocations
    assert allocation.lifetime_used_credits == sum(rows.values())
    assert client.usage_summary("service").request_count == len(rows)
