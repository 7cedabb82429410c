"""docs/configuration.md lists exactly the variables that the code reads, with their defaults."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from django.core.management import call_command

from organizations.models import ApiKey
from tests.docs.markdown import ROOT, blocks, codes, rows, section

PAGE = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
READERS = {
    "env_str",
    "env_bool",
    "env_choice",
    "env_int",
    "env_list",
    "env_networks",
    "env_places",
    "env_secret",
}
# Read where the environment is, not through env.py, so that their defaults are not literals.
ELSEWHERE = {"DATA_DIR": ".data", "PG_BINDIR": "", "PATH": "the system's"}


class Variable(NamedTuple):
    """One variable, its default as a person would write it, and whether a file may hold it."""

    name: str
    default: str
    secret: bool


def sources() -> Iterator[Path]:
    for path in sorted((ROOT / "orgbilling").rglob("*.py")):
        if path.name not in {"bootstrap.py", "env.py"}:
            yield path
    for app in ("organizations", "credits", "billing"):
        yield from sorted((ROOT / app).rglob("*.py"))


def calls() -> Iterator[ast.Call]:
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield node


def written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, list) else str(value)


def read_by_the_code() -> set[Variable]:
    found = set()
    for call in calls():
        reader = getattr(call.func, "id", "")
        if reader in READERS:
            given = {word.arg: word.value for word in call.keywords}
            default = given.get("default") or (call.args[1] if len(call.args) > 1 else None)
            value = "" if default is None else ast.literal_eval(default)
            name = ast.literal_eval(call.args[0])
            found.add(Variable(name, written(value), reader == "env_secret"))
    return found


def read_directly() -> set[str]:
    """The names that are asked of the environment itself, by `.get` or by subscript."""
    names = set()
    for path in sources():
        text = path.read_text(encoding="utf-8")
        names |= set(re.findall(r"\benviron(?:\.get\(|\[)\s*[\"'](\w+)[\"']", text))
        names |= set(re.findall(r"\bgetenv\(\s*[\"'](\w+)[\"']", text))
    return names


def documented() -> list[Variable]:
    found = []
    for first, default, _meaning in rows(PAGE):
        (name,) = codes(first)
        value = "" if default == "empty" else "".join(codes(default)) or default
        found.append(Variable(name, value, "*secret*" in first))
    return found


def test_the_page_lists_exactly_what_the_code_reads() -> None:
    elsewhere = {Variable(name, default, secret=False) for name, default in ELSEWHERE.items()}
    listed = documented()
    assert len(listed) == len({variable.name for variable in listed})
    assert set(listed) == read_by_the_code() | elsewhere


def test_no_other_variable_is_read_past_env_py() -> None:
    assert read_directly() == set(ELSEWHERE)


def test_the_page_names_what_make_and_compose_take() -> None:
    makefile = (ROOT / "Makefile").read_text()
    taken = set(re.findall(r"^(\w+) \?=", makefile, re.MULTILINE))
    taken |= set(re.findall(r"\$\((ARGS)\)", makefile))
    compose = (ROOT / "docker-compose.yml").read_text()
    insisted = set(re.findall(r"\$\{(\w+):\?", compose))
    offered = set(re.findall(r"\$\{(\w+):-", compose))
    assert taken == {"PYTHON", "ARGS"}
    variables = {variable.name for variable in documented()}
    assert insisted <= variables
    # Those of the web server's container alone.
    own = {"WEB_DATABASE_URL", "WEB_DB_POOLER"}
    assert offered <= variables | own
    assert taken | insisted | own <= set(codes(PAGE))


@pytest.mark.django_db
def test_the_operators_key_is_made_as_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    steps = section(PAGE, "## First steps on an empty database")
    (command,) = re.findall(r"`python manage\.py (issue_api_key [^`]+)`", steps)
    call_command(*command.split())
    key = ApiKey.objects.authenticate(capsys.readouterr().out.strip())
    assert key is not None
    assert key.org_id is None


def test_the_server_is_started_as_the_image_does() -> None:
    steps = section(PAGE, "## First steps on an empty database")
    indented = re.sub(r"^   ", "", steps, flags=re.MULTILINE)
    (shown,) = [block.text for block in blocks(indented) if block.language == "bash"]
    (command,) = re.findall(
        r"^CMD \[(.*?)\]", (ROOT / "Dockerfile").read_text(), re.DOTALL | re.MULTILINE
    )
    assert shown.replace("\\\n", "").split() == re.findall(r'"([^"]+)"', command)
