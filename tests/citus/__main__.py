"""``make test-citus``: pytest, with every test database spread over the cluster of CITUS_DATABASE_URL."""

import os
import sys

from tests.citus.nodes import Cluster

NEEDED = "Set CITUS_DATABASE_URL to a superuser's address of the coordinator; docs/citus.md says how to make one."


def main() -> None:
    """Become pytest."""
    url = os.environ.get("CITUS_DATABASE_URL", "")
    if not url:
        sys.exit(NEEDED)
    Cluster(url)
    os.environ["DATABASE_URL"] = url
    os.execv(
        sys.executable, [sys.executable, "-m", "pytest", "-p", "tests.citus.plugin", *sys.argv[1:]]
    )


if __name__ == "__main__":
    main()
