"""A page as a list of steps: what is to be done with each fenced block."""

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.docs.markdown import FENCE

SHELL = {"bash", "sh"}
RUN = {*SHELL, "python", "sql"}
READ = {"text", "http", "json", "ini", "toml", "yaml"}
PRINTED = {"text", "http", "json"}
#: What starts the service, perhaps with settings.
START = re.compile(r"((?:[A-Z][A-Z0-9_]*=\S* )*)make run\n")
FILE_NAME = re.compile(r"# ([\w./-]+\.py)\n")
TICKS = re.compile(r"^[ >]*(?:`{3}|~{3})", re.MULTILINE)
SETTING = re.compile(r"([A-Z][A-Z0-9_]*)=(.*)")


class NotRunnable(Exception):
    """A block that no rule says what to do with, or that breaks the rule."""


@dataclass(frozen=True, slots=True)
class Step:
    """A block that is run, with what it has to print; `file` is where a block is saved instead of being run."""

    line: int
    language: str
    text: str
    printed: str = ""
    printed_as: str = "text"
    file: str = ""


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block and the line of the page on which it begins."""

    line: int
    language: str
    text: str


def fences(page: str) -> list[Fence]:
    """Return the blocks of a page in order.

    Raises:
        NotRunnable: a fence that isn't closed, is indented or says more than a language.
    """
    found = [
        Fence(page.count("\n", 0, match.start()) + 1, match[1], match[2])
        for match in FENCE.finditer(page)
    ]
    inside = "".join(fence.text for fence in found)
    if len(TICKS.findall(page)) - len(TICKS.findall(inside)) != 2 * len(found):
        raise NotRunnable("A fence is not closed, indented, or has more than a language behind it.")
    return found


def steps(page: str, elsewhere: frozenset[str] = frozenset()) -> list[Step]:
    """Return what is to be run, in order, and check what isn't.

    `elsewhere` are whole texts of blocks that other tests look after.

    Raises:
        NotRunnable: a language without a rule, or a block that breaks its language's rule.
    """
    found: list[Step] = []
    before: Fence | None = None
    for fence in fences(page):
        if fence.text in elsewhere:
            before = None
            continue
        if fence.language in RUN:
            found.append(_run(fence))
        elif before is not None and fence.language in PRINTED and before.language in RUN:
            last = found[-1]
            found[-1] = Step(last.line, last.language, last.text, fence.text, fence.language)
        else:
            _read(fence)
        before = fence
    _files_are_used(found)
    return found


def settings(page: str) -> dict[str, str]:
    """Return the settings that a page gives to the service: in `ini` blocks, or before `make run`."""
    given: dict[str, str] = {}
    for fence in fences(page):
        started = START.fullmatch(fence.text) if fence.language in SHELL else None
        if started is not None:
            given |= dict(word.split("=", 1) for word in started[1].split())
        elif fence.language == "ini":
            given |= _settings(fence)
    return given


def _run(fence: Fence) -> Step:
    named = FILE_NAME.match(fence.text) if fence.language == "python" else None
    return Step(fence.line, fence.language, fence.text, file=named[1] if named else "")


def _files_are_used(found: list[Step]) -> None:
    for number, step in enumerate(found):
        later = "".join(one.text for one in found[number:] if one.language in SHELL)
        if step.file and Path(step.file).name not in later:
            raise NotRunnable(f"Line {step.line}: no later block runs {step.file}.")


def _read(fence: Fence) -> None:
    """Check a block that is shown and not run."""
    try:
        match fence.language:
            case "json":
                json.loads(fence.text)
            case "toml":
                tomllib.loads(fence.text)
            case "yaml":
                yaml.safe_load(fence.text)
            case "ini":
                _settings(fence)
            case "http":
                _message(fence.text)
            case language:
                raise NotRunnable(
                    f"Line {fence.line}: there is no rule for this {language!r} block."
                )
    except (ValueError, yaml.YAMLError) as error:
        raise NotRunnable(f"Line {fence.line}: {error}") from error


def _settings(fence: Fence) -> dict[str, str]:
    lines = [line for line in fence.text.splitlines() if line and not line.startswith("#")]
    matches = [SETTING.fullmatch(line) for line in lines]
    if None in matches:
        raise NotRunnable(f"Line {fence.line}: a line that is no NAME=value.")
    return {match[1]: match[2] for match in matches if match is not None}


def _message(text: str) -> None:
    """Raise ValueError unless it is a request or an answer as HTTP/1.1 writes it, with JSON if with a body."""
    head, _, body = text.partition("\n\n")
    first, *fields = head.splitlines()
    if not re.fullmatch(r"[A-Z]+ \S+ HTTP/1\.1|HTTP/1\.1 \d{3} .+", first):
        raise ValueError("no request line and no status line")
    if not all(re.fullmatch(r"[\w-]+: .+", field) for field in fields):
        raise ValueError("a line that is no header")
    if body:
        json.loads(body)
