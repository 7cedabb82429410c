"""`make schema-docs`: writes docs/schema.md from the catalogue of a freshly migrated database.

Structure comes from PostgreSQL itself; what things mean comes from the models' docstrings and help texts, and from
the headers of the SQL files.
"""

import difflib
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import connection, models

from orgbilling.lib.sqlfiles import ROOT

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "schema.md"
DIFFERENCE_LINES_MAX = 60
APPS = {
    "organizations": "who: people, organizations, keys",
    "credits": "the ledger",
    "billing": "money",
}
# PostgreSQL writes them everywhere; they say nothing.
CASTS_OF_TEXTS = re.compile(r"::(?:character varying(?:\(\d+\))?|text)(?:\[\])?")
INTRODUCTION = """# Schema

Every table, view, function and trigger of the service, as PostgreSQL's catalogue has them after all migrations.
`make schema-docs` writes this page and `make check` compares it: don't edit it. What the rows mean together, the
equations that they obey and the order of locks are in [the ledger](ledger.md).

Times are `timestamptz`, credits are `bigint`, money is `numeric` with its currency beside it. Tables of Django and of
procrastinate, the library of jobs, are left out, and so are casts of texts in what is always true of a row.
"""

COLUMNS = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated <> '',
           pg_get_expr(d.adbin, d.adrelid)
    FROM pg_attribute a
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
CONSTRAINTS = """
    SELECT conname, contype::text, pg_get_constraintdef(oid), condeferrable, confrelid::regclass::text
    FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('p', 'u', 'f', 'c')
    ORDER BY array_position(ARRAY['p', 'u', 'f', 'c'], contype::text), conname
"""
INDEXES = """
    SELECT c.relname, i.indisunique, regexp_replace(pg_get_indexdef(c.oid), '^.* USING ', '')
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = %s::regclass
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = c.oid AND contype IN ('p', 'u'))
    ORDER BY c.relname
"""
TRIGGERS = """
    SELECT tgname, tgtype, tgfoid::regproc::text FROM pg_trigger
    WHERE tgrelid = %s::regclass AND NOT tgisinternal ORDER BY tgname
"""
RELATIONS = """
    SELECT DISTINCT conrelid::regclass::text, confrelid::regclass::text,
           (SELECT string_agg(attname, ', ' ORDER BY k.place)
            FROM unnest(conkey) WITH ORDINALITY AS k (number, place)
            JOIN pg_attribute ON attrelid = conrelid AND attnum = k.number)
    FROM pg_constraint WHERE contype = 'f' ORDER BY 1, 2, 3
"""
FUNCTIONS = """
    SELECT p.proname, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)
    FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace ORDER BY p.proname
"""


def drift(*, write: bool) -> list[str]:
    """Compares the page with the database, or writes it; returns complaints."""
    text = page()
    committed = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    if write:
        PAGE.write_text(text, encoding="utf-8")
    if write or committed == text:
        return []
    difference = difflib.unified_diff(
        committed.splitlines(), text.splitlines(), "docs/schema.md", "database", lineterm=""
    )
    shown = list(difference)[:DIFFERENCE_LINES_MAX]
    return ["\n".join(shown), "Bring docs/schema.md up to date with: make schema-docs"]


def page() -> str:
    """The whole page, of the database that Django is connected to."""
    parts = [INTRODUCTION, *_diagram()]
    for app, title in APPS.items():
        parts.append(f"## Tables of `{app}`: {title}\n")
        for model in _models(app, managed=True):
            parts.extend(_table(model))
    parts.append("## Views\n")
    for app in APPS:
        for model in _models(app, managed=False):
            parts.extend(_view(model))
    parts.extend(_functions())
    return "\n".join(parts).rstrip() + "\n"


def _models(app: str, *, managed: bool) -> list[type[models.Model]]:
    found = [one for one in apps.get_app_config(app).get_models() if one._meta.managed is managed]
    return sorted(found, key=lambda model: model._meta.db_table)


def _diagram() -> Iterator[str]:
    ours = {model._meta.db_table for app in APPS for model in _models(app, managed=True)}
    yield "## Diagram\n\nWhich table's rows name a row of which other; each line is a foreign key.\n"
    yield "```mermaid\nerDiagram"
    for table, named, columns in _rows(RELATIONS):
        if table in ours and named in ours:
            yield f'    {named} ||--o{{ {table} : "{columns}"'
    yield "```\n"


