"""Lists turn their own pages; exports are whole or not there."""

import asyncio
import io
import itertools
import os
from datetime import datetime, timedelta

import httpx
import pytest
from orgbilling_client import (
    AsyncClient,
    BadAnswer,
    Charge,
    Client,
    RetryPolicy,
    ServerError,
    Unreachable,
)

from tests.client.asking import AT_ONCE, KEY, ORG
from tests.client.hostile import hostile, raw, says

SERVICE = "contact_lookup"


@pytest.fixture
def used(cast, client):
    """Five charges, newest first."""
    many = [Charge(user_id=cast.user_id, service=SERVICE, credits=n) for n in range(1, 6)]
    results = client.deduct_batch(many).results
    return [item.usage.id for item in reversed(results)]


def test_a_list_goes_on_over_all_pages(client, used):
    assert [row.id for row in client.usage(page_size=2)] == used
    assert [row.id for row in itertools.islice(client.usage(page_size=1), 2)] == used[:2]


def test_a_list_is_asked_for_page_by_page(client, used):
    """Whoever stops early hasn't asked for the rest."""
    asked = []
    with (
        httpx.Client(event_hooks={"request": [asked.append]}) as http,
        Client(client.base_url, client._connection.api_key, client.org_id, http=http) as one,
    ):
        rows = one.usage(page_size=2)
        assert asked == []
        next(rows)
        next(rows)
        assert len(asked) == 1
        next(rows)
        assert len(asked) == 2


def test_filters_narrow_a_list_down(cast, client, used):
    assert [row.id for row in client.usage(cast.user_id, SERVICE)] == used
    assert list(client.usage(service="bulk_export")) == []
    newest = next(client.usage()).created_at
    assert [row.id for row in client.usage(start=newest)][:1] == used[:1]
    # Times are told to the second.
    assert list(client.usage(start=newest + timedelta(seconds=1))) == []


def test_asyncio_turns_pages_too(cast, used):
    async def read():
        async with AsyncClient(cast.url, cast.key, cast.org_id) as one:
            return [row.id async for row in one.usage(page_size=2)]

    assert asyncio.run(read()) == used


def test_a_page_that_points_elsewhere_takes_the_key_nowhere():
    page = {
        "results": [],
        "next": "http://127.0.0.1:1/evil?cursor=abc&page_size=2",
        "previous": None,
    }
    with (
        hostile(says(200, page), says(200, {**page, "next": None})) as server,
        Client(server.url, KEY, ORG, retry=AT_ONCE) as client,
    ):
        assert list(client.usage()) == []

    path = f"/api/v1/org-billing/credits/{ORG}/usage"
    assert server.requests[1].line == f"GET {path}?cursor=abc&page_size=2 HTTP/1.1"


@pytest.mark.parametrize("page", [[], {"next": None}, {"results": {}}, {"results": [], "next": 7}])
def test_a_page_that_is_none_is_a_bad_answer(page):
    with (
        hostile(says(200, page)) as server,
        Client(server.url, KEY, ORG, retry=AT_ONCE) as client,
        pytest.raises(BadAnswer),
    ):
        list(client.usage())


@pytest.mark.parametrize("size", [0, 501, -1])
def test_a_page_size_that_the_service_refuses_is_refused_at_once(client, size):
    with pytest.raises(ValueError, match="from 1 to 500"):
        client.usage(page_size=size)


def test_a_time_without_a_zone_is_refused(client):
    with pytest.raises(ValueError, match="time zone"):
        client.usage(start=datetime.fromisoformat("2026-11-22T16:00:00"))


def test_usage_is_summed_up(cast, client, used):
    summary = client.usage_summary("service")

    assert (summary.credits_used, summary.request_count) == (15, 5)
    assert [(group.service_name, group.credits_used) for group in summary.groups] == [(SERVICE, 15)]


def test_an_export_is_a_file(client, used, tmp_path):
    told = []
    path = tmp_path / "usage.csv"
    size = client.export_usage(path, on_progress=told.append)
    kept = io.BytesIO()
    client.export_usage(kept)

    assert path.read_bytes() == kept.getvalue()
    assert path.stat().st_size == size == told[-1]
    assert [line.split(",")[0] for line in path.read_text().splitlines()] == ["id", *used]
    assert [one.name for one in tmp_path.iterdir()] == ["usage.csv"]


def test_asyncio_exports_too(cast, used):
    async def export():
        kept = io.BytesIO()
        async with AsyncClient(cast.url, cast.key, cast.org_id) as one:
            await one.export_usage(kept, service=SERVICE)
        return kept.getvalue()

    assert len(asyncio.run(export()).splitlines()) == 6


CUT = raw(
    b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nid,\r\n"
)


def test_an_export_that_is_cut_begins_anew():
    with (
        hostile(CUT, says(200, b"id\r\n1\r\n", "text/csv")) as server,
        Client(server.url, KEY, ORG, retry=AT_ONCE) as client,
    ):
        kept = io.BytesIO()
        client.export_usage(kept)

    assert kept.getvalue() == b"id\r\n1\r\n"


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (CUT, Unreachable),
        (says(200, b"<html>", "text/html"), BadAnswer),
        (says(502, b"<html>", "text/html"), ServerError),
    ],
)
def test_an_export_that_fails_leaves_what_was_there(act, error, tmp_path):
    path = tmp_path / "usage.csv"
    path.write_text("yesterday's")
    with (
        hostile(act) as server,
        Client(server.url, KEY, ORG, retry=RetryPolicy(attempts=2, first_wait_seconds=0)) as client,
        pytest.raises(error),
    ):
        client.export_usage(path)

    assert len(server.requests) == 2
    assert path.read_text() == "yesterday's"
    assert [one.name for one in tmp_path.iterdir()] == ["usage.csv"]


def test_an_export_onto_a_link_replaces_what_it_leads_to(client, used, tmp_path):
    link, path = tmp_path / "link.csv", tmp_path / "usage.csv"
    path.touch()
    link.symlink_to(path)
    client.export_usage(link)

    assert link.is_symlink()
    assert path.read_text().startswith("id,")


def test_an_export_goes_into_a_pipe_and_leaves_it_there(client, used, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    # Open at both ends, so that nobody waits for the other.
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    client.export_usage(pipe)
    content = os.read(reader, 65_536)
    os.close(reader)

    assert pipe.is_fifo()
    assert len(content.splitlines()) == 6
