"""Many charges in one statement: each as if it had been alone, and one commit for all of them."""

import json
from functools import partial

import pytest
from django.db import connection, transaction

from credits import coalescing
from credits.deducting import Receipt, deduct
from credits.idempotency import Answer
from credits.models import Allocation, CreditPool, Usage
from orgbilling.lib.clock import database_now, simulated
from orgbilling.lib.errors import IdempotencyKeyReused, OrgBillingError
from tests.concurrency.invariants import broken
from tests.concurrency.threads import together
from tests.factories import make_member, make_user
from tests.ledger import balances, charge, give

pytestmark = pytest.mark.django_db(transaction=True)


def works(charges):
    return [partial(deduct, one) for one in charges]


def test_charges_of_several_organizations_are_one_commit(gathering, rich, alice, orgs):
    charges = [charge(rich, alice, 7, "a"), *(charge(*one, 3, "same key") for one in orgs)]
    receipts = gathering.together(works(charges))
    assert [receipt.charged.credits_used for receipt in receipts] == [7, 3, 3, 3]
    assert [receipt.charged.remaining_credits for receipt in receipts] == [9_993, 497, 497, 497]
    assert [receipt.charge for receipt in receipts] == charges
    rows = {row.pk: row for row in Usage.objects.all()}
    for receipt in receipts:
        row = rows[receipt.charged.usage_id]
        wanted = receipt.charge
        assert (row.org_id, row.user_id, row.credits_used) == (
            wanted.org_id,
            wanted.user_id,
            wanted.credits,
        )
        assert row.idempotency_key == wanted.origin.idempotency_key
        assert (row.created_at, row.allocation_id) == (
            receipt.charged.created_at,
            receipt.charged.allocation_id,
        )
    assert gathering.sent == [4]
    assert gathering.charged_together() == [4]
    assert all(broken(org.pk) == [] for org, _user in [(rich, alice), *orgs])


def test_one_members_charges_are_made_in_the_order_in_which_they_came(gathering, rich, alice):
    receipts = gathering.together(works(charge(rich, alice, number) for number in range(1, 9)))
    left, told = 10_000, []
    for number in range(1, 9):
        left -= number
        told.append(left)
    assert [receipt.charged.remaining_credits for receipt in receipts] == told
    assert gathering.charged_together() == [8]
    assert balances(rich, alice).remaining == 10_000 - 36
    assert broken(rich.pk) == []


def spent(org, user):
    return charge(org, user, 501)


def of_a_stranger(org, user):
    return charge(org, make_user(), 1)


def of_a_member_without_credits(org, user):
    return charge(org, make_member(org).user, 1)


def in_an_organization_of_nobody(org, user):
    return charge(org, user, 1)._replace(org_id=user.pk)


def of_an_unknown_service(org, user):
    return charge(org, user, 1)._replace(credits=None, quantity=1, service_name="nothing of ours")


def of_too_many(org, user):
    return charge(org, user, 1)._replace(credits=None, quantity=10**15)


def in_a_suspended_organization(org, user):
    CreditPool.objects.filter(org=org).update(is_suspended=True)
    return charge(org, user, 1)


def without_a_subscription(org, user):
    CreditPool.objects.filter(org=org).update(spending_until=None)
    return charge(org, user, 1)


def with_a_key_of_another_request(org, user):
    deduct(charge(org, user, 2, "used"))
    return charge(org, user, 1, "used")


REFUSED = [
    spent,
    of_a_stranger,
    of_a_member_without_credits,
    in_an_organization_of_nobody,
    of_an_unknown_service,
    of_too_many,
    in_a_suspended_organization,
    without_a_subscription,
    with_a_key_of_another_request,
]


@pytest.mark.parametrize("bad", REFUSED)
def test_one_that_is_refused_among_many_touches_nobody(gathering, settings, rich, alice, orgs, bad):
    refused = bad(*orgs[0])
    settings.COALESCE_DEDUCTS = False
    alone = together(works([refused._replace(origin=refused.origin._replace(request_id="alone"))]))
    settings.COALESCE_DEDUCTS = True
    others = [charge(rich, alice, 5, "a"), charge(*orgs[1], 5), charge(*orgs[2], 5, "c")]
    before = Usage.objects.count()
    first, *rest = gathering.together(works([refused, *others]))
    assert said(first) == said(alone[0])
    assert all(isinstance(one, Receipt) and not one.replayed for one in rest)
    assert gathering.sent == [4]
    assert gathering.charged_together()[-1] == 3
    assert Usage.objects.count() == before + 3
    assert all(broken(org.pk) == [] for org, _user in [(rich, alice), *orgs])


def said(end):
    """What a caller is told, the request's own id aside."""
    if isinstance(end, Answer):
        document = json.loads(end.body)
        return end.status, document["code"], document["why"], document["detail"]
    assert isinstance(end, OrgBillingError)
    return type(end), end.detail, end.extra


