"""Events arrive, whatever the receiver does: it fails, stalls, redirects, lies and disappears."""

from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from organizations.choices import DeliveryStatus, DisabledReason, EndpointStatus
from organizations.events import emit
from organizations.models import Notice, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from organizations.webhooks.schedule import SCHEDULE
from orgbilling.lib.clock import database_now
from tests.organizations.webhooks.conftest import DATA, deliver_all, deliver_at
from tests.webhook_receiver import status

SOON = timedelta(seconds=1)


def the_delivery() -> WebhookDelivery:
    return WebhookDelivery.objects.select_related("endpoint", "event").get()


def test_an_event_arrives_once_and_is_verified_by_the_library(alpha, receiver, tell):
    _, secret = WebhookEndpoint.objects.open(alpha, url=receiver.url("/ok"), events=["*"], by=None)
    event_id = tell()

    assert deliver_at(database_now() + SOON) == 1
    assert deliver_at(database_now() + SOON) == 0

    (request,) = receiver.received
    assert request.id == event_id
    # The library compares the time with its own clock.
    signed = Webhook(secret)
    told = signed.verify(request.body, request.headers)
    assert told["type"] == "member.added"
    assert told["data"]["org_id"] == str(alpha.pk)
    assert request.headers["content-type"] == "application/json"
    delivery = the_delivery()
    assert (delivery.status, delivery.attempts, delivery.last_status) == ("delivered", 1, 200)
    attempt = WebhookAttempt.objects.get()
    assert (attempt.number, attempt.status_code, attempt.response) == (1, 200, "thanks")


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/status/500", "It answered 500."),
        ("/status/404", "It answered 404."),
        ("/redirect/301", "It answered 301: redirects are not followed."),
        ("/redirect/307", "It answered 307: redirects are not followed."),
        ("/stall", "It didn't answer in time."),
        ("/drip", "It didn't answer in time."),
        ("/continue", "It didn't answer in time."),
        ("/cut", "The connection failed: Connection reset by peer"),
        ("/silence", "It didn't speak HTTP: Server disconnected without sending a response."),
        ("/half", "It didn't speak HTTP: "),
        ("/garbage", "It didn't speak HTTP: "),
        ("/hugeheader", "It didn't speak HTTP: "),
        ("/manyheaders", "It didn't speak HTTP: "),
    ],
)
@pytest.mark.usefixtures("impatient")
def test_what_is_no_success_is_tried_again(alpha, receiver, tell, path, error):
    WebhookEndpoint.objects.open(alpha, url=receiver.url(path), events=["*"], by=None)
    event_id = tell()

    assert deliver_at(database_now() + SOON) == 1

    delivery = the_delivery()
    assert delivery.status == DeliveryStatus.PENDING
    assert delivery.last_error.startswith(error)
    assert delivery.next_attempt_at > database_now() + SOON
    assert delivery.claimed_until is None
    assert receiver.ids() == [event_id]
    assert WebhookAttempt.objects.get().error == delivery.last_error


@pytest.mark.parametrize("path", ["/big", "/dripbody", "/liedlength", "/cutbody"])
@pytest.mark.usefixtures("impatient")
def test_a_receiver_that_said_yes_has_it_whatever_it_says_then(alpha, receiver, tell, path):
    WebhookEndpoint.objects.open(alpha, url=receiver.url(path), events=["*"], by=None)
    tell()

    deliver_at(database_now() + SOON)

    assert the_delivery().status == DeliveryStatus.DELIVERED
    assert len(WebhookAttempt.objects.get().response) <= 1_024


def test_a_receiver_that_is_away_gets_it_when_it_is_back(receiver, endpoint, tell):
    event_id = tell()
    receiver.answers = [status(503)] * 4

    made = deliver_all(the_delivery())

    assert made == 5
    assert receiver.ids() == [event_id] * 5
    endpoint.refresh_from_db()
    assert the_delivery().status == DeliveryStatus.DELIVERED
    assert endpoint.consecutive_failures == 0
    assert endpoint.failing_since is None


def test_every_attempt_is_signed_at_its_own_time(alpha, receiver, tell):
    _, secret = WebhookEndpoint.objects.open(
        alpha, url=receiver.url("/status/500"), events=["*"], by=None
    )
    tell()
    now = database_now()
    deliver_at(now + SOON)
    deliver_at(now + timedelta(seconds=20))

    first, second = receiver.received
    assert first.body == second.body
    assert first.id == second.id
    times = [int(one.headers["webhook-timestamp"]) for one in (first, second)]
    assert times[1] - times[0] == 19
    for one in (first, second):
        assert Webhook(secret).verify(one.body, one.headers)


def test_the_last_attempt_of_the_schedule_is_the_last(receiver, endpoint, tell):
    tell()
    receiver.answers = [status(500)] * 50

    made = deliver_all(the_delivery())

    assert made == len(SCHEDULE) == 10
    delivery = the_delivery()
    assert (delivery.status, delivery.attempts) == (DeliveryStatus.FAILED, 10)
    assert list(WebhookAttempt.objects.values_list("number", flat=True)) == list(range(1, 11))
    # Three days aren't five.
    endpoint.refresh_from_db()
    assert endpoint.is_enabled


