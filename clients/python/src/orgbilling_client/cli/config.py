"""Commands about the settings: where they come from, and writing them."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from orgbilling_client.cli.arguments import AsJson, session_of
from orgbilling_client.cli.connection import Connection, Setting, masked
from orgbilling_client.cli.output import say, show_json, show_table
from orgbilling_client.cli.profiles import (
    BadSettings,
    check_name,
    config_path,
    read_profiles,
)

app = typer.Typer(
    name="config",
    help="Which service and key are used, and where each was said.",
    no_args_is_help=True,
)

DEMO_BYTES_MAX = 1_000_000


@app.command()
def show(context: typer.Context, as_json: AsJson = False) -> None:
    """Show the settings and where each comes from. Of a key only its beginning is shown."""
    found = session_of(context).connection
    settings = [_shown(one) for one in _settings(found)]
    if as_json:
        show_json(
            {
                "file": found.profiles.path,
                "profile": found.profile,
                "settings": {
                    one.name: {"value": one.value, "source": one.source or None} for one in settings
                },
            }
        )
        return
    rows = [(one.name, one.value, one.source or "not set") for one in settings]
    show_table(("setting", "value…", "source…"), rows)
    file = found.profiles.path
    say(f"file {file}{'' if file.exists() else ' (there is none)'}", "dim")
    say(f"profiles {', '.join(sorted(found.profiles.profiles)) or 'none'}", "dim")


@app.command("set")
def set_(
    profile: Annotated[
        str, typer.Argument(metavar="PROFILE", help="A new one or one that is there.")
    ],
    url: Annotated[
        str | None, typer.Option(metavar="URL", help="The service's address.", show_default=False)
    ] = None,
    org: Annotated[
        str | None,
        typer.Option(metavar="ORG", help="The organization, by name or id.", show_default=False),
    ] = None,
    journal: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="The journal's file.", show_default=False),
    ] = None,
    api_key: Annotated[
        bool,
        typer.Option(
            "--api-key",
            help="Ask for the API key; where standard input is no terminal it is read from there.",
        ),
    ] = False,
    default: Annotated[
        bool, typer.Option("--default", help="Use this profile when none is named.")
    ] = False,
) -> None:
    """Write a profile to the file of settings, which only you can read."""
    profiles = read_profiles(config_path())
    settings = profiles.profiles.setdefault(check_name(profile), {})
    given = {
        "url": url,
        "org_id": org,
        "journal": journal,
        "api_key": _asked() if api_key else None,
    }
    settings |= {name: value for name, value in given.items() if value is not None}
    if default or profiles.default is None:
        profiles.default = profile
    profiles.save()
    say(f"Wrote the profile {profile!r} to {profiles.path}.", "green")


@app.command("import-demo")
def import_demo(
    path: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="What `make run` has written: .data/demo.json."),
    ],
    profile: Annotated[str, typer.Option(metavar="NAME", help="The profile's name.")] = "demo",
    org: Annotated[
        str, typer.Option(metavar="ORG", help="The organization of the commands, by name.")
    ] = "globex",
) -> None:
    """Take the demo's address and key over, and use them from now on."""
    demo = _demo(path)
    profiles = read_profiles(config_path())
    keys = [one["key"] for one in demo["api_keys"] if one["org_id"] is None]
    profiles.profiles[check_name(profile)] = {
        "url": demo["base_url"],
        "api_key": keys[0],
        "org_id": org,
    }
    profiles.default = profile
    profiles.save()
    say(f"Wrote the profile {profile!r} to {profiles.path}. Try: orgbilling balance", "green")


def _settings(found: Connection) -> list[Setting]:
    return [found.url(), found.api_key(), found.setting("org_id"), found.setting("journal")]


def _shown(one: Setting) -> Setting:
    if one.name != "api_key" or one.value is None:
        return one
    return Setting(one.name, masked(one.value), one.source)


def _asked() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("API key", hide_input=True)).strip()
    key = sys.stdin.readline().strip()
    if not key:
        message = "No API key came on standard input."
        raise BadSettings(message)
    return key


def _demo(path: Path) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8") as file:
            demo = json.loads(file.read(DEMO_BYTES_MAX))
        known = isinstance(demo["base_url"], str) and any(
            one["org_id"] is None and isinstance(one["key"], str) for one in demo["api_keys"]
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"{path} is no file of a demo: {error}."
        raise BadSettings(message) from error
    if not known:
        message = f"{path} has no address, or no key of all organizations."
        raise BadSettings(message)
    return dict(demo)
