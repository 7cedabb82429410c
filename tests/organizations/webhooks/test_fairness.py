"""Whoever has much to be told, or switches much, doesn't keep the others waiting."""

from datetime import timedelta

from procrastinate.contrib.django.models import ProcrastinateJob

from organizations.events import emit
from organizations.managers.webhook_endpoints import DELIVER_TASK, ENDPOINTS_MAX
from organizations.models import WebhookDelivery, WebhookEndpoint
from orgbilling.lib.clock import database_now
from tests.factories import make_organization
from tests.organizations.webhooks.conftest import DATA

URL = "https://203.0.112.9/"


def test_organizations_with_much_waiting_hide_no_other(alice, globex):
    now = database_now()
    busy = [make_organization(f"busy-{i}", f"Busy {i}", owner=alice) for i in range(3)]
    for org, number in [*((one, ENDPOINTS_MAX) for one in busy), (globex, 1)]:
        for _ in range(number):
            WebhookEndpoint.objects.open(org, url=URL, events=["*"], by=None)
    for org in busy:
        for _ in range(2):
            emit(org.pk, "member.added", DATA, now - timedelta(hours=1))
    emit(globex.pk, "member.added", DATA, now)

    found = WebhookDelivery.objects.to_try(now, each=2, limit=10)

    assert globex.pk in {due.org_id for due in found}
    assert len(found) == 10


def test_however_much_is_waiting_for_those_that_work_the_others_are_tried(alpha, globex):
    now = database_now()
    for org, number in ((alpha, 4), (globex, 1)):
        for _ in range(number):
            WebhookEndpoint.objects.open(org, url=URL, events=["*"], by=None)
        emit(org.pk, "member.added", DATA, now)
    WebhookEndpoint.objects.filter(org=globex).update(consecutive_failures=1, failing_since=now)

    found = WebhookDelivery.objects.to_try(now, each=2, limit=3)

    assert [due.is_failing for due in found] == [False, False, False, True]


def test_an_endpoint_switched_on_again_and_again_takes_one_place_of_the_worker(alpha):
    endpoint, _ = WebhookEndpoint.objects.open(alpha, url=URL, events=["*"], by=None)
    for _ in range(5):
        WebhookEndpoint.objects.disable(alpha.pk, endpoint.pk, by=None)
        WebhookEndpoint.objects.enable(alpha.pk, endpoint.pk, by=None)

    waiting = ProcrastinateJob.objects.filter(task_name=DELIVER_TASK)
    assert set(waiting.values_list("lock", flat=True)) == {DELIVER_TASK}
