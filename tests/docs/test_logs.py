"""docs/logs.md lists exactly the events that the code logs, with their fields."""

import ast
import re
from collections.abc import Iterator

from orgbilling.lib.logs.jobs import JOB_EVENTS
from tests.docs.markdown import ROOT, codes

PAGE = (ROOT / "docs" / "logs.md").read_text(encoding="utf-8")
LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
NAME = re.compile(r"[a-z_]+\.[a-z_]+")
# Said by the handler and the formatter themselves, of which the last in Django's place.
OF_THE_LOGS = {
    "logs.dropped": {"count"},
    "logs.unreadable": {"error", "place"},
    "request.csrf_refused": {"reason"},
}


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Each call of a logger's method, of ``after_commit`` with one, or of ``info_each``; and where it is."""
    for package in ("orgbilling", "organizations", "credits", "billing"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and (said(node) or delayed(node) or of_many(node)):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def said(call: ast.Call) -> bool:
    function = call.func
    return (
        isinstance(function, ast.Attribute)
        and function.attr in LEVELS
        and isinstance(function.value, ast.Name)
        and function.value.id in {"logger", "log"}
    )


def delayed(call: ast.Call) -> bool:
    later = call.args[0] if call.args else None
    return (
        isinstance(call.func, ast.Name)
        and call.func.id == "after_commit"
        and isinstance(later, ast.Attribute)
        and isinstance(later.value, ast.Name)
        and later.value.id == "logger"
    )


def of_many(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id == "info_each"


def name_of(call: ast.Call) -> object:
    # The level, what is called later, or the logger comes first.
    first = int(delayed(call) or of_many(call) or getattr(call.func, "attr", "") == "log")
    node = call.args[first] if len(call.args) == first + 1 else None
    return node.value if isinstance(node, ast.Constant) else None


def logged() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for _place, call in calls():
        fields = {word.arg for word in call.keywords if word.arg} - {"exc_info"}
        told = {word.arg: word.value for word in call.keywords}
        if getattr(call.func, "attr", "") == "exception" or "exc_info" in told:
            fields.add("exception")
        found.setdefault(str(name_of(call)), set()).update(fields)
    return found


def of_jobs() -> dict[str, set[str]]:
    common = {"job_id", "task", "queue", "attempt", "org_id"}
    ended = common | {"duration_ms", "retried"}
    fields = {
        "job.started": common,
        "job.finished": ended,
        "job.failed": ended | {"exception"},
        "job.aborted": ended | {"exception"},
    }
    assert set(fields) == set(JOB_EVENTS.values())
    return fields


def documented() -> dict[str, set[str]]:
    found = {}
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 3:
            (name,) = codes(cells[0])
            assert name not in found, f"{name} is listed twice"
            found[name] = set(codes(cells[2]))
    return found


def test_every_event_has_a_name_and_fields_not_a_sentence() -> None:
    nameless = [place for place, call in calls() if not NAME.fullmatch(str(name_of(call)))]
    assert nameless == []


def test_the_page_lists_exactly_what_is_logged() -> None:
    assert documented() == logged() | of_jobs() | OF_THE_LOGS


def test_no_module_of_ours_logs_past_structlog() -> None:
    past = [
        str(path.relative_to(ROOT))
        for package in ("orgbilling", "organizations", "credits", "billing")
        for path in sorted((ROOT / package).rglob("*.py"))
        if "getLogger" in path.read_text(encoding="utf-8")
    ]
    assert past == []
