"""The pages of the command line, the decorators and the journal say what the code does."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import typer
from orgbilling_client import Client
from orgbilling_client.cli.app import app
from orgbilling_client.cli.connection import ENVIRONMENT, FLAGS
from orgbilling_client.cli.failing import ExitCode
from orgbilling_client.cli.profiles import FIELDS
from orgbilling_client.decorating.plan import REPEAT_WITHIN, SERVER_ERRORS, TTL_SECONDS, Plan

from tests.client.cast import Cast
from tests.docs.markdown import ROOT, blocks, rows, section

CLI = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
DECORATORS = (ROOT / "docs/python-decorators.md").read_text(encoding="utf-8")
JOURNAL = (ROOT / "docs/python-journal.md").read_text(encoding="utf-8")
#: Said of all commands, above the table.
EVERYWHERE = {"--org", "--json", "--help"}


def commands(group: Any, before: str = "") -> dict[str, Any]:
    """Every command by its full name."""
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        full = f"{before} {name}".strip()
        found |= commands(command, full) if hasattr(command, "commands") else {full: command}
    return found


def test_every_command_is_in_the_table_with_its_help_and_options() -> None:
    known = commands(typer.main.get_command(app))
    table = list(rows(section(CLI, "## Commands")))
    named = []
    for usage, help_, options in table:
        words = usage.strip("`").split()
        name = " ".join(word for word in words if word.islower())
        command = known[name]
        named.append(name)
        asked = [one.metavar for one in command.params if one.param_type_name == "argument"]
        assert words[len(name.split()) :] == asked, name
        first = re.match(r".*?\.(?=\s|$)", " ".join((command.help or "").split()))
        assert first is not None, name
        assert help_ == first[0], name
        taken = {
            next(text for text in one.opts if text.startswith("--"))
            for one in command.params
            if one.param_type_name == "option"
        }
        listed = set(re.findall(r"`(--[\w-]+)`", options))
        assert listed - EVERYWHERE == taken - EVERYWHERE, name
    assert named == list(known)


def test_every_exit_code_is_in_the_table() -> None:
    table = list(rows(section(CLI, "## For scripts")))
    assert [int(code) for code, _ in table] == [code.value for code in ExitCode]


def test_every_setting_is_in_the_table() -> None:
    table = list(rows(section(CLI, "## Settings")))
    said = {name.strip("`"): (flag, variable) for _, flag, variable, name in table}
    profile = said.pop("profile")
    assert profile == ("`--profile`", "`ORGBILLING_PROFILE`")
    assert said == {name: (f"`{FLAGS[name]}`", f"`{ENVIRONMENT[name]}`") for name in FIELDS}


def test_every_argument_of_the_decorators_is_in_the_table() -> None:
    table = {
        name.strip("`"): default for name, _, default in rows(section(DECORATORS, "## Arguments"))
    }
    assert table.keys() == {"client", *Plan.__dataclass_fields__}
    assert table["ttl_seconds"] == str(TTL_SECONDS)
    assert table["free_statuses"] == f"{SERVER_ERRORS[0]} to {SERVER_ERRORS[-1]}"
    assert table["repeat_within"] == f"{REPEAT_WITHIN.total_seconds() / 3600:.0f} hours"


def ran(program: str, cast: Cast, folder: Path) -> str:
    """What a program prints that has the environment of the page's reader."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={
            **os.environ,
            "ORGBILLING_URL": cast.url,
            "ORGBILLING_API_KEY": cast.key,
            "ORGBILLING_ORG_ID": cast.org_id,
            "PYTHONPATH": str(ROOT / "clients/python/src"),
        },
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def block_of(page: str, heading: str) -> str:
    (block,) = blocks(section(page, heading)) if heading else blocks(page)
    assert block.language == "python"
    return block.text


def test_the_block_of_the_journal_runs(cast: Cast, client: Client, tmp_path: Path) -> None:
    program = f"user_id = {cast.user_id!r}\n{block_of(JOURNAL, '')}"
    assert ran(program, cast, tmp_path) == "9950 credits are left\n"
    assert ran(program, cast, tmp_path) == "9950 credits are left\n"
    assert [row.credits_used for row in client.usage()] == [50]


def test_the_block_of_fastapi_runs(cast: Cast, client: Client, tmp_path: Path) -> None:
    call = f"""
import asyncio, httpx

async def called():
    transport = httpx.ASGITransport(app)
    async with client, httpx.AsyncClient(transport=transport, base_url="http://app") as caller:
        headers = {{"X-User": {cast.user_id!r}}}
        return await caller.post("/enrich?domain=acme.example", headers=headers)

print(asyncio.run(called()).json()["name"])
"""
    assert ran(block_of(DECORATORS, "## FastAPI") + call, cast, tmp_path) == "Acme\n"
    assert [row.service_name for row in client.usage()] == ["company_enrichment"]


def test_the_block_of_django_runs(cast: Cast, client: Client, tmp_path: Path) -> None:
    begin = "from django.conf import settings\nsettings.configure(ALLOWED_HOSTS=['*'])\n"
    call = f"""
from django.test import RequestFactory

with client:
    request = RequestFactory().get("/lookup", headers={{"X-User": {cast.user_id!r}}})
    print(lookup(request, name="Ada").content.decode())
"""
    program = begin + block_of(DECORATORS, "## Django") + call
    assert ran(program, cast, tmp_path) == '{"name": "Ada"}\n'
    assert [row.service_name for row in client.usage()] == ["contact_lookup"]
