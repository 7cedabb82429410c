"""What stands between bad input and a 500, layer by layer: the sweep beside this passes by these."""

import json
import logging

import pytest
from django.core.validators import ProhibitNullCharactersValidator
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from billing.managers import subscriptions
from organizations.api import base
from orgbilling import urls
from orgbilling.web import body, errors, fields, pagination, query, request_id, strict_json, views
from tests.api_client import ApiClient, ok, problem
from tests.ledger import balances
from tests.regressions.teeth import both, guarded_by, python, replaced

pytestmark = pytest.mark.django_db


def always(_text):
    return True


def nothing(*_args):
    return None


parser = replaced(strict_json, "_refuse_unstorable", nothing)
field = replaced(fields, "storable", always)
# DRF's own text fields look too.
library = both(
    replaced(ProhibitNullCharactersValidator, "__call__", nothing),
    replaced(ProhibitSurrogateCharactersValidator, "__call__", nothing),
)
parameter = replaced(query, "storable", always)
# Errors of the database and of Python that are the caller's fault, as if nobody had thought of them.
backstop = both(
    python(
        errors,
        "_from_database",
        ("isinstance(exc, DataError | psycopg.DataError)", "False"),
    ),
    python(
        errors,
        "_from_python",
        (
            'isinstance(exc, UnicodeError) or (isinstance(exc, ValueError) and "NUL" in str(exc))',
            "False",
        ),
    ),
)


@pytest.fixture
def api(funded, alpha_key):
    """A service of Alpha."""
    logging.disable(logging.ERROR)
    yield ApiClient(token=alpha_key)
    logging.disable(logging.NOTSET)


def deduction(org, user, **more):
    named = {"org_id": str(org.pk), "user_id": str(user.pk), "service_name": "fax", "credits": 5}
    return {**named, **more}


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"], ids=["nul", "surrogate"])
@guarded_by(parser=parser, field=field, library=library, backstop=backstop)
def test_a_text_that_cannot_be_stored(api, funded, alice, text):
    refused = api.post("credits/deduct", deduction(funded, alice, service_name=text))
    assert refused.status_code == 400
    assert balances(funded, alice).remaining == 1_000


@pytest.mark.parametrize(
    "metadata",
    [{"a": "\x00"}, {"\x00": 1}, {"a": ["\ud800"]}],
    ids=["nul", "nul in a name", "surrogate"],
)
@guarded_by(parser=parser, backstop=backstop)
def test_a_text_in_metadata_that_cannot_be_stored(api, funded, alice, metadata):
    refused = api.post("credits/deduct", deduction(funded, alice, metadata=metadata))
    assert refused.status_code == 400
    assert balances(funded, alice).remaining == 1_000


@guarded_by(parameters=parameter, field=field, library=library, backstop=backstop)
def test_a_nul_in_the_query(api, funded):
    assert api.get(f"credits/{funded.pk}/usage?service_name=%00").status_code == 400


@guarded_by(depth=replaced(strict_json, "_refuse_depth", nothing))
def test_metadata_is_32_deep_at_most(api, funded, alice):
    deep = json.loads("[" * 40 + "]" * 40)
    refused = api.post("credits/deduct", deduction(funded, alice, metadata={"a": deep}))
    assert balances(funded, alice).remaining == 1_000
    problem(refused, 400, "malformed_json")


@guarded_by(
    depth=replaced(strict_json, "_refuse_depth", nothing),
    parser=python(strict_json, "loads", ("(ValueError, RecursionError)", "ValueError")),
    backstop=replaced(
        errors,
        "_PYTHON_REFUSALS",
        tuple(pair for pair in errors._PYTHON_REFUSALS if pair[0] is not RecursionError),
    ),
)
def test_a_body_nested_100000_deep(api):
    refused = api.request("POST", "credits/deduct", raw=b"[" * 100_000)
    problem(refused, 400, "malformed_json")


@guarded_by(digits=python(strict_json, "loads", ("(ValueError, RecursionError)", "RecursionError")))
def test_a_number_of_5000_digits(api):
    raw = b'{"credits": ' + b"9" * 5_000 + b"}"
    problem(api.request("POST", "credits/deduct", raw=raw), 400, "malformed_json")


@pytest.mark.parametrize("raw", [b"null", b"[]", b'"text"', b"7"])
@guarded_by(kind=python(body, "read_object", ("not isinstance(value, dict)", "False")))
def test_a_body_that_is_no_object(api, raw):
    refused = problem(api.request("POST", "credits/deduct", raw=raw), 400, "validation_error")
    assert [error["code"] for error in refused["errors"]] == ["not_an_object"]


