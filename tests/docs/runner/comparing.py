"""What was printed, compared with what the page says."""

import json
import re
from typing import Any

ANYTHING = "…"
#: What differs from run to run, and what stands for it in both texts.
VARYING = (
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)"), "<time>"),
    (re.compile(r"\b(obk_|whsec_)[\w+/=-]+"), r"\1<secret>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<request id>"),
    (re.compile(r"\bacme-\d+\b"), "acme-<number>"),
)


def steady(text: str) -> str:
    """Return the text with the same in place of whatever differs from run to run."""
    for pattern, name in VARYING:
        text = pattern.sub(name, text)
    return text


def same(printed: str, promised: str, language: str) -> bool:
    """Tell whether a block printed what the page says it prints."""
    printed, promised = steady(printed), steady(promised)
    if language == "json":
        try:
            return _same_value(json.loads(printed), json.loads(promised))
        except ValueError:
            return False
    return re.fullmatch(_pattern(promised), printed) is not None


def _pattern(promised: str) -> str:
    lines = []
    for line in promised.splitlines(keepends=True):
        if line.strip() == ANYTHING:
            lines.append(r"(?:.*\n)*")
        else:
            lines.append("[^\n]*".join(re.escape(part) for part in line.split(ANYTHING)))
    return "".join(lines)


def _same_value(printed: Any, promised: Any) -> bool:
    if promised == ANYTHING:
        return True
    if isinstance(promised, dict) and isinstance(printed, dict):
        return printed.keys() == promised.keys() and all(
            _same_value(printed[name], value) for name, value in promised.items()
        )
    if isinstance(promised, list) and isinstance(printed, list):
        return len(printed) == len(promised) and all(map(_same_value, printed, promised))
    if isinstance(promised, str) and isinstance(printed, str):
        return re.fullmatch(_pattern(promised), printed) is not None
    return type(printed) is type(promised) and bool(printed == promised)
