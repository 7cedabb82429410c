"""An event of ours as a record: its level, its place, its exception, and what isn't known left out."""

import logging

import pytest
import structlog

from orgbilling.lib.logs.events import FIELDS

logger = structlog.stdlib.get_logger(__name__)


@pytest.mark.parametrize(
    ("method", "level"),
    [
        ("debug", logging.DEBUG),
        ("info", logging.INFO),
        ("warning", logging.WARNING),
        ("error", logging.ERROR),
        ("critical", logging.CRITICAL),
    ],
)
def test_every_method_has_its_level_and_names_its_caller(caplog, method, level):
    caplog.set_level(logging.DEBUG)
    getattr(logger, method)("thing.done", number=1, unknown=None)
    logger.log(level, "thing.done", number=1, unknown=None)
    for record in caplog.records:
        assert (record.name, record.levelno, record.getMessage()) == (__name__, level, "thing.done")
        assert (record.pathname, record.funcName) == (
            __file__,
            "test_every_method_has_its_level_and_names_its_caller",
        )
        assert getattr(record, FIELDS) == {"number": 1}
        assert record.exc_info is None
    assert len(caplog.records) == 2


def test_what_is_below_the_level_makes_no_record(caplog):
    caplog.set_level(logging.WARNING)
    logger.info("thing.done")
    assert caplog.records == []


def test_an_exception_comes_along_however_it_is_handed_over(caplog):
    error = ValueError("no")
    try:
        raise error
    except ValueError:
        logger.exception("thing.failed")
        logger.warning("thing.failed", exc_info=True)
    logger.warning("thing.failed", exc_info=error)
    logger.warning("thing.failed", exc_info=(ValueError, error, None))
    assert [record.exc_info[1] for record in caplog.records] == [error] * 4
    assert caplog.records[0].levelno == logging.ERROR


def test_what_a_logger_is_bound_to_is_said_with_every_event(caplog):
    caplog.set_level(logging.INFO)
    logger.bind(org="a", number=1).info("thing.done", number=2)
    assert getattr(caplog.records[0], FIELDS) == {"org": "a", "number": 2}
