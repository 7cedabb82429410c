"""The pool's settings: an organization's own, and those of whoever runs the service."""

import pytest

from billing.models import BillingEvent
from credits.models import CreditPool
from tests.console.actions import Action, signed_in, text_of

pytestmark = pytest.mark.django_db
OWN = {
    "overage_limit": "0",
    "alert_threshold_percent": "",
    "alert_threshold_credits": "",
}
OPERATOR = {"monthly_refresh_amount": "0", "overage_rate": "0.01", "account_limit": "1000.00"}


@pytest.fixture
def address(funded):
    return f"/admin/org/{funded.pk}/settings/"


def pool(organization):
    return CreditPool.objects.get(org=organization)


def shown(page):
    """What the review says will change."""
    return [change.label for change in page.context["preview"].changes]


def test_alerts_are_changed_after_a_review(funded, alice, address):
    fields = {**OWN, "alert_threshold_credits": "1,000", "alert_threshold_percent": "20"}
    action = Action(signed_in(alice), address, **fields)
    page = text_of(action.review())
    assert ">none<" in page
    assert ">1,000<" in page
    assert pool(funded).alert_threshold_credits is None
    for _time in range(2):
        assert "Saved: alert below percent, alert below credits." in text_of(action.confirm())
    assert pool(funded).alert_threshold_credits == 1_000
    event = BillingEvent.objects.get(event_type="pool_settings_changed")
    assert event.metadata["after"] == {
        "alert_threshold_percent": 20,
        "alert_threshold_credits": 1_000,
    }


def test_what_somebody_else_changed_meanwhile_is_not_undone_unseen(funded, system_admin, address):
    fields = {**OWN, **OPERATOR, "alert_threshold_credits": "5"}
    action = Action(signed_in(system_admin), address, **fields)
    assert shown(action.review()) == ["Alert below credits"]
    CreditPool.objects.change_settings(org_id=funded.pk, account_limit=0)
    page = action.confirm()
    assert "Somebody else has changed the settings since you looked" in text_of(page)
    assert pool(funded).account_limit == 0
    assert pool(funded).alert_threshold_credits is None
    # It is shown now, and may be confirmed.
    assert shown(page) == ["Alert below credits", "On-account limit"]
    action.fields["seen"] = page.context["form"].data["seen"]
    action.confirm()
    assert str(pool(funded).account_limit) == "1000.00"


def test_nothing_changed_is_said(funded, alice, address):
    assert "Nothing is changed yet" in text_of(Action(signed_in(alice), address, **OWN).review())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"allow_overage": "on"}, "subscribe first"),
        ({"overage_limit": "5"}, "subscribe first"),
        ({"overage_limit": "-5"}, "greater than or equal to 0"),
        ({"alert_threshold_percent": "101"}, "less than or equal to 100"),
    ],
)
def test_what_can_t_be_is_said_beside_the_field(funded, alice, address, fields, said):
    action = Action(signed_in(alice), address, **{**OWN, **fields})
    page = text_of(action.review())
    assert said in page
    assert 'class="ob-errors"' in page
    assert not pool(funded).allow_overage


def test_an_owner_sets_nothing_that_costs_the_operator(funded, alice, address):
    fields = {**OWN, **OPERATOR, "account_limit": "999999", "alert_threshold_credits": "1"}
    action = Action(signed_in(alice), address, **fields)
    assert "set by whoever runs the service" in text_of(action.opened)
    action.confirm()
    assert str(pool(funded).account_limit) == "1000.00"
    assert pool(funded).alert_threshold_credits == 1


def test_a_system_admin_does(funded, system_admin, address):
    fields = {**OWN, **OPERATOR, "account_limit": "2,500.50", "monthly_refresh_amount": "100"}
    action = Action(signed_in(system_admin), address, **fields)
    page = text_of(action.review())
    assert "2,500.50 USD" in page
    action.confirm()
    assert str(pool(funded).account_limit) == "2500.50"
    assert pool(funded).monthly_refresh_amount == 100


def test_members_and_strangers_are_refused(funded, bob, charlie, globex, address):
    for person in (bob, charlie):
        assert signed_in(person).get(address).status_code == 403
        assert signed_in(person).post(address, {**OWN, "confirmed": "1"}).status_code == 403
