"""The ledger's addresses. Literal segments come before ids."""

from django.urls import path

from credits.api import (
    batch,
    check,
    deduct,
    holds,
    organizations,
    reclaim,
    refunds,
    refusals,
    settling,
    usage,
    views,
    webhooks,
)

WEBHOOKS = "organizations/<str:org_id>/webhook-endpoints"
WEBHOOK = f"{WEBHOOKS}/<str:endpoint_id>"

urlpatterns = [
    path("organizations", organizations.OrganizationsView.as_view()),
    path("organizations/<str:org_id>/members/<str:user_id>", organizations.MemberView.as_view()),
    path(WEBHOOKS, webhooks.WebhookEndpointsView.as_view()),
    path(f"{WEBHOOK}/rotate-secret", webhooks.RotateSecretView.as_view()),
    path(f"{WEBHOOK}/test", webhooks.SendTestView.as_view()),
    path(f"{WEBHOOK}/replay", webhooks.ReplayView.as_view()),
    path(f"{WEBHOOK}/deliveries/<str:delivery_id>/replay", webhooks.ReplayDeliveryView.as_view()),
    path("prices", views.PricesView.as_view()),
    path("credits/deduct", deduct.DeductView.as_view()),
    path("credits/deduct/batch", batch.DeductBatchView.as_view()),
    path("credits/check", check.CheckView.as_view()),
    path("credits/holds", holds.HoldsView.as_view()),
    path("credits/holds/<str:hold_id>", holds.HoldView.as_view()),
    path("credits/holds/<str:hold_id>/capture", settling.CaptureView.as_view()),
    path("credits/holds/<str:hold_id>/release", settling.ReleaseView.as_view()),
    path("credits/usage/<str:usage_id>/refund", refunds.RefundView.as_view()),
    path("credits/user/<str:user_id>", views.UserAllocationsView.as_view()),
    path("credits/<str:org_id>", views.PoolView.as_view()),
    path("credits/<str:org_id>/allocate", views.AllocateView.as_view()),
    path("credits/<str:org_id>/reclaim", reclaim.ReclaimView.as_view()),
    path("credits/<str:org_id>/allocations", views.AllocationsView.as_view()),
    path("credits/<str:org_id>/refusals", refusals.RefusalsView.as_view()),
    path("credits/<str:org_id>/usage", usage.UsageView.as_view()),
    path("credits/<str:org_id>/usage/summary", usage.UsageSummaryView.as_view()),
    path("credits/<str:org_id>/usage/export", usage.UsageExportView.as_view()),
]
