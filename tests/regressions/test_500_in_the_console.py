"""Stock Django's admin lists answer 500 to a NUL in a filter and to a year beyond the calendar.

`tests/corpus/` puts these, and everything else, into every parameter.
"""

import logging

import pytest
from django.test import Client

from orgbilling.web import console
from tests.regressions.teeth import guarded_by, python

# Each request commits by itself, as in production: one that fails breaks no other's transaction.
pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "counters"])


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


@guarded_by(
    lists=python(console, "_lookups", ("except (DataError, ValueError", "except (KeyError"))
)
def test_a_filter_that_no_column_can_hold(pages):
    base = "/admin/organizations/organization/"
    assert pages([f"{base}?name__exact=%00", f"{base}?created_at__year=99999999999"]) == {}


@guarded_by(
    choices=python(
        console.ForgivingAutocomplete,
        "optgroups",
        ("[one for one in value if may_be_a_key(model, str(one))]", "value"),
    )
)
def test_an_id_under_a_field_that_no_row_can_have(pages):
    base = "/admin/organizations/member/add/"
    assert pages([f"{base}?org=nobody", f"{base}?user=%00", f"{base}?user=1e5"]) == {}


def test_there_is_no_way_to_pages_outside(pages):
    """Django's own answered 500 to an id that no row of the table can have."""
    assert pages(["/admin/r/2/nobody/", "/admin/r/nobody/2/"]) == {}