def test_an_endpoint_that_failed_everything_for_five_days_is_disabled(
    receiver, endpoint, tell, alice, bob
):
    tell()
    receiver.answers = [status(500)] * 50
    deliver_all(the_delivery())
    endpoint.refresh_from_db()
    tell()
    tell()

    deliver_at(endpoint.failing_since + timedelta(days=5, minutes=1))

    endpoint.refresh_from_db()
    assert endpoint.status == EndpointStatus.DISABLED
    assert endpoint.disabled_reason == DisabledReason.FAILING
    assert set(WebhookDelivery.objects.values_list("status", flat=True)) == {
        DeliveryStatus.FAILED,
        DeliveryStatus.DISCARDED,
    }
    assert [notice.user for notice in Notice.objects.all()] == [alice]
    assert tell() == "None"


def test_410_disables_at_once(alpha, receiver, tell, alice):
    endpoint, _ = WebhookEndpoint.objects.open(
        alpha, url=receiver.url("/status/410"), events=["*"], by=None
    )
    tell()
    tell()

    deliver_at(database_now() + SOON)

    endpoint.refresh_from_db()
    assert (endpoint.status, endpoint.disabled_reason) == ("disabled", "gone")
    assert not WebhookDelivery.objects.filter(status="pending").exists()
    assert "410" in Notice.objects.get(user=alice).detail


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_is_waited_for(alpha, receiver, tell, code):
    WebhookEndpoint.objects.open(
        alpha, url=receiver.url(f"/status/{code}/1800"), events=["*"], by=None
    )
    tell()
    now = database_now()

    deliver_at(now + SOON)

    assert the_delivery().next_attempt_at == now + SOON + timedelta(seconds=1800)
    assert the_delivery().endpoint.resting_until == now + SOON + timedelta(seconds=1800)


def test_retry_after_is_bounded(alpha, receiver, tell):
    WebhookEndpoint.objects.open(
        alpha, url=receiver.url("/status/503/999999999"), events=["*"], by=None
    )
    tell()
    now = database_now()

    deliver_at(now)

    assert the_delivery().next_attempt_at == now + timedelta(hours=24)


def test_what_is_kept_of_an_answer_has_no_control_characters(alpha, receiver, tell):
    WebhookEndpoint.objects.open(alpha, url=receiver.url("/status/500"), events=["*"], by=None)
    tell()

    deliver_at(database_now() + SOON)

    assert WebhookAttempt.objects.get().response == "because   [31m I say so"


def test_an_endpoint_that_is_gone_from_the_network_is_tried_again(endpoint, tell, settings):
    tell()
    settings.WEBHOOKS_ALLOWED_HOSTS = (frozenset(), ())

    deliver_at(database_now() + SOON)

    assert the_delivery().status == DeliveryStatus.PENDING
    assert "allowed" in the_delivery().last_error


def test_no_more_than_two_at_once_and_one_of_a_failing_one(receiver, endpoint, tell):
    for _ in range(12):
        tell()

    deliver_at(database_now() + SOON)

    assert len(set(receiver.ids())) == 12
    assert receiver.most_under_way <= 2


@pytest.mark.usefixtures("impatient")
def test_one_that_stalls_under_a_backlog_holds_up_nobody_and_rests(alpha, globex, receiver):
    for org, path in ((alpha, "/stall"), (globex, "/ok")):
        WebhookEndpoint.objects.open(org, url=receiver.url(path), events=["*"], by=None)
        for _ in range(20):
            emit(org.pk, "member.added", DATA)

    deliver_at(database_now() + SOON)

    done = WebhookDelivery.objects.filter(org=globex)
    assert set(done.values_list("status", flat=True)) == {DeliveryStatus.DELIVERED}
    # Two at once, then one, and from the third failure on it is left alone for a while.
    assert 3 <= WebhookAttempt.objects.filter(org=alpha).count() <= 4
    assert WebhookDelivery.objects.filter(org=alpha, status="pending").count() == 20


def test_a_claim_is_taken_over_once_it_has_ended(receiver, endpoint, tell):
    event_id = tell()
    delivery = the_delivery()
    now = database_now()
    # A worker takes it, and is killed.
    assert WebhookDelivery.objects.claim(delivery.org_id, delivery.pk, now + SOON)

    assert deliver_at(now + timedelta(seconds=59)) == 0
    assert deliver_at(now + timedelta(seconds=62)) == 1

    assert receiver.ids() == [event_id]
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.step) == ("delivered", 2, 1)


def test_a_worker_that_stops_leaves_it_to_the_next(alpha, receiver, tell):
    from organizations.delivering import working  # noqa: PLC0415

    WebhookEndpoint.objects.open(alpha, url=receiver.url("/stall"), events=["*"], by=None)
    tell()
    stops = iter([False, False, False])

    working.deliver(seconds=30, stop=lambda: next(stops, True))

    delivery = the_delivery()
    assert (delivery.status, delivery.step, delivery.claimed_until) == ("pending", 0, None)
    assert WebhookAttempt.objects.get().error == "The worker was stopped."
    delivery.endpoint.refresh_from_db()
    assert delivery.endpoint.consecutive_failures == 0
