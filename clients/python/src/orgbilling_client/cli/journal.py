"""Commands about a local journal: what waits in it, and sending that."""

from pathlib import Path
from typing import Annotated

import typer

from orgbilling_client.cli.arguments import AsJson, session_of
from orgbilling_client.cli.failing import ExitCode
from orgbilling_client.cli.output import printable, say, show_json, show_table, tell
from orgbilling_client.cli.profiles import BadSettings
from orgbilling_client.cli.session import Session
from orgbilling_client.errors import TransportError
from orgbilling_client.journal import Entry, Journal, State
from orgbilling_client.journal import replay as replay_journal

app = typer.Typer(
    name="journal",
    help="Charges that a service has kept because they could not be made.",
    no_args_is_help=True,
)

JournalPath = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        metavar="PATH",
        help="The journal's file; else ORGBILLING_JOURNAL or the profile's.",
        show_default=False,
    ),
]
Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The entry's number.")]
COLUMNS = ("number", "state", "kept (UTC)", "call", "what…", "tries", "reason…")


@app.command("list")
def list_(
    context: typer.Context,
    state: Annotated[
        State | None, typer.Option(help="Only these.", show_default=False, case_sensitive=False)
    ] = None,
    path: JournalPath = None,
    as_json: AsJson = False,
) -> None:
    """Show what is kept, oldest first. With --json one entry a line."""
    with _opened(session_of(context), path) as journal:
        entries = journal.entries(state)
    if as_json:
        for one in entries:
            show_json(_document(one))
        return
    if not entries:
        say("Nothing is kept.")
        return
    show_table(COLUMNS, [_row(one) for one in entries])


@app.command()
def replay(
    context: typer.Context,
    path: JournalPath = None,
    as_json: AsJson = False,
) -> None:
    """Make the calls that are kept, in order. Exits with 1 when some were refused, 3 when some are left."""
    session = session_of(context)
    with _opened(session, path) as journal, session.client() as client:
        done = replay_journal(journal, client)
    if as_json:
        show_json(
            {
                "delivered": done.delivered,
                "refused": done.refused,
                "left": done.left,
                "stopped_by": None if done.stopped_by is None else str(done.stopped_by),
            }
        )
    else:
        say(f"Delivered {done.delivered:,}, refused {done.refused:,}, left {done.left:,}.")
    if done.stopped_by is not None:
        tell(f"Stopped: {printable(str(done.stopped_by))}", "red")
        is_away = isinstance(done.stopped_by, TransportError) or done.stopped_by.may_have_acted
        raise typer.Exit(ExitCode.UNREACHABLE if is_away else ExitCode.REFUSED)
    if done.refused:
        tell("What was refused stays: `orgbilling journal list --state refused`.", "yellow")
        raise typer.Exit(ExitCode.REFUSED)


@app.command()
def retry(context: typer.Context, number: Number, path: JournalPath = None) -> None:
    """Let a refused call be sent again at the next replay, as after a top-up."""
    with _opened(session_of(context), path) as journal:
        entry = journal.retry(number)
    say(f"Entry {entry.number} is sent at the next replay, with the key {entry.key}.", "green")


@app.command()
def dismiss(
    context: typer.Context,
    number: Number,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept with it.")],
    path: JournalPath = None,
) -> None:
    """Never send a refused call. It stays in the journal, with the reason."""
    with _opened(session_of(context), path) as journal:
        entry = journal.dismiss(number, reason)
    say(f"Entry {entry.number} is never sent.", "green")


def _opened(session: Session, path: Path | None) -> Journal:
    found = session.connection
    named = found.needed(found.setting("journal", None if path is None else str(path)))
    if not Path(named).expanduser().is_file():
        message = f"There is no journal at {named}."
        raise BadSettings(message)
    return Journal(Path(named).expanduser())


def _row(one: Entry) -> tuple[object, ...]:
    said = one.call.document
    amount = said.get("credits", said.get("quantity"))
    what = " ".join(
        str(part)
        for part in (
            said.get("service_name") or said.get("usage_id") or said.get("hold_id"),
            "" if amount is None else amount,
        )
        if part != ""
    )
    return one.number, one.state, one.kept_at, one.call.operation, what, one.attempts, one.reason


def _document(one: Entry) -> dict[str, object]:
    return {
        "number": one.number,
        "state": one.state,
        "operation": one.call.operation,
        "arguments": one.call.document,
        "key": one.key,
        "kept_at": one.kept_at,
        "attempts": one.attempts,
        "tried_at": one.tried_at,
        "reason": one.reason,
        "problem": one.problem,
    }
