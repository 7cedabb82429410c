"""``orgbilling tail``: usage as it happens."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.text import Text

from orgbilling_client import Client
from orgbilling_client.cli.arguments import AsJson, Org, ServiceFilter, UserFilter, session_of
from orgbilling_client.cli.output import cell, screen, show_json, tell
from orgbilling_client.cli.session import emails_of, user_id
from orgbilling_client.errors import OrgBillingError
from orgbilling_client.models.charging import Usage
from orgbilling_client.retrying import RetryPolicy, is_transient

# A row is stamped when its transaction begins and seen when it ends: so much later it may appear among older ones.
OVERLAP = timedelta(seconds=60)
PAGE_SIZE = 500
# It looks again anyway.
ONCE = RetryPolicy(attempts=1)


class Follower:
    """Reads what is new, again and again: each row once, also one that appears late."""

    def __init__(self, client: Client, user: str | None, service: str | None) -> None:
        self._client, self._user, self._service = client, user, service
        self._seen: dict[str, datetime] = {}
        self._newest: datetime | None = None

    def begin(self, lines: int) -> list[Usage]:
        """The newest rows, oldest of them first; what comes after them is new."""
        rows: list[Usage] = []
        horizon: datetime | None = None
        for row in self._client.usage(self._user, self._service, page_size=PAGE_SIZE):
            horizon = horizon or row.created_at - OVERLAP
            if row.created_at < horizon and len(rows) >= lines:
                break
            self._remember(row)
            rows.append(row)
        self._forget()
        return rows[:lines][::-1]

    def new(self) -> Iterator[Usage]:
        """What has come since the last time, oldest first."""
        start = None if self._newest is None else self._newest - OVERLAP
        found = self._client.usage(self._user, self._service, start, page_size=PAGE_SIZE)
        fresh = [row for row in found if row.id not in self._seen]
        for row in reversed(fresh):
            yield row
            # Not before it was shown: where that fails, it is shown the next time.
            self._remember(row)
        self._forget()

    def _remember(self, row: Usage) -> None:
        self._seen[row.id] = row.created_at
        if self._newest is None or row.created_at > self._newest:
            self._newest = row.created_at

    def _forget(self) -> None:
        if self._newest is not None:
            horizon = self._newest - 2 * OVERLAP
            self._seen = {one: moment for one, moment in self._seen.items() if moment >= horizon}


def tail(
    context: typer.Context,
    user: UserFilter = None,
    service: ServiceFilter = None,
    lines: Annotated[
        int,
        typer.Option("--lines", "-n", metavar="N", min=0, max=500, help="Begin with the last N."),
    ] = 10,
    every: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, max=3600, help="How often to look.")
    ] = 2.0,
    org: Org = None,
    as_json: AsJson = False,
) -> None:
    """Show charges and refunds as they happen, until Ctrl-C. With --json one row a line."""
    with session_of(context).client(org, retry=ONCE) as client:
        follower = Follower(client, None if user is None else user_id(client, user), service)
        names = _Names(client)
        for row in follower.begin(lines):
            _show(row, names, as_json=as_json)
        awaited = _Awaited()
        while True:
            with awaited.trying():
                for row in follower.new():
                    _show(row, names, as_json=as_json)
            time.sleep(every)


class _Awaited:
    """A service that may be away for a while: it is said once that it went, and once that it is back."""

    def __init__(self) -> None:
        self._is_away = False

    @contextmanager
    def trying(self) -> Iterator[None]:
        try:
            yield
        except OrgBillingError as error:
            if not is_transient(error):
                raise
            if not self._is_away:
                tell(f"The service can't be reached, trying on: {error}", "yellow")
            self._is_away = True
        else:
            if self._is_away:
                tell("The service is back.", "green")
            self._is_away = False


class _Names:
    """E-mail addresses of members, looked up again when somebody new appears."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known: dict[str, str] = {}

    def of(self, user: str) -> str:
        if user not in self._known:
            self._known |= emails_of(self._client)
            # Somebody who has left, or whom this key may not see, isn't looked for again.
            self._known.setdefault(user, user)
        return self._known[user]


def _show(row: Usage, names: _Names, *, as_json: bool) -> None:
    if as_json:
        show_json(row)
        return
    line = Text.assemble(
        (f"{cell(row.created_at)}  ", "dim"),
        f"{row.credits_used:>9,}  ",
        cell(row.service_name),
        "  ",
        cell(names.of(row.user_id)),
        f"  {row.remaining_credits:,} left",
        ("  refund" if row.refund_of else "", "yellow"),
    )
    screen().print(line, soft_wrap=True)
