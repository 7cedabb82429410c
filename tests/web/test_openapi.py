"""The document says what the views do: every operation, its errors, headers and examples."""

import json

import pytest
import yaml
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

from orgbilling.web.docs import rendered_schema
from orgbilling.web.openapi import operation
from orgbilling.web.problems import PROBLEMS
from tests.api_client import problem


@pytest.fixture
def document(_own_views):
    rendered_schema.cache_clear()
    GENERATOR_STATS.reset()
    with GENERATOR_STATS.silence():
        made = SchemaGenerator().get_schema(request=None, public=True)
    yield made
    rendered_schema.cache_clear()
    GENERATOR_STATS.reset()


def resolved(document, node):
    while "$ref" in node:
        target = document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def test_valid_openapi_3_1_without_warnings(document):
    validate_schema(document)
    assert document["openapi"].startswith("3.1")
    assert not GENERATOR_STATS._error_cache
    # Two addresses of the tests share a view on purpose.
    assert [text for text in GENERATOR_STATS._warn_cache if "has collisions" not in text] == []


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [
        ("/api/things/{thing_id}", "get", "200 400 401 403 404 405 406 413 429 500 503"),
        (
            "/api/things/{thing_id}",
            "post",
            "201 400 401 402 403 404 405 406 409 413 415 422 429 500 503",
        ),
        ("/api/things", "delete", "204 400 401 403 405 406 413 415 429 500 503"),
        ("/api/public", "get", "200 400 405 406 413 429 500 503"),
        ("/health", "get", "200 400 405 406 413 500 503"),
    ],
)
def test_statuses(document, path, method, statuses):
    assert list(document["paths"][path][method]["responses"]) == statuses.split()


def test_every_problem_has_an_example_of_each_code_and_its_headers(document):
    post = document["paths"]["/api/things"]["post"]["responses"]
    bad = resolved(document, post["400"])
    examples = bad["content"]["application/problem+json"]["examples"]
    assert set(examples) == {"validation_error", "malformed_json", "unknown_field"}
    assert set(resolved(document, post["401"])["headers"]) == {
        "X-Request-ID", "RateLimit-Policy", "RateLimit", "WWW-Authenticate",
    }  # fmt: skip
    assert "Retry-After" in resolved(document, post["429"])["headers"]
    assert "Retry-After" in resolved(document, post["503"])["headers"]
    assert "Allow" in resolved(document, post["405"])["headers"]
    assert "Idempotent-Replayed" in resolved(document, post["402"])["headers"]
    assert "Idempotent-Replayed" in post["201"]["headers"]


def test_examples_conform_to_their_schemas(document):
    schemas = {"components": document["components"]}
    checked = 0
    for path in document["paths"].values():
        for described in path.values():
            for response in described["responses"].values():
                for content in resolved(document, response).get("content", {}).values():
                    for example in content.get("examples", {}).values():
                        Draft202012Validator({**schemas, **content["schema"]}).validate(
                            example["value"]
                        )
                        checked += 1
    assert checked > 50


def test_problems_answered_conform(document, http, alice):
    schema = {"components": document["components"], "$ref": "#/components/schemas/Problem"}
    for path in ("/nothing", "/api/things?x=1", "/api/fail/bug", "/api/fail/domain"):
        answer = http.get(path, headers=alice)
        Draft202012Validator(schema).validate(json.loads(answer.content))
    codes = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"]
    assert codes == sorted(PROBLEMS)


def test_parameters(document):
    listed = document["paths"]["/api/things/{thing_id}"]["get"]["parameters"]
    assert {(item["in"], item["name"]) for item in listed} == {
        ("path", "thing_id"), ("query", "name"), ("query", "start"), ("query", "user_id"),
    }  # fmt: skip
    thing_id = next(item for item in listed if item["name"] == "thing_id")
    assert thing_id["schema"] == {"type": "string", "format": "uuid"}
    (size,) = document["paths"]["/api/users"]["get"]["parameters"]
    assert size["schema"] == {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}
    header = document["paths"]["/api/things"]["post"]["parameters"][0]
    assert (header["in"], header["name"]) == ("header", "Idempotency-Key")


def test_bodies_take_no_further_fields_and_no_nul(document):
    thing = document["components"]["schemas"]["ThingRequest"]
    assert thing["additionalProperties"] is False
    assert "id" not in thing["properties"]
    assert thing["properties"]["name"]["pattern"] == "^[^\\u0000]+$"
    assert thing["properties"]["credits"]["maximum"] == 10**15
    validator = Draft202012Validator({"components": document["components"], **thing})
    assert validator.is_valid({"metadata": {"a": [{"b": None}]}, "price": "1.00"})
    for bad in (
        {"x": 1},
        {"metadata": {"a\x00": 1}},
        {"metadata": {"a": ["\x00"]}},
        {"credits": 0},
    ):
        assert not validator.is_valid(bad), bad


def test_pages(document):
    page = document["components"]["schemas"]["UserPage"]
    assert set(page["properties"]) == {"results", "next", "previous"}
    assert page["required"] == ["next", "previous", "results"]
    assert page["properties"]["next"]["type"] == ["string", "null"]


def test_security(document):
    assert document["paths"]["/api/things"]["get"]["security"] == [{"bearer": []}, {"session": []}]
    assert "security" not in document["paths"]["/health"]["get"]
    assert set(document["components"]["securitySchemes"]) == {"bearer", "session"}


def test_an_unknown_code_is_refused_at_once():
    with pytest.raises(ValueError, match="insufficient_fame"):
        operation(summary="x", responses={}, errors=["insufficient_fame"])


@pytest.mark.parametrize(
    ("query", "accept", "media"),
    [
        ("", "*/*", "application/yaml"),
        ("", "", "application/yaml"),
        ("", "application/json", "application/json"),
        ("", "application/json, */*;q=0.5", "application/json"),
        ("", "application/yaml", "application/yaml"),
        ("?format=json", "*/*", "application/json"),
        ("?format=json", "text/html, */*", "application/json"),
        ("?format=yaml", "application/json", "application/yaml"),
    ],
)
def test_the_document_over_http(http, document, query, accept, media):
    answer = http.get(f"/api/schema{query}", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer["Content-Type"] == media
    parsed = json.loads(answer.content) if "json" in media else yaml.safe_load(answer.content)
    assert parsed["openapi"].startswith("3.1")


@pytest.mark.parametrize(
    ("path", "accept", "status", "code"),
    [
        ("/api/schema?format=xml", "*/*", 400, "validation_error"),
        ("/api/schema?lang=de", "*/*", 400, "validation_error"),
        ("/api/schema", "text/html", 406, "not_acceptable"),
    ],
)
def test_requests_for_the_document_that_are_refused(http, document, path, accept, status, code):
    problem(http.get(path, headers={"Accept": accept}), status, code)
