"""Looking a name up, for a bounded time."""

from __future__ import annotations

import socket
import threading
from ipaddress import ip_address

from organizations.webhooks.addresses import Address


class NotResolved(Exception):
    """The name has no address, or none came in time."""


def resolve(host: str, port: int, *, seconds: float) -> list[Address]:
    """Every address of the name, in the system's order; at least one.

    The system's resolver can't be interrupted: a look-up that lasts too long is left to end by itself.

    Raises:
        NotResolved: see there.
    """
    found: list[Address] = []
    failures: list[Exception] = []

    def look_up() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.extend(dict.fromkeys(ip_address(row[4][0]) for row in rows))
        except (OSError, UnicodeError, ValueError) as exc:
            failures.append(exc)

    thread = threading.Thread(target=look_up, name="webhook-resolver", daemon=True)
    thread.start()
    thread.join(seconds)
    if failures:
        why = getattr(failures[0], "strerror", None) or failures[0]
        raise NotResolved(f"{host} can't be resolved: {why}.")
    if thread.is_alive() or not found:
        raise NotResolved(f"{host} was not resolved in time.")
    return list(found)
