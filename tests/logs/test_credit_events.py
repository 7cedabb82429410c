"""What moves credits is logged with its fields, once it is committed, and never when it isn't."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import transaction
from django.test import Client

from credits import sweeping
from credits.deducting import deduct, tell, tell_all
from credits.functions import Origin
from credits.models import Hold
from orgbilling.console import site
from orgbilling.lib.clock import database_now, simulated
from tests.api_client import ok
from tests.credits.hold_calls import capture, release
from tests.credits.test_deduct import body
from tests.ledger import charge, fund, give
from tests.logs.kept import kept

pytestmark = pytest.mark.django_db
DEDUCT, BATCH, HOLDS = "credits/deduct", "credits/deduct/batch", "credits/holds"


@pytest.fixture
def api(funded, alpha_key, client_for):
    return client_for(alpha_key)


@pytest.fixture
def told(django_capture_on_commit_callbacks):
    """Calls something in a transaction that is committed, and returns the events of that name."""

    def call(event, work):
        with kept() as log, django_capture_on_commit_callbacks(execute=True):
            work()
        return log.named(event)

    return call


def test_a_hold_from_its_beginning_to_its_end(api, told, funded, alice):
    wanted = body(funded, alice, 200)
    hold = {}
    (created,) = told("hold.created", lambda: hold.update(ok(api.post(HOLDS, wanted), 201)))
    assert created["hold_id"] == hold["id"]
    assert (created["credits_held"], created["remaining"]) == (200, 800)
    part = {"credits": 50, "final": False}
    (captured,) = told(
        "hold.captured", lambda: ok(capture(api, hold, part, Idempotency_Key="part"))
    )
    assert (captured["credits_deducted"], captured["status"]) == (50, "pending")
    (released,) = told("hold.released", lambda: ok(release(api, hold)))
    assert (released["credits_released"], released["replayed"]) == (150, False)
    (again,) = told("hold.released", lambda: ok(release(api, hold)))
    assert again["replayed"] is True


def test_a_hold_that_the_job_finds_expired(api, told, funded, alice):
    hold = ok(api.post(HOLDS, body(funded, alice, 200)), 201)
    with simulated(database_now() + timedelta(hours=1)):
        (expired,) = told("hold.expired", sweeping.expire_holds_due)
        assert told("hold.expired", sweeping.expire_holds_due) == []
    assert (expired["hold_id"], expired["credits_released"]) == (hold["id"], 200)
    assert Hold.objects.get().status == "expired"


def test_each_item_of_a_batch_has_a_line(api, told, funded, alice, bob):
    items = [body(funded, alice, 1), body(funded, bob, 2), body(funded, bob, 10**9)]
    lines = told("credits.deducted", lambda: ok(api.post(BATCH, {"items": items})))
    assert [line["credits_deducted"] for line in lines] == [1, 2]
    assert told("credits.refused", lambda: ok(api.post(BATCH, {"items": items})))


def test_the_line_of_many_is_that_of_each_alone(told, funded, alice):
    first = deduct(charge(funded, alice, 1))
    again = first._replace(charged=first.charged._replace(outcome="replayed"))
    over = first._replace(charged=first.charged._replace(overage_credits=5))
    own = first._replace(charge=first.charge._replace(origin=Origin("system", "-")))
    for many in ([first, again], [over, over], [first, over], [own, own], [own, first, again]):
        together = told("credits.deducted", lambda many=many: tell_all(many))
        apart = [told("credits.deducted", lambda one=one: tell(one))[0] for one in many]
        for line in (*together, *apart):
            del line["timestamp"]
        assert together == apart


def test_a_batch_that_is_undone_has_none(api, told, funded, alice, bob):
    wanted = {"atomic": True, "items": [body(funded, alice, 1), body(funded, bob, 10**9)]}
    assert told("credits.deducted", lambda: api.post(BATCH, wanted)) == []


def test_what_is_rolled_back_says_nothing(api, told, funded, alice):
    def work():
        with transaction.atomic():
            ok(api.post(DEDUCT, body(funded, alice, 5)), 201)
            fund(funded, 7)
            transaction.set_rollback(True)

    assert told("credits.deducted", work) == []
    assert told("credits.added", work) == []


def test_movements_of_the_pool(api, told, funded, alice):
    (added,) = told("credits.added", lambda: fund(funded, 7))
    assert (added["kind"], added["credits_added"], added["available"]) == ("grant", 7, 8_507)
    (allocated,) = told("credits.allocated", lambda: give(funded, alice, 5))
    assert (allocated["credits_allocated"], allocated["remaining"]) == (5, 1_005)
    (reclaimed,) = told(
        "credits.reclaimed",
        lambda: ok(
            api.post(f"credits/{funded.pk}/reclaim", {"user_id": str(alice.pk), "credits": 5})
        ),
    )
    assert (reclaimed["credits_reclaimed"], reclaimed["remaining"]) == (5, 1_000)
    usage = ok(api.post(DEDUCT, body(funded, alice, 9)), 201)
    (refunded,) = told(
        "credits.refunded",
        lambda: ok(api.post(f"credits/usage/{usage['id']}/refund", {"reason": "wrong"}), 201),
    )
    assert (refunded["credits_refunded"], refunded["usage_id"]) == (9, usage["id"])


def test_what_a_leaving_member_had(api, told, funded, bob):
    path = f"organizations/{funded.pk}/members/{bob.pk}"
    (returned,) = told("credits.returned", lambda: api.delete(path))
    assert (returned["user_id"], returned["credits_returned"]) == (str(bob.pk), 500)


def test_a_refusal_names_who_wanted_what(api, told, funded, alice):
    (refused,) = told("credits.refused", lambda: api.post(DEDUCT, body(funded, alice, 10**9)))
    assert (refused["code"], refused["requested"]) == ("insufficient_credits", 10**9)
    stranger = {**body(funded, alice, 1), "user_id": str(uuid4())}
    (unknown,) = told("credits.refused", lambda: api.post(DEDUCT, stranger))
    assert unknown["code"] == "not_a_member"


def test_a_session_is_a_user(funded, alice, client_for, told):
    (line,) = told("request.finished", lambda: client_for(alice).get(f"credits/{funded.pk}"))
    assert (line["principal_kind"], line["principal_id"]) == ("user", str(alice.pk))
    assert (line["org_id"], line["route"]) == (
        str(funded.pk),
        "api/v1/org-billing/credits/<str:org_id>",
    )


def test_a_stream_is_told_at_its_end_with_its_length(funded, api, told):
    sent = []
    path = f"credits/{funded.pk}/usage/export"
    (line,) = told("request.finished", lambda: sent.append(api.get(path)))
    assert (line["status"], line["bytes"]) == (200, len(sent[0].content))
    assert line["request_id"]


def test_djangos_own_words_show_no_address(alice, told, monkeypatch):
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    (refused,) = told("request.csrf_refused", lambda: client.post("/admin/login/?q=hidden"))
    assert (refused["level"], refused["reason"]) == ("warning", "CSRF cookie not set.")
    client.force_login(alice)
    monkeypatch.setattr(site, "current_org_id", broken)
    with kept() as log:
        assert client.get("/admin/?q=hidden").status_code == 500
    (failed,) = log.named("request.failed")
    assert failed["exception"][0]["type"] == "ZeroDivisionError"
    assert "hidden" not in b"".join(log.lines).decode()


def broken(_request):
    raise ZeroDivisionError


def test_an_address_that_is_none_is_not_shown(client_for, told):
    (line,) = told("request.finished", lambda: client_for().get("/not/an/address/of/ours"))
    assert (line["route"], line["status"]) == ("unknown", 404)