@pytest.mark.parametrize("text", ['{"a": NaN}', '{"a": -Infinity}', '{"a": 1e999}'])
@guarded_by(parser=replaced(strict_json, "_DECODER", json.JSONDecoder()))
def test_metadata_with_a_number_that_is_none(api, funded, alice, text):
    good = json.dumps(deduction(funded, alice))[:-1]
    raw = f'{good}, "metadata": {text}}}'.encode()
    assert api.request("POST", "credits/deduct", raw=raw).status_code == 400
    assert balances(funded, alice).remaining == 1_000


@guarded_by(parser=replaced(strict_json, "_DECODER", json.JSONDecoder()))
def test_a_key_twice_is_not_the_last_one(api, funded, alice):
    good = json.dumps(deduction(funded, alice))[:-1]
    refused = api.request("POST", "credits/deduct", raw=f'{good}, "credits": 999}}'.encode())
    assert balances(funded, alice).remaining == 1_000
    problem(refused, 400, "malformed_json")


@pytest.mark.parametrize("credits", ["1", 1.0, "1_0", "\u0663", True])
@guarded_by(
    strictness=replaced(
        fields.StrictIntegerField,
        "to_internal_value",
        lambda _self, data: int(data),
    )
)
def test_an_amount_is_never_guessed(api, funded, alice, credits):
    refused = api.post("credits/deduct", deduction(funded, alice, credits=credits))
    assert balances(funded, alice).remaining == 1_000
    problem(refused, 400, "validation_error")


@pytest.mark.parametrize("credits", [2**63, 10**400])
@guarded_by(
    range=replaced(
        fields.CreditsField,
        "__init__",
        fields.StrictIntegerField.__init__,
    )
)
def test_an_amount_beyond_every_number(api, funded, alice, credits):
    refused = api.post("credits/deduct", deduction(funded, alice, credits=credits))
    problem(refused, 400, "validation_error")


@guarded_by(
    range=python(
        pagination,
        "page_size",
        ("len(text) <= 4 and 1 <= int(text) <= PAGE_SIZE_MAX", "True"),
    ),
    backstop=backstop,
)
def test_a_page_of_10_to_the_20(api, funded):
    assert api.get(f"credits/{funded.pk}/usage?page_size={10**20}").status_code == 400


@guarded_by(
    signature=python(
        pagination.Keyset,
        "parse",
        ("except (signing.BadSignature, ValueError)", "except KeyError"),
    )
)
def test_a_cursor_that_was_tampered_with(api, funded, alice):
    for number in range(3):
        ok(api.post("credits/deduct", deduction(funded, alice, request_id=f"r{number}")), 201)
    usage = f"credits/{funded.pk}/usage"
    next_page = ok(api.get(f"{usage}?page_size=1"))["next"]
    ok(api.get(f"{usage}?{next_page.split('?')[1]}"))
    for token in (next_page.split("cursor=")[1][:-5], "%00", "a:b:c", "é", "W10:1:1"):
        problem(api.get(f"{usage}?cursor={token}"), 400, "validation_error")


@guarded_by(pattern=replaced(request_id, "PATTERN", request_id.re.compile(r"(?s).*")))
def test_a_request_id_with_a_line_break(api, funded):
    answer = api.get(f"credits/{funded.pk}", X_Request_ID="a\r\nX-Injected: 1")
    assert answer.status_code == 200
    assert "Injected" not in answer["X-Request-ID"]


@guarded_by(
    shape=both(
        *(
            python(module, "parse_id", (" if _UUID.fullmatch(text) else None", ""))
            for module in (views, base)
        )
    )
)
def test_an_id_that_is_none(api):
    problem(api.get("credits/test-org"), 404, "not_found")
    problem(api.post("credits/deduct", {"org_id": "test-org"}), 400, "validation_error")


@guarded_by(
    translation=python(
        subscriptions.SubscriptionManager, "start", ("except IntegrityError", "except KeyError")
    )
)
def test_a_second_subscription(api, funded):
    order = {"org_id": str(funded.pk), "subscription_plan": "platform"}
    ok(api.post("subscriptions", order), 201)
    problem(api.post("subscriptions", order), 409, "subscription_exists")


@guarded_by(
    view=python(views.ApiView, "dispatch", ("except Exception as exc:", "except KeyError as exc:")),
    handler=replaced(urls, "handler500", "django.views.defaults.server_error"),
)
def test_what_nobody_foresaw_tells_nothing(api, funded, monkeypatch):
    """The one 500 there is: a problem document without a word of the error."""

    def broken(*_args):
        raise RuntimeError("SELECT secret FROM users")

    monkeypatch.setattr(views.ApiView, "_call", broken)
    answer = api.get(f"credits/{funded.pk}")
    assert "secret" not in answer.content.decode()
    problem(answer, 500, "internal_error")
    assert answer["Cache-Control"] == "no-store"
