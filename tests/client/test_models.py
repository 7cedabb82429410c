"""The models have the described fields with the described types, each way round; and reading is strict."""

from collections.abc import Mapping
from dataclasses import MISSING, FrozenInstanceError, fields
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, get_type_hints

import pytest
from orgbilling_client import models
from orgbilling_client.batches import BatchItem, BatchResult
from orgbilling_client.parsing import Unreadable, parse

from tests.client import description
from tests.client.hostile import USAGE

#: Where the client calls a thing by another name.
NAMES = {
    "Verdict": "Check",
    "Check": "DependencyState",
    "Checks": "Dependencies",
    "PoolWithSettings": "PoolSettings",
}
#: Read by hand, because what they hold becomes an exception or a page.
ELSEWHERE = {"BatchResult", "BatchResults", "FieldError", "Problem"}
#: Texts in the description that are amounts of money.
MONEY = {
    "account_limit",
    "amount",
    "arr",
    "credit_price",
    "lifetime_spent_amount",
    "monthly_price",
    "mrr",
    "overage_rate",
    "yearly_price",
}
#: Told by the answer's headers.
OF_HEADERS = {"replayed"}

ANSWERS = sorted(
    name
    for name in description.answered() - ELSEWHERE
    # The system's dashboard holds one page; the others are turned by the client.
    if not name.endswith("Page") or name == "OrganizationsPage"
)


def model_of(schema: str) -> Any:
    return getattr(models, NAMES.get(schema, schema))


def expected(field: str, schema: dict[str, Any], required: bool) -> Any:
    """The type of a field, by its schema."""
    hint = _expected(field, schema)
    return hint if required else hint | None


def _expected(field: str, schema: dict[str, Any]) -> Any:
    if "$ref" in schema:
        return model_of(schema["$ref"].rsplit("/", 1)[1])
    if "oneOf" in schema:
        inner, nothing = schema["oneOf"]
        assert nothing == {"type": "null"}
        return _expected(field, inner) | None
    kind = schema["type"]
    if isinstance(kind, list):
        (kind,) = set(kind) - {"null"}
        return _expected(field, {**schema, "type": kind}) | None
    if kind == "array":
        return tuple[_expected(field, schema["items"]), ...]
    if kind == "string":
        formats: dict[Any, Any] = {"date-time": datetime, "date": date}
        return formats.get(schema.get("format"), Decimal if field in MONEY else str)
    return {"integer": int, "boolean": bool, "object": Mapping[str, Any]}[kind]


@pytest.mark.parametrize("name", ANSWERS)
def test_a_model_has_the_described_fields(name):
    schema, model = description.schemas()[name], model_of(name)
    hints = get_type_hints(model)
    required = schema["required"]

    assert hints.keys() - OF_HEADERS == schema["properties"].keys() - OF_HEADERS
    for field, described in schema["properties"].items():
        assert hints[field] == expected(field, described, field in required), field
    for field in fields(model):
        optional = field.default is not MISSING
        assert optional is (field.name not in required), field.name


def test_every_model_is_described():
    assert set(models.__all__) == {NAMES.get(name, name) for name in ANSWERS}


def test_results_of_a_batch_have_the_described_fields():
    described = description.schemas()
    assert get_type_hints(BatchItem).keys() == described["BatchResult"]["properties"].keys()
    for field in described["BatchResults"]["properties"]:
        assert hasattr(BatchResult, field) or field in get_type_hints(BatchResult)


def test_a_model_is_read_and_cannot_be_changed():
    usage = parse(models.Usage, USAGE)

    assert usage.created_at == datetime(2026, 11, 22, 16, tzinfo=UTC)
    with pytest.raises(FrozenInstanceError):
        usage.credits_used = 0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("credits_used", "50"),
        ("credits_used", 50.0),
        ("credits_used", True),
        ("credits_used", None),
        ("service_name", None),
        ("service_name", 7),
        ("metadata", []),
        ("created_at", "yesterday"),
        ("created_at", 7),
    ],
)
def test_another_type_is_not_read(field, value):
    with pytest.raises(Unreadable, match=f"Usage.{field}: "):
        parse(models.Usage, {**USAGE, field: value})


def test_what_is_missing_is_named():
    without = {name: value for name, value in USAGE.items() if name != "remaining_credits"}
    with pytest.raises(Unreadable, match=r"Usage\.remaining_credits is missing"):
        parse(models.Usage, without)


def test_what_is_shown_once_is_not_shown_by_repr():
    for model, secret in ((models.IssuedApiKey, "key"), (models.SecretWebhookEndpoint, "secret")):
        assert [field.name for field in fields(model) if not field.repr] == [secret]


def test_money_is_exact():
    with pytest.raises(Unreadable, match="decimal"):
        parse(models.Revenue, {"mrr": "ten", "arr": "1", "active_subscriptions": 0, "currency": ""})
