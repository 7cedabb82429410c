"""Joins between rows of the ledger compare the organization too."""

import pytest

from billing.models import Payment
from credits.models import Allocation, Usage
from orgbilling.lib.ids import uuid7
from orgbilling.lib.ledger_key import LedgerForeignKey


def test_a_join_compares_organizations():
    said = str(Payment.objects.select_related("event").filter(org_id=uuid7()).query)
    assert '"payments"."event_id" = "org_billing_history"."id"' in said
    assert '"org_billing_history"."org_id" = ("payments"."org_id")' in said


def test_a_backward_join_does_too():
    said = str(Usage.objects.filter(refunds__isnull=False).query)
    assert '"org_id" = ' in said.partition("WHERE")[0]


def test_migrations_see_a_foreign_key():
    field = Usage._meta.get_field("allocation")
    assert isinstance(field, LedgerForeignKey)
    assert field.deconstruct()[1] == "django.db.models.ForeignKey"


@pytest.mark.django_db
def test_a_row_finds_the_one_it_names(funded, alice, django_assert_num_queries):
    allocation = Allocation.objects.get(org=funded, user=alice)
    entry = allocation._meta.apps.get_model("credits", "JournalEntry")
    row = entry.objects.filter(org=funded, allocation__user=alice).first()
    with django_assert_num_queries(1) as asked:
        assert row.allocation == allocation
    assert '"org_id" = ' in asked[0]["sql"]
