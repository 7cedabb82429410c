"""Refusals: each says why in the same words, and is counted within bounds."""

from datetime import UTC, datetime, timedelta

import pytest

from credits import refusing, sweeping
from credits.deducting import deduct
from credits.errors import InsufficientPoolCredits
from credits.functions import Origin, record_refusal
from credits.models import CreditPool, Refusal, StoredAnswer
from credits.models.refusal import OTHER_SERVICES, OTHERS
from orgbilling.lib.clock import simulated
from orgbilling.lib.errors import OrgBillingError
from orgbilling.lib.ids import uuid7
from tests.ledger import ORIGIN, charge, give

WHY = {"evaluated", "refused_by", "resets_at", "raised_by", "fix"}


def refused(org, user, credits=1):
    with pytest.raises(OrgBillingError) as caught:
        deduct(charge(org, user, credits))
    return caught.value


def test_every_422_says_which_limits_were_looked_at(funded, alice, charlie):
    seen = {}
    stranger = refused(funded, charlie)
    seen[stranger.code] = stranger.extra["why"]
    CreditPool.objects.set_entitlement(org_id=funded.pk, spending_until=None, price_plan=None)
    ended = refused(funded, alice)
    seen[ended.code] = ended.extra["why"]
    CreditPool.objects.set_suspended(funded.pk, suspended=True)
    suspended = refused(funded, alice)
    seen[suspended.code] = suspended.extra["why"]
    assert {code: why["refused_by"] for code, why in seen.items()} == {
        "not_a_member": "membership",
        "subscription_inactive": "subscription",
        "organization_suspended": "organization",
    }
    for why in seen.values():
        assert why.keys() >= WHY
        assert [limit["passed"] for limit in why["evaluated"]][-1] is False
        assert why["raised_by"]
        assert why["fix"]
    assert Refusal.objects.filter(org=funded).count() == 3


def test_a_short_pool_says_when_it_is_refreshed(funded, alice):
    CreditPool.objects.change_settings(org_id=funded.pk, monthly_refresh_amount=5)
    with pytest.raises(InsufficientPoolCredits) as caught:
        give(funded, alice, 8_501)
    why = caught.value.extra["why"]
    assert why["refused_by"] == "pool"
    assert why["evaluated"][-1]["short_by"] == 1
    assert why["resets_at"].endswith("Z")


def test_a_refused_charge_is_counted_not_added(funded, alice):
    for _ in range(3):
        assert deduct(charge(funded, alice, 1_001)).status == 402
    row = Refusal.objects.get(org=funded)
    assert (row.count, row.requested_credits, row.remaining_credits) == (3, 1_001, 1_000)
    assert (row.code, row.refused_by) == ("insufficient_credits", "allocation")


def test_those_of_a_batch_are_counted_too(funded, alice, charlie, client_for, alpha_key):
    api = client_for(alpha_key)
    item = {"org_id": str(funded.pk), "service_name": "x"}
    short = {**item, "user_id": str(alice.pk), "credits": 1_001}
    stranger = {**item, "user_id": str(charlie.pk), "credits": 1}
    api.post("credits/deduct/batch", {"items": [short], "atomic": True})
    api.post("credits/deduct/batch", {"items": [stranger]}, Idempotency_Key="b")
    seen = Refusal.objects.values_list("code", "count").order_by("code")
    assert list(seen) == [("insufficient_credits", 1), ("not_a_member", 1)]


def test_an_atomic_batch_under_a_key_is_counted_once(funded, alice, charlie, client_for, alpha_key):
    """What undoes the batch undoes a count made with it, and a replay is no refusal."""
    api = client_for(alpha_key)
    item = {"org_id": str(funded.pk), "service_name": "x"}
    short = {**item, "user_id": str(alice.pk), "credits": 1_001}
    stranger = {**item, "user_id": str(charlie.pk), "credits": 1}
    for key, refused in (("short", short), ("stranger", stranger)):
        asked = {"items": [{**short, "credits": 1}, refused], "atomic": True}
        answer = api.post("credits/deduct/batch", asked, Idempotency_Key=key)
        assert [error["field"] for error in answer.json()["errors"]] == ["items.1"]
    again = {"items": [{**short, "credits": 1}, short], "atomic": True}
    replay = api.post("credits/deduct/batch", again, Idempotency_Key="short")
    assert replay.headers["Idempotent-Replayed"] == "true"
    seen = Refusal.objects.values_list("code", "count").order_by("code")
    assert list(seen) == [("insufficient_credits", 1), ("not_a_member", 1)]


def test_a_day_keeps_a_bounded_number_of_rows(funded):
    def record(number):
        record_refusal(
            org_id=funded.pk,
            user_id=uuid7(),
            service_name=f"service {number}",
            code="not_a_member",
            refused_by="membership",
            requested=None,
            remaining=None,
            origin=ORIGIN,
        )

    for number in range(505):
        record(number)
    assert Refusal.objects.filter(org=funded).count() == 501
    rest = Refusal.objects.get(org=funded, user_id=OTHERS)
    assert (rest.service_name, rest.count) == (OTHER_SERVICES, 5)


def test_old_ones_are_forgotten_and_keys_of_refusals_freed(funded, alice):
    now = datetime(2027, 6, 1, tzinfo=UTC)
    with simulated(now):
        deduct(charge(funded, alice, 5_000, "k"))
        assert sweeping.purge_answers() == 0
    with simulated(now + timedelta(days=8)):
        assert sweeping.purge_answers() == 1
        assert sweeping.purge_refusals() == 0
    with simulated(now + timedelta(days=31)):
        assert sweeping.purge_refusals() == 1
    assert not StoredAnswer.objects.filter(key="k").exists()


def test_a_failure_to_count_changes_nothing_of_the_answer(funded, charlie, monkeypatch):
    def broken(**_):
        raise OrgBillingError

    monkeypatch.setattr(refusing.functions, "record_refusal", broken)
    assert refused(funded, charlie).code == "not_a_member"


def test_whoever_caused_it_is_kept(funded, charlie):
    with pytest.raises(OrgBillingError):
        deduct(charge(funded, charlie, 1))
    assert Refusal.objects.get(org=funded).actor == Origin("system", "x").actor
