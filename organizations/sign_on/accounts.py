"""Whose account an identity is: one answer for the API's bearer tokens and for the console."""

from organizations.models import User
from organizations.sign_on.claims import Identity
from organizations.sign_on.refusals import (
    BELONGS_TO_ANOTHER,
    SWITCHED_OFF,
    UNVERIFIED_EMAIL,
    SignOnRefused,
)


def account_of(identity: Identity) -> User:
    """Return the identity's account, linked or made when its e-mail address is verified.

    Raises SignOnRefused: no account and no verified address, an account that may not be linked,
    or one that is switched off.
    """
    user = User.objects.sign_in_with(
        identity.external_id, verified_email=identity.verified_email, name=identity.name
    )
    if user is None:
        raise SignOnRefused(BELONGS_TO_ANOTHER if identity.verified_email else UNVERIFIED_EMAIL)
    if not user.is_active:
        raise SignOnRefused(SWITCHED_OFF)
    return user
