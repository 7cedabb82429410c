"""Signing in and out by the form, at a desk and on a phone; what each kind of person finds."""

import pytest
from playwright.sync_api import expect

from tests.browser.cast import ADMIN, MEMBER, OWNER
from tests.browser.visitor import SIZES

pytestmark = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)


def fill(one, email, password):
    """Type both into the form and send it."""
    one.page.get_by_label("E-mail").fill(email)
    one.page.get_by_label("Password").fill(password)
    one.page.get_by_role("button", name="Sign in", exact=True).click()


def test_an_owner_signs_in_by_the_form_and_out_again(visitor, service, size):
    one = visitor(size=size)
    one.visit("/admin/")
    fill(one, OWNER, service.password(OWNER))
    one.page.wait_for_url("**/admin/org/*/")
    one.fits()
    one.unfold()
    one.page.locator("details.ob-user > summary").click()
    one.page.get_by_role("button", name="Sign out").click()
    one.visit("/admin/")
    expect(one.page.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


def test_a_wrong_password_is_said_and_nobody_is_in(visitor, size):
    one = visitor(size=size)
    one.visit("/admin/login/")
    fill(one, OWNER, "not this one")
    expect(one.page.get_by_role("alert")).to_be_visible()
    one.fits()


def test_a_member_finds_their_own_and_no_link_beyond(visitor, size):
    one = visitor(MEMBER, size=size)
    one.visit("/admin/")
    one.unfold()
    links = one.page.get_by_role("navigation", name="Console").get_by_role("link")
    names = [name.rsplit("\n", 1)[-1].strip() for name in links.all_inner_texts()]
    assert "Usage" in names
    assert {"Members", "API keys", "Journal", "Organizations", "Plans"} & set(names) == set()


def test_a_stranger_is_refused(visitor, service, size):
    globex = next(org["id"] for org in service.demo["organizations"] if org["name"] == "Globex")
    one = visitor(OWNER, size=size)
    one.visit(f"/admin/org/{globex}/", status=403)


def test_a_system_admin_sees_all_organizations(visitor, size):
    one = visitor(ADMIN, size=size)
    one.visit("/admin/")
    one.heading("System dashboard")
    one.follow("Organizations")
    expect(one.page.get_by_role("link", name="globex")).to_be_visible()
    one.fits()
