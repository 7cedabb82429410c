"""Making, inviting and linking users."""

import pytest
from django.contrib.auth import authenticate
from django.db import IntegrityError, transaction

from organizations.models import User

pytestmark = pytest.mark.django_db

WHO = "https://sso.example.com|42"


def sign_in(email: str = "", external_id: str = WHO, name: str = "Dana") -> User | None:
    return User.objects.sign_in_with(external_id, verified_email=email, name=name)


def test_a_password_is_kept_as_argon2():
    user = User.objects.create_user("Dana@Example.com", "a long pass phrase", "Dana")
    assert user.email == "dana@example.com"
    assert user.password.startswith("argon2$argon2id$")
    assert authenticate(username="DANA@example.COM", password="a long pass phrase") == user
    assert authenticate(username="dana@example.com", password="another") is None


def test_a_user_without_a_password_cannot_sign_in():
    user = User.objects.create_user("dana@example.com")
    assert not user.has_usable_password()
    assert authenticate(username="dana@example.com", password="") is None


def test_an_inactive_user_cannot_sign_in():
    User.objects.create_user("dana@example.com", "a long pass phrase", is_active=False)
    assert authenticate(username="dana@example.com", password="a long pass phrase") is None


def test_a_superuser_has_all_permissions_and_nobody_else_any():
    root = User.objects.create_superuser("root@example.com", "a long pass phrase")
    staff = User.objects.create_user("staff@example.com", is_staff=True)
    assert (root.is_staff, root.is_superuser) == (True, True)
    assert root.has_perm("credits.change_pool")
    assert root.has_perms(["a.b", "c.d"])
    assert root.has_module_perms("credits")
    assert not staff.has_perm("credits.change_pool")
    assert not staff.has_perms(["a.b"])
    assert not staff.has_module_perms("credits")
    root.is_active = False
    assert not root.has_perm("credits.change_pool")


def test_a_user_needs_an_address_of_their_own():
    with pytest.raises(ValueError, match="address"):
        User.objects.create_user("  ")
    User.objects.create_user("dana@example.com")
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("DANA@example.com")


def test_an_invitation_finds_an_address_in_any_case_or_makes_it():
    dana = User.objects.invite("Dana@Example.com")
    assert dana.email == "dana@example.com"
    assert not dana.has_usable_password()
    assert User.objects.invite("dana@EXAMPLE.com") == dana
    assert User.objects.count() == 1


def test_a_user_is_called_by_name_or_else_by_address():
    assert str(User(email="dana@example.com")) == "dana@example.com"
    named = User(email="dana@example.com", name="Dana")
    assert str(named) == named.get_full_name() == named.get_short_name() == "Dana"


def test_an_invited_account_is_linked_by_its_verified_address():
    invited = User.objects.invite("dana@example.com")
    assert sign_in("DANA@example.com") == invited
    invited.refresh_from_db()
    assert (invited.external_id, invited.name) == (WHO, "Dana")


def test_a_name_given_before_is_kept():
    User.objects.create_user("dana@example.com", name="Dana Scully")
    linked = sign_in("dana@example.com")
    assert linked is not None
    assert linked.name == "Dana Scully"


def test_an_unverified_address_neither_links_nor_makes_an_account():
    invited = User.objects.invite("dana@example.com")
    assert sign_in("") is None
    invited.refresh_from_db()
    assert invited.external_id is None
    assert User.objects.count() == 1


def test_an_account_with_a_password_is_not_taken_over():
    dana = User.objects.create_user("dana@example.com", "a long pass phrase")
    assert sign_in("dana@example.com") is None
    dana.refresh_from_db()
    assert dana.external_id is None


def test_an_account_of_another_identity_is_not_taken_over():
    dana = User.objects.create_user("dana@example.com", external_id="https://sso.example.com|7")
    assert sign_in("dana@example.com") is None
    dana.refresh_from_db()
    assert dana.external_id == "https://sso.example.com|7"


def test_a_new_person_gets_an_account():
    made = sign_in("Dana@example.com")
    assert made is not None
    assert (made.email, made.name, made.external_id) == ("dana@example.com", "Dana", WHO)
    assert not made.has_usable_password()
    assert not made.is_superuser
    assert not made.is_staff


def test_a_known_identity_is_found_whatever_its_address_says_now():
    made = sign_in("dana@example.com")
    assert sign_in("") == made
    assert sign_in("dana@elsewhere.example") == made
    assert User.objects.count() == 1
