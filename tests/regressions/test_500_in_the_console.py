"""Stock Django's admin lists answer 500 to a NUL in a filter and to a year beyond the calendar."""

import logging

import pytest
from django.contrib import admin
from django.test import Client

from orgbilling.web import console
from tests.regressions.teeth import guarded_by, python

# Each request commits by itself, as in production: one that fails breaks no other's transaction.
pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "counters"])

LISTS = (
    "",
    "?q=%00",
    "?q=%ed%a0%80",
    "?p=99999999999999999999",
    "?o=%00",
    "?_facets=%00",
    "?_popup=1&_to_field=%00",
)
LOOKUPS = (
    "exact=%00",
    "year=99999999999",
    "gte=%00",
    "in=%00,1",
    "isnull=%00",
    "exact=" + "9" * 400,
)
PAGES = ("%00/change/", "9" * 100 + "/change/", "%ff/history/")
AUTOCOMPLETE = "/admin/autocomplete/?app_label=organizations&model_name=member&field_name=user"


@pytest.fixture
def pages(system_admin, funded):
    """A system admin in the console."""
    logging.disable(logging.ERROR)
    client = Client(raise_request_exception=False)
    client.force_login(system_admin)
    yield lambda paths: {
        path: status for path in paths if (status := client.get(path).status_code) >= 500
    }
    logging.disable(logging.NOTSET)


def paths_of(model):
    base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    yield from (base + query for query in LISTS)
    yield from (base + page for page in PAGES)
    # One field of each kind: lookups belong to kinds.
    for field in {type(field): field for field in model._meta.concrete_fields}.values():
        yield from (f"{base}?{field.name}__{lookup}" for lookup in LOOKUPS)


def test_no_query_makes_a_500(pages):
    asked = [path for model in admin.site._registry for path in paths_of(model)]
    asked += [f"{AUTOCOMPLETE}&term={term}" for term in ("%00", "a", "%ed%a0%80", "x" * 5_000)]
    asked += ["/admin/autocomplete/?app_label=%00&model_name=%00&field_name=%00"]
    asked += [
        "/admin/login/?next=%00",
        "/admin/jsi18n/?language=%00",
        "/admin/%00/",
        "/admin/r/%00/",
    ]
    assert len(asked) > 200
    assert pages(asked) == {}


@guarded_by(
    lists=python(console, "_lookups", ("except (DataError, ValueError", "except (KeyError"))
)
def test_a_filter_that_no_column_can_hold(pages):
    base = "/admin/organizations/organization/"
    assert pages([f"{base}?name__exact=%00", f"{base}?created_at__year=99999999999"]) == {}


@pytest.mark.parametrize("name", ["\x00", "a" * 10_000, "a@example.com\x00"])
def test_nobody_signs_in_with_a_nul(funded, name):
    answer = Client(raise_request_exception=False).post(
        "/admin/login/", {"username": name, "password": "\x00"}
    )
    assert answer.status_code == 200
