"""The demo's people and keys open no door where strangers come."""

import pytest
from django.core.management import CommandError, call_command

from organizations.models import ApiKey, User
from orgbilling.demo.checks import demo_is_not_served
from orgbilling.demo.seeding import ADMIN_EMAIL, KEY_NAMES
from tests.factories import make_key, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def production(settings):
    settings.PRODUCTION = True


def complaints():
    return [one.id for one in demo_is_not_served(databases=["default"])]


def test_a_database_without_them_passes(alpha, alpha_key):
    assert complaints() == []


@pytest.mark.parametrize(
    "email", [ADMIN_EMAIL, "charlie@globex.example", "person3@tenant40.example"]
)
def test_people_of_the_demo_are_found_until_they_are_switched_off(email):
    make_user(email, "Somebody")
    assert complaints() == ["orgbilling.E001"]
    User.objects.update(is_active=False)
    assert complaints() == []


@pytest.mark.parametrize("name", KEY_NAMES)
def test_its_keys_are_found_until_they_are_revoked(name, alice):
    key, _plain = make_key(None, name=name)
    assert complaints() == ["orgbilling.E001"]
    ApiKey.objects.filter(pk=key.pk).update(revoked_at=key.created_at)
    assert complaints() == []


def test_elsewhere_the_demo_is_welcome(settings):
    make_user(ADMIN_EMAIL, "Admin")
    settings.PRODUCTION = False
    assert complaints() == []


def test_it_is_not_seeded():
    with pytest.raises(CommandError, match="PRODUCTION is on"):
        call_command("seed_demo")
    assert not User.objects.exists()
