"""What a service that strangers reach must not be started with.

Under ``PRODUCTION`` the settings end with `refuse_unsafe`: the web server, the worker and every command stop with one
message that lists all that is wrong and what to set instead.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

SECRET_KEY_LENGTH_MIN = 50
SECRET_KEY_SIGNS_MIN = 10
#: What stands in examples, and what servers are shipped with.
KNOWN_PASSWORDS = frozenset(
    {"admin", "changeme", "demo", "example", "orgbilling", "password", "postgres", "secret", "test"}
)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]", "::1"})


def complaints(settings: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with these settings for production, each with what to set."""
    return [
        *_debug(settings),
        *_secret_key(settings),
        *_database(settings),
        *_addresses(settings),
        *_origins(settings),
        *_seller(settings),
    ]


def refuse_unsafe(settings: Mapping[str, Any]) -> None:
    """Stop the start unless the settings are fit for production.

    Raises:
        ImproperlyConfigured: with everything that is wrong.
    """
    found = complaints(settings)
    if found:
        lines = "".join(f"\n  - {one}" for one in found)
        message = f"PRODUCTION is on, and this is not safe to start:{lines}\ndocs/deployment.md has an example."
        raise ImproperlyConfigured(message)


def _debug(settings: Mapping[str, Any]) -> list[str]:
    if settings["DEBUG"]:
        return ["DEBUG is on: it shows code and settings to strangers. Set DEBUG=false."]
    return []


def _secret_key(settings: Mapping[str, Any]) -> list[str]:
    advice = (
        f"Set SECRET_KEY, or SECRET_KEY_FILE, to {SECRET_KEY_LENGTH_MIN} random characters or more."
    )
    key = settings["SECRET_KEY"]
    if not key:
        return [f"SECRET_KEY is not set. {advice}"]
    weak = len(key) < SECRET_KEY_LENGTH_MIN or len(set(key)) < SECRET_KEY_SIGNS_MIN
    if weak or key.startswith("django-insecure-"):
        return [f"SECRET_KEY is short, repetitive or an example's. {advice}"]
    return []


def _database(settings: Mapping[str, Any]) -> list[str]:
    if not settings["DATABASE_URL"]:
        advice = "Set DATABASE_URL=postgresql://user@host/name, and DATABASE_PASSWORD(_FILE)."
        return [f"DATABASE_URL is not set: the embedded PostgreSQL is for a demo. {advice}"]
    return [
        f"The {what}'s password is one that everybody knows. Set {variable}(_FILE)."
        for alias, what, variable in (
            ("default", "database", "DATABASE_PASSWORD"),
            ("replica", "replica", "REPLICA_DATABASE_PASSWORD"),
        )
        if alias in settings["DATABASES"] and _is_known(settings["DATABASES"][alias])
    ]


def _is_known(database: Mapping[str, Any]) -> bool:
    password = database["PASSWORD"]
    return bool(password) and password.lower() in KNOWN_PASSWORDS | {
        database["USER"],
        database["NAME"],
    }


def _addresses(settings: Mapping[str, Any]) -> list[str]:
    found = []
    public = urlsplit(settings["PUBLIC_URL"])
    if public.scheme != "https":
        found.append(
            "PUBLIC_URL is not https: cookies and keys would travel in the clear. "
            "Set it to the address that people use, such as https://billing.example.com."
        )
    hosts = settings["ALLOWED_HOSTS"]
    if "*" in hosts:
        found.append("ALLOWED_HOSTS has *: anybody's host name would pass. Name the hosts.")
    elif set(hosts) <= LOOPBACK:
        found.append(
            "ALLOWED_HOSTS names only this machine. Set it to the host of PUBLIC_URL, such as billing.example.com."
        )
    elif not _covers(hosts, public.hostname or ""):
        found.append(f"ALLOWED_HOSTS doesn't have the host of PUBLIC_URL. Add {public.hostname}.")
    return found


def _covers(hosts: Sequence[str], name: str) -> bool:
    return any(
        name == host.lower().removeprefix(".")
        or (host.startswith(".") and name.endswith(host.lower()))
        for host in hosts
    )


def _origins(settings: Mapping[str, Any]) -> list[str]:
    return [
        f"{name} has {origin!r}. Name origins exactly, such as https://app.example.com."
        for name in ("CORS_ALLOWED_ORIGINS", "CSRF_TRUSTED_ORIGINS")
        for origin in settings[name]
        if not _is_exact(origin)
    ]


def _seller(settings: Mapping[str, Any]) -> list[str]:
    if "Example Street" in settings["INVOICE_SELLER_ADDRESS"]:
        advice = "Set INVOICE_SELLER_NAME and INVOICE_SELLER_ADDRESS."
        return [f"Invoices, which never change, would name an example as the seller. {advice}"]
    return []


def _is_exact(origin: str) -> bool:
    parts = urlsplit(origin)
    bare = parts.scheme == "https" and bool(parts.hostname) and "*" not in origin
    return bare and not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
