"""Where the service is and who calls it: from arguments or the environment, checked before anything is sent."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

import httpx

from orgbilling_client.calls import BASE, Id
from orgbilling_client.errors import ConfigurationError

URL, KEY, ORG = "ORGBILLING_URL", "ORGBILLING_API_KEY", "ORGBILLING_ORG_ID"
LIMITS: Final = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=5)
_SHOWN_OF_A_KEY: Final = 4


class InsecureConnection(UserWarning):
    """The API key is sent in the clear to another machine."""


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the service is, and the key that is shown to nobody."""

    base_url: str
    api_key: str = field(repr=False)
    org_id: str | None
    timeout: float

    @property
    def uses_proxies(self) -> bool:
        """Whether the environment's proxies are for it: none of them is this machine."""
        return not is_loopback(urlsplit(self.base_url).hostname or "")

    @property
    def shown_key(self) -> str:
        """The key's prefix, by which it is recognised and not used."""
        return f"{self.api_key[:_SHOWN_OF_A_KEY]}…"


def connection_from(
    base_url: str | None, api_key: str | None, org_id: Id | None, timeout: float
) -> Connection:
    """Return what is given, and from the environment what isn't.

    Raises:
        ConfigurationError: something is missing or unusable.
    """
    if not timeout > 0:
        raise ConfigurationError(f"timeout must be more than 0 seconds, not {timeout!r}.")
    chosen = org_id if org_id is not None else os.environ.get(ORG) or None
    return Connection(
        base_url=_checked_url(_given("base_url", base_url, URL)),
        api_key=_checked_key(_given("api_key", api_key, KEY)),
        org_id=None if chosen is None else str(chosen),
        timeout=timeout,
    )


def _given(name: str, value: str | None, variable: str) -> str:
    chosen = value if value is not None else os.environ.get(variable, "")
    if not chosen.strip():
        raise ConfigurationError(f"{name} is missing: pass it, or set {variable}.")
    return chosen.strip()


def _checked_key(key: str) -> str:
    # Never shown, not even when it is wrong.
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ConfigurationError("api_key must be visible ASCII characters without spaces.")
    return key


def _checked_url(text: str) -> str:
    try:
        url = urlsplit(text)
        port = url.port
        httpx.URL(text)
    except (ValueError, httpx.InvalidURL) as exc:
        raise ConfigurationError(f"base_url is no URL: {exc}.") from exc
    if url.scheme not in {"http", "https"} or not url.hostname or port == 0:
        raise ConfigurationError(
            f"base_url must be the service's root, like https://billing.example.com, not {text!r}."
        )
    if url.username is not None or url.password is not None:
        raise ConfigurationError("base_url must not carry a user or password: the API key is sent.")
    if url.query or url.fragment:
        raise ConfigurationError("base_url must have neither a query nor a fragment.")
    _warn_in_the_clear(url)
    return text.rstrip("/").removesuffix(BASE).rstrip("/")


def _warn_in_the_clear(url: SplitResult) -> None:
    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        warnings.warn(
            f"The API key is sent to {url.hostname} without encryption: use https://.",
            InsecureConnection,
            stacklevel=5,
        )


def is_loopback(host: str) -> bool:
    """Whether what is sent to the host stays on this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
