"""What somebody sees whose attempt to sign in isn't judged: why, until when, and what to do."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers

from orgbilling.web.attempts import ACCOUNT, ADDRESS, PAIR, SIGN_ON, TooManyAttempts
from orgbilling.web.refusals import CountersUnavailable

#: Seconds: how long a person takes to try again anyway.
RETRY_UNCOUNTED_SECONDS: Final = 5


class Words(NamedTuple):
    """Two sentences: why, and what else would help."""

    why: str
    fix: str


_FORGOTTEN = "If you have forgotten the password, ask a system admin for a new one."
WORDS: Final = {
    PAIR: Words(
        "Too many sign-ins to this account have failed from your address.",
        _FORGOTTEN,
    ),
    ADDRESS: Words(
        "Too many sign-ins have failed from your address.",
        "Somebody else at your address may have made them.",
    ),
    ACCOUNT: Words(
        "Too many sign-ins to this account have failed, from several addresses.",
        "You can sign in now from a place where you have signed in during the last month.",
    ),
    SIGN_ON: Words(
        "Too many sign-ins were begun from your address.",
        "Somebody else at your address may have begun them.",
    ),
}
UNCOUNTED: Final = Words(
    "Nobody can sign in at the moment: attempts can't be counted.",
    "Try again in a few seconds. If it lasts, whoever runs this service finds the reason in its log.",
)


def refused_page(
    request: HttpRequest, refusal: TooManyAttempts | CountersUnavailable
) -> HttpResponse:
    """Render the refusal: 429, or 503 when nobody can count; with Retry-After."""
    if isinstance(refusal, TooManyAttempts):
        words, status, seconds = (
            WORDS[refusal.limit],
            HTTPStatus.TOO_MANY_REQUESTS,
            refusal.seconds_left,
        )
        until = refusal.until
    else:
        words, status, seconds = UNCOUNTED, HTTPStatus.SERVICE_UNAVAILABLE, RETRY_UNCOUNTED_SECONDS
        until = None
    context = {
        "words": words,
        "until": until,
        "minutes": -(-seconds // 60),
        # Of its own sign-ons another one may be begun; a password's limit leaves single sign-on open.
        "sign_on": isinstance(refusal, TooManyAttempts) and refusal.limit != SIGN_ON,
    }
    page = render(request, "console/sign_in_refused.html", context, status=status)
    page.headers["Retry-After"] = str(seconds)
    add_never_cache_headers(page)
    return page
