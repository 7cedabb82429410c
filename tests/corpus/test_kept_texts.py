"""Texts that were accepted are stored, and then everything is read: by the API, on every page, in every file."""

from dataclasses import replace

import pytest

from billing.models import Subscription
from credits.holding import HoldOrder, place
from credits.models import Usage
from organizations.models import ApiKey, WebhookDelivery, WebhookEndpoint
from tests.api_client import ApiClient
from tests.corpus.console import World, page
from tests.corpus.operations import operations
from tests.corpus.room import autocommitting, common
from tests.corpus.values import TEXTS, quoted
from tests.ledger import charge, fund, give, let_spend

ORDINARY = "ordinary words"

pytestmark = pytest.mark.django_db(databases=["default", "counters"])


def test_whatever_was_accepted_can_be_read(db, quiet):
    world = World()
    api, known = ApiClient(user=world.admin), known_in(world.tenant)
    accepted = stored(api, known)
    assert accepted > 100
    wrong = {}
    for operation in operations(known):
        if operation.method == "GET":
            answer = api.get(operation.path)
            if answer.status_code not in {200, 404}:
                wrong[str(operation)] = answer.status_code, answer.content[:200]
    for address in world.own():
        for client in world.browsers:
            answer = client.get(address.path)
            found = common(answer) or page(answer)
            if found:
                wrong[address.path] = found
    assert not wrong, "\n".join(["", *(f"{where}: {what}" for where, what in wrong.items())])


def known_in(tenant):
    """Ids that are something, in an organization in which everything has happened and much can be spent."""
    fund(tenant.org, 100_000)
    let_spend(tenant.org)
    give(tenant.org, tenant.member, 50_000)
    subscription = tenant.rows(Subscription).last()
    return {
        "org_id": str(tenant.org.pk),
        "user_id": str(tenant.member.pk),
        "subscription_id": str(subscription.pk),
        "key_id": str(tenant.rows(ApiKey).first().pk),
        "hold_id": str(place(HoldOrder(charge(tenant.org, tenant.member, 1), 900)).hold.pk),
        "usage_id": str(tenant.rows(Usage).filter(user=tenant.member).first().pk),
        "endpoint_id": str(tenant.rows(WebhookEndpoint).first().pk),
        "delivery_id": str(tenant.rows(WebhookDelivery).first().pk),
    }


def stored(api, known):
    """How many of the texts were accepted, in whatever field takes any text at all."""
    accepted = 0
    for operation in operations(known):
        for field in operation.fields:
            if operation.method == "GET" or send(api, operation, field, ORDINARY) >= 300:
                continue
            accepted += sum(send(api, operation, field, text) < 300 for text in TEXTS)
    return accepted


def send(api, operation, field, text):
    """The status of a request with this text in a field, and without a key of the example's; each commits by itself."""
    keyless = replace(operation, bodies=tuple(without_key(body) for body in operation.bodies))
    raw = keyless.with_value(field, quoted(text))
    with autocommitting():
        status = api.request(operation.method, operation.path, raw=raw).status_code
    assert status < 500, (operation, field, text)
    return status


def without_key(node):
    """A body without what would make a second request the repetition of a first."""
    if isinstance(node, list):
        return [without_key(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {name: without_key(value) for name, value in node.items() if name != "request_id"}
