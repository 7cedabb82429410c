"""The pages about webhooks: set up, watched, mended."""

import re
from datetime import timedelta

import pytest

from organizations.choices import DeliveryStatus, DisabledReason, Role
from organizations.events import emit
from organizations.models import AuditLogEntry, WebhookAttempt, WebhookDelivery, WebhookEndpoint
from organizations.webhooks.secrets import decrypted
from orgbilling.lib.clock import database_now
from tests.api_client import ApiClient, ok
from tests.console.actions import key_of
from tests.console.browsing import address, confirm, review, signed_in, text_of
from tests.factories import RECEIVER, make_endpoint, make_member

pytestmark = pytest.mark.django_db

DATA = {"user_id": "0193-u", "email": "ann@acme.example", "role": "member", "actor": "system"}
SECRET = re.compile(r'value="(whsec_[^"]+)"')


@pytest.fixture
def owner(alice):
    """The browser of Alpha's owner."""
    return signed_in(alice)


@pytest.fixture
def endpoint(alpha):
    """Alpha's endpoint, for everything."""
    return make_endpoint(alpha, description="CRM")


@pytest.fixture
def delivery(alpha, endpoint):
    """A delivery that waits."""
    # In one transaction all would have happened at once, in any order.
    emit(alpha.pk, "member.added", DATA, database_now() - timedelta(seconds=1))
    return WebhookDelivery.objects.get()


def fields(client, where, /, **values):
    """The form's fields, filled in; boxes that aren't ticked are left out."""
    opened = client.get(where)
    assert opened.status_code == 200, opened.status_code
    given = {"key": key_of(opened), **values}
    return {name: value for name, value in given.items() if value}


def give_up(delivery, status=DeliveryStatus.FAILED):
    WebhookDelivery.objects.filter(pk=delivery.pk).update(
        status=status, next_attempt_at=None, attempts=1, step=1, last_status=500, last_error="500"
    )
    WebhookAttempt.objects.create(
        org=delivery.org,
        delivery=delivery,
        number=1,
        started_at=delivery.created_at,
        ended_at=delivery.created_at,
        status_code=500,
        error="It answered 500.",
        response="<b>boom</b>",
    )


def test_an_organization_without_endpoints_is_told_what_they_are_for(alpha, owner):
    page = text_of(owner.get(address("org_webhooks", alpha)))
    assert "Your systems can be told of what happens here" in page
    assert address("org_add_webhook", alpha) in page


def test_an_added_endpoints_secret_is_shown_once(alpha, owner):
    url = address("org_add_webhook", alpha)
    sent = fields(owner, url, url=RECEIVER, description="CRM", everything="on")
    shown = owner.post(url, sent, follow=True)
    endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.url, endpoint.description, endpoint.events) == (RECEIVER, "CRM", ["*"])
    assert shown.redirect_chain == [(address("org_webhook_secret", alpha, endpoint.pk), 302)]
    assert SECRET.search(text_of(shown))[1] == decrypted(endpoint.secret)
    again = text_of(owner.get(address("org_webhook_secret", alpha, endpoint.pk)))
    assert not SECRET.search(again)
    assert "can&#x27;t be shown again" in again or "can't be shown again" in again
    # Sent twice it is one endpoint.
    owner.post(url, sent, follow=True)
    assert WebhookEndpoint.objects.count() == 1


def test_the_session_and_the_answer_keep_no_secret_that_can_be_read(alpha, owner):
    url = address("org_add_webhook", alpha)
    owner.post(url, fields(owner, url, url=RECEIVER, everything="on"))
    secret = decrypted(WebhookEndpoint.objects.get().secret)
    assert secret not in str(dict(owner.session))
    assert "webhook_secret" in owner.session


def test_a_secret_is_shown_to_nobody_else(alpha, owner):
    other = signed_in(make_member(alpha, Role.ADMIN).user)
    url = address("org_add_webhook", alpha)
    owner.post(url, fields(owner, url, url=RECEIVER, everything="on"))
    where = address("org_webhook_secret", alpha, WebhookEndpoint.objects.get().pk)
    assert not SECRET.search(text_of(other.get(where)))
    assert SECRET.search(text_of(owner.get(where)))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"url": "https://10.0.0.1/", "everything": "on"}, "isn&#x27;t a public address"),
        ({"url": "http://192.0.32.7/", "everything": "on"}, "https://"),
        ({"url": "", "everything": "on"}, "This field is required"),
        ({"url": RECEIVER}, "Choose at least one event, or all"),
        ({"url": RECEIVER, "chosen": ["nothing.known"]}, "not one of the available choices"),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(alpha, owner, values, said):
    url = address("org_add_webhook", alpha)
    for confirmed in ({}, {"confirmed": "1"}):
        answer = owner.post(url, {**fields(owner, url, **values), **confirmed})
        assert answer.status_code == 200
        assert said in text_of(answer)
    assert not WebhookEndpoint.objects.exists()