def _table(model: type[models.Model]) -> Iterator[str]:
    table = model._meta.db_table
    yield f"### `{table}`\n\n{_docstring(model)}\n"
    yield "| column | type | |\n|---|---|---|"
    fields = {field.column: field for field in model._meta.concrete_fields}
    for name, kind, required, generated, default in _rows(COLUMNS, table):
        said = [] if required else ["may be null"]
        if default is not None:
            said.append(f"{'generated' if generated else 'default'} {_code(default)}")
        said.extend(_meaning(fields.get(name)))
        yield f"| `{name}` | {kind} | {'; '.join(said)} |"
    yield ""
    yield from _rules(table)


def _meaning(field: Any) -> Iterator[str]:
    if field is None:
        return
    if field.help_text:
        yield str(field.help_text).rstrip(".").replace("|", "\\|").replace("<", "&lt;")
    if field.choices:
        yield "one of " + ", ".join(f"`{value}`" for value, _label in field.flatchoices)


def _rules(table: str) -> Iterator[str]:
    rules = [*_constraints(table), *_indexes(table), *_triggers(table)]
    if rules:
        yield "\n".join(["| rule | is |\n|---|---|", *rules, ""])


def _constraints(table: str) -> Iterator[str]:
    for name, kind, definition, deferrable, named in _rows(CONSTRAINTS, table):
        columns = definition.partition("(")[2].partition(")")[0]
        late = ", checked at the commit" if deferrable else ""
        if kind == "f":
            yield f"| `{name}` | ({columns}) names a row of `{named}`, which stays{late} |"
        elif kind == "c":
            yield f"| `{name}` | always {_code(definition.removeprefix('CHECK '))} |"
        else:
            yield f"| `{name}` | no two rows have the same ({columns}){late} |"


def _indexes(table: str) -> Iterator[str]:
    for name, unique, definition in _rows(INDEXES, table):
        way, _, rest = definition.partition(" ")
        columns, _, where = rest.partition(" WHERE ")
        among = f", among rows where {_code(where)}" if where else ""
        if unique:
            yield f"| `{name}` | no two rows have the same {_code(columns)}{among} |"
        else:
            yield f"| `{name}` | index ({way}) on {_code(columns)}{among} |"


def _triggers(table: str) -> Iterator[str]:
    for name, kind, function in _rows(TRIGGERS, table):
        when = "before" if kind & 2 else "after"
        events = {4: "insert", 16: "update", 8: "delete", 32: "truncate"}
        what = " or ".join(word for bit, word in events.items() if kind & bit)
        yield f"| `{name}` | trigger {when} {what}: `{function.removeprefix('public.')}` |"


def _view(model: type[models.Model]) -> Iterator[str]:
    view = model._meta.db_table
    says = textwrap.fill(_header("views", view), 118, break_on_hyphens=False)
    yield f"### `{view}`\n\n{says or _docstring(model)}\n"
    yield "| column | type |\n|---|---|"
    for name, kind, *_ in _rows(COLUMNS, view):
        yield f"| `{name}` | {kind} |"
    yield ""


def _functions() -> Iterator[str]:
    yield "## Functions\n"
    yield "What each locks and which errors it raises is in [the ledger](ledger.md#functions).\n"
    yield "| function | takes | gives | does |\n|---|---|---|---|"
    for name, arguments, result in _rows(FUNCTIONS):
        does = _header("functions", name) or _header("triggers", name)
        if does:
            takes = ", ".join(f"`{one}`" for one in arguments.split(", ") if one)
            gives = _code(result.replace("TABLE", "rows of ", 1))
            yield f"| `{name}` | {takes} | {gives} | {_first(does)} |"


def _header(kind: str, name: str) -> str:
    """What the newest file of an object says above it, without its locks and errors."""
    files = sorted(ROOT.glob(f"*/sql/{kind}/{name}_v*.sql"))
    if not files:
        return ""
    lines = files[-1].read_text(encoding="utf-8").split("CREATE OR REPLACE")[0].splitlines()
    text = " ".join(line.removeprefix("--").strip() for line in lines)
    return re.sub(r"\s*Locks: .*", "", text).strip().replace("|", "\\|")


def _first(text: str) -> str:
    return re.split(r"(?<=[.:;]) ", text, maxsplit=1)[0].rstrip(":;")


def _docstring(model: type[models.Model]) -> str:
    return re.sub(r"``([^`]*)``", r"`\1`", inspect.getdoc(model) or "")


def _code(sql: str) -> str:
    text = CASTS_OF_TEXTS.sub("", " ".join(sql.split()))
    if text.startswith("((") and text.endswith("))"):
        text = text[1:-1]
    return "`" + text.replace("|", "\\|") + "`"


def _rows(sql: str, *args: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, args or None)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
