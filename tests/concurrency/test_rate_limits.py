"""Limits are exact however many come at once."""

import pytest
from django.core.cache import caches

from orgbilling.web.throttling import Budget, count
from tests.api_client import ApiClient
from tests.concurrency.threads import together

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "counters"])


@pytest.fixture(autouse=True)
def _nothing_counted():
    caches["counters"].clear()


def test_100_at_once_are_counted_one_by_one():
    budget = Budget("service", (60, 24 * 60 * 60))
    counts = together([lambda: count(budget, "key:one")] * 100)
    assert sorted(seen.used for seen in counts) == list(range(1, 101))


def test_two_callers_are_counted_apart():
    budget = Budget("write", (60, 24 * 60 * 60))
    names = ["key:one", "key:two"] * 30
    counts = together(lambda name=name: count(budget, name) for name in names)
    for caller in ("key:one", "key:two"):
        used = [seen.used for name, seen in zip(names, counts, strict=True) if name == caller]
        assert sorted(used) == list(range(1, 31))


def test_of_50_requests_at_once_exactly_20_pass(settings, alpha_key):
    settings.RATE_LIMIT_READS = "20/d"
    answers = together([lambda: ApiClient(token=alpha_key).get("prices")] * 50)
    assert sorted(answer.status_code for answer in answers) == [200] * 20 + [429] * 30
    lefts = sorted(answer["RateLimit"].split(";")[1] for answer in answers)
    assert lefts == sorted([f"r={left}" for left in range(20)] + ["r=0"] * 30)
    assert all("Retry-After" in answer for answer in answers if answer.status_code == 429)
