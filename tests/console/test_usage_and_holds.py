"""A usage row's page and its refund; releasing a hold."""

import pytest

from credits.deducting import deduct
from credits.holding import HoldOrder, place
from credits.models import Allocation, CreditPool, Hold, Usage
from tests.console.actions import Action, signed_in, text_of
from tests.ledger import ORIGIN, charge

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(funded, bob):
    deduct(charge(funded, bob, 100))
    return Usage.objects.get(org=funded)


def page_of(organization, row, tail=""):
    return f"/admin/org/{organization.pk}/usage/{row.pk}/{tail}"


def remaining(organization, user):
    return Allocation.objects.get(org=organization, user=user).remaining_credits


def test_the_page_shows_everything_and_leads_to_a_refund(funded, alice, bob, row):
    page = text_of(signed_in(alice).get(page_of(funded, row)))
    for words in ("Bob (bob@example.com)", "company_enrichment", "100", "test", str(row.pk)):
        assert words in page
    assert page_of(funded, row, "refund/") in page
    own = text_of(signed_in(bob).get(page_of(funded, row)))
    assert "refund/" not in own


def test_others_don_t_see_it(funded, globex, alice, bob, charlie, row):
    deduct(charge(funded, alice, 5))
    hers = Usage.objects.get(org=funded, user=alice)
    assert signed_in(bob).get(page_of(funded, hers)).status_code == 403
    stranger = signed_in(charlie)
    assert stranger.get(page_of(funded, row)).status_code == 403
    assert stranger.get(page_of(globex, row)).status_code == 404
    assert stranger.get(page_of(globex, row, "refund/")).status_code == 404
    assert signed_in(bob).get(page_of(funded, row, "refund/")).status_code == 403


def test_a_part_is_refunded_once(funded, alice, bob, row):
    action = Action(
        signed_in(alice), page_of(funded, row, "refund/"), credits="30", reason="A wrong answer"
    )
    assert 'value="100"' in text_of(action.opened)
    page = text_of(action.review())
    for number in ("100", "70", "400", "430"):
        assert f">{number}<" in page
    assert remaining(funded, bob) == 400
    for _time in range(2):
        assert "30 credits refunded" in text_of(action.confirm())
    assert remaining(funded, bob) == 430
    refund = Usage.objects.get(operation="refund")
    assert refund.metadata == {"reason": "A wrong answer"}
    shown = text_of(signed_in(alice).get(page_of(funded, row)))
    assert "A wrong answer" in shown
    assert "70 can still be refunded" in shown
    of_refund = text_of(signed_in(alice).get(page_of(funded, refund)))
    assert page_of(funded, row) in of_refund


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"credits": "101", "reason": "x"}, "100 credits can still be refunded, not 101"),
        ({"credits": "10", "reason": ""}, "This field is required"),
        ({"credits": "0", "reason": "x"}, "greater than or equal to 1"),
    ],
)
def test_what_a_refund_refuses(funded, alice, bob, row, fields, said):
    action = Action(signed_in(alice), page_of(funded, row, "refund/"), **fields)
    assert said in text_of(action.review())
    assert said in text_of(action.confirm())
    assert remaining(funded, bob) == 400


def test_of_a_former_member_it_goes_to_the_pool(funded, alice, bob, row):
    Allocation.objects.close(org_id=funded.pk, user_id=bob.pk, origin=ORIGIN)
    action = Action(signed_in(alice), page_of(funded, row, "refund/"), credits="100", reason="x")
    page = text_of(action.review())
    assert "Available in the pool" in page
    assert ">9,000<" in page
    action.confirm()
    assert CreditPool.objects.get(org=funded).available_credits == 9_000


class TestRelease:
    @pytest.fixture
    def hold(self, funded, bob):
        place(HoldOrder(charge(funded, bob, 60)))
        return Hold.objects.get(org=funded)

    @pytest.fixture
    def address(self, funded, hold):
        return f"/admin/org/{funded.pk}/holds/{hold.pk}/release/"

    def test_the_review_comes_first_and_one_button_does_it(self, funded, alice, bob, hold, address):
        action = Action(signed_in(alice), address)
        page = text_of(action.opened)
        assert "60 credits held for company_enrichment go back to Bob" in page
        for number in ("60", "0", "440", "500"):
            assert f">{number}<" in page
        assert remaining(funded, bob) == 440
        for _time in range(2):
            assert "hold of 60 credits is released" in text_of(action.confirm())
        assert remaining(funded, bob) == 500
        hold.refresh_from_db()
        assert hold.status == "released"
        settled = text_of(signed_in(alice).get(address))
        assert "released already" in settled

    def test_others_may_not(self, funded, globex, bob, charlie, hold, address):
        for person in (bob, charlie):
            assert signed_in(person).post(address, {"confirmed": "1"}).status_code == 403
        other = f"/admin/org/{globex.pk}/holds/{hold.pk}/release/"
        assert signed_in(charlie).get(other).status_code == 404
        hold.refresh_from_db()
        assert hold.status == "pending"
