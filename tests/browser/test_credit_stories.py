"""Credits are added, given, taken back and looked up by the people who do that, at a desk and on a phone."""

import csv
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.cast import ADMIN
from tests.browser.visitor import SIZES

pytestmark = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)


def press(one, name):
    """Choose the button of this name."""
    one.page.get_by_role("main").get_by_role("button", name=name, exact=True).click()


def type_credits(one, number):
    """Fill in how many."""
    one.page.get_by_role("textbox", name=re.compile("^Credits")).fill(number)


def reviewed(one, *texts):
    """The review says these."""
    for text in texts:
        expect(one.page.get_by_role("main")).to_contain_text(text)
    one.fits()


def test_an_owner_adds_credits_on_account(visitor, company, size):
    one = visitor(company.email("olga"), size=size)
    one.visit("/admin/")
    one.follow("Add credits")
    type_credits(one, "1,500")
    press(one, "Review")
    reviewed(one, "1,500 credits for", "to be paid on account", "10,000", "11,500")
    assert company.pool()["available_credits"] == 10_000
    press(one, "Add credits")
    one.said("1,500 credits added")
    assert company.pool()["available_credits"] == 11_500


def test_a_system_admin_grants_credits(visitor, company, size):
    one = visitor(ADMIN, size=size)
    one.visit(f"/admin/org/{company.id}/credits/add/")
    one.page.get_by_label("Grant: free of charge").check()
    type_credits(one, "250")
    press(one, "Review")
    reviewed(one, "no charge")
    press(one, "Add credits")
    one.said("250 credits added")
    assert company.pool()["available_credits"] == 10_250


def test_an_owner_allocates_to_two_members_after_a_review(visitor, company, size):
    one = visitor(company.email("olga"), size=size)
    one.visit(f"/admin/org/{company.id}/credits/allocate/")
    for who in ("mia", "max"):
        one.page.get_by_role("checkbox", name=re.compile(company.email(who))).check()
    type_credits(one, "1,200")
    press(one, "Review")
    reviewed(one, "2,400 credits for 2 members", "10,000", "7,600")
    assert company.remaining("mia") == 0
    press(one, "Allocate")
    one.said("2,400 credits allocated to 2 members")
    assert [company.remaining(who) for who in ("mia", "max")] == [1_200, 1_200]
    assert company.pool()["available_credits"] == 7_600


def test_an_owner_reclaims_what_is_unspent(visitor, company, size):
    company.allocate("mia", 900)
    one = visitor(company.email("olga"), size=size)
    one.visit("/admin/")
    one.follow("Allocations")
    one.page.get_by_role("link", name=f"Reclaim from {company.email('mia')}").click()
    one.page.get_by_label("An amount", exact=True).check()
    type_credits(one, "400")
    press(one, "Review")
    reviewed(one, "400 credits from", "back to the pool", "900", "500")
    press(one, "Reclaim")
    one.said("400 credits")
    assert company.remaining("mia") == 500
    assert company.pool()["available_credits"] == 9_500


def test_an_owner_refunds_a_charge(visitor, company, size):
    company.allocate("mia", 900)
    company.deduct("mia", 50)
    one = visitor(company.email("olga"), size=size)
    one.visit("/admin/")
    one.follow("Usage")
    one.page.locator("#result_list tbody a").first.click()
    one.heading("Usage: company_enrichment")
    one.page.get_by_role("link", name="Refund", exact=True).click()
    type_credits(one, "20")
    one.page.get_by_label("Reason").fill("It answered twice.")
    press(one, "Review")
    reviewed(one, "20 credits back to", "850", "870")
    press(one, "Refund")
    one.said("20 credits refunded")
    expect(one.page.get_by_role("main")).to_contain_text("It answered twice.")
    assert company.remaining("mia") == 870


def test_an_owner_releases_a_hold(visitor, company, size):
    company.allocate("mia", 900)
    company.hold("mia", 300)
    assert company.remaining("mia") == 600
    one = visitor(company.email("olga"), size=size)
    one.visit("/admin/")
    one.follow("Holds")
    one.page.get_by_role("link", name=f"Release the hold of {company.email('mia')}").click()
    reviewed(one, "300 credits held for company_enrichment")
    press(one, "Release")
    one.said("The hold of 300 credits is released")
    assert company.remaining("mia") == 900


