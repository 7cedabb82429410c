"""Which addresses may be connected to: public ones, and what the operator has named.

`ipaddress` knows what is global. What it doesn't know is that some IPv6 addresses carry an IPv4 one, which is where
the packets end: those are judged by what they carry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: The port of https, the only one unless others are named.
HTTPS_PORT: Final = 443
HTTP_PORT: Final = 80

#: What is never a receiver, whatever Python's version says of it.
_NEVER: Final[tuple[Network, ...]] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "::/8",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fc00::/6",
        "ff00::/8",
    )
)
_MAPPED: Final = ip_network("::ffff:0:0/96")
_NAT64: Final = ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What WEBHOOKS_ALLOWED_HOSTS and WEBHOOKS_ALLOW_HTTP allow beyond https to public addresses.

    Attributes:
        hosts: names, lower case, each with a port; whatever they resolve to may be reached.
        networks: each with a port.
        http: whether plain http may be used.
    """

    hosts: frozenset[tuple[str, int]] = frozenset()
    networks: tuple[tuple[Network, int], ...] = ()
    http: bool = False

    def names(self, host: str) -> bool:
        """Whether the host is named, with any port."""
        return any(name == host for name, _ in self.hosts)

    def may_use(self, host: str, port: int) -> bool:
        """Whether a URL may name the port; where it leads is judged when it is connected to."""
        if port == HTTPS_PORT or (port == HTTP_PORT and self.http):
            return True
        return (host, port) in self.hosts or any(port == other for _, other in self.networks)

    def may_reach(self, host: str, port: int, address: Address) -> bool:
        """Whether that very address may be connected to, at this port, for a URL that names the host."""
        if (host, port) in self.hosts:
            return True
        if any(port == other and address in network for network, other in self.networks):
            return True
        usual = port == HTTPS_PORT or (port == HTTP_PORT and self.http)
        return usual and is_public(address)


def is_public(address: Address) -> bool:
    """Whether the address is one of the public internet, and so is what it carries."""
    if isinstance(address, IPv6Address):
        carried = _carried(address)
        if carried is not None:
            return is_public(carried)
        if address.scope_id is not None:
            return False
    if any(address in network for network in _NEVER if network.version == address.version):
        return False
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified
    )


def first_refused(
    allowance: Allowance, host: str, port: int, found: Sequence[Address]
) -> Address | None:
    """The first of the addresses that may not be connected to; None: all of them may."""
    return next((one for one in found if not allowance.may_reach(host, port, one)), None)


def leads_inside(host: str) -> str:
    """What an organization is told of a name that may not be a receiver's."""
    return f"{host} leads to an address that isn't public: events are sent to public ones only."


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a mapped one, or one of NAT64's well-known prefix, leads to."""
    if address in _MAPPED or address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None
