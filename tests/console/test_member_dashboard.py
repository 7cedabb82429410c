"""A plain member's dashboard: their own credits to the last one, nobody else's, and whom to ask."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from credits.deducting import deduct
from organizations.choices import Role
from tests.factories import make_member
from tests.ledger import charge, fund, give

pytestmark = pytest.mark.django_db
MOST_QUERIES = 20


@pytest.fixture
def bobs(bob):
    client = Client()
    client.force_login(bob)
    return client


def test_their_own_allocation_chart_and_charges(funded, alice, bob, bobs):
    deduct(charge(funded, bob, 123))
    deduct(charge(funded, alice, 456))
    page = bobs.get(f"/admin/org/{funded.pk}/")
    own = page.context["own"]
    assert (own.current_remaining_credits, own.current_allocated_credits) == (377, 500)
    assert [part.value for part in page.context["own_bar"]] == [123, 0, 377]
    assert page.context["chart"].total == 123
    assert [(row.credits, row.left) for row in page.context["charges"]] == [(123, 377)]
    text = page.content.decode()
    assert "456" not in text
    assert "every month" in text


def test_the_pool_is_shown_as_figures_only(funded, alice, bobs):
    page = bobs.get(f"/admin/org/{funded.pk}/")
    assert page.context["gauge"].available == 8_500
    for name in ("members", "top", "alerts", "events", "steps", "links"):
        assert name not in page.context
    assert "/audit/" not in page.content.decode()


def test_their_refusals_say_what_fixes_them_and_who_can(funded, alice, bob, bobs):
    make_member(funded, Role.BILLING_ADMIN)
    deduct(charge(funded, bob, 501))
    deduct(charge(funded, alice, 1_001))
    page = bobs.get(f"/admin/org/{funded.pk}/")
    (refusal,) = page.context["refusals"]
    assert refusal.why == "Insufficient credits: 501 asked for, 500 left"
    assert page.context["helpers"][0] == "Alice (owner)"
    assert page.context["helpers"][1].endswith("(billing admin)")
    text = page.content.decode()
    assert "Ask Alice (owner)." in text
    assert "1,001" not in text


def test_without_an_allocation_it_says_whom_to_ask(alpha, bobs):
    fund(alpha, 100)
    text = bobs.get(f"/admin/org/{alpha.pk}/").content.decode()
    assert "No credits are allocated to you yet" in text
    assert "Alice (owner)" in text


def test_queries_are_bounded(funded, bob, bobs):
    for number in range(60):
        user = make_member(funded).user
        give(funded, user, 10 + number)
        deduct(charge(funded, user, 5))
    for number in range(20):
        deduct(charge(funded, bob, 1 + number % 3))
    deduct(charge(funded, bob, 9_999))
    with CaptureQueriesContext(connection) as queries:
        page = bobs.get(f"/admin/org/{funded.pk}/")
    assert len(page.context["charges"]) == 10
    assert len(queries) <= MOST_QUERIES
