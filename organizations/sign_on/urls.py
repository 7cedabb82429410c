"""Addresses of single sign-on, below the console's."""

from django.urls import path

from organizations.sign_on.views import BeginView, CallbackView, EndSessionView

urlpatterns = [
    path("begin", BeginView.as_view(), name="sign_on_begin"),
    path("callback", CallbackView.as_view(), name="sign_on_callback"),
    path("end-session", EndSessionView.as_view(), name="sign_on_end_session"),
]
