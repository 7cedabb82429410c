"""Events of many at once: the lines that they would have one by one, whatever is in them and whoever handles them."""

import json
import logging
from contextlib import contextmanager
from uuid import UUID

import pytest
import structlog

from orgbilling import env
from orgbilling.lib.logs.console import ConsoleFormatter
from orgbilling.lib.logs.context import bound
from orgbilling.lib.logs.each import info_each
from orgbilling.lib.logs.events import FIELDS, source_of
from orgbilling.lib.logs.handling import LineHandler
from orgbilling.lib.logs.redacting import LENGTH_MAX
from orgbilling.lib.logs.rendering import JsonFormatter
from tests.logs.kept import Kept

logger = structlog.stdlib.get_logger(__name__)
TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.c2lnbmF0dXJlLWJ5dGVz"  # pragma: allowlist secret
ORDINARY = {
    "org_id": [UUID(int=1), UUID(int=2), UUID(int=3)],
    "service": ["a", "b c", "é名前"],
    "credits": [1, 2, 2**63 - 1],
    "replayed": [True, False, True],
    "overage": [None, None, None],
}


@contextmanager
def alone(formatter=None, level=logging.INFO):
    """Have this module's logger say everything to one handler of ours, and to nobody else; what that was given.

    Within the test: before it pytest looks for loggers whose records don't reach the root's handlers, to add its own.
    """
    writer = Kept()
    source = source_of(logger)
    handlers, source.handlers = source.handlers, [LineHandler(formatter or JsonFormatter(), writer)]
    source.propagate = False
    source.setLevel(level)
    try:
        yield writer
    finally:
        source.handlers, source.propagate = handlers, True
        source.setLevel(logging.NOTSET)


def without_moment(lines):
    documents = [json.loads(line) for line in lines]
    for document in documents:
        assert document.pop("timestamp").endswith("Z")
    return [json.dumps(document) for document in documents]


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"overage": [5, 6, 7]},
        {"overage": [None, 6, None]},
        {"service": ["a", "b\nc", "d"]},
        {"service": ["a", "invoice:17", "d=e"]},
        {"service": ["a", f"token {TOKEN}", "d"]},
        {"service": ["obk_", "0123456789abcdefghij", "d"]},
        {"service": ["a", "alice@example.com", "d"]},
        {"service": ["a", "so a plain old phrase", "d"]},
        {"service": ["so a plain", " old", " phrase"]},
        {"service": ["a", "x" * (LENGTH_MAX + 1), "d"]},
        {"service": ["a", "\ud800", "d"]},
        {"service": ["a", 5, None]},
        {"service": [1.5, float("nan"), {"password": "hunter2"}]},
        {"credits": [1, 2**64, 3]},
        {"password": ["hunter1", "hunter2", "hunter3"]},
        {"request_id": ["own", "of", "each"]},
    ],
    ids=str,
)
def test_the_lines_are_those_of_each(monkeypatch, changed):
    monkeypatch.setattr(env, "SECRETS", {"a plain old phrase"})
    columns = ORDINARY | changed
    with alone() as together, bound(request_id="of all"):
        info_each(logger, "thing.done", **columns)
    with alone() as apart, bound(request_id="of all"):
        for values in zip(*columns.values(), strict=True):
            logger.info("thing.done", **dict(zip(columns, values, strict=True)))
    assert len(together.lines) == 3
    assert without_moment(together.lines) == without_moment(apart.lines)


def test_ordinary_lines_make_no_record_each(monkeypatch):
    monkeypatch.setattr(LineHandler, "emit", lambda *_: pytest.fail("a record of its own"))
    with alone() as writer:
        info_each(logger, "thing.done", **ORDINARY)
    assert [event["credits"] for event in writer.events] == ORDINARY["credits"]
    assert len({event["timestamp"] for event in writer.events}) == 1


def test_nothing_known_of_any_is_a_line_each():
    with alone() as writer:
        info_each(logger, "thing.done", overage=[None, None])
    assert [event["event"] for event in writer.events] == ["thing.done"] * 2


def test_of_none_there_is_no_line():
    with alone() as writer:
        info_each(logger, "thing.done", org_id=[], service=[])
    assert writer.lines == []


def test_lines_for_people_are_those_of_each():
    with alone(ConsoleFormatter(colors=False)) as writer:
        info_each(logger, "thing.done", **ORDINARY)
    assert [b"thing.done" in line for line in writer.lines] == [True] * 3


def test_another_handler_gets_a_record_for_each(caplog):
    with alone() as writer:
        source_of(logger).addHandler(caplog.handler)
        info_each(logger, "thing.done", number=[1, 2], unknown=[None, None])
    assert [getattr(record, FIELDS) for record in caplog.records] == [{"number": 1}, {"number": 2}]
    assert [event["number"] for event in writer.events] == [1, 2]


def test_a_filter_of_the_logger_sees_a_record_for_each():
    source = source_of(logger)

    def odd(record):
        return getattr(record, FIELDS)["number"] % 2 == 1

    source.addFilter(odd)
    try:
        with alone() as writer:
            info_each(logger, "thing.done", number=[1, 2, 3])
    finally:
        source.removeFilter(odd)
    assert [event["number"] for event in writer.events] == [1, 3]


def test_what_is_below_the_level_is_not_said():
    with alone(level=logging.WARNING) as of_the_logger:
        info_each(logger, "thing.done", number=[1])
    with alone() as of_the_handler:
        source_of(logger).handlers[0].setLevel(logging.WARNING)
        info_each(logger, "thing.done", number=[1])
    assert of_the_logger.lines == of_the_handler.lines == []


def test_columns_of_different_lengths_are_a_mistake():
    with alone() as writer:
        with pytest.raises(ValueError, match="zip"):
            info_each(logger, "thing.done", number=[1, 2], service=["a"])
        with pytest.raises(ValueError, match="zip"):
            info_each(logger, "thing.done", number=[1, 2], service=[1.5])
    assert writer.lines == []
