"""Prometheus's own judgement of our files. Newcomers need not have it; the checks before a change do."""

import os
import shutil
import subprocess

import pytest

MISSING = (
    "{tool} is missing, so this was not checked. "
    "Debian: apt-get install --no-install-recommends prometheus prometheus-alertmanager"
)


def checked(*arguments, tool="promtool", stdin="", cwd=None):
    """Run the tool and insist that it is content.

    Without it the test is skipped, and says so; where CI is set it fails.
    """
    found = shutil.which(tool)
    if found is None:
        message = MISSING.format(tool=tool)
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    done = subprocess.run(
        [found, *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
