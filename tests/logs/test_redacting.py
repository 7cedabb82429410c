"""Secrets are known by the name of their field, by their form and by their value; nothing forges a line."""

import json
import logging
from uuid import UUID

import pytest

from organizations.keys import generate_key
from orgbilling import env
from orgbilling.lib.logs.console import ConsoleFormatter
from orgbilling.lib.logs.events import FIELDS
from orgbilling.lib.logs.redacting import LENGTH_MAX, clean, clean_fields, clean_text
from orgbilling.lib.logs.rendering import JsonFormatter

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.c2lnbmF0dXJlLWJ5dGVz"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("the key obk_0123456789abcdefghijABCDEFGHIJ0123456789 is", "abcdefghij"),
        ("Authorization: Bearer abc.def-ghi", "abc.def"),
        ("basic dXNlcjpodW50ZXIy", "dXNlcjpodW50ZXIy"),
        (f"token {TOKEN} refused", "c2lnbmF0dXJl"),
        ("sk_live_0123456789abcdef", "0123456789abcdef"),
        ("whsec_0123456789abcdef", "0123456789abcdef"),
        ("postgresql://me:hunter2@db/name", "hunter2"),
        ("postgresql://me:hunter2@with@ats@db/name", "hunter2"),
        ("redis://:hunter2@cache:6379/0", "hunter2"),
        ("connection failed: password=hunter2 host=db", "hunter2"),
        ('{"password": "hunter2"}', "hunter2"),
        ("Cookie: sessionid=abcdefghij; csrftoken=x", "abcdefghij"),
        ("duplicate key: (email)=(alice@example.com) already exists", "alice"),
        ("DETAIL:  Failing row contains (17, hunter2, null).", "hunter2"),
    ],
)
def test_a_secret_in_a_text_is_taken_out(text, secret):
    assert secret in text
    assert secret not in clean_text(text)


def test_every_key_of_ours_is_known():
    for _ in range(50):
        key = generate_key()
        assert key[4:] not in clean_text(f"x{key}y {key}") or f"x{key}" in clean_text(f"x{key}")
        assert key[4:] not in clean_text(f"({key})")


@pytest.mark.parametrize(
    "text",
    [
        "0193f2a4c1de7b0f8a6b5c4d3e2f1a0b",
        "company_enrichment",
        "api/v1/org-billing/organizations/<uuid:org_id>/api-keys",
        "A-Z.a_z:0-9",
        "Listening at: http://127.0.0.1:8084",
        "2026-11-28T01:04:48.273884Z",
    ],
)
def test_what_is_no_secret_stays(text):
    assert clean_text(text) == text


@pytest.mark.parametrize(
    "name", ["password", "Authorization", "HTTP_COOKIE", "api_key", "client_secret", "csrftoken"]
)
def test_a_field_is_secret_by_its_name(name):
    assert clean_fields({name: "x", "inside": {name: "y"}}) == {
        name: "[redacted]",
        "inside": {name: "[redacted]"},
    }


def test_the_settings_own_secrets_are_known_by_value(monkeypatch):
    monkeypatch.setattr(
        env, "SECRETS", {"a plain old phrase", "postgresql://u:p%40ssw0rd@db/x", "tiny"}
    )
    assert clean_text("so a plain old phrase it is") == "so [redacted] it is"
    assert "p@ssw0rd" not in clean_text("auth failed with p@ssw0rd")
    assert clean_text("tiny") == "tiny"


def test_a_text_that_was_harmless_is_looked_at_again_when_the_settings_have_another_secret(
    monkeypatch,
):
    monkeypatch.setattr(env, "SECRETS", set())
    assert clean_text("so a plain old phrase") == "so a plain old phrase"
    env.SECRETS.add("a plain old phrase")
    assert clean_text("so a plain old phrase") == "so [redacted]"


def test_a_text_is_cleaned_alike_whether_it_was_seen_before_or_not():
    texts = [
        "company_enrichment",
        "password=hunter2",
        "a\nb",
        "x" * (LENGTH_MAX + 1),
        "a@b.example",
    ]
    once = [clean_text(text) for text in texts]
    for number in range(2_000):
        clean_text(f"another {number}")
    assert [clean_text(text) for text in texts] == once
    assert [clean_text(text) for text in texts] == once
    assert once[0] == texts[0]
    assert all(cleaned != text for cleaned, text in zip(once[1:], texts[1:], strict=True))


def test_a_secret_that_was_read_is_one_to_keep(monkeypatch, tmp_path):
    monkeypatch.setattr(env, "SECRETS", set())
    monkeypatch.setenv("OIDC_CLIENT_SECRET", "from-the-environment")
    (tmp_path / "secret").write_text("from-a-file-of-its-own\n")
    monkeypatch.setenv("STRIPE_SECRET_KEY_FILE", str(tmp_path / "secret"))
    env.env_secret("OIDC_CLIENT_SECRET")
    env.env_secret("STRIPE_SECRET_KEY")
    env.env_secret("REDIS_URL", default="")
    assert {"from-the-environment", "from-a-file-of-its-own"} == env.SECRETS


@pytest.mark.parametrize(
    "hostile",
    ["a\r\nb", "\x1b[31m", "\x00", "\x85", "\u2028", "\u202e", "\ud800", "\x7f", "\t", "\x9b1m"],
)
@pytest.mark.parametrize("formatter", [JsonFormatter(), ConsoleFormatter(colors=False)])
def test_one_event_is_one_line_of_printable_characters(formatter, hostile):
    line = formatter.format(record(f"said {hostile}", value=hostile, inner={hostile: [hostile]}))
    assert line.isprintable()
    line.encode()


def test_a_json_line_is_json_whatever_is_in_it():
    values = {
        "uuid": UUID(int=7),
        "nan": float("nan"),
        "set": {1},
        "bytes": b"\xff",
        "deep": [[[[[[[[[[1]]]]]]]]]],
        "none": None,
        "big": 10**30,
    }
    assert json.loads(JsonFormatter().format(record("x", **values)))["nan"] == "nan"


def test_a_traceback_forges_no_line_and_keeps_no_secret():
    key = generate_key()
    with pytest.raises(ValueError, match="forged") as caught:
        int(f"no\n2026-11-28T00:00:00Z [critical] forged {key}\x1b[31m\n")
    failed = record("x")
    failed.exc_info = (caught.type, caught.value, caught.tb)
    document = json.loads(JsonFormatter().format(failed))
    text = ConsoleFormatter(colors=False).format(failed)
    assert document["exception"][0]["type"] == "ValueError"
    assert "test_redacting.py" in document["exception"][0]["frames"][-1]
    assert [line for line in text.split("\n")[1:] if not line.startswith("    ")] == []
    for written in (json.dumps(document), text):
        assert key[4:] not in written
        assert "\x1b" not in written


def test_an_error_of_a_value_is_told_and_not_raised():
    class Hostile:
        def __str__(self):
            raise RuntimeError

    line = JsonFormatter().format(record("x", value=Hostile()))
    assert json.loads(line)["event"] == "logs.unreadable"


@pytest.mark.parametrize("part", ["a", "eyJ", "://a:", "password=", "a@", "bearer ", "obk_"])
def test_a_long_text_is_cut_and_makes_no_pattern_go_back_and_forth(part):
    # One that does would not be done within the day.
    assert len(clean(part * 10**6)) <= LENGTH_MAX + 1


def record(event, **fields):
    made = logging.LogRecord("tests", logging.INFO, __file__, 1, event, None, None)
    setattr(made, FIELDS, fields)
    return made
