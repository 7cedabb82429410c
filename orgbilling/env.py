"""Reads the environment: every function fails loudly and names the variable.

Empty text is a value of its own for `env_str` only; everywhere else `NAME=` means the default.
"""

import os
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from croniter import croniter
from django.core.exceptions import ImproperlyConfigured

TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off"})
#: Every secret that was read: what no log may show.
SECRETS: set[str] = set()
#: How a mail server can be talked to, and where unless a port is given.
MAIL_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


def env_str(name: str, default: str = "") -> str:
    """Returns the variable as it stands (it may be empty), or the default when it is unset."""
    return os.environ.get(name, default)


def env_bool(name: str, *, default: bool = False) -> bool:
    """Returns a switch, 1/true/yes/on or 0/false/no/off; raises ImproperlyConfigured otherwise."""
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}")


def env_int(
    name: str, default: int, *, minimum: int | None = None, maximum: int | None = None
) -> int:
    """Returns a whole number within the bounds; raises ImproperlyConfigured on anything else."""
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    try:
        value = int(text)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {text!r}") from None
    if (minimum is not None and value < minimum) or (maximum is not None and value > maximum):
        bounds = f"from {minimum if minimum is not None else '-∞'} to {maximum or '∞'}"
        raise ImproperlyConfigured(f"{name} must be {bounds}, not {value}")
    return value


def env_list(name: str, default: Sequence[str] = ()) -> list[str]:
    """Returns the comma-separated parts, trimmed, without empty ones."""
    text = os.environ.get(name, "")
    parts = [part.strip() for part in text.split(",")]
    return [part for part in parts if part] or list(default)


def env_choice(name: str, *, default: str, choices: Sequence[str]) -> str:
    """Returns one of the words, as it is spelled there, whatever its case; raises ImproperlyConfigured on any other."""
    value = os.environ.get(name, "").strip() or default
    for choice in choices:
        if choice.lower() == value.lower():
            return choice
    raise ImproperlyConfigured(f"{name} must be {' or '.join(choices)}, not {value!r}")


def env_networks(
    name: str, *, default: Sequence[str] = ()
) -> tuple[IPv4Network | IPv6Network, ...]:
    """Returns comma-separated addresses and networks; raises ImproperlyConfigured on anything else.

    A network of everybody is refused: whoever is named here is believed.
    """
    networks = []
    for part in env_list(name, default):
        try:
            network = ip_network(part)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{name} must be addresses or networks such as 10.0.0.1,10.1.0.0/16: {error}"
            ) from error
        if network.prefixlen == 0:
            raise ImproperlyConfigured(f"{name}: {part} is everybody; name your own proxies")
        networks.append(network)
    return tuple(networks)


def env_places(
    name: str,
) -> tuple[frozenset[tuple[str, int]], tuple[tuple[IPv4Network | IPv6Network, int], ...]]:
    """Returns host names and networks, each with a port (443 unless it is said); ImproperlyConfigured otherwise.

    A network of everybody is refused: nothing would be guarded any more.
    """
    hosts: set[tuple[str, int]] = set()
    networks: list[tuple[IPv4Network | IPv6Network, int]] = []
    for entry in env_list(name):
        place, port = _place_and_port(name, entry)
        try:
            network = ip_network(place)
        except ValueError:
            if not all(c.isalnum() or c in ".-_" for c in place):
                raise _no_place(name, entry) from None
            hosts.add((place.lower(), port))
            continue
        if network.prefixlen == 0:
            raise ImproperlyConfigured(f"{name}: {entry} is everybody; name your own receivers")
        networks.append((network, port))
    return frozenset(hosts), tuple(networks)


def _place_and_port(name: str, entry: str) -> tuple[str, int]:
    """An entry's host or network, without brackets, and its port."""
    if entry.startswith("["):
        place, closed, rest = entry[1:].partition("]")
        well_formed = bool(closed) and (not rest or rest.startswith(":"))
    else:
        # More than one colon: an IPv6 address or network by itself.
        place, colon, port = entry.partition(":") if entry.count(":") == 1 else (entry, "", "")
        rest, well_formed = colon + port, True
    if not rest and well_formed and place:
        return place, 443
    number = rest[1:]
    if not (well_formed and place and number.isascii() and number.isdigit()):
        raise _no_place(name, entry)
    if not 1 <= int(number) <= 65535:
        raise ImproperlyConfigured(f"{name}: {entry} has a port that is not from 1 to 65535")
    return place, int(number)


