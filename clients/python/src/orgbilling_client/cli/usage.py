"""Commands that read usage: rows, sums, and a file of them."""

from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from orgbilling_client.cli.arguments import (
    AsJson,
    End,
    Org,
    ServiceFilter,
    Start,
    UserFilter,
    session_of,
)
from orgbilling_client.cli.output import progress, say, show_json, show_table, tell
from orgbilling_client.cli.session import emails_of, user_id
from orgbilling_client.models.charging import Usage
from orgbilling_client.models.reports import UsageGroup

PAGE_SIZE_MAX = 500
COLUMNS = ("time (UTC)", "service…", "credits", "left", "user…")
GROUPINGS = ("day", "service", "user")


def usage(
    context: typer.Context,
    user: UserFilter = None,
    service: ServiceFilter = None,
    start: Start = None,
    end: End = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="So many rows at most.")] = 50,
    org: Org = None,
    as_json: AsJson = False,
) -> None:
    """List charges and refunds, newest first. With --json one row a line."""
    with session_of(context).client(org) as client:
        rows = islice(
            client.usage(
                None if user is None else user_id(client, user),
                service,
                start,
                end,
                page_size=min(limit, PAGE_SIZE_MAX),
            ),
            limit,
        )
        if as_json:
            for one in rows:
                show_json(one)
            return
        emails = emails_of(client)
        shown = [row_of(one, emails) for one in rows]
    show_table(COLUMNS, shown)
    if len(shown) == limit:
        tell(f"The newest {limit}; --limit shows more, `orgbilling export` all.", "dim")


def summary(
    context: typer.Context,
    by: Annotated[str, typer.Option(metavar="GROUP", help="day, service or user.")] = "day",
    user: UserFilter = None,
    service: ServiceFilter = None,
    start: Start = None,
    end: End = None,
    org: Org = None,
    as_json: AsJson = False,
) -> None:
    """Sum up usage, of the last 30 days unless told otherwise."""
    if by not in GROUPINGS:
        message = f"{by!r} is no group: day, service or user."
        raise typer.BadParameter(message)
    with session_of(context).client(org) as client:
        found = client.usage_summary(
            by,  # type: ignore[arg-type] # one of the three, see above
            user_id=None if user is None else user_id(client, user),
            service=service,
            start=start,
            end=end,
        )
    if as_json:
        show_json(found)
        return
    rows = [(_name(one), one.credits_used, one.request_count) for one in found.groups]
    title = f"{found.start:%Y-%m-%d} to {found.end:%Y-%m-%d} (UTC)"
    show_table((f"{by}…", "credits", "charges"), rows, title=title)
    say(f"{found.credits_used:,} credits in {found.request_count:,} charges", "bold")


def export(
    context: typer.Context,
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="The CSV file; it is replaced when all is there.")
    ],
    user: UserFilter = None,
    service: ServiceFilter = None,
    start: Start = None,
    end: End = None,
    org: Org = None,
    as_json: AsJson = False,
) -> None:
    """Write all charges and refunds to a CSV file, whole or not at all."""
    if not path.parent.is_dir():
        message = f"{path.parent} is no folder."
        raise typer.BadParameter(message)
    with session_of(context).client(org) as client, progress() as bar:
        task = bar.add_task("Exporting", total=None, done="")

        def show(size: int) -> None:
            bar.update(task, done=f"{size / 1_000_000:.1f} MB")

        size = client.export_usage(
            path,
            user_id=None if user is None else user_id(client, user),
            service=service,
            start=start,
            end=end,
            on_progress=show,
        )
    if as_json:
        show_json({"path": path, "bytes": size})
        return
    say(f"Wrote {path}: {size:,} bytes.", "green")


def row_of(one: Usage, emails: dict[str, str]) -> tuple[object, ...]:
    """A row of the table of usage."""
    moment: datetime = one.created_at
    who = emails.get(one.user_id, one.user_id)
    return moment, one.service_name, one.credits_used, one.remaining_credits, who


def _name(group: UsageGroup) -> object:
    return group.date or group.service_name or group.user_email or group.user_id
