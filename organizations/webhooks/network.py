"""The wire under httpcore: it resolves by itself, judges every address, and connects to exactly what it judged.

Between a look-up and a connection nothing is looked up again, so that a name can't lead to a public address when it is
asked about and to another when it is used. Everything from the look-up to the last byte shares one deadline: who
sends a byte every few seconds gains nothing.
"""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address
from typing import Any, Final

import httpcore

from organizations.webhooks import resolving
from organizations.webhooks.addresses import Address, Allowance, first_refused, leads_inside
from organizations.webhooks.urls import literal_of

#: Seconds for one address of several, and for the look-up; the deadline bounds them all.
CONNECT_SECONDS: Final = 5.0
RESOLVE_SECONDS: Final = 5.0

Resolve = Callable[..., list[Address]]


class AddressRefused(Exception):
    """The name leads to an address that may not be connected to. Nothing was connected to.

    Its text is for the organization and doesn't name `address`: whoever asks would learn what names mean inside.
    """

    def __init__(self, text: str, address: Address | None = None) -> None:
        super().__init__(text)
        self.address = address


class Interrupted(Exception):
    """The worker is stopping: the request was cut off."""


class Line:
    """One request's time and its socket. `cut` may be called by another thread."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds
        self._socket: socket.socket | None = None
        self.is_cut = False

    def left(self, at_most: float | None = None) -> float:
        """Seconds that are left. Raises TimeoutError, and Interrupted once it was cut."""
        if self.is_cut:
            raise Interrupted
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left if at_most is None else min(left, at_most)

    def shorten(self, seconds: float) -> None:
        """Let it end so soon, if it would last longer."""
        self._ends = min(self._ends, time.monotonic() + seconds)

    def holds(self, opened: socket.socket) -> None:
        """Remember the socket, to be able to cut it."""
        self._socket = opened

    def cut(self) -> None:
        """End it now: whoever waits for the socket stops waiting."""
        self.is_cut = True
        if self._socket is not None:
            try:
                self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                return

    def close(self) -> None:
        """Hang up, whatever has become of it."""
        if self._socket is not None:
            self._socket.close()


class GuardedBackend(httpcore.NetworkBackend):
    """Connects to public addresses, and to what the operator allows."""

    def __init__(
        self, allowance: Allowance, line: Line, resolve: Resolve = resolving.resolve
    ) -> None:
        self._allowance, self._line, self._resolve = allowance, line, resolve

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to the first of the name's addresses that answers.

        Raises:
            AddressRefused: any of them may not be reached, also when others may.
            NotResolved, TimeoutError, OSError: it can't be connected to.
        """
        literal = literal_of(host)
        found = (
            [literal]
            if literal is not None
            else self._resolve(host, port, seconds=self._line.left(RESOLVE_SECONDS))
        )
        refused = first_refused(self._allowance, host, port, found)
        if refused is not None:
            raise AddressRefused(leads_inside(host), refused)
        failure: OSError = OSError(f"{host} has no address.")
        for address in found:
            try:
                return Stream(self._connected(address, port), self._line)
            except OSError as exc:
                failure = exc
        raise failure

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Nothing is sent to a socket of this machine."""
        raise AddressRefused("A receiver is no unix socket.")

    def _connected(self, address: Address, port: int) -> socket.socket:
        family = socket.AF_INET6 if isinstance(address, IPv6Address) else socket.AF_INET
        opened = socket.socket(family, socket.SOCK_STREAM)
        try:
            opened.settimeout(self._line.left(CONNECT_SECONDS))
            opened.connect((str(address), port))
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except BaseException:
            opened.close()
            raise
        self._line.holds(opened)
        return opened


class Stream(httpcore.NetworkStream):
    """A socket whose every step is bounded by the line's deadline."""

    def __init__(self, opened: socket.socket, line: Line) -> None:
        self._socket, self._line = opened, line

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Some bytes; none at the end."""
        self._socket.settimeout(self._line.left())
        return self._socket.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of the bytes."""
        while buffer:
            self._socket.settimeout(self._line.left())
            try:
                buffer = buffer[self._socket.send(buffer) :]
            except TimeoutError:
                raise
            except OSError as exc:
                # httpcore then reads what the other side has said before it hung up.
                raise httpcore.WriteError(str(exc)) from exc

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """The same line, encrypted; the certificate has to be the name's."""
        try:
            self._socket.settimeout(self._line.left())
            wrapped = ssl_context.wrap_socket(
                self._socket, server_hostname=server_hostname, do_handshake_on_connect=False
            )
        except BaseException:
            self.close()
            raise
        # Before the handshake, which a receiver may stall: the former socket can't be cut any more.
        self._line.holds(wrapped)
        try:
            wrapped.settimeout(self._line.left())
            wrapped.do_handshake()
        except BaseException:
            wrapped.close()
            raise
        return Stream(wrapped, self._line)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks about."""
        if info == "ssl_object" and isinstance(self._socket, ssl.SSLSocket):
            return self._socket
        if info == "server_addr":
            return self._socket.getpeername()
        return None
