"""Fields take exactly what the contract says, and nothing that merely looks like it."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from rest_framework import serializers

from orgbilling.web.fields import (
    CREDITS_MAX,
    CreditsField,
    MetadataField,
    MoneyField,
    StrictBooleanField,
    StrictCharField,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
    UtcDateTimeField,
)
from orgbilling.web.responses import encode, json_response, money, rfc3339

NOT_INTEGERS = [
    True, False, 1.0, 1.5, "1", "1_0", "\u0661", " 1", "0x1", None, [], {}, [1], Decimal(1), float("nan"), float("inf"),
]  # fmt: skip


def refused(field, value):
    with pytest.raises(serializers.ValidationError) as caught:
        field.run_validation(value)
    return caught.value.detail[0].code


@pytest.mark.parametrize("value", NOT_INTEGERS)
@pytest.mark.parametrize("field", [StrictIntegerField, CreditsField])
def test_only_json_integers_are_integers(field, value):
    assert refused(field(), value) in {"invalid", "null"}


@pytest.mark.parametrize("value", [1, 2, CREDITS_MAX - 1, CREDITS_MAX])
def test_credits(value):
    assert CreditsField().run_validation(value) == value


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (0, "min_value"),
        (-1, "min_value"),
        (-5000, "min_value"),
        (10**15 + 1, "max_value"),
        (2**63, "max_value"),
        (10**400, "max_value"),
    ],
)
def test_credits_out_of_range(value, code):
    assert refused(CreditsField(), value) == code


def test_other_bounds():
    assert CreditsField(min_value=0).run_validation(0) == 0
    assert refused(StrictIntegerField(min_value=0, max_value=90), 91) == "max_value"


@pytest.mark.parametrize("value", [1, 0, "true", "false", "yes", "on", None, [], 1.0])
def test_booleans(value):
    assert refused(StrictBooleanField(), value) in {"invalid", "null"}
    assert StrictBooleanField().run_validation(True) is True
    assert StrictBooleanField().run_validation(False) is False


@pytest.mark.parametrize(
    "value", [1, 1.5, True, None, [], {}, "a\x00", "\x00", "\ud800", "a\udfff"]
)
def test_texts_that_are_none(value):
    assert refused(StrictCharField(), value) in {"invalid", "unstorable", "null"}


@pytest.mark.parametrize("value", ["a", " a ", " ", "é😀", "'; DROP TABLE x --", "\u202e"])
def test_texts_are_kept_as_they_came(value):
    assert StrictCharField().run_validation(value) == value


def test_bounds_of_texts():
    assert refused(StrictCharField(), "") == "blank"
    assert StrictCharField(allow_blank=True).run_validation("") == ""
    assert refused(StrictCharField(max_length=3), "😀😀😀😀") == "max_length"
    assert StrictCharField(max_length=3).run_validation("😀😀😀") == "😀😀😀"


def test_uuids():
    text = "0193F2A4-c1de-7b0f-8a53-c2d4e6f70819"
    assert StrictUUIDField().run_validation(text) == uuid.UUID(text)


@pytest.mark.parametrize(
    "value",
    [
        1,
        "",
        "test-org",
        "0193f2a4c1de7b0f8a53c2d4e6f70819",
        "{0193f2a4-c1de-7b0f-8a53-c2d4e6f70819}",
        None,
    ],
)
def test_uuids_that_are_none(value):
    assert refused(StrictUUIDField(), value) in {"invalid", "null"}


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("50.00", "50.00"),
        ("50", "50.00"),
        ("0.5", "0.50"),
        ("0", "0.00"),
        ("999999999999.99", "999999999999.99"),
    ],
)
def test_money(text, amount):
    understood = MoneyField().run_validation(text)
    assert understood == Decimal(amount)
    assert MoneyField().to_representation(understood) == amount


@pytest.mark.parametrize(
    "value",
    [
        *(50, 50.0, True, None, "", "-1.00", "+1", "1.001", "1.", ".5", "1e3", "NaN", "Infinity"),
        *("1,00", "1_0", "\u0665", " 1", "1\n", "1" * 13),
    ],
)
def test_money_that_is_none(value):
    assert refused(MoneyField(), value) in {"invalid", "null"}


def test_money_has_a_least_amount():
    assert refused(MoneyField(min_value=Decimal("0.01")), "0.00") == "min_value"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T16:00:00Z", datetime(2026, 11, 22, 16, tzinfo=UTC)),
        ("2026-11-22t16:00:00z", datetime(2026, 11, 22, 16, tzinfo=UTC)),
        ("2026-11-22T16:00:00+02:00", datetime(2026, 11, 22, 14, tzinfo=UTC)),
        ("2026-11-22T16:00:00.123456-00:30", datetime(2026, 11, 22, 16, 30, 0, 123456, tzinfo=UTC)),
    ],
)
def test_moments(text, moment):
    assert UtcDateTimeField().run_validation(text) == moment


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2026-11-22T16:00:00", "invalid"),
        ("2026-11-22", "invalid"),
        ("2026-02-30T00:00:00Z", "invalid"),
        ("2026-11-22T25:00:00Z", "invalid"),
        ("2026-11-22T16:00:00+24:00", "invalid"),
        ("0000-01-01T00:00:00Z", "invalid"),
        ("10000-01-01T00:00:00Z", "invalid"),
        ("\u0662\u0660\u0662\u0666-11-22T16:00:00Z", "invalid"),
        ("0001-01-01T00:00:00+01:00", "overflow"),
        ("9999-12-31T23:59:59-01:00", "overflow"),
        (1795363200, "invalid"),
        (None, "null"),
    ],
)
def test_moments_that_are_none(text, code):
    assert refused(UtcDateTimeField(), text) == code


def test_moments_are_given_back_in_utc_and_whole_seconds():
    moment = datetime.fromisoformat("2026-11-22T18:00:00.987654+02:00")
    assert rfc3339(moment) == "2026-11-22T16:00:00Z"
    assert UtcDateTimeField().to_representation(moment) == "2026-11-22T16:00:00Z"
    assert rfc3339(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00:00Z"
    assert rfc3339(None) is None


def test_metadata():
    kept = {"a": [1, 2.5, None, True, {"b": "é"}], "n": 10**20}
    assert MetadataField().run_validation(kept) == kept
    assert MetadataField().run_validation({}) == {}


@pytest.mark.parametrize("value", [[], "a", 1, None, True])
def test_metadata_that_is_no_object(value):
    assert refused(MetadataField(), value) in {"not_a_dict", "null"}


def test_metadata_has_at_most_8_kib():
    fits = {"a": "x" * (8 * 1024 - len('{"a":""}'))}
    assert len(encode(fits)) == 8 * 1024
    assert MetadataField().run_validation(fits) == fits
    assert refused(MetadataField(), {"a": fits["a"] + "x"}) == "too_large"
    assert refused(MetadataField(), {"a": "é" * 4096}) == "too_large"


def test_json_of_answers():
    one = uuid.UUID(int=1)
    moment = datetime(2026, 11, 22, 16, tzinfo=UTC)
    answer = json_response(
        {"id": one, "at": moment, "day": moment.date(), "price": Decimal("0.50"), "name": "é"},
        201,
        {"X-A": "b"},
    )
    assert answer.status_code == 201
    assert answer["X-A"] == "b"
    assert answer["Content-Type"] == "application/json"
    assert answer.content.decode() == (
        '{"id":"00000000-0000-0000-0000-000000000001","at":"2026-11-22T16:00:00Z",'
        '"day":"2026-11-22","price":"0.50","name":"é"}'
    )
    assert money(Decimal(50)) == "50.00"
    assert money(None) is None
    with pytest.raises(TypeError, match="object has no JSON form"):
        encode({"a": object()})
    with pytest.raises(ValueError, match="JSON"):
        encode({"a": float("nan")})


class Order(StrictSerializer):
    exactly_one_of = ("credits", "quantity")
    needed_with = {"quantity": ("service",)}

    credits = CreditsField(required=False)
    quantity = CreditsField(required=False)
    service = StrictCharField(required=False)


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        ({"credits": 1}, {}),
        ({"credits": 1, "service": "x"}, {}),
        ({"quantity": 1, "service": "x"}, {}),
        ({"quantity": 1}, {"service": "required"}),
        ({"credits": 1, "quantity": 1}, {"credits": "exactly_one"}),
        ({"service": "x"}, {"credits": "exactly_one"}),
    ],
)
def test_fields_that_go_together(data, wrong):
    checked = Order(data=data)
    assert checked.is_valid() == (wrong == {})
    assert {name: errors[0].code for name, errors in checked.errors.items()} == wrong
