"""The plan is changed, canceled and kept, and invoices are read, at a desk and on a phone."""

import re
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from tests.browser.cast import ADMIN, RICH_MEMBER, RICH_OWNER
from tests.browser.test_credit_stories import press, reviewed
from tests.browser.visitor import SIZES

pytestmark = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)

MONEY = re.compile(r"([\d,]+\.\d\d)")


def subscription(service, company):
    """The company's live subscription, as the API tells it."""
    return service.get(f"subscriptions/org/{company.id}")["results"][0]


def test_an_upgrade_shows_the_prorated_amount_before_it_is_charged(visitor, company, service, size):
    one = visitor(company.email("olga"), size=size)
    one.visit("/admin/")
    one.follow("Subscription")
    upgrades = one.page.get_by_role("button", name=re.compile("^Upgrade to"))
    plan = upgrades.first.inner_text().removeprefix("Upgrade to").strip()
    upgrades.first.click()
    row = one.page.get_by_role("row", name=re.compile("^Charged now"))
    shown = Decimal(MONEY.search(row.inner_text())[1].replace(",", ""))
    assert shown > 0
    one.fits()
    assert subscription(service, company)["subscription_plan"] == "platform"
    press(one, "Confirm")
    status = one.page.get_by_role("status").first
    expect(status).to_contain_text(f"The plan is {plan}")
    charged = Decimal(MONEY.search(status.inner_text())[1].replace(",", ""))
    # By the second: time passes while one reads, and what is charged is never more than was shown.
    assert Decimal(0) < charged <= shown
    assert subscription(service, company)["subscription_plan"] == plan.lower()


def test_a_subscription_is_canceled_and_kept_after_all(visitor, company, service, size):
    one = visitor(company.email("olga"), size=size)
    one.visit(f"/admin/org/{company.id}/subscription/")
    one.page.get_by_role("link", name="Cancel at the period's end").click()
    reviewed(one, "You can undo this until then")
    press(one, "Cancel at the period's end")
    one.said("The subscription ends on")
    assert subscription(service, company)["cancel_at_period_end"]
    one.page.get_by_role("link", name="Keep the subscription").click()
    press(one, "Keep the subscription")
    one.said("goes on")
    assert not subscription(service, company)["cancel_at_period_end"]


def test_an_invoice_is_read_as_a_page_and_as_a_file(visitor, service, size):
    one = visitor(RICH_OWNER, size=size)
    one.visit("/admin/")
    one.follow("Invoices")
    one.page.get_by_role("rowheader").get_by_role("link").first.click()
    expect(one.page.get_by_role("heading", level=1)).to_contain_text("nvoice")
    one.fits()
    link = one.page.get_by_role("link", name=re.compile("PDF")).first
    answer = one.context.request.get(service.url + link.get_attribute("href"))
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.body().startswith(b"%PDF-")


def test_an_owner_sees_how_invoices_are_paid_and_what_was_billed(visitor, size):
    one = visitor(RICH_OWNER, size=size)
    one.visit("/admin/")
    one.follow("Payment methods")
    one.heading("Payment methods")
    one.follow("Billing history")
    expect(one.page.get_by_role("main")).to_contain_text("800.00")
    one.fits()


def test_a_member_sees_the_plan_and_no_button_that_costs(visitor, service, size):
    org_id = service.org_of(RICH_MEMBER)
    one = visitor(RICH_MEMBER, size=size)
    one.visit(f"/admin/org/{org_id}/subscription/")
    expect(one.page.get_by_role("heading", name="Current plan")).to_be_visible()
    buttons = one.page.get_by_role("main").get_by_role("button")
    assert [text for text in buttons.all_inner_texts() if "rade" in text or "Switch" in text] == []
    for page in ("invoices/", "payment-methods/", "billing/", "subscription/cancel/"):
        one.visit(f"/admin/org/{org_id}/{page}", status=403)


def test_a_system_admin_sees_the_business(visitor, size):
    one = visitor(ADMIN, size=size)
    one.visit("/admin/system/")
    main = one.page.get_by_role("main")
    for text in ("Monthly recurring revenue", "Annual recurring revenue", "Past due", "Globex"):
        expect(main).to_contain_text(text)
