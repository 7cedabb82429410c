"""docs/troubleshooting.md: its commands are understood, its queries run, and what messages it names are the code's."""

import re
import shlex

import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.db import connection

from orgbilling.web.problems import PROBLEMS
from tests.docs.markdown import PAGES, ROOT, blocks, codes, rows, section

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
TEXT = re.sub(r"^ {1,3}", "", PAGE, flags=re.MULTILINE)
QUERIES = [block.text for block in blocks(TEXT) if block.language == "sql"]
COMMANDS = sorted(
    {
        command.strip()
        for page in PAGES
        for command in re.findall(
            r"python manage\.py ([a-z_][^`\n>|]*)",
            page.read_text(encoding="utf-8").replace("\\\n", " "),
        )
    }
)
#: Answers of the API that have no entry of their own: what to do is all in the problem.
SELF_EVIDENT = {400, 404, 405, 406, 409, 413, 415}


def parsed(command: str) -> None:
    """Let the command's own parser read the arguments.

    Raises:
        CommandError: it doesn't understand them.
    """
    name, *arguments = shlex.split(command)
    home = get_commands()[name]
    found = home if isinstance(home, BaseCommand) else load_command_class(home, name)
    found.create_parser("manage.py", name).parse_args(arguments)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_understood(command: str) -> None:
    parsed(command)


def test_there_are_commands_and_queries() -> None:
    assert len(QUERIES) > 8
    assert len(COMMANDS) > 8


@pytest.mark.django_db
@pytest.mark.parametrize("query", QUERIES)
def test_a_query_runs_and_changes_nothing(query: str) -> None:
    assert query.startswith("SELECT ")
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute(query)
        assert cursor.description is not None


def test_every_code_that_is_not_self_evident_is_there() -> None:
    said = section(PAGE, "## Answers of the API")
    missing = [
        code
        for code, problem in PROBLEMS.items()
        if problem.status not in SELF_EVIDENT and str(problem.status) not in said
    ]
    assert missing == []
    named = set(re.findall(r"`([a-z]+_[a-z_]+)`", said))
    assert {"outcome_unknown", "database_unavailable", "idempotency_key_reused"} <= named


def test_what_a_start_says_is_said_by_the_code() -> None:
    sources = "\n".join(path.read_text() for path in sorted((ROOT / "orgbilling").rglob("*.py")))
    messages = [
        code for row in rows(section(PAGE, "## It doesn't start")) for code in codes(row[0])
    ]
    parts = [
        part.strip() for message in messages for part in re.split(r"…|NAME(?:_FILE)?", message)
    ]
    assert len(parts) > 8
    assert [part for part in parts if part and part not in sources] == []
