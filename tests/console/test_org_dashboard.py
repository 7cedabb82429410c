"""An organization's dashboard for its billing roles: exact figures, warnings with what mends them, bounded queries."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from billing.choices import EventType
from billing.models import Subscription
from billing.subscribing import Order, subscribe
from credits.choices import JournalKind
from credits.deducting import deduct
from credits.functions import Origin
from credits.models import Allocation
from organizations.choices import AuditAction, Role
from organizations.models import Member
from orgbilling.console.dashboards import cards, events, refused
from orgbilling.console.dashboards.links import ACTIONS, link_to
from orgbilling.console.dashboards.notices import warned
from orgbilling.lib.clock import now
from tests.factories import make_member, make_organization
from tests.ledger import charge, fund, give, let_spend

pytestmark = pytest.mark.django_db

#: One page, whatever the number of members: the frame's, the alerts' and the cards' own.
MOST_QUERIES = 40


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def dashboard(user, org):
    return signed_in(user).get(f"/admin/org/{org.pk}/")


def test_the_gauge_adds_up_to_the_last_credit(funded, alice, bob):
    deduct(charge(funded, alice, 300))
    deduct(charge(funded, bob, 120))
    gauge = dashboard(alice, funded).context["gauge"]
    assert (gauge.total, gauge.allocated, gauge.available) == (10_000, 1_500, 8_500)
    assert (gauge.used, gauge.held, gauge.over) == (420, 0, 0)
    assert [part.value for part in gauge.bar] == [420, 0, 1_080, 8_500]
    assert sum(part.value for part in gauge.bar) == gauge.total


def test_the_chart_has_the_usage_by_day_and_service(funded, alice):
    deduct(charge(funded, alice, 300))
    page = dashboard(alice, funded)
    chart = page.context["chart"]
    assert chart.total == 300
    assert len(chart.columns) == 30
    assert [(entry.name, entry.total) for entry in chart.key] == [("company enrichment", 300)]
    assert chart.rows[-1][1:] == ((300,), 300)
    text = page.content.decode()
    assert 'role="img"' in text
    assert "Show as a table" in text
    assert "style=" not in text
    assert "onclick" not in text
    assert [row["credits_used"] for row in page.context["top"]] == [300]


def test_members_with_the_least_left_come_first(funded, alice, bob):
    make_member(funded)
    deduct(charge(funded, bob, 480))
    members = dashboard(alice, funded).context["members"]
    assert [member.user_id for member, _bar in members][:2] == [bob.pk, alice.pk]
    assert members[0][0].is_low
    assert [part.value for part in members[0][1]] == [480, 0, 20]
    assert members[2][0].allocation_id is None


def test_a_new_organization_is_shown_three_steps(alpha, alice):
    steps = dashboard(alice, alpha).context["steps"]
    assert [step.done for step in steps] == [False, False, False]
    page = dashboard(alice, alpha)
    assert "no_subscription" not in [alert.title for alert in page.context["alerts"]]
    assert "There is no subscription" not in page.content.decode()
    fund(alpha, 100)
    assert [step.done for step in dashboard(alice, alpha).context["steps"]] == [False, True, False]
    give(alpha, alice, 10)
    assert [step.done for step in dashboard(alice, alpha).context["steps"]] == [False, True, True]
    subscribe(organization=alpha, order=Order(plan="platform"), origin=Origin("system", "test"))
    page = dashboard(alice, alpha)
    assert page.context["steps"] == []
    assert page.context["plan"].plan == "Platform"


def test_refusals_are_told_with_their_reason_and_what_fixes_it(funded, alice, bob):
    deduct(charge(funded, bob, 501))
    page = dashboard(alice, funded)
    (refusal,) = page.context["refusals"]
    assert refusal.who == "Bob"
    assert refusal.why == "Insufficient credits: 501 asked for, 500 left"
    assert refusal.fix == "Allocate more credits."
    assert refusal.count == 1
    titles = [warning.title for warning in page.context["alerts"]]
    assert "Bob was refused 1 time" in titles


def test_an_action_leads_to_its_page_with_the_member_chosen(alpha, bob, monkeypatch):
    known = {**ACTIONS, "allocate": ("Allocate credits", "org_audit")}
    monkeypatch.setattr("orgbilling.console.dashboards.links.ACTIONS", known)
    link = link_to(f"allocate:{bob.pk}", alpha.pk)
    assert link.text == "Allocate credits"
    assert link.url == f"/admin/org/{alpha.pk}/audit/?user={bob.pk}"
    assert link_to("contact", alpha.pk) is None


def test_every_refusal_and_warning_has_words(alpha):
    from credits.refusing import COUNTED  # noqa: PLC0415

    assert set(refused.FIXES) == {*COUNTED, "insufficient_credits"}
    assert warned([], alpha.pk) == []


def test_recent_events_are_sentences(funded, alice, bob):
    Allocation.objects.reclaim(
        org_id=funded.pk, user_id=bob.pk, credits=1, origin=Origin(f"user:{alice.pk}", "r-1")
    )
    told = [event.sentence for event in dashboard(alice, funded).context["events"]]
    assert told[0] == "Alice reclaimed 1 credit from Bob"
    assert told[1] == "The system allocated 500 credits to Bob"
    assert "The system granted 10,000 credits" in told


def test_every_kind_of_event_has_a_label():
    kinds = {*EventType.values, *AuditAction.values}
    kinds |= {f"credits_{kind}" for kind in JournalKind.values}
    assert kinds | {"usage_refunded"} == set(events.LABELS)
    assert events.label("something_new") == "Something new"


def test_the_plan_card_says_what_comes_next(alpha):
    subscribe(
        organization=alpha, order=Order(plan="hybrid", trial_days=14), origin=Origin("system", "t")
    )
    live = Subscription.objects.select_related("plan", "scheduled_plan").get(org=alpha)
    live.trial_ends_at = now() + timedelta(days=12, hours=23)
    facts = {fact.label: fact.value for fact in cards.plan_card(live).facts}
    assert facts["Trial days left"] == "13"
    assert facts["Next charge"] == live.trial_ends_at
    assert facts["Amount"] == "99.00 USD"
    live.cancel_at_period_end = True
    facts = {fact.label: fact.value for fact in cards.plan_card(live).facts}
    assert facts["Ends"] == live.trial_ends_at
    assert "Amount" not in facts


def test_times_are_in_the_organizations_zone(alice):
    tokyo = make_organization("tokyo", owner=alice, timezone="Asia/Tokyo")
    text = dashboard(alice, tokyo).content.decode()
    assert "Times are in Asia/Tokyo." in text


@pytest.mark.parametrize("role", [Role.ADMIN, Role.BILLING_ADMIN])
def test_every_billing_role_sees_the_whole(funded, role):
    person = make_member(funded, role).user
    assert "members" in dashboard(person, funded).context


def test_strangers_are_refused_whether_or_not_it_exists(funded, charlie, globex):
    client = signed_in(charlie)
    assert client.get(f"/admin/org/{funded.pk}/").status_code == 403
    missing = "00000000-0000-7000-8000-000000000000"
    assert client.get(f"/admin/org/{missing}/").status_code == 403
    assert client.get(f"/admin/org/{globex.pk}/").status_code == 200
    assert Client().get(f"/admin/org/{funded.pk}/").status_code == 302


def test_nothing_of_another_organization_is_shown(funded, alice, globex, charlie):
    fund(globex, 777_777)
    let_spend(globex)
    give(globex, charlie, 55_555)
    deduct(charge(globex, charlie, 44_444))
    deduct(charge(globex, charlie, 66_666))
    text = dashboard(alice, funded).content.decode()
    for trace in ("Charlie", "Globex", "777,777", "55,555", "44,444", "66,666"):
        assert trace not in text


def test_sixty_members_cost_no_more_queries_than_two(funded, alice):
    client = signed_in(alice)
    client.get(f"/admin/org/{funded.pk}/")
    with CaptureQueriesContext(connection) as few:
        client.get(f"/admin/org/{funded.pk}/")
    for number in range(60):
        user = make_member(funded).user
        give(funded, user, 10 + number)
        deduct(charge(funded, user, 9 + number))
        deduct(charge(funded, user, 1_000))
    assert Member.objects.filter(org=funded).count() == 62
    with CaptureQueriesContext(connection) as many:
        page = client.get(f"/admin/org/{funded.pk}/")
    assert page.context["member_count"] == 62
    assert len(page.context["members"]) == 10
    assert len(page.context["refusals"]) == 8
    # What is found may be followed by one look at the people concerned, and never by one for each.
    assert len(many) <= len(few) + 3
    assert len(many) <= MOST_QUERIES


def test_a_system_admin_sees_it_too(funded, system_admin):
    assert "members" in dashboard(system_admin, funded).context
