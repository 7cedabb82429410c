"""The operator's way to an API key."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from organizations.choices import Scope
from organizations.models import ApiKey
from tests.api_client import ok, problem

pytestmark = pytest.mark.django_db


def issue(*args):
    said = StringIO()
    call_command("issue_api_key", *args, stdout=said)
    return said.getvalue().strip()


def test_a_key_of_all_organizations(alpha, client_for):
    key = issue("platform", "--all-organizations")
    ok(client_for(key).get(f"credits/{alpha.pk}"))
    row = ApiKey.objects.get()
    assert (row.name, row.org, set(row.scopes)) == ("platform", None, set(Scope.values))


def test_a_bound_key_with_one_scope(alpha, globex, client_for):
    key = issue("reader", "--organization", "test-org-alpha", "--scope", "credits:read")
    ok(client_for(key).get(f"credits/{alpha.pk}"))
    problem(client_for(key).get(f"credits/{globex.pk}"), 403, "permission_denied")
    problem(client_for(key).get(f"billing/org/{alpha.pk}"), 403, "permission_denied")


@pytest.mark.parametrize(
    "args",
    [
        ("x", "--organization", "nowhere"),
        ("x",),
        ("x", "--all-organizations", "--scope", "everything"),
        ("x", "--all-organizations", "--organization", "nowhere"),
    ],
)
def test_refusals(db, args):
    with pytest.raises(CommandError):
        issue(*args)
    assert not ApiKey.objects.exists()
