"""Credits are allocated by the keyboard alone, and one always sees where one is."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.visitor import Visitor

TABS_MAX = 120
#: Something at the place where the focus is differs from what the browser draws around everything.
VISIBLE = """() => {
  const style = getComputedStyle(document.activeElement);
  const drawn = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  return drawn || style.boxShadow !== "none" || document.activeElement === document.body;
}"""


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until the wanted element has the focus."""
    element = wanted.element_handle()
    for _ in range(TABS_MAX):
        if page.evaluate("element => element === document.activeElement", element):
            return
        page.keyboard.press("Tab")
        assert page.evaluate(VISIBLE), page.evaluate("document.activeElement.outerHTML")
    pytest.fail(f"{TABS_MAX} times Tab don't lead to {wanted}")


def test_credits_are_allocated_by_tab_space_and_enter(visitor, company):
    one: Visitor = visitor(company.email("olga"))
    page = one.visit(f"/admin/org/{company.id}/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "ob-skip"
    tab_to(page, page.get_by_role("navigation", name="Console").get_by_role("link", name="Members"))
    page.keyboard.press("Enter")
    one.heading("Members")
    tab_to(page, page.get_by_role("link", name="Allocate credits", exact=True))
    page.keyboard.press("Enter")
    one.heading("Allocate credits")
    for who in ("mia", "max"):
        tab_to(page, page.locator(f"input[name=members][value='{company.people[who]}']"))
        page.keyboard.press("Space")
    tab_to(page, page.locator("input[name=credits]"))
    page.keyboard.type("300")
    tab_to(page, page.get_by_role("button", name="Review", exact=True))
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_contain_text("600 credits for 2 members")
    tab_to(page, page.get_by_role("button", name="Allocate", exact=True))
    page.keyboard.press("Enter")
    one.said("600 credits allocated to 2 members")
    assert [company.remaining(who) for who in ("mia", "max")] == [300, 300]


def test_escape_closes_what_is_open(visitor, company):
    one: Visitor = visitor(company.email("olga"), size=(390, 844))
    page = one.visit("/admin/")
    menu = page.get_by_role("button", name="Menu", exact=True)
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("navigation", name="Console")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("navigation", name="Console")).to_be_hidden()
    expect(menu).to_be_focused()
