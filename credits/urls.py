"""The ledger's addresses. Literal segments come before ids."""

from django.urls import path

from credits.api import deduct, organizations, views

urlpatterns = [
    path("organizations", organizations.OrganizationsView.as_view()),
    path("organizations/<str:org_id>/members/<str:user_id>", organizations.MemberView.as_view()),
    path("prices", views.PricesView.as_view()),
    path("credits/deduct", deduct.DeductView.as_view()),
    path("credits/user/<str:user_id>", views.UserAllocationsView.as_view()),
    path("credits/<str:org_id>", views.PoolView.as_view()),
    path("credits/<str:org_id>/allocate", views.AllocateView.as_view()),
    path("credits/<str:org_id>/allocations", views.AllocationsView.as_view()),
    path("credits/<str:org_id>/usage", views.UsageView.as_view()),
]
