"""What is recognized at once is what the serializer accepts, with the same values in the same order."""

import json
import uuid

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework import serializers

from credits.api.serializers import (
    CaptureSerializer,
    CheckSerializer,
    DeductSerializer,
    HoldOrderSerializer,
)
from orgbilling.web.fields import (
    CREDITS_MAX,
    CreditsField,
    MetadataField,
    StrictBooleanField,
    StrictCharField,
    StrictSerializer,
    StrictUUIDField,
)
from orgbilling.web.ordinary import STRANGE
from tests.web.bodies import bodies, recognizing

HOT = [DeductSerializer, HoldOrderSerializer, CheckSerializer, CaptureSerializer]
ORDER = {
    "org_id": "0190a2f4-0000-7000-8000-000000000001",
    "user_id": "0190A2F4-0000-7000-8000-00000000000f",
    "service_name": "contact_lookup",
    "credits": 5,
}


def by_the_serializer(serializer, body):
    """What the serializer makes of a body that nothing recognizes; None: it refuses it."""
    try:
        return serializers.Serializer.run_validation(serializer, body)
    except serializers.ValidationError:
        return None


def agree(serializer, body):
    """Compare what is recognized with what the serializer says."""
    before = json.dumps(body, default=repr)
    recognized = serializer._ordinary.recognize(body)
    assert json.dumps(body, default=repr) == before
    if recognized is None:
        return False
    expected = by_the_serializer(serializer, body)
    assert expected is not None, f"{body} is recognized, and refused by the serializer"
    assert list(recognized.items()) == list(expected.items())
    assert [type(value) for value in recognized.values()] == [
        type(value) for value in expected.values()
    ]
    return True


@pytest.mark.parametrize("kind", HOT)
def test_every_field_of_a_call_by_a_service_is_known(kind):
    serializer = kind()
    assert serializer._ordinary is not None
    assert [field.name for field in serializer._ordinary._fields] == list(serializer.fields)


@pytest.mark.parametrize("kind", recognizing(), ids=lambda kind: kind.__name__)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_both_agree_on_drawn_bodies(kind, data):
    agree(kind(), data.draw(bodies(kind())))


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=bodies(DeductSerializer()))
def test_both_agree_on_drawn_deductions(body):
    agree(DeductSerializer(), body)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"service_type": None, "request_id": None},
        {"service_type": "api", "request_id": "r" * 255, "metadata": {}},
        {"metadata": {"a": [{"b": None}], "é": "😀"}},
        {"service_name": " "},
        {"service_name": "😀" * 100},
        {"credits": CREDITS_MAX},
    ],
)
def test_an_ordinary_deduction_is_recognized(more):
    assert agree(DeductSerializer(), {**ORDER, **more})


@pytest.mark.parametrize(
    "wrong",
    [
        {"credits": True},
        {"credits": 1.0},
        {"credits": 0},
        {"credits": -1},
        {"credits": CREDITS_MAX + 1},
        {"credits": None},
        {"quantity": 1},
        {"unit_price": 1},
        {"service_name": ""},
        {"service_name": "a\x00"},
        {"service_name": "\ud800"},
        {"service_name": "a" * 101},
        {"request_id": ""},
        {"request_id": 7},
        {"org_id": None},
        {"org_id": 7},
        {"org_id": "{0190a2f4-0000-7000-8000-000000000001}"},
        {"org_id": "0190a2f4000070008000000000000001"},
        {"org_id": "0190a2f4-0000-7000-8000-00000000000g"},
        {"metadata": None},
        {"metadata": []},
        {"metadata": {"a": "b" * 8_192}},
    ],
    ids=repr,
)
def test_what_is_wrong_is_left_to_the_serializer(wrong):
    body = {**ORDER, **wrong}
    assert DeductSerializer()._ordinary.recognize(body) is None
    with pytest.raises(Exception):  # noqa: B017, PT011 - which one is the serializer's to choose
        DeductSerializer().run_validation(body)


@pytest.mark.parametrize("body", [None, [], "text", 7, True])
def test_only_an_object_is_recognized(body):
    assert DeductSerializer()._ordinary.recognize(body) is None


class Own(StrictCharField):
    def to_internal_value(self, data):
        return super().to_internal_value(data).upper()


class Overriding(StrictSerializer):
    name = Own()


class Validating(StrictSerializer):
    name = StrictCharField()

    def validate(self, attrs):
        return {"name": attrs["name"].upper()}


class ValidatingOne(StrictSerializer):
    name = StrictCharField()

    def validate_name(self, value):
        return value.upper()


class Elsewhere(StrictSerializer):
    name = StrictCharField(source="title")


class WithValidator(StrictSerializer):
    name = StrictCharField(validators=[lambda _value: None])


class WithOther(StrictSerializer):
    name = serializers.CharField()


class Made(StrictSerializer):
    name = StrictCharField(default=lambda: "made")


class ReadOnly(StrictSerializer):
    name = StrictCharField(read_only=True)


@pytest.mark.parametrize(
    "kind",
    [Overriding, Validating, ValidatingOne, Elsewhere, WithValidator, WithOther, Made, ReadOnly],
)
def test_a_serializer_with_a_rule_of_its_own_recognizes_nothing(kind):
    assert kind()._ordinary is None


def test_a_partial_serializer_recognizes_nothing():
    assert DeductSerializer(partial=True)._ordinary is None


def test_trimmed_text_is_left_to_the_serializer():
    assert StrictCharField(trim_whitespace=True).ordinary()("a") is STRANGE


class Defaults(StrictSerializer):
    flag = StrictBooleanField(default=True)
    note = StrictCharField(required=False, default="", allow_blank=True)
    one = StrictUUIDField(required=False)
    amount = CreditsField(required=False, allow_null=True)
    more = MetadataField(required=False)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"flag": False},
        {"note": "a"},
        {"amount": None},
        {"more": {}},
        {"one": str(uuid.UUID(int=1))},
    ],
)
def test_defaults_are_the_serializers(body):
    assert agree(Defaults(), body)
