"""The pages of signing in to the console through the sign-on provider."""

from typing import Any, Final
from urllib.parse import urlencode

import structlog
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView, OIDCAuthenticationRequestView

from organizations.sign_on.backend import callback_url
from organizations.sign_on.configuration import console_is_on
from organizations.sign_on.provider import ProviderTrouble, provider
from organizations.sign_on.refusals import (
    DECLINED,
    NOT_BEGUN_HERE,
    NOT_BELIEVED,
    PROVIDER_DOWN,
    Refusal,
    SignOnRefused,
)
from orgbilling.web import attempt_pages
from orgbilling.web.attempts import TooManyAttempts, begin_sign_on
from orgbilling.web.metrics import LOGINS_REFUSED, SIGN_ON
from orgbilling.web.refusals import CountersUnavailable

logger = structlog.stdlib.get_logger(__name__)

#: Seconds that a session of nobody yet is kept: whoever begins and doesn't come back leaves no row for long.
BEGUN_SESSION_SECONDS: Final = 15 * 60


class SignOnView(View):
    """What all of them share: they exist only when single sign-on is on, and nothing keeps them."""

    http_method_names = ["get"]

    @method_decorator(never_cache)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer; a refusal is a page that says why.

        Raises:
            Http404: single sign-on to the console is not configured.
        """
        if not console_is_on():
            raise Http404
        try:
            return super().dispatch(request, *args, **kwargs)
        except ProviderTrouble as exc:
            logger.error("sign_on.provider_failed", reason=str(exc))  # noqa: TRY400
            return refused_page(request, PROVIDER_DOWN)
        except SignOnRefused as exc:
            return refused_page(request, exc.refusal)
        except (TooManyAttempts, CountersUnavailable) as exc:
            return attempt_pages.refused_page(request, exc)


class BeginView(SignOnView, OIDCAuthenticationRequestView):
    """Sends the person to the provider, with a state, a nonce and a PKCE challenge of their own."""

    def __init__(self, **kwargs: Any) -> None:
        # Not the library's: it would ask for the endpoints before a failure can be answered.
        View.__init__(self, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Redirect. `?next=` is where to go afterwards, ignored unless it is on this site.

        Raises ProviderTrouble, TooManyAttempts, CountersUnavailable.
        """
        begin_sign_on(request)
        self.OIDC_OP_AUTH_ENDPOINT = provider().authorization_url
        self.OIDC_RP_CLIENT_ID = settings.OIDC_CLIENT_ID
        answer: HttpResponseBase = super().get(request)
        if not request.user.is_authenticated:
            request.session.set_expiry(BEGUN_SESSION_SECONDS)
        return answer

    def get_extra_params(self, request: HttpRequest) -> dict[str, str]:
        """Return what replaces the library's own parameters."""
        return {"redirect_uri": callback_url()}


class CallbackView(SignOnView, OIDCAuthenticationCallbackView):
    """Takes the person back from the provider and signs them in."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Redirect to where the person wanted to go. Raises SignOnRefused, ProviderTrouble."""
        states = request.session.get("oidc_states", {})
        state = request.GET.get("state", "")
        # Before all else: the library would end the session of whoever is lured here with an error.
        if state not in states:
            raise SignOnRefused(NOT_BEGUN_HERE)
        if "error" in request.GET or "code" not in request.GET:
            del states[state]
            request.session["oidc_states"] = states
            logger.info("sign_on.declined", reason=request.GET.get("error"))
            raise SignOnRefused(DECLINED)
        answer: HttpResponseBase = super().get(request)
        return answer

    def login_success(self) -> HttpResponseRedirect:
        """Sign in, for as long as anybody, and forget where to go: it was for this time."""
        answer: HttpResponseRedirect = super().login_success()
        self.request.session.set_expiry(None)
        self.request.session.pop("oidc_login_next", None)
        return answer

    def login_failure(self) -> HttpResponse:
        """Answer what no other refusal says."""
        return refused_page(self.request, NOT_BELIEVED)


class EndSessionView(SignOnView):
    """Sends somebody who has signed out here to the provider, to end the session there too."""

    def get(self, request: HttpRequest) -> HttpResponseRedirect:
        """Redirect (RP-initiated logout); to the sign-in page when the provider has no such thing."""
        url = provider().end_session_url
        sign_in = reverse("admin:login")
        if not url:
            return HttpResponseRedirect(sign_in)
        query = {
            "client_id": settings.OIDC_CLIENT_ID,
            "post_logout_redirect_uri": f"{settings.PUBLIC_URL}{sign_in}",
        }
        return HttpResponseRedirect(f"{url}{'&' if '?' in url else '?'}{urlencode(query)}")


def refused_page(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Render why nobody was signed in and what would fix it."""
    LOGINS_REFUSED.labels(SIGN_ON).inc()
    context = {"refusal": refusal}
    return render(request, "console/sign_on_refused.html", context, status=refusal.status)
