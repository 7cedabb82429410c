"""Paths of the organizations app, under the API's base path.

`organizations` and a single member are routed by the credits app, whose views open an
organization with its pool and take a leaving member's credits back.
"""

from django.urls import path

from organizations.api.views import ApiKeysView, ApiKeyView, MembersView

urlpatterns = [
    path("organizations/<str:org_id>/members", MembersView.as_view(), name="members"),
    path("organizations/<str:org_id>/api-keys", ApiKeysView.as_view(), name="api-keys"),
    path("organizations/<str:org_id>/api-keys/<str:key_id>", ApiKeyView.as_view(), name="api-key"),
]
