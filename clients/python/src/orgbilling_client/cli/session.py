"""One run of the command line: the client it uses, and the organizations and users that it names."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from orgbilling_client import Client
from orgbilling_client.cli.connection import Connection, Flags
from orgbilling_client.cli.output import printable, side, tell
from orgbilling_client.cli.profiles import BadSettings
from orgbilling_client.errors import PermissionDenied
from orgbilling_client.retrying import Retry, RetryPolicy


class Session:
    """What the commands share. Settings are read when a command needs them, so that help needs none."""

    def __init__(self, flags: Flags) -> None:
        self.flags = flags
        self._connection: Connection | None = None

    @property
    def connection(self) -> Connection:
        """The settings; raises BadSettings."""
        if self._connection is None:
            self._connection = Connection.of(self.flags)
        return self._connection

    @contextmanager
    def client(
        self, org: str | None = None, *, retry: RetryPolicy | None = None
    ) -> Iterator[Client]:
        """A client of the organization that a flag, the environment or the profile names, if any does.

        Args:
            org: an id, or the organization's name, as `--org` takes it.
            retry: when calls are sent again, else as the client does.

        Raises:
            BadSettings: an address or key is missing, or no organization has the name.
        """
        found = self.connection
        url, key = found.needed(found.url()), found.needed(found.api_key())
        chosen = found.setting("org_id", org).value
        org_id = chosen
        if chosen is not None and not _is_id(chosen):
            with self._connected(url, key, None, retry) as client:
                org_id = _org_id(client, chosen)
        with self._connected(url, key, org_id, retry) as client:
            yield client

    @contextmanager
    def _connected(
        self, url: str, key: str, org_id: str | None, retry: RetryPolicy | None
    ) -> Iterator[Client]:
        timeout = self.flags.timeout
        with Client(url, key, org_id, timeout=timeout, retry=retry, on_retry=_tell_retry) as client:
            yield client


def user_id(client: Client, named: str) -> str:
    """A user's id: as it is, or looked up by e-mail address among the members.

    Raises:
        BadSettings: it is neither an id nor a member's address.
    """
    if _is_id(named):
        return named
    for member in client.members(page_size=500):
        if member.email.casefold() == named.casefold():
            return member.user_id
    message = (
        f"No member of the organization has the address {named!r}. Name a user by id or address."
    )
    raise BadSettings(message)


def emails_of(client: Client) -> dict[str, str]:
    """The members' addresses by user id; none for a key that may read charges and not who the members are."""
    try:
        return {one.user_id: one.email for one in client.members(page_size=500)}
    except PermissionDenied:
        return {}


def _org_id(client: Client, named: str) -> str:
    names = []
    for one in client.organizations(page_size=500):
        if one.name == named:
            return one.id
        names.append(one.name)
    shown = ", ".join(sorted(names)[:10]) or "none"
    message = (
        f"No organization that this key sees is called {named!r}. It sees: {printable(shown)}."
    )
    raise BadSettings(message)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _tell_retry(retry: Retry) -> None:
    if side().is_terminal:
        tell(f"Trying again in {retry.wait_seconds:.1f} s: {printable(str(retry.error))}", "dim")
