"""Making users."""

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib.auth.base_user import BaseUserManager
from django.db import IntegrityError, transaction

from organizations.choices import AuditAction

if TYPE_CHECKING:
    from organizations.models.user import User


def fold_email(email: str) -> str:
    """Return the one form in which an address is stored and compared: without case."""
    return email.strip().lower()


class UserManager(BaseUserManager["User"]):
    """Finds users by e-mail in any case, and makes them."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the user with this e-mail address, in any case (Django's login calls it)."""
        return self.get(email=fold_email(username or ""))

    def create_user(
        self, email: str, password: str | None = None, name: str = "", **flags: object
    ) -> "User":
        """Make a user; without a password they can't sign in until they get one.

        Raises ValueError without an address, IntegrityError when it is taken.
        """
        folded = fold_email(email)
        if not folded:
            msg = "A user needs an e-mail address."
            raise ValueError(msg)
        user = self.model(email=folded, name=name, **flags)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(
        self, email: str, password: str | None = None, name: str = "", **flags: object
    ) -> "User":
        """Make a system admin, who may open the console and do everything; the audit log tells of it."""
        given = {**flags, "is_staff": True, "is_superuser": True}
        with transaction.atomic():
            user = self.create_user(email, password, name, **given)
            log: Any = apps.get_model("organizations", "AuditLogEntry").objects
            log.record(
                AuditAction.USER_CREATED,
                by=None,
                subject_user_id=user.pk,
                subject=user.email,
                after={"email": user.email, "is_superuser": True},
            )
        return user

    def invite(self, email: str) -> "User":
        """Return the user with this address; make one who can't sign in yet if there is none."""
        folded = fold_email(email)
        found = self.filter(email=folded).first()
        if found is not None:
            return found
        try:
            with transaction.atomic():
                return self.create_user(folded)
        except IntegrityError:
            # Somebody else invited the same address meanwhile.
            return self.get(email=folded)

    def sign_in_with(self, external_id: str, *, verified_email: str, name: str) -> "User | None":
        """Return the user of a single sign-on identity, linking or making the account.

        `verified_email` is empty when the issuer doesn't vouch for the address. An account that
        was only invited is linked by its verified address; one with a password or with another
        identity never is: None, as without a verified address for a person not seen before.
        """
        user = self.filter(external_id=external_id).first()
        if user is not None or not verified_email:
            return user
        try:
            with transaction.atomic():
                return self._link_or_create(external_id, fold_email(verified_email), name)
        except IntegrityError:
            # The same person's first two requests came at once; the other has made the account.
            return self.filter(external_id=external_id).first()

    def _link_or_create(self, external_id: str, email: str, name: str) -> "User | None":
        invited = self.select_for_update(no_key=True).filter(email=email).first()
        if invited is None:
            return self.create_user(email, name=name, external_id=external_id)
        if invited.external_id == external_id:
            return invited
        if invited.external_id is not None or invited.has_usable_password():
            return None
        invited.external_id = external_id
        invited.name = invited.name or name
        invited.save(update_fields=["external_id", "name"])
        return invited
