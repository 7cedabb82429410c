"""The arguments and options that several commands have, and how their texts are read."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, TypedDict

import typer

from orgbilling_client.cli.session import Session

Org = Annotated[
    str | None,
    typer.Option(
        "--org",
        metavar="ORG",
        help="The organization, by name or id; else ORGBILLING_ORG_ID or the profile's.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Key = Annotated[
    str | None,
    typer.Option(
        "--idempotency-key",
        metavar="KEY",
        help="Repeat a command with its key, and it is done once.",
        show_default=False,
    ),
]
User = Annotated[str, typer.Argument(metavar="USER", help="The member, by e-mail address or id.")]
UserFilter = Annotated[
    str | None,
    typer.Option("--user", metavar="USER", help="Of this member only.", show_default=False),
]
Service = Annotated[str, typer.Argument(metavar="SERVICE", help="The name of what is charged.")]
ServiceFilter = Annotated[
    str | None,
    typer.Option("--service", metavar="SERVICE", help="Of this service only.", show_default=False),
]
Credits = Annotated[int, typer.Argument(metavar="CREDITS", min=1, help="How many credits.")]
Amount = Annotated[
    int | None,
    typer.Option("--credits", metavar="N", min=1, help="So many credits.", show_default=False),
]
Quantity = Annotated[
    int | None,
    typer.Option(
        "--quantity",
        metavar="N",
        min=1,
        help="So many of the service, at the catalogue's price; 1 without --credits.",
        show_default=False,
    ),
]
Metadata = Annotated[
    list[str] | None,
    typer.Option(
        "--metadata",
        metavar="NAME=VALUE",
        help="Kept with the charge; VALUE is JSON, or else text. May be repeated.",
        show_default=False,
    ),
]
Notes = Annotated[
    str | None, typer.Option("--notes", metavar="TEXT", help="Kept with it.", show_default=False)
]


def _moment(text: str) -> datetime:
    """A time: ``2026-11-28``, ``2026-11-28T12:00:00Z``, or ``7d``, ``12h``, ``30m`` ago."""
    ago = re.fullmatch(r"([0-9]{1,6})([dhm])", text)
    if ago is not None:
        unit = {"d": "days", "h": "hours", "m": "minutes"}[ago[2]]
        return datetime.now(UTC) - timedelta(**{unit: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = (
            f"{text!r} is no time: write 2026-11-28, 2026-11-28T12:00:00Z, or 7d, 12h, 30m ago."
        )
        raise typer.BadParameter(message) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Start = Annotated[
    datetime | None,
    typer.Option(
        "--start",
        parser=_moment,
        metavar="TIME",
        help="From this time: 2026-11-28, 2026-11-28T12:00:00Z, 7d, 12h, 30m.",
        show_default=False,
    ),
]
End = Annotated[
    datetime | None,
    typer.Option(
        "--end",
        parser=_moment,
        metavar="TIME",
        help="Up to this time, which is not in it.",
        show_default=False,
    ),
]


def session_of(context: typer.Context) -> Session:
    """The run that a command belongs to."""
    found: Session = context.obj
    return found


class Charged(TypedDict, total=False):
    """What is charged, as the client takes it."""

    credits: int
    quantity: int


def amount(credits: int | None, quantity: int | None) -> Charged:
    """What is charged: one of the service unless something else is said."""
    if credits is not None and quantity is not None:
        message = "Give either --credits or --quantity."
        raise typer.BadParameter(message)
    return {"credits": credits} if credits is not None else {"quantity": quantity or 1}


def metadata_of(pairs: list[str] | None) -> dict[str, Any] | None:
    """The metadata, from its pairs."""
    if not pairs:
        return None
    document: dict[str, Any] = {}
    for pair in pairs:
        name, mark, text = pair.partition("=")
        if not mark or not name:
            message = f"{pair!r} is no metadata: write NAME=VALUE."
            raise typer.BadParameter(message)
        try:
            document[name] = json.loads(text)
        except ValueError:
            document[name] = text
    return document
