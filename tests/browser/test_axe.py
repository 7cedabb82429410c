"""axe-core finds nothing serious on any page that the navigation leads to, and on what is done there.

In both themes and at both widths. Only here the browser lets the page's policy pass: axe is a script put into it.
"""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.cast import ADMIN, RICH_MEMBER, RICH_OWNER
from tests.browser.visitor import SIZES, Visitor
from tests.factories import RECEIVER

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
SERIOUS = {"serious", "critical"}
EVERYTHING: dict[str, Any] = {
    "runOnly": {"type": "tag", "values": TAGS},
    "resultTypes": ["violations"],
}
#: All that another theme can change.
COLOURS: dict[str, Any] = {
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    "resultTypes": ["violations"],
}
ACTIONS = (
    "credits/add/",
    "credits/allocate/",
    "members/add/",
    "subscription/change/",
    "subscription/cancel/",
    "webhooks/add/",
    "webhooks/events/",
)

#: What the bell leads to.
OWN = ("/admin/notices/", "/admin/notices/preferences/")


def addresses(one: Visitor) -> list[str]:
    """Where the navigation leads."""
    links = one.page.locator("nav.ob-nav a")
    return links.evaluate_all("links => links.map((link) => link.getAttribute('href'))")


def violations(axe: Axe, one: Visitor) -> list[str]:
    """What is seriously wrong with the page, in the light and in the dark."""
    found = []
    for theme, options in (("light", EVERYTHING), ("dark", COLOURS)):
        one.page.emulate_media(color_scheme=theme)
        for rule in axe.run(one.page, options=options).response["violations"]:
            if rule["impact"] in SERIOUS:
                places = sorted({str(node["target"][0]) for node in rule["nodes"]})
                found.append(f"{one.page.url} {theme} {rule['id']}: {places[:4]}")
    return found


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("email", [RICH_OWNER, RICH_MEMBER, ADMIN])
def test_no_page_of_a_person_has_a_serious_fault(visitor, service, email, size):
    one = visitor(email, size=size, bypass_csp=True)
    one.visit("/admin/")
    paths = [*addresses(one), *OWN]
    if email == RICH_OWNER:
        paths += [f"/admin/org/{service.org_of(email)}/{action}" for action in ACTIONS]
    assert len(paths) > 3
    axe, found = Axe(), []
    for path in dict.fromkeys(paths):
        one.visit(path)
        found += violations(axe, one)
    assert found == []


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_the_sign_in_page_has_no_serious_fault(visitor, size):
    one = visitor(size=size, bypass_csp=True)
    one.visit("/admin/login/")
    assert violations(Axe(), one) == []


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_the_pages_of_an_endpoint_have_no_serious_fault(visitor, company, size):
    hooks = f"organizations/{company.id}/webhook-endpoints"
    made = company.service.send("POST", hooks, {"url": RECEIVER})
    sent = company.service.send("POST", f"{hooks}/{made['id']}/test", {})
    one = visitor(company.email("olga"), size=size, bypass_csp=True)
    base = f"/admin/org/{company.id}/webhooks"
    paths = [f"{base}/", f"{base}/events/", f"{base}/events/{sent['event_id']}/"]
    paths += [f"{base}/deliveries/{sent['id']}/?looked=99"]
    paths += [
        f"{base}/{made['id']}/{page}" for page in ("", "rotate-secret/", "delete/", "replay/")
    ]
    axe, found = Axe(), []
    for path in paths:
        one.visit(path)
        found += violations(axe, one)
    assert found == []
