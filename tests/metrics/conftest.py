"""Tests of what monitors read."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from orgbilling.metrics import snapshot


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    """The database is asked anew in each test."""
    monkeypatch.setattr(snapshot, "_kept", {})
    monkeypatch.setattr(snapshot, "_asking", snapshot._Asking())


@pytest.fixture
def scrape(client):
    """What a monitor reads: {(sample, its labels)} -> value."""

    def read(**headers):
        answer = client.get("/metrics", **headers)
        assert answer.status_code == 200, answer.content
        return parsed(answer.content.decode())

    return read


def parsed(text):
    """The samples of an exposition: (name, labels as pairs) -> value."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
