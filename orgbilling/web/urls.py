"""Addresses of the floor itself: health, the API's description, what problem codes mean."""

from __future__ import annotations

from django.urls import path

from orgbilling.web.docs import DocsView, SchemaView
from orgbilling.web.health import HealthView, ReadyView
from orgbilling.web.problem_pages import ProblemPageView

urlpatterns = [
    path("health", HealthView.as_view(), name="health"),
    path("ready", ReadyView.as_view(), name="ready"),
    path("api/schema", SchemaView.as_view(), name="schema"),
    path("api/docs", DocsView.as_view(), name="docs"),
    path("problems/<str:code>", ProblemPageView.as_view(), name="problem"),
]
