"""Programs that some tests run and that a newcomer need not have."""

import os
import shutil

import pytest

SEARCHED = f"{os.environ.get('PATH', '')}:{os.defpath}:/usr/sbin:/usr/local/sbin"


def needed(name: str, package: str) -> str:
    """Where the program is. Without it the test is skipped, and says so; where CI is set it fails."""
    found = shutil.which(name, path=SEARCHED)
    if found is not None:
        return found
    message = f"{name} is missing, so this was not tested. Debian: apt-get install --no-install-recommends {package}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
