"""Why a sign-in is refused, and what would fix it: said by the API and by the console's page."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason. `status` is the page's; the API answers 401 to all of them."""

    status: HTTPStatus
    why: str
    fix: str


class SignOnRefused(Exception):
    """Nobody is signed in. The message may be shown to the person."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.why} {refusal.fix}")
        self.refusal = refusal


NOT_BEGUN_HERE: Final = Refusal(
    HTTPStatus.BAD_REQUEST,
    "This sign-in was not begun in this browser, or its answer was used already.",
    "Begin again from the sign-in page, with cookies allowed for this site.",
)
DECLINED: Final = Refusal(
    HTTPStatus.FORBIDDEN,
    "The sign-on provider did not let you in, or you left before it could.",
    "Try again; if it refuses you once more, ask whoever runs the provider to let you use "
    "this service.",
)
NOT_BELIEVED: Final = Refusal(
    HTTPStatus.FORBIDDEN,
    "The sign-on provider's answer did not pass the checks of this service.",
    "Begin again; if it happens once more, whoever runs this service finds the reason in its log.",
)
PROVIDER_DOWN: Final = Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "The sign-on provider does not answer as it should at the moment.",
    "Try again in a minute. If you have a password here, sign in with it.",
)
UNVERIFIED_EMAIL: Final = Refusal(
    HTTPStatus.FORBIDDEN,
    "No account here belongs to this identity, and its e-mail address is not verified.",
    "Verify the address with the sign-on provider, then sign in again.",
)
BELONGS_TO_ANOTHER: Final = Refusal(
    HTTPStatus.FORBIDDEN,
    "The account here with this e-mail address has a password or another identity.",
    "Sign in with the password, or ask a system admin to link the account to this identity.",
)
SWITCHED_OFF: Final = Refusal(
    HTTPStatus.FORBIDDEN,
    "This account is switched off.",
    "Ask a system admin to switch it on.",
)
