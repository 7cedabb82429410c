"""Asks the web server of this machine how it is: ``python -m orgbilling.healthcheck [/ready]``, for containers.

Exit status 0 when it answers 200, 1 otherwise. It needs no settings, so that asking every few seconds costs little.
"""

from __future__ import annotations

import http.client
import sys
from contextlib import closing
from typing import Final
from urllib.parse import urlsplit

from orgbilling.env import env_int, env_str

HOST: Final = "127.0.0.1"
TIMEOUT_SECONDS: Final = 3


def ask(path: str) -> tuple[int, str]:
    """Return the status and the text of the answer, under the host name that the service has in public.

    Raises:
        OSError: nobody answers in time.
    """
    public = urlsplit(env_str("PUBLIC_URL", default="http://127.0.0.1:8084"))
    port = env_int("PORT", 8084, minimum=1, maximum=65535)
    with closing(http.client.HTTPConnection(HOST, port, timeout=TIMEOUT_SECONDS)) as connection:
        connection.request("GET", path, headers={"Host": public.netloc})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")


def main(arguments: list[str]) -> int:
    """Ask for the path that is named, ``/health`` otherwise; say what was answered."""
    path = arguments[0] if arguments else "/health"
    try:
        status, text = ask(path)
    except (OSError, http.client.HTTPException) as exc:
        status, text = 0, str(exc)
    sys.stdout.write(f"{path}: {status or 'no answer'} {text}\n")
    return 0 if status == http.client.OK else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
