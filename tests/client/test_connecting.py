"""What a client is made with: checked before anything is sent, and shown without the key."""

import logging
import traceback
import warnings

import pytest
from orgbilling_client import (
    Client,
    ConfigurationError,
    InsecureConnection,
    OrgBillingError,
    Unreachable,
)

from tests.client.asking import AT_ONCE, KEY, ORG, deduct
from tests.client.hostile import charged, cut, hostile, says

VARIABLES = {"ORGBILLING_URL": "url", "ORGBILLING_API_KEY": "key", "ORGBILLING_ORG_ID": "org"}


@pytest.fixture(autouse=True)
def _unset(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_the_environment_is_the_default(monkeypatch):
    monkeypatch.setenv("ORGBILLING_URL", "https://billing.example/")
    monkeypatch.setenv("ORGBILLING_API_KEY", KEY)
    monkeypatch.setenv("ORGBILLING_ORG_ID", ORG)
    with Client() as client:
        assert (client.base_url, client.org_id) == ("https://billing.example", ORG)
    with Client("https://other.example", KEY, "another") as client:
        assert (client.base_url, client.org_id) == ("https://other.example", "another")


@pytest.mark.parametrize(
    ("url", "key", "says"),
    [
        (None, KEY, "pass it, or set ORGBILLING_URL"),
        ("https://billing.example", None, "pass it, or set ORGBILLING_API_KEY"),
        ("https://billing.example", " ", "pass it, or set ORGBILLING_API_KEY"),
        ("billing.example", KEY, "must be the service's root"),
        ("ftp://billing.example", KEY, "must be the service's root"),
        ("https://", KEY, "must be the service's root"),
        ("https://billing.example:99999", KEY, "no URL"),
        ("https://[::1", KEY, "no URL"),
        ("https://billing\n.example", KEY, "no URL"),
        ("https://user:word@billing.example", KEY, "user or password"),  # pragma: allowlist secret
        ("https://billing.example/?a=b", KEY, "query"),
        ("https://billing.example/#a", KEY, "fragment"),
        ("https://billing.example", f"{KEY}\r\nX-Evil: 1", "visible ASCII"),
        ("https://billing.example", f"{KEY}é", "visible ASCII"),
    ],
)
def test_what_cannot_work_is_refused_at_once(url, key, says):
    with pytest.raises(ConfigurationError, match=says) as caught:
        Client(url, key)

    assert KEY not in str(caught.value)


def test_a_time_limit_of_nothing_is_refused():
    with pytest.raises(ConfigurationError, match="more than 0"):
        Client("https://billing.example", KEY, timeout=0)


@pytest.mark.parametrize(
    "given",
    [
        "https://billing.example/",
        "https://billing.example/api/v1/org-billing",
        "https://billing.example/api/v1/org-billing/",
    ],
)
def test_the_root_is_found_in_what_people_paste(given):
    with Client(given, KEY) as client:
        assert client.base_url == "https://billing.example"


def test_a_call_without_an_organization_says_what_is_missing():
    with (
        Client("https://billing.example", KEY) as client,
        pytest.raises(ConfigurationError, match="ORGBILLING_ORG_ID"),
    ):
        deduct(client)


def test_an_id_cannot_lead_elsewhere():
    with (
        Client("https://billing.example", KEY, "../../admin") as client,
        pytest.raises(ValueError, match="org_id must be a UUID"),
    ):
        client.pool()


@pytest.mark.parametrize("host", ["billing.internal", "10.0.0.7", "localhost.example", "[fe80::1]"])
def test_a_key_in_the_clear_is_warned_of(host):
    with pytest.warns(InsecureConnection, match="https"):
        Client(f"http://{host}:8084", KEY).close()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "web.localhost"])
def test_on_this_machine_it_is_not(host):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Client(f"http://{host}:8084", KEY).close()


def test_the_warning_names_the_line_that_made_the_client():
    with pytest.warns(InsecureConnection) as caught:
        Client("http://billing.internal", KEY).close()

    assert caught[0].filename == __file__


def test_the_key_is_shown_nowhere(caplog):
    caplog.set_level(logging.DEBUG)
    with (
        hostile(cut, charged, cut) as server,
        Client(server.url, KEY, ORG, retry=AT_ONCE) as client,
    ):
        shown = [repr(client), str(client), repr(client._connection)]
        deduct(client)
        with pytest.raises(Unreachable) as caught:
            deduct(client)
        trace = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        # This test knows the key, and the server that it was sent to.
        frames = [frame for frame in trace.stack if frame.filename != __file__]
        shown += [
            repr(caught.value),
            str(caught.value),
            *traceback.StackSummary.from_list(frames).format(),
        ]
    shown += [record.getMessage() for record in caplog.records]

    assert "obk_" in shown[0]
    assert not [text for text in shown if KEY in text]
    assert [record for record in caplog.records if record.name == "orgbilling_client"]


def test_no_proxy_stands_between_a_client_and_its_own_machine(monkeypatch):
    """A proxy of the environment would be shown the key, which goes to it in the clear."""
    with hostile(says(502, b"the proxy")) as proxy, hostile(charged) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        with Client(server.url, KEY, ORG, retry=AT_ONCE) as client:
            assert deduct(client).credits_used == 50

    assert proxy.requests == []


def test_a_closed_client_says_so():
    client = Client("https://billing.example", KEY, ORG)
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        deduct(client)


def test_everything_raised_has_one_base():
    assert issubclass(ConfigurationError, OrgBillingError)
    assert issubclass(ConfigurationError, ValueError)
