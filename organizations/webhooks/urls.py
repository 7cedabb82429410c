"""Reading a receiver's address as strictly as it will be used: what two parsers could read differently is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final
from urllib.parse import urlsplit

import idna

from organizations.webhooks.addresses import (
    HTTP_PORT,
    HTTPS_PORT,
    Address,
    Allowance,
    first_refused,
)

#: Characters of an address.
LONGEST: Final = 1_000
_LABEL: Final = re.compile(r"^(?!-)[a-z0-9_-]{1,63}(?<!-)$")
_PATH: Final = re.compile(r"^[!#-;=?-\[\]_a-z~]*$")


class UnsafeUrl(Exception):
    """The address can't be a receiver's; the text says why and what would be right."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes.

    Attributes:
        host: an ASCII name in lower case, or an address without brackets.
        port: the port, also when the URL doesn't name it.
        target: path and query.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def literal(self) -> Address | None:
        """The address that the host is; None: it is a name."""
        return literal_of(self.host)

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = HTTPS_PORT if self.scheme == "https" else HTTP_PORT
        return host if self.port == usual else f"{host}:{self.port}"


def read(url: str, allowance: Allowance) -> Target:
    """The parts of a receiver's address. Raises UnsafeUrl; nothing is looked up and nothing connected to."""
    _refuse_characters(url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UnsafeUrl("This is no address: write https://host/path.") from None
    _refuse_parts(parts.scheme, parts.netloc, parts.fragment, url, allowance)
    host = _host(parts.netloc.rpartition("]")[0][1:], parts.hostname or "", parts.netloc)
    literal = literal_of(host)
    named = allowance.names(host)
    if literal is None and "." not in host and not named:
        raise UnsafeUrl(
            f"{host} is no public name: write the whole one, such as hooks.example.com."
        )
    if port is None:
        port = HTTPS_PORT if parts.scheme == "https" else HTTP_PORT
    if not allowance.may_use(host, port):
        raise UnsafeUrl(f"Port {port} isn't allowed: use 443, or ask the operator to allow it.")
    if literal is not None and first_refused(allowance, host, port, [literal]) is not None:
        raise UnsafeUrl(f"{literal} isn't a public address: events are sent to public ones only.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not _PATH.match(target):
        raise UnsafeUrl("Path and query are ASCII: write other characters percent-encoded.")
    return Target(parts.scheme, host, port, target)


def _refuse_characters(url: str) -> None:
    if not url or len(url) > LONGEST:
        raise UnsafeUrl(f"An address has 1 to {LONGEST} characters.")
    if any(not c.isprintable() or c.isspace() or c == "\\" for c in url):
        raise UnsafeUrl("An address has no spaces, control characters or backslashes.")


def _refuse_parts(scheme: str, netloc: str, fragment: str, url: str, allowance: Allowance) -> None:
    if scheme not in ("http", "https"):
        raise UnsafeUrl("An address begins with https://.")
    if scheme == "http" and not allowance.http:
        raise UnsafeUrl("An address begins with https://: plain http isn't allowed here.")
    if not url.startswith(scheme):
        raise UnsafeUrl("An address begins with https:// in small letters.")
    if url[len(scheme) : len(scheme) + 3] != "://" or not netloc:
        raise UnsafeUrl("This is no address: write https://host/path.")
    if "@" in netloc:
        raise UnsafeUrl("An address has no user name or password: the signature says who sends.")
    if fragment or "#" in url:
        raise UnsafeUrl("An address has no fragment (#): it would not be sent.")
    if netloc.endswith(":"):
        raise UnsafeUrl("There is no port after the colon.")


def _host(bracketed: str, hostname: str, netloc: str) -> str:
    """The host as it is looked up. Raises UnsafeUrl."""
    if netloc.startswith("["):
        try:
            address = IPv6Address(bracketed)
        except AddressValueError:
            raise UnsafeUrl("What stands in brackets is no IPv6 address.") from None
        if address.scope_id is not None:
            raise UnsafeUrl("An IPv6 address has no zone here.")
        return str(address)
    if "%" in hostname:
        raise UnsafeUrl("A host name has no percent-encoding.")
    try:
        name = hostname if hostname.isascii() else idna.encode(hostname, uts46=True).decode()
    except idna.IDNAError:
        raise UnsafeUrl("This is no host name that can be looked up.") from None
    name = name.lower()
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.match(label) for label in labels):
        raise UnsafeUrl("A host name has letters, digits, hyphens and dots, and no dot at its end.")
    if _ends_in_a_number(labels[-1]) and literal_of(name) is None:
        raise UnsafeUrl("Write an IPv4 address as four decimal numbers, such as 203.0.112.9.")
    return name


def _ends_in_a_number(label: str) -> bool:
    """Whether resolvers and browsers would take the whole host for an IPv4 address in some notation."""
    return label.isdigit() or re.fullmatch(r"0x[0-9a-f]*", label) is not None


def literal_of(host: str) -> Address | None:
    """The address that the text is, in the one strict notation; None: it is a name."""
    for kind in (IPv4Address, IPv6Address):
        try:
            return kind(host)
        except AddressValueError:
            continue
    return None
