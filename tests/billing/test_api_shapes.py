"""The OpenAPI document's shapes and examples of billing are those of the answers."""

import pytest
from rest_framework import serializers

from billing.api import dashboard_shapes, examples
from billing.api.purchases import CreditsAddedSerializer
from billing.api.rendering import render_event, render_plan, render_subscription
from billing.api.serializers import (
    AddCreditsSerializer,
    HistoryEventSerializer,
    PlanSerializer,
    SubscribeSerializer,
    SubscriptionChangeSerializer,
    SubscriptionSerializer,
)
from billing.models import BillingEvent, Plan


def same_shape(serializer: serializers.BaseSerializer, document: object) -> None:
    """Assert that the document has the serializer's fields, no more and no fewer, all the way down."""
    if isinstance(serializer, serializers.ListSerializer):
        for item in document:
            same_shape(serializer.child, item)
    elif document is not None:
        assert set(document) == set(serializer.fields)
        for name, field in serializer.fields.items():
            if isinstance(field, serializers.BaseSerializer):
                same_shape(field, document[name])


@pytest.mark.parametrize(
    ("serializer", "example"),
    [
        (PlanSerializer, examples.PLAN),
        (SubscriptionSerializer, examples.SUBSCRIPTION),
        (SubscriptionSerializer, examples.CHANGED),
        (SubscriptionSerializer, examples.CANCELED),
        (HistoryEventSerializer, examples.EVENT),
        (CreditsAddedSerializer, examples.ADDED),
        (dashboard_shapes.UserDashboardSerializer, dashboard_shapes.USER_DASHBOARD),
        (dashboard_shapes.OrgDashboardSerializer, dashboard_shapes.ORG_DASHBOARD),
        (dashboard_shapes.SystemDashboardSerializer, dashboard_shapes.SYSTEM_DASHBOARD),
    ],
)
def test_examples_have_the_documented_shape(serializer, example):
    same_shape(serializer(), example)


@pytest.mark.parametrize(
    ("serializer", "example"),
    [
        (SubscribeSerializer, examples.SUBSCRIBE),
        (SubscriptionChangeSerializer, examples.CHANGE),
        (AddCreditsSerializer, examples.ADD_CREDITS),
    ],
)
def test_examples_of_bodies_are_accepted(serializer, example):
    checked = serializer(data=example)
    assert checked.is_valid(), checked.errors


def test_answers_have_the_documented_shape(alpha, subscribed):
    same_shape(SubscriptionSerializer(), render_subscription(subscribed(alpha)))
    same_shape(PlanSerializer(), render_plan(Plan.objects.get(code="byok")))
    event = BillingEvent.objects.with_payment_status().get(org=alpha)
    same_shape(HistoryEventSerializer(), render_event(event))


def test_dashboards_have_the_documented_shape(alpha, alice, system_admin, subscribed, client_for):
    subscribed(alpha)
    for caller, path, serializer in (
        (alice, "billing/user", dashboard_shapes.UserDashboardSerializer),
        (alice, f"billing/org/{alpha.id}", dashboard_shapes.OrgDashboardSerializer),
        (system_admin, "billing/system", dashboard_shapes.SystemDashboardSerializer),
    ):
        same_shape(serializer(), client_for(caller).get(path).json())
