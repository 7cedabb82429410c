"""The command line: its commands, and the options that stand before them."""

import warnings
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from orgbilling_client import __version__
from orgbilling_client.cli import charging, config, journal, pools, tailing, usage, verifying
from orgbilling_client.cli.connection import Flags
from orgbilling_client.cli.failing import guarded
from orgbilling_client.cli.output import say, tell
from orgbilling_client.cli.session import Session

app = typer.Typer(
    name="orgbilling",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 done; 1 refused, or a difference found; 2 wrong usage or settings; 3 unreachable; "
    "4 outcome unknown: repeat with the key that is named; 130 interrupted.",
)
COMMANDS = (
    pools.balance,
    pools.add,
    pools.allocate,
    pools.reclaim,
    charging.check,
    charging.deduct,
    charging.hold,
    charging.capture,
    charging.release,
    charging.refund,
    usage.usage,
    usage.summary,
    tailing.tail,
    usage.export,
    verifying.verify,
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(journal.app, name="journal")
app.add_typer(config.app, name="config")


def _version(*, wanted: bool) -> None:
    if wanted:
        say(f"orgbilling {__version__}")
        raise typer.Exit


@app.callback()
def begin(
    context: typer.Context,
    profile: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The profile of the file of settings.", show_default=False
        ),
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The service's address.", show_default=False),
    ] = None,
    api_key_file: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="A file that holds the API key alone; - reads standard input.",
            show_default=False,
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0.1, max=600, help="How long an answer may take."),
    ] = 10.0,
    version: Annotated[  # noqa: ARG001 - it is printed by its callback
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Credits of an org-billing service: balances, charges, usage."""
    context.obj = Session(Flags(profile, url, api_key_file, timeout))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line. Returns its exit code."""

    def command() -> int:
        try:
            app(None if arguments is None else list(arguments), prog_name="orgbilling")
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 0
        return 0

    with warnings.catch_warnings():
        warnings.showwarning = _warn
        return guarded(command)


def _warn(message: Warning | str, *_where: Any, **_more: Any) -> None:
    tell(f"Warning: {message}", "yellow")