def test_a_reset_that_is_due_is_made_for_the_one_that_needs_it(gathering, rich, alice, orgs):
    org, user = orgs[0]
    allocation = Allocation.objects.get(org=org, user=user)
    assert allocation.next_reset_date is not None
    deduct(charge(org, user, 400))
    Allocation.objects.filter(pk=allocation.pk).update(next_reset_date=database_now())
    receipts = gathering.together(works([charge(org, user, 450), charge(rich, alice, 1)]))
    assert [receipt.charged.remaining_credits for receipt in receipts] == [50, 9_999]
    assert gathering.sent == [2]


def test_of_one_key_twice_in_a_statement_one_is_charged_and_one_is_told(
    gathering, rich, alice, orgs
):
    ends = gathering.together(
        works(
            [*[charge(rich, alice, 5, "k")] * 3, charge(*orgs[0], 5, "k"), charge(rich, alice, 6)]
        )
    )
    assert sorted(one.replayed for one in ends[:3]) == [False, True, True]
    assert len({one.charged.usage_id for one in ends[:3]}) == 1
    assert [one.replayed for one in ends[3:]] == [False, False]
    assert gathering.sent == [5]
    assert balances(rich, alice).remaining == 10_000 - 11
    assert broken(rich.pk) == []


def test_of_one_key_for_two_requests_in_a_statement_one_is_refused(gathering, rich, alice):
    ends = gathering.together(works([charge(rich, alice, 5, "k"), charge(rich, alice, 6, "k")]))
    assert {type(one) for one in ends} == {Receipt, IdempotencyKeyReused}
    assert balances(rich, alice).charges == 1


def test_a_retry_meets_others_and_is_told_what_was_charged(gathering, rich, alice, orgs):
    first = deduct(charge(rich, alice, 5, "k"))
    again, other = gathering.together(works([charge(rich, alice, 5, "k"), charge(*orgs[0], 5)]))
    assert again.replayed
    assert again.charged.usage_id == first.charged.usage_id
    assert not other.replayed
    assert balances(rich, alice).charges == 1


def test_a_stored_refusal_stays_the_answer_of_its_key(gathering, rich, alice, bob, orgs):
    give(rich, bob, 10)
    refused = deduct(charge(rich, bob, 50, "k"))
    give(rich, bob, 100)
    again, other = gathering.together(works([charge(rich, bob, 50, "k"), charge(*orgs[0], 5)]))
    assert (again.status, again.body, again.replayed) == (402, refused.body, True)
    assert isinstance(other, Receipt)
    assert balances(rich, bob).charges == 0


def test_inside_a_transaction_a_charge_is_alone(gathering, rich, alice):
    with gathering.stopped(), transaction.atomic():
        assert isinstance(deduct(charge(rich, alice, 5)), Receipt)
        transaction.set_rollback(True)
    assert balances(rich, alice).charges == 0
    assert gathering.sent == []


def test_under_a_clock_of_its_own_a_charge_is_alone(gathering, rich, alice):
    moment = database_now()
    with gathering.stopped(), simulated(moment):
        assert deduct(charge(rich, alice, 5), at=moment).charged.created_at == moment


def test_without_the_setting_every_charge_is_alone(gathering, settings, rich, alice):
    settings.COALESCE_DEDUCTS = False
    with gathering.stopped():
        together(works(charge(rich, alice, 1) for _ in range(8)))
    assert balances(rich, alice).charges == 8
    assert gathering.sent == []


@pytest.mark.parametrize("abreast", [1, 2])
def test_threads_that_charge_on_and_on_sum_up(monkeypatch, settings, rich, orgs, abreast):
    """No gate here: calls are as they come, with refusals, retries and one member whom all of them charge."""
    settings.COALESCE_DEDUCTS, settings.COALESCE_DEDUCTS_MAX = True, 4
    monkeypatch.setattr(coalescing, "ABREAST", abreast)
    coalescing._coalescer.cache_clear()
    hot = orgs[0]

    def caller(number):
        ends = []
        for count in range(20):
            own = orgs[number % 3]
            ends.append(deduct(charge(*hot, 4, f"{number}-{count}")))
            ends.append(deduct(charge(*own, 1)))
            ends.append(deduct(charge(*hot, 4, f"{number}-{count}")))
        connection.close()
        return ends

    told = [
        end for ends in together(partial(caller, number) for number in range(8)) for end in ends
    ]
    coalescing._coalescer.cache_clear()
    paid = [end for end in told if isinstance(end, Receipt) and not end.replayed]
    for org, user in orgs:
        own = [one.charged.credits_used for one in paid if one.charge.user_id == user.pk]
        seen = balances(org, user)
        assert (seen.charges, seen.used) == (len(own), sum(own))
        assert broken(org.pk) == []
    assert any(isinstance(end, Answer) for end in told)
    assert balances(*hot).remaining < 4