def test_the_boxes_say_what_the_endpoint_is_told_of(alpha, owner, endpoint):
    url = address("org_edit_webhook", alpha, endpoint.pk)
    chosen = ["invoice.paid", "credits.low", "credits.refused"]

    def saved(**values):
        owner.post(url, fields(owner, url, url=RECEIVER, **values))
        return WebhookEndpoint.objects.get().events

    assert saved(chosen=chosen) == ["credits.low", "credits.refused", "invoice.paid"]
    opened = text_of(owner.get(url))
    assert 'value="invoice.paid" checked' in opened
    assert 'value="invoice.issued" checked' not in opened
    # All of them are the star, and refusals have to be asked for beside it.
    assert saved(everything="on", chosen=chosen) == ["*", "credits.refused"]
    assert saved(everything="on") == ["*"]
    assert AuditLogEntry.objects.filter(action="webhook_endpoint_edited").count() == 3


def test_a_rotation_says_what_it_means_and_shows_the_new_secret(alpha, owner, endpoint):
    url = address("org_rotate_webhook", alpha, endpoint.pk)
    reviewed = review(owner, url, overlap="72")
    assert "Signs too for 72 hours" in text_of(reviewed)
    shown = confirm(owner, url, reviewed)
    former, endpoint = endpoint, WebhookEndpoint.objects.get()
    assert endpoint.previous_secret == former.secret
    assert SECRET.search(text_of(shown))[1] == decrypted(endpoint.secret)
    assert "The former secret signs too until" in text_of(shown)
    page = text_of(owner.get(address("org_webhook", alpha, endpoint.pk)))
    assert "the former one signs too until" in page
    again = review(owner, url, overlap="0")
    assert "fail there, and are tried again" in text_of(again)
    assert "signs no more at once" in text_of(again)


def test_disabling_discards_what_waits_and_enabling_lets_it_be_replayed(
    alpha, owner, endpoint, delivery
):
    url = address("org_disable_webhook", alpha, endpoint.pk)
    reviewed = owner.get(url)
    assert "Deliveries that wait" in text_of(reviewed)
    assert "It was disabled by hand" in text_of(confirm(owner, url, reviewed))
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.DISCARDED
    enable = address("org_enable_webhook", alpha, endpoint.pk)
    confirm(owner, enable, owner.get(enable))
    replay = address("org_replay_webhook", alpha, endpoint.pk)
    reviewed = review(owner, replay, since="2020-01-01")
    assert "1 delivery to" in text_of(reviewed)
    assert "1 delivery will be sent again" in text_of(confirm(owner, replay, reviewed))
    delivery.refresh_from_db()
    assert (delivery.status, delivery.step) == (DeliveryStatus.PENDING, 0)


def test_a_test_leads_to_what_comes_back(alpha, owner, endpoint):
    page = owner.get(address("org_webhook", alpha, endpoint.pk))
    sent = {"key": key_of(page)}
    shown = owner.post(address("org_test_webhook", alpha, endpoint.pk), sent, follow=True)
    delivery = WebhookDelivery.objects.get()
    assert shown.redirect_chain == [(address("org_webhook_delivery", alpha, delivery.pk), 302)]
    assert "webhook.test" in text_of(shown)
    assert 'data-ob-again="20"' in text_of(shown)
    owner.post(address("org_test_webhook", alpha, endpoint.pk), sent)
    assert WebhookDelivery.objects.count() == 1


def test_a_test_of_a_disabled_endpoint_says_what_to_do(alpha, owner, endpoint):
    WebhookEndpoint.objects.disable(alpha.pk, endpoint.pk, by=None)
    url = address("org_test_webhook", alpha, endpoint.pk)
    answer = owner.post(url, {"key": key_of(owner.get(url))})
    assert "This webhook endpoint is disabled: enable it first." in text_of(answer)
    assert not WebhookDelivery.objects.exists()


