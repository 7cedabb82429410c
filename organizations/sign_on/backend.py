"""Django's authentication by an OpenID Connect code, with checks the library leaves out.

mozilla-django-oidc brings the flow: state, PKCE, the exchange of the code. Issuer, audience, time and
nonce of the ID token, and whose account it is, are decided by what the API's tokens are decided by.
"""

from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest
from django.urls import reverse
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

from organizations.models import User
from organizations.sign_on.accounts import account_of
from organizations.sign_on.claims import InvalidToken, identity_of
from organizations.sign_on.configuration import console_is_on
from organizations.sign_on.provider import Provider, ProviderTrouble, provider
from organizations.sign_on.refusals import (
    NOT_BEGUN_HERE,
    NOT_BELIEVED,
    PROVIDER_DOWN,
    SignOnRefused,
)
from organizations.sign_on.tokens import KeysUnavailable, id_token_claims

logger = structlog.stdlib.get_logger(__name__)


def callback_url() -> str:
    """Return where the provider sends people back to: on the public address, whoever asks."""
    return f"{settings.PUBLIC_URL}{reverse('sign_on_callback')}"


class SignOnBackend(OIDCAuthenticationBackend):
    """Signs a person in by the code that the provider sent them back with."""

    provider: Provider

    def __init__(self) -> None:
        # The library's own would ask for the endpoints; Django makes a backend at every request.
        self.OIDC_RP_CLIENT_ID = settings.OIDC_CLIENT_ID
        self.OIDC_RP_CLIENT_SECRET = settings.OIDC_CLIENT_SECRET

    def get_settings(self, attr: str, *args: Any) -> Any:
        """Return a setting of the library; how the secret is sent is the provider's to say."""
        if attr == "OIDC_TOKEN_USE_BASIC_AUTH":
            return not self.provider.secret_in_body
        return OIDCAuthenticationBackend.get_settings(attr, *args)

    def authenticate(
        self, request: HttpRequest | None, *, nonce: str | None, code_verifier: str | None
    ) -> User | None:
        """Return the person whom the code stands for. Raises SignOnRefused.

        It takes these arguments and no others: so Django passes it over when a password is tried,
        whatever the query string of that request has.
        """
        if not console_is_on():
            return None
        if not nonce or not code_verifier:
            raise SignOnRefused(NOT_BEGUN_HERE)
        try:
            self.provider = provider()
            self.OIDC_OP_TOKEN_ENDPOINT = self.provider.token_url
            self.OIDC_OP_USER_ENDPOINT = self.provider.userinfo_url
            user: User | None = super().authenticate(
                request, nonce=nonce, code_verifier=code_verifier
            )
        except (ProviderTrouble, KeysUnavailable) as exc:
            logger.error("sign_on.provider_failed", reason=str(exc))  # noqa: TRY400
            raise SignOnRefused(PROVIDER_DOWN) from exc
        except InvalidToken as exc:
            logger.warning("sign_on.refused", reason=str(exc))
            raise SignOnRefused(NOT_BELIEVED) from exc
        return user

    def get_token(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Return what the token endpoint gives for the code. Raises ProviderTrouble."""
        payload["redirect_uri"] = callback_url()
        try:
            answer = super().get_token(payload)
        # What `requests` raises is an OSError.
        except (OSError, ValueError) as exc:
            raise ProviderTrouble(repr(exc)) from exc
        if not isinstance(answer, dict):
            raise ProviderTrouble("The token endpoint's answer is no JSON object")
        return answer

    def verify_token(self, token: object, **kwargs: Any) -> dict[str, Any]:
        """Return the claims of the ID token. Raises InvalidToken."""
        return id_token_claims(
            token, keys_url=self.provider.jwks_url, nonce=kwargs.get("nonce") or ""
        )

    def get_or_create_user(
        self, access_token: object, id_token: str, payload: dict[str, Any]
    ) -> User:
        """Return the account of the ID token's identity. Raises SignOnRefused, ProviderTrouble."""
        return account_of(identity_of(payload, self._profile(access_token, id_token, payload)))

    def _profile(
        self, access_token: object, id_token: str, claims: dict[str, Any]
    ) -> dict[str, Any]:
        # From one source or the other: an address and the word that vouches for it belong together.
        if ("email" in claims and "email_verified" in claims) or not self.OIDC_OP_USER_ENDPOINT:
            return claims
        try:
            profile = self.get_userinfo(access_token, id_token, claims)
        except (OSError, ValueError) as exc:
            raise ProviderTrouble(repr(exc)) from exc
        # The standard's own guard against an access token of somebody else.
        if not isinstance(profile, dict) or profile.get("sub") != claims["sub"]:
            raise InvalidToken("The user info is about another subject.")
        return profile

    def get_user(self, user_id: Any) -> User | None:
        """Return a session's person; nobody once they, or single sign-on, are switched off."""
        if not console_is_on():
            return None
        user = ModelBackend.get_user(self, user_id)
        return user if isinstance(user, User) else None
