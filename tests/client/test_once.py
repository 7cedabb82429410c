"""A charge is made once: however often it is sent, wherever it is cut, whoever is interrupted."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from orgbilling_client import AsyncClient, Client, RetryPolicy
from orgbilling_client.keys import new_key

from tests.client.cuts import Scripted, Seeded, Withholding, through
from tests.faults.http_cuts import CHANCES

SERVICE = "company_enrichment"
#: Each attempt is cut with a chance of 0.6: with so many, no call is given up.
STUBBORN = RetryPolicy(attempts=100, total_seconds=60, first_wait_seconds=0.001)
CALLERS, CHARGES = 6, 60


def charged(client):
    """Every charge's key and credits, as the ledger has them."""
    return sorted((row.request_id, row.credits_used) for row in client.usage())


@pytest.mark.parametrize("way", ["before", "sent", "answered", "middle"])
def test_a_cut_anywhere_charges_once(service, cast, client, way):
    proxy = Scripted(service.port, way)
    with (
        through(proxy) as url,
        Client(url, cast.key, cast.org_id, retry=STUBBORN) as cut,
    ):
        usage = cut.deduct(cast.user_id, SERVICE, credits=50)

    assert [row.id for row in client.usage()] == [usage.id]
    assert usage.remaining_credits == 9_950


def test_threads_under_random_cuts_charge_each_key_once(service, cast, client):
    proxy = Seeded(service.port, 20_261_128, CHANCES)
    asked = [(f"order-{number}", 1 + number % 7) for number in range(CHARGES)]
    with (
        through(proxy) as url,
        Client(url, cast.key, cast.org_id, retry=STUBBORN) as shared,
        ThreadPoolExecutor(CALLERS) as threads,
    ):
        usages = list(
            threads.map(
                lambda one: shared.deduct(cast.user_id, SERVICE, one[1], request_id=one[0]), asked
            )
        )

    assert charged(client) == sorted(asked)
    assert len({usage.id for usage in usages}) == CHARGES
    assert set(proxy.cuts) == set(CHANCES)


def test_tasks_under_random_cuts_charge_each_key_once(service, cast, client):
    proxy = Seeded(service.port, 20_261_129, CHANCES)
    asked = [(f"order-{number}", 1 + number % 7) for number in range(CHARGES)]

    async def charge(url):
        async with AsyncClient(url, cast.key, cast.org_id, retry=STUBBORN) as shared:
            return await asyncio.gather(
                *(shared.deduct(cast.user_id, SERVICE, n, request_id=key) for key, n in asked)
            )

    with through(proxy) as url:
        asyncio.run(charge(url))

    assert charged(client) == sorted(asked)


def test_an_interrupt_goes_on_and_the_key_finds_the_charge(service, cast, client):
    """Ctrl-C while the answer is awaited: the charge was made, and repeating it makes no other."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    proxy = Withholding(service.port)

    def interrupt():
        deadline = time.monotonic() + 30
        while not proxy.cuts and time.monotonic() < deadline:
            time.sleep(0.01)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    try:
        with (
            through(proxy) as url,
            Client(url, cast.key, cast.org_id, timeout=60) as waiting,
        ):
            thread.start()
            with pytest.raises(KeyboardInterrupt):
                waiting.deduct(cast.user_id, SERVICE, credits=50, idempotency_key="job-1")
            usage = waiting.deduct(cast.user_id, SERVICE, credits=50, idempotency_key="job-1")
    finally:
        thread.join()
        signal.signal(signal.SIGINT, before)

    assert usage.replayed
    assert [row.id for row in client.usage()] == [usage.id]


def test_a_cancelled_task_gives_its_connection_back(service, cast, client):
    proxy = Withholding(service.port)
    limits = httpx.Limits(max_connections=1)

    async def cancel_and_repeat(url):
        async with (
            httpx.AsyncClient(limits=limits) as http,
            AsyncClient(url, cast.key, cast.org_id, timeout=20, http=http) as one,
        ):
            asked = asyncio.create_task(
                one.deduct(cast.user_id, SERVICE, credits=50, idempotency_key="job-2")
            )
            while not proxy.cuts:
                await asyncio.sleep(0.01)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
            # The only connection has to be free again.
            return await one.deduct(cast.user_id, SERVICE, credits=50, idempotency_key="job-2")

    with through(proxy) as url:
        usage = asyncio.run(cancel_and_repeat(url))

    assert usage.replayed
    assert [row.id for row in client.usage()] == [usage.id]


FORKING = """
import os, sys
from orgbilling_client import Client

user = sys.argv[1]
client = Client()
client.deduct(user, "bulk_export", credits=1)
child = os.fork()
credits = 2 if child == 0 else 3
for _ in range(10):
    assert client.deduct(user, "bulk_export", credits=credits).credits_used == credits
if child:
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
client.close()
"""


def test_a_child_has_connections_of_its_own(cast, client):
    """After a fork both go on, and neither reads the other's answers."""
    subprocess.run(
        [sys.executable, "-W", "error", "-c", FORKING, cast.user_id],
        env={**os.environ, **cast.environment},
        check=True,
        timeout=60,
    )

    assert sum(row.credits_used for row in client.usage()) == 1 + 20 + 30


def test_keys_are_never_the_same_twice():
    assert len({new_key() for _ in range(10_000)}) == 10_000


def test_a_request_id_is_the_key_unless_one_is_given(cast, client):
    first = client.deduct(cast.user_id, SERVICE, credits=5, request_id="order-9")
    again = client.deduct(cast.user_id, SERVICE, credits=5, request_id="order-9")
    other = client.deduct(
        cast.user_id, SERVICE, credits=5, request_id="order-9", idempotency_key="second"
    )

    assert again.replayed
    assert again.id == first.id != other.id
    assert other.request_id == "order-9"


def test_the_request_id_of_the_context_is_passed_through(cast, client):
    with client.request_context(request_id="incoming-7") as sent:
        usage = client.deduct(cast.user_id, SERVICE, credits=5)
        with pytest.raises(Exception, match="400") as caught:
            client.deduct(cast.user_id, SERVICE, credits=0)
    outside = client.deduct(cast.user_id, SERVICE, credits=5)

    assert sent == usage.request_id == caught.value.request_id == "incoming-7"
    assert outside.request_id != "incoming-7"


@pytest.mark.parametrize("unusable", ["with space", "", "x" * 129, "line\nfeed", "ü"])
def test_a_request_id_that_the_service_would_not_take_is_replaced(client, unusable):
    with client.request_context(request_id=unusable) as sent:
        assert sent.isalnum()
