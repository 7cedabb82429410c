"""The package's README does what it says: every block of Python runs, one after the other, against the service."""

import os
import subprocess
import sys

from tests.docs.markdown import ROOT, blocks

README = ROOT / "clients/python/README.md"


def test_every_block_runs(cast, client, tmp_path):
    program = "\n".join(
        block.text for block in blocks(README.read_text()) if block.language == "python"
    )
    client.allocate(cast.user_id, 20_000)
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={**os.environ, **cast.environment},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == ["29950", "1500 0", "14850 allocation", "bulk_export 150"]
    assert client.pool().used_credits == 15_000 + 150 + 50 + 150
    assert len((tmp_path / "usage.csv").read_text().splitlines()) == 1 + 1_500 + 3
