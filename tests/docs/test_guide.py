"""The integration guide says what the code does: its prices, its codes, its metadata."""

import json
from codeop import compile_command
from typing import Any

import jsonschema
import pytest

from credits.models import Price
from organizations.models import Organization, User
from orgbilling.web.problems import PROBLEMS
from tests.api_client import ApiClient, ok
from tests.docs.markdown import ROOT, blocks, codes, rows, section
from tests.docs.pages import looked_after, text_of
from tests.docs.runner.steps import steps

GUIDE = (ROOT / "docs" / "ORG_BILLING_INTEGRATION_GUIDE.md").read_text(encoding="utf-8")
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "usage-metadata.schema.json").read_text())
RECORDS = [
    json.loads(block.text)
    for block in blocks(section(GUIDE, "## 6. Services and metadata"))
    if block.language == "json"
]
METADATA_BYTES_MAX = 8 * 1024
GOOD: dict[str, Any] = {
    "caller": {"name": "exporter", "version": "1"},
    "subject": {"type": "company", "id": "c-1"},
    "outcome": "succeeded",
}


@pytest.mark.parametrize("page", ["README.md", "docs/ORG_BILLING_INTEGRATION_GUIDE.md"])
def test_its_python_can_be_pasted_into_python(page: str) -> None:
    """Older ones take a block of lines only when an empty line ends it, and none within it."""
    pasted = [
        step for step in steps(text_of(page), looked_after(page)) if step.language == "python"
    ]
    for step in [step for step in pasted if not step.file]:
        lines: list[str] = []
        for line in step.text.splitlines():
            lines.append(line)
            if compile_command("\n".join(lines)) is not None:
                lines.clear()
        # Whoever pastes ends with Enter.
        assert compile_command("\n".join([*lines, ""])) is not None, step.line


def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(SCHEMA)


@pytest.mark.django_db
def test_the_services_and_their_prices_are_the_catalogue() -> None:
    said = {
        codes(name)[0]: tuple(map(int, prices))
        for name, _unit, *prices in rows(section(GUIDE, "## 6. Services and metadata"))
    }
    catalogue = {
        price.service_id: (price.platform_credits, price.byok_credits, price.hybrid_credits)
        for price in Price.objects.all()
    }
    assert said == catalogue


@pytest.mark.django_db
def test_the_worked_example_adds_up() -> None:
    prices = {price.service_id: price.platform_credits for price in Price.objects.all()}
    *lines, total = rows(section(GUIDE, "## 7. Work in bulk").split("Three ways")[0])
    costs = []
    for line, *numbers in lines:
        quantity, each, cost = (int(number.replace(",", "")) for number in numbers)
        assert (each, cost) == (prices[codes(line)[0]], quantity * each)
        costs.append(cost)
    assert int(total[-1].strip("*").replace(",", "")) == sum(costs) > 0


def test_every_code_of_the_api_is_in_the_table_under_its_status() -> None:
    said = [
        (code, int(status))
        for status, listed, _remedy in rows(section(GUIDE, "## 8. Errors and retries"))
        for code in codes(listed)
    ]
    known = {code: problem.status for code, problem in PROBLEMS.items()}
    assert len(said) == len(dict(said))
    assert dict(said) == known


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.django_db
@pytest.mark.parametrize("record", RECORDS, ids=lambda record: str(record["service_name"]))
def test_an_example_record_is_valid_and_taken(
    record: dict[str, Any], funded: Organization, alice: User, alpha_key: str
) -> None:
    validator().validate(record["metadata"])
    assert len(json.dumps(record["metadata"]).encode()) <= METADATA_BYTES_MAX
    body = {"org_id": str(funded.pk), "user_id": str(alice.pk), **record}
    usage = ok(ApiClient(token=alpha_key).post("credits/deduct", body), 201)
    assert usage["metadata"] == record["metadata"]


@pytest.mark.django_db
def test_there_is_an_example_of_every_service_of_the_catalogue() -> None:
    services = {record["service_name"] for record in RECORDS}
    assert services > set(Price.objects.values_list("service_id", flat=True))


@pytest.mark.parametrize(
    "change",
    [
        {"caller": None},
        {"subject": None},
        {"outcome": None},
        {"outcome": "done"},
        {"outcom": "succeeded"},
        {"caller": {"name": "Exporter", "version": "1"}},
        {"caller": {"name": "exporter"}},
        {"subject": {"type": "person", "id": "1"}},
        {"subject": {"type": "company", "id": "1", "domain": "Not a domain"}},
        {"subject": {"type": "record_set", "id": "1"}},
        {"subject": {"type": "model_call", "id": "1"}},
        {"provider": {"name": "datahouse", "cost": {"amount": 0.1, "currency": "USD"}}},
        {"provider": {"name": "datahouse", "cost": {"amount": "0.1", "currency": "usd"}}},
        {"trace_id": "0" * 32},
        {"step": -1},
        {"units": {"requested": 1}},
        {"labels": {"cost_center": 7}},
        {"labels": {f"label_{number}": "" for number in range(17)}},
    ],
    ids=str,
)
def test_a_slip_of_the_pen_is_found(change: dict[str, Any]) -> None:
    changed = {name: value for name, value in {**GOOD, **change}.items() if value is not None}
    assert validator().is_valid(GOOD)
    assert not validator().is_valid(changed)


def test_a_service_may_add_what_it_needs() -> None:
    assert validator().is_valid({**GOOD, "x_anything": {"at": ["all", 1, None]}})
