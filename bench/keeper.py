"""Keeps the bench's PostgreSQL: starts it, and stops and removes it when its parent is done or dead.

A server that `pg_ctl` started outlives whoever asked for it. This process doesn't: its input ends with its parent,
however that ends. No signal ends it, so that none can come between the end and the stop.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
from pathlib import Path

from orgbilling.embedded.errors import EmbeddedError
from orgbilling.embedded.server import Server


def main() -> int:
    """Serve the folder of the first argument under the settings of the second; returns the exit status."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    server = Server(Path(sys.argv[1]), json.loads(sys.argv[2]))
    try:
        server.acquire()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.read()
    except EmbeddedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        server.release()
        shutil.rmtree(server.home, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