def _no_place(name: str, entry: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(
        f"{name} must be hosts or networks, each with a port unless it is 443, such as "
        f"receiver.internal:8443,10.0.5.0/24:8080,[fd00::/8]:443, not {entry!r}"
    )


def env_secret(name: str, default: str = "") -> str:
    """Returns NAME, or the content of the file that NAME_FILE names (as container secrets come).

    Raises ImproperlyConfigured when both are set or the file cannot be read or is empty.
    """
    secret = _secret(name) or default
    SECRETS.update(filter(None, [secret]))
    return secret


def _secret(name: str) -> str:
    path = os.environ.get(f"{name}_FILE")
    value = os.environ.get(name)
    if not path:
        return value or ""
    if value:
        raise ImproperlyConfigured(f"set {name} or {name}_FILE, not both")
    try:
        secret = Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE: {path}: {error.strerror}") from error
    if not secret:
        raise ImproperlyConfigured(f"{name}_FILE: {path} is empty")
    return secret


def all_or_none(*, because: str, **values: str) -> None:
    """Insist that settings that only work together are all set, or none of them.

    Raises ImproperlyConfigured, which names those that are missing and says why (`because`).
    """
    missing = [name for name, value in values.items() if not value]
    if missing and len(missing) < len(values):
        there = [name for name in values if name not in missing]
        raise ImproperlyConfigured(
            f"{', '.join(there)} is set, but {', '.join(missing)} is not: {because}"
        )


def long_enough(name: str, value: str, *, characters: int) -> str:
    """Insist that a secret is empty or can't be guessed. Raises ImproperlyConfigured."""
    if value and len(value) < characters:
        raise ImproperlyConfigured(
            f"{name} must have at least {characters} characters: make one with openssl rand -hex 32"
        )
    return value


def web_address(name: str, value: str) -> str:
    """Insist that a setting is empty or the address of a server that secrets may be sent to.

    That is https, or http on this machine. Raises ImproperlyConfigured.
    """
    if not value:
        return value
    parts = urlsplit(value)
    local = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    if not parts.hostname or parts.scheme not in ({"http", "https"} if local else {"https"}):
        raise ImproperlyConfigured(f"{name} must be an https:// address, not {value!r}")
    return value.rstrip("/")


def cron_schedule(name: str, value: str) -> str:
    """Insist that a setting is empty or a cron expression of five fields. Raises ImproperlyConfigured."""
    text = value.strip()
    if text and (len(text.split()) != 5 or not croniter.is_valid(text)):
        raise ImproperlyConfigured(
            f"{name} must be five cron fields in UTC, such as '17 2 * * *', not {value!r}"
        )
    return text


def email_from_url(url: str) -> dict[str, Any]:
    """Returns Django's EMAIL settings for `smtp+starttls://user:password@host:587`.

    `smtps://` is TLS from the first byte, `smtp://` none at all: without credentials, or to this machine.
    An empty one is no e-mail. Raises ImproperlyConfigured on any other URL; it never repeats it: it may
    hold a password.
    """
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    shape = "EMAIL_URL must look like smtp+starttls://user:password@host:587 or smtps://…:465"
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise ImproperlyConfigured(shape) from None
    if parts.scheme not in MAIL_PORTS or not host or parts.path not in {"", "/"} or parts.query:
        raise ImproperlyConfigured(shape)
    plain = parts.scheme == "smtp"
    if plain and parts.password and host not in {"127.0.0.1", "::1", "localhost"}:
        raise ImproperlyConfigured(
            "EMAIL_URL: smtp:// would send the password in the clear; use smtp+starttls:// or smtps://"
        )
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": host,
        "EMAIL_PORT": port or MAIL_PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+starttls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
    }


def database_from_url(
    url: str, password: str = "", *, variable: str = "DATABASE_URL"
) -> dict[str, Any]:
    """Returns the DATABASES entry for `postgresql://user:password@host:port/name?option=value`.

    A socket directory comes percent-encoded as the host or as `?host=/run/postgresql`; the other
    query options go to libpq (`sslmode=verify-full`). A password may come apart from the URL, as a secret does.
    Raises ImproperlyConfigured on any other URL, and when there are two passwords.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ImproperlyConfigured(f"{variable}: {error}") from error
    name = unquote(parts.path.removeprefix("/"))
    if parts.scheme not in {"postgres", "postgresql"} or not name:
        raise ImproperlyConfigured(
            f"{variable} must look like postgresql://user:password@host/name"
        )
    if password and parts.password:
        raise ImproperlyConfigured(
            f"{variable} has a password: leave it out, or unset {variable.removesuffix('URL')}PASSWORD"
        )
    options = dict(parse_qsl(parts.query))
    host = parts.netloc.rpartition("@")[2]
    # urlsplit lowers the host's case, which a folder does not survive.
    host = unquote(host.partition(":")[0]) if host.startswith("%2") else parts.hostname or ""
    return {
        "ENGINE": "orgbilling.database",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": password or unquote(parts.password or ""),
        "HOST": options.pop("host", None) or host,
        "PORT": str(port or options.pop("port", "")),
        "OPTIONS": options,
    }


def replica_from_url(url: str, password: str, *, primary: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the DATABASES entry of the primary's read replica.

    Raises ImproperlyConfigured on what can't be one: the primary itself, or a database of another name.
    """
    found = database_from_url(url, password, variable="REPLICA_DATABASE_URL")
    if found["NAME"] != primary["NAME"]:
        raise ImproperlyConfigured(
            f"REPLICA_DATABASE_URL names the database {found['NAME']!r}; a replica of DATABASE_URL's server has "
            f"{primary['NAME']!r}"
        )
    if (found["HOST"], found["PORT"]) == (primary["HOST"], primary["PORT"]):
        raise ImproperlyConfigured(
            "REPLICA_DATABASE_URL leads to the same server as DATABASE_URL: name the replica, or unset it"
        )
    return found
