"""An endpoint is added, tried, given another secret and deleted, at a desk and on a phone. Nothing is ever sent."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.visitor import SIZES
from tests.factories import RECEIVER

pytestmark = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)


def press(one, name):
    """Choose the button of this name."""
    one.page.get_by_role("main").get_by_role("button", name=name, exact=True).click()


def secret_of(one):
    """The secret on the page, which can be copied."""
    shown = one.page.get_by_label("Signing secret of")
    expect(shown).to_have_value(re.compile("^whsec_.{44}$"))
    one.context.grant_permissions(["clipboard-read", "clipboard-write"])
    press(one, "Copy")
    expect(one.page.get_by_text("Copied.")).to_be_attached()
    value = shown.input_value()
    assert one.page.evaluate("navigator.clipboard.readText()") == value
    one.fits()
    return value


def test_an_owner_adds_an_endpoint_and_keeps_its_secret(visitor, company, size):
    one = visitor(company.email("olga"), size=size)
    one.visit("/admin/")
    one.follow("Webhooks")
    one.page.get_by_role("main").get_by_role("link", name="Add endpoint").click()
    one.page.get_by_label("Address").fill("https://10.0.0.1/")
    press(one, "Add endpoint")
    expect(one.page.get_by_role("main")).to_contain_text("10.0.0.1 isn't a public address")
    one.page.get_by_label("Address").fill(RECEIVER)
    one.page.get_by_label("All events").uncheck()
    one.page.get_by_label("credits.low").check()
    press(one, "Add endpoint")
    one.said("Send it a test next.")
    first = secret_of(one)
    one.page.reload()
    expect(one.page.get_by_role("main")).to_contain_text("can't be shown again")
    one.page.get_by_role("link", name="To the endpoint").click()
    one.heading(RECEIVER)
    expect(one.page.get_by_role("main")).to_contain_text("credits.low")
    one.page.get_by_role("link", name="Rotate secret").click()
    press(one, "Review")
    press(one, "Make a new secret")
    assert secret_of(one) != first
    one.page.get_by_role("link", name="I have kept it").click()
    one.page.get_by_role("link", name="Delete").click()
    press(one, "Delete")
    one.said("is deleted.")


def test_a_test_that_waits_is_looked_after(visitor, company, size):
    hooks = f"organizations/{company.id}/webhook-endpoints"
    made = company.service.send("POST", hooks, {"url": RECEIVER, "description": "Our CRM"})
    one = visitor(company.email("olga"), size=size)
    one.visit(f"/admin/org/{company.id}/webhooks/")
    one.page.get_by_role("link", name=RECEIVER).click()
    one.heading("Our CRM")
    one.page.get_by_role("button", name="Send a test").click()
    one.said("The test is on its way.")
    one.heading("webhook.test")
    expect(one.page.get_by_role("main")).to_contain_text("It waits for the worker")
    # The page looks again by itself.
    one.page.wait_for_url(re.compile(r"\?looked=1$"))
    (delivery,) = company.service.get(f"{hooks}/{made['id']}/deliveries")["results"]
    assert delivery["id"] in one.page.url
    one.page.get_by_role("main").get_by_role("link", name=delivery["event_id"]).click()
    one.heading("webhook.test")
    expect(one.page.get_by_role("main")).to_contain_text(RECEIVER)