def test_a_failed_delivery_shows_each_attempt_and_is_replayed(alpha, owner, delivery):
    give_up(delivery)
    url = address("org_webhook_delivery", alpha, delivery.pk)
    opened = owner.get(url)
    page = text_of(opened)
    assert "It answered 500." in page
    assert "&lt;b&gt;boom&lt;/b&gt;" in page
    assert "&quot;type&quot;: &quot;member.added&quot;" in page
    assert "data-ob-again" not in page
    replay = address("org_replay_delivery", alpha, delivery.pk)
    assert replay in page
    owner.post(replay, {"key": key_of(opened)}, follow=True)
    delivery.refresh_from_db()
    assert delivery.status == DeliveryStatus.PENDING
    assert AuditLogEntry.objects.filter(action="webhooks_replayed").count() == 1


def test_the_logs_are_filtered(alpha, owner, endpoint, delivery):
    emit(alpha.pk, "member.removed", DATA)
    give_up(delivery)
    one, log = address("org_webhook", alpha, endpoint.pk), address("org_webhook_events", alpha)

    def found(url):
        return [row["delivery"].event.type for row in owner.get(url).context["rows"]]

    assert found(one) == ["member.removed", "member.added"]
    assert found(f"{one}?status=failed") == ["member.added"]
    assert found(f"{one}?type=member.removed&status=failed") == []
    assert "No delivery is like that" in text_of(owner.get(f"{one}?start=2999-01-01"))
    # What can't be understood narrows nothing, and says so.
    assert len(found(f"{one}?status=lost&start=soon")) == 2
    events = owner.get(log).context["rows"]
    assert [row["event"].type for row in events] == ["member.removed", "member.added"]
    assert [row["deliveries"] for row in events] == ["0 of 1 delivered"] * 2
    assert len(owner.get(f"{log}?type=member.added").context["rows"]) == 1
    event = address("org_webhook_event", alpha, delivery.event_id)
    assert "A person joined the organization." in text_of(owner.get(event))


def test_the_list_says_how_each_endpoint_fares(alpha, owner, endpoint, delivery):
    give_up(delivery)
    WebhookEndpoint.objects.disable(alpha.pk, endpoint.pk, reason=DisabledReason.FAILING, by=None)
    (row,) = owner.get(address("org_webhooks", alpha)).context["rows"]
    assert (row["badge"].label, row["badge"].tone) == ("Disabled", "bad")
    assert (row["delivered"], row["pending"], row["failed"]) == (0, 0, 1)
    page = text_of(owner.get(address("org_webhook", alpha, endpoint.pk)))
    assert "Everything failed for five days" in page
    assert address("org_enable_webhook", alpha, endpoint.pk) in page


def test_a_deleted_endpoint_is_only_read(alpha, owner, endpoint, delivery):
    url = address("org_delete_webhook", alpha, endpoint.pk)
    assert "CRM is deleted." in text_of(confirm(owner, url, owner.get(url)))
    page = text_of(owner.get(address("org_webhook", alpha, endpoint.pk)))
    assert "It was deleted" in page
    for name in ("edit", "rotate", "disable", "enable", "delete", "test", "replay"):
        url = address(f"org_{name}_webhook", alpha, endpoint.pk)
        assert url not in page or name == "test"
        assert owner.get(url).status_code == 404, name
    assert owner.get(address("org_webhook_delivery", alpha, delivery.pk)).status_code == 200


def test_billing_admins_and_members_see_nothing_of_it(alpha, endpoint, delivery):
    for role in (Role.BILLING_ADMIN, Role.MEMBER):
        client = signed_in(make_member(alpha, role).user)
        assert client.get(address("org_webhooks", alpha)).status_code == 403
        assert client.get(address("org_webhook", alpha, endpoint.pk)).status_code == 403
        assert client.get(address("org_webhook_delivery", alpha, delivery.pk)).status_code == 403
        dashboard = text_of(client.get(address("org_dashboard", alpha)))
        assert address("org_webhooks", alpha) not in dashboard


def test_pages_of_many_deliveries_ask_no_more(
    alpha, owner, endpoint, django_assert_max_num_queries
):
    for _ in range(60):
        emit(alpha.pk, "member.added", DATA)
    with django_assert_max_num_queries(20):
        assert len(owner.get(address("org_webhook", alpha, endpoint.pk)).context["rows"]) == 50
    with django_assert_max_num_queries(20):
        assert len(owner.get(address("org_webhook_events", alpha)).context["rows"]) == 50


def test_what_the_api_makes_the_console_shows(alpha, alice, owner):
    path = f"organizations/{alpha.pk}/webhook-endpoints"
    made = ok(ApiClient(user=alice).post(path, {"url": RECEIVER}), 201)
    assert made["id"] in text_of(owner.get(address("org_webhooks", alpha)))
