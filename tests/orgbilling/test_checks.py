"""Conditions of CHECK constraints as Django asks them itself, before a row is written."""

import pytest
from django.core.exceptions import ValidationError

from credits.models import Usage
from orgbilling.lib.checks import one_of
from tests.ledger import charge


@pytest.fixture
def usage(funded, alice):
    """Of a charge without a price, a hold or a refund."""
    assert Usage.objects.charge(charge(funded, alice, 20)).outcome == "charged"
    return Usage.objects.get()


@pytest.mark.django_db
def test_a_right_row_passes(usage):
    usage.validate_constraints()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("column", "value", "name"),
    [
        ("operation", "gift", "usage_sign_matches_operation"),
        ("operation", "refund", "usage_sign_matches_operation"),
        ("credits_used", -20, "usage_sign_matches_operation"),
        ("operation", "capture", "usage_capture_has_hold"),
        ("overage_credits", 21, "usage_overage_within_credits"),
    ],
)
def test_a_wrong_one_is_refused_by_name(usage, column, value, name):
    setattr(usage, column, value)
    with pytest.raises(ValidationError, match=name):
        usage.validate_constraints()


def test_values_that_an_array_would_have_to_quote_are_refused():
    with pytest.raises(ValueError, match="a,b"):
        one_of("operation", ["a,b"])
