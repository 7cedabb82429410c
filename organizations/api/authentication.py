"""The three ways to say who is calling: an API key, a single sign-on token, a console session."""

from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.http import QueryDict
from rest_framework import authentication, exceptions
from rest_framework.request import Request

from organizations import known_keys
from organizations.keys import PREFIX, hash_key
from organizations.models import ApiKey, User
from organizations.sign_on.accounts import account_of
from organizations.sign_on.claims import InvalidToken
from organizations.sign_on.configuration import bearer_tokens_are_on
from organizations.sign_on.refusals import SignOnRefused
from organizations.sign_on.tokens import identify_bearer
from orgbilling.web import epochs, suspicion

if TYPE_CHECKING:
    import uuid


class ServiceUser:
    """What `request.user` is when a service calls by its key: nobody in person."""

    is_authenticated = True
    is_anonymous = False
    is_active = True
    is_staff = False
    is_superuser = False
    # Read by the web floor, which knows no app: what the log calls it.
    principal_kind = "key"

    def __init__(self, key: ApiKey, *, was_kept: bool = False) -> None:
        #: Whether the key is what this process remembers of an earlier request.
        self.was_kept = was_kept
        self.pk: uuid.UUID = key.pk
        self.id: uuid.UUID = key.pk
        self.key = key

    def __str__(self) -> str:
        return str(self.key)


class BearerAuthentication(authentication.BaseAuthentication):
    """Reads the credentials of `Authorization: Bearer …` (RFC 6750)."""

    scheme = "Bearer"

    def authenticate_header(self, request: Request) -> str:
        """Return what a 401 says in WWW-Authenticate."""
        del request
        return self.scheme

    def bearer_token(self, request: Request) -> str | None:
        """Return the token, None under another scheme. Raises AuthenticationFailed when empty."""
        header: str = request.META.get("HTTP_AUTHORIZATION", "")
        scheme, _, token = header.strip().partition(" ")
        if scheme.lower() != self.scheme.lower():
            return None
        token = token.strip()
        if not token:
            raise exceptions.AuthenticationFailed("The bearer token is empty.")
        return token


class ApiKeyAuthentication(BearerAuthentication):
    """A service, by the API key of its service account."""

    def authenticate(self, request: Request) -> tuple[ServiceUser, ApiKey] | None:
        """Return the service and its key; None unless the token looks like one of our keys."""
        token = self.bearer_token(request)
        if token is None or not token.startswith(PREFIX):
            return None
        epochs.forget()
        kept = self._kept(token)
        key = kept or self._alive(ApiKey.objects.find(token))
        ApiKey.objects.note_use(key)
        return ServiceUser(key, was_kept=kept is not None), key

    def confirm(self, request: Request) -> None:
        """Look again at a key that was kept from an earlier request, once this one is counted.

        Raises:
            AuthenticationFailed: it has been revoked since.
        """
        key = cast("ApiKey", request.auth)
        was_kept = cast("ServiceUser", request.user).was_kept
        if was_kept and known_keys.confirmed(key):
            return
        epoch = epochs.told()
        if was_kept or epoch is not None:
            # Looked up after the count: whatever is revoked from now on has another epoch.
            fresh = self._alive(ApiKey.objects.with_hash(key.key_hash))
            if epoch is not None:
                known_keys.keep(fresh, epoch)

    @staticmethod
    def _kept(token: str) -> ApiKey | None:
        # What is kept was well formed when it was looked up.
        return known_keys.get(hash_key(token)) if token.isascii() else None

    @staticmethod
    def _alive(key: ApiKey | None) -> ApiKey:
        if key is not None and key.is_dead:
            suspicion.report(suspicion.DEAD_KEY, f"key:{key.pk}")
            key = None
        if key is None:
            raise exceptions.AuthenticationFailed("The API key is unknown, expired or revoked.")
        return key


class OidcAuthentication(BearerAuthentication):
    """A person, by a token of the configured OpenID Connect issuer."""

    def authenticate(self, request: Request) -> tuple[User, dict[str, Any]] | None:
        """Return the person; no other bearer token passes on unjudged."""
        token = self.bearer_token(request)
        if token is None:
            return None
        if not bearer_tokens_are_on():
            raise exceptions.AuthenticationFailed("The bearer token is no API key of this service.")
        try:
            user = account_of(identify_bearer(token))
        except (InvalidToken, SignOnRefused) as exc:
            raise exceptions.AuthenticationFailed(str(exc)) from exc
        return user, {"issuer": settings.OIDC_ISSUER}


class SessionAuthentication(authentication.SessionAuthentication):
    """A person signed in to the console; CSRF is enforced, by header only."""

    def enforce_csrf(self, request: Request) -> None:
        """Raise PermissionDenied for an unsafe request without a fitting X-CSRFToken."""
        plain = request._request  # noqa: SLF001 - DRF's own request would parse the body for it
        # A form already read and empty: Django would read the body to look for a token in it.
        plain._post = QueryDict()  # type: ignore[attr-defined]  # noqa: SLF001
        super().enforce_csrf(plain)  # type: ignore[arg-type]
