"""What an organization's next invoices say about it: changed through one door, which looks at each field."""

import pytest

from billing.models import BillingDetails
from organizations.models import AuditLogEntry
from orgbilling.lib.errors import InvalidRequest

pytestmark = pytest.mark.django_db


def test_details_are_changed_field_by_field(alpha, globex):
    assert BillingDetails.objects.of(alpha.pk) is None
    first = BillingDetails.objects.change(
        org_id=alpha.pk,
        actor="user:1",
        legal_name="  Alpha GmbH ",
        address=" Street 1 \r\n Berlin\r\n",
        email="money@alpha.example",
    )
    assert (first.legal_name, first.address) == ("Alpha GmbH", "Street 1\nBerlin")
    second = BillingDetails.objects.change(org_id=alpha.pk, actor="user:2", email="")
    assert (second.pk, second.created_at) == (first.pk, first.created_at)
    assert (second.actor, second.email, second.legal_name) == ("user:2", "", "Alpha GmbH")
    assert second.updated_at >= first.updated_at
    assert BillingDetails.objects.of(globex.pk) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("legal_name", "x" * 201),
        ("legal_name", "two\nlines"),
        ("address", "x" * 501),
        ("address", "a\x00b"),
        ("tax_id", "1\x07"),
        ("email", "nobody"),
        ("country", "x" * 101),
        ("actor_name", "x"),
        ("id", "x"),
    ],
)
def test_wrong_details_are_refused_by_their_field(alpha, field, value):
    with pytest.raises(InvalidRequest) as caught:
        BillingDetails.objects.change(org_id=alpha.pk, actor="user:1", **{field: value})
    assert caught.value.extra["errors"][0]["field"] == field
    assert BillingDetails.objects.of(alpha.pk) is None


def test_the_audit_log_has_what_changed_and_nothing_else(alpha):
    change = BillingDetails.objects.change
    change(org_id=alpha.pk, actor="user:1", legal_name="Alpha GmbH", country="Germany")
    change(org_id=alpha.pk, actor="user:2", legal_name="Alpha AG", country="Germany")
    change(org_id=alpha.pk, actor="user:2", legal_name="Alpha AG", country="Germany")
    entries = AuditLogEntry.objects.filter(action="billing_details_edited").order_by("id")
    assert list(entries.values_list("actor", "before", "after")) == [
        (
            "user:1",
            {"legal_name": "", "country": ""},
            {"legal_name": "Alpha GmbH", "country": "Germany"},
        ),
        ("user:2", {"legal_name": "Alpha GmbH"}, {"legal_name": "Alpha AG"}),
    ]
