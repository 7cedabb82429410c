"""Where every address leads; the roof that assembles the apps."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from billing.api.webhooks import StripeWebhookView
from orgbilling.metrics.view import metrics

API = "api/v1/org-billing/"

urlpatterns = [
    path("", include("orgbilling.web.urls")),
    path(API, include("credits.urls")),
    path(API, include("organizations.urls")),
    path(API, include("billing.urls")),
    path("metrics", metrics, name="metrics"),
    path("webhooks/stripe", StripeWebhookView.as_view(), name="stripe-webhook"),
    # Before the console, which answers every other address below its own.
    path("admin/oidc/", include("organizations.sign_on.urls")),
    path("admin/", admin.site.urls),
    # What people type.
    path("", RedirectView.as_view(url="/admin/")),
    path("admin", RedirectView.as_view(url="/admin/")),
]

handler400 = "orgbilling.web.failures.bad_request"
handler403 = "orgbilling.web.failures.permission_denied"
handler404 = "orgbilling.web.failures.page_not_found"
handler500 = "orgbilling.web.failures.server_error"