def test_the_usage_browser_filters_and_exports_what_it_shows(visitor, company, size):
    for who in ("mia", "max"):
        company.allocate(who, 900)
        company.deduct(who, 30)
        company.deduct(who, 7, "=cmd|' /C calc'!A1")
    one = visitor(company.email("olga"), size=size)
    one.visit("/admin/credits/usage/")
    one.page.get_by_label("Member", exact=True).select_option(company.email("mia"))
    press(one, "Filter")
    rows = one.page.locator("#result_list tbody tr")
    expect(rows).to_have_count(2)
    with one.page.expect_download() as download:
        one.page.get_by_role("link", name="Export CSV").click()
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    exported = list(csv.DictReader(io.StringIO(text)))
    assert {row["user_id"] for row in exported} == {company.people["mia"]}
    assert sorted(row["service_name"] for row in exported) == [
        "'=cmd|' /C calc'!A1",
        "company_enrichment",
    ]


def test_a_member_looks_up_their_own_and_may_do_nothing_else(visitor, company, size):
    for who in ("mia", "max"):
        company.allocate(who, 900)
        company.deduct(who, 30)
    one = visitor(company.email("mia"), size=size)
    one.visit("/admin/")
    expect(one.page.get_by_role("main")).to_contain_text("870")
    one.follow("Usage")
    expect(one.page.locator("#result_list tbody tr")).to_have_count(1)
    for page in ("add", "allocate", "reclaim"):
        one.visit(f"/admin/org/{company.id}/credits/{page}/", status=403)
    one.visit(f"/admin/org/{company.id}/settings/", status=403)


def test_a_stranger_is_refused_everywhere(visitor, company, service, size):
    stranger = type(company)(service)
    one = visitor(stranger.email("olga"), size=size)
    pages = ("", "credits/add/", "credits/allocate/", "credits/reclaim/", "settings/", "members/")
    for page in (*pages, "subscription/", "invoices/", "payment-methods/", "billing/"):
        one.visit(f"/admin/org/{company.id}/{page}", status=403)


def test_an_owner_changes_a_setting_of_the_pool(visitor, company, size):
    one = visitor(company.email("olga"), size=size)
    one.visit("/admin/")
    one.follow("Pool settings")
    one.page.get_by_label("Alert below percent").fill("25")
    press(one, "Review")
    press(one, "Save changes")
    one.said("Saved: alert below percent")
    expect(one.page.get_by_label("Alert below percent")).to_have_value("25")


def test_the_audit_says_who_gave_what_to_whom_and_is_not_editable(visitor, company, size):
    company.allocate("mia", 900)
    company.allocate("max", 350)
    one = visitor(company.email("olga"), size=size)
    one.visit("/admin/")
    one.follow("Audit")
    one.page.get_by_role("textbox", name="Done to").fill(company.email("mia"))
    press(one, "Search")
    entries = one.page.get_by_role("table").locator("tbody tr")
    expect(entries.filter(has_text="900")).to_have_count(1)
    expect(entries.filter(has_text="350")).to_have_count(0)
    entries.filter(has_text="900").get_by_role("rowheader").get_by_role("link").click()
    reviewed(one, "900", company.email("mia"))
    fields = one.page.get_by_role("main").locator("input:not([type=hidden]), textarea, select")
    expect(fields).to_have_count(0)


def test_somebody_in_two_organizations_switches_between_them(visitor, company, service, size):
    other = type(company)(service)
    member = {"email": company.email("olga"), "role": "member"}
    service.send("POST", f"organizations/{other.id}/members", member)
    one = visitor(company.email("olga"), size=size)
    one.visit(f"/admin/org/{company.id}/")
    one.unfold()
    switcher = one.page.locator("details.ob-switcher")
    switcher.locator("summary").click()
    switcher.get_by_role("link", name=other.name).click()
    one.page.wait_for_url(f"**/admin/org/{other.id}/")
    one.unfold()
    expect(one.page.locator(".ob-switcher-name")).to_have_text(other.name)
