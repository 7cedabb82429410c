"""Addresses of the billing app, below /api/v1/org-billing/."""

from django.urls import path

from billing.api.catalogue import HistoryView, PlansView
from billing.api.dashboards import OrgDashboardView, SystemDashboardView, UserDashboardView
from billing.api.purchases import AddCreditsView
from billing.api.settings import SettingsView
from billing.api.subscriptions import (
    SubscriptionsOfOrgView,
    SubscriptionsView,
    SubscriptionView,
)

urlpatterns = [
    path("plans", PlansView.as_view(), name="plans"),
    path("subscriptions", SubscriptionsView.as_view(), name="subscriptions"),
    path(
        "subscriptions/org/<str:org_id>",
        SubscriptionsOfOrgView.as_view(),
        name="subscriptions-of-org",
    ),
    path("subscriptions/<str:subscription_id>", SubscriptionView.as_view(), name="subscription"),
    path("credits/<str:org_id>/add", AddCreditsView.as_view(), name="credits-add"),
    path("credits/<str:org_id>/settings", SettingsView.as_view(), name="credits-settings"),
    path("billing/user", UserDashboardView.as_view(), name="user-dashboard"),
    path("billing/system", SystemDashboardView.as_view(), name="system-dashboard"),
    path("billing/org/<str:org_id>", OrgDashboardView.as_view(), name="org-dashboard"),
    path("billing/org/<str:org_id>/history", HistoryView.as_view(), name="billing-history"),
]
