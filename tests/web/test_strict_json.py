"""Strict JSON: what two parsers could read differently, or PostgreSQL can't keep, is 400."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orgbilling.web import strict_json
from orgbilling.web.refusals import MalformedJson
from tests.api_client import problem

BAD = {
    "empty object cut": b"{",
    "duplicate key": b'{"credits": 1, "credits": 999}',
    "nested duplicate key": b'{"metadata": {"a": 1, "a": 2}}',
    "escaped duplicate key": b'{"a": 1, "\\u0061": 2}',
    "NaN": b'{"credits": NaN}',
    "Infinity": b'{"credits": Infinity}',
    "-Infinity": b'{"credits": -Infinity}',
    "1e999": b'{"credits": 1e999}',
    "-1e999": b'{"credits": -1e999}',
    "4301 digits": b'{"credits": ' + b"9" * 4301 + b"}",
    "NUL in a value": b'{"name": "a\\u0000b"}',
    "NUL in a key": b'{"metadata": {"a\\u0000": 1}}',
    "NUL in a list": b'{"metadata": {"a": ["\\u0000"]}}',
    "raw NUL": b'{"name": "a\x00b"}',
    "lone high surrogate": b'{"name": "\\ud800"}',
    "lone low surrogate": b'{"metadata": {"\\udfff": 1}}',
    "raw surrogate": b'{"name": "\xed\xa0\x80"}',
    "BOM": b'\xef\xbb\xbf{"credits": 1}',
    "UTF-16": '{"credits": 1}'.encode("utf-16"),
    "UTF-16 without a BOM": '{"credits": 1}'.encode("utf-16-le"),
    "UTF-32": '{"credits": 1}'.encode("utf-32"),
    "Latin-1": '{"name": "é"}'.encode("latin-1"),
    "depth 33": b'{"metadata": ' + b"[" * 32 + b"]" * 32 + b"}",
    "depth 1,000": b"[" * 1_000 + b"]" * 1_000,
    "depth 100,000": b'{"a":' * 30_000 + b"1" + b"}" * 30_000,
    "unclosed depth 100,000": b"[" * 100_000,
    "two texts": b"{}{}",
    "trailing comma": b'{"credits": 1,}',
    "comment": b'{"credits": 1} // one',
    "single quotes": b"{'credits': 1}",
    "form data": b"credits=1",
    "hexadecimal": b'{"credits": 0x10}',
    "leading zero": b'{"credits": 01}',
    "plus": b'{"credits": +1}',
    "control character": b'{"name": "a\x01"}',
    "bad escape": b'{"name": "\\x41"}',
}


@pytest.mark.parametrize("raw", BAD.values(), ids=BAD.keys())
def test_refused_by_the_parser(raw):
    with pytest.raises(MalformedJson):
        strict_json.loads(raw)


@pytest.mark.parametrize("raw", BAD.values(), ids=BAD.keys())
def test_refused_over_http(http, alice, raw):
    answer = http.post("/api/things", raw, content_type="application/json", headers=alice)
    problem(answer, 400, "malformed_json")


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b"  [] ", []),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        ('"é😀"'.encode(), "é😀"),
        (b'"\\\\u0000"', "\\u0000"),
        (b"1e308", 1e308),
        (b"-0", 0),
        (b"1" + b"0" * 400, 10**400),
        (b"[" * 32 + b"]" * 32, [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]),
        (b'["' + b"[{" * 50 + b'"]', ["[{" * 50]),
        (b'["\\"' + b"[{" * 50 + b'"]', ['"' + "[{" * 50]),
        (b"[" + b",".join([b"{}"] * 100) + b"]", [{}] * 100),
    ],
)
def test_accepted(raw, value):
    assert strict_json.loads(raw) == value


def test_ten_to_the_400_is_json_but_no_amount(http, alice):
    raw = b'{"credits": 1' + b"0" * 400 + b"}"
    answer = http.post("/api/things", raw, content_type="application/json", headers=alice)
    assert problem(answer, 400, "validation_error")["errors"][0]["field"] == "credits"


@pytest.mark.parametrize("raw", [b"[]", b"1", b'"a"', b"null", b"true"])
def test_a_body_that_is_no_object_is_invalid(http, alice, raw):
    answer = http.post("/api/things", raw, content_type="application/json", headers=alice)
    errors = problem(answer, 400, "validation_error")["errors"]
    assert [(error["field"], error["code"]) for error in errors] == [(None, "not_an_object")]


@pytest.mark.parametrize("raw", [b"", b"  "])
def test_an_empty_body_is_an_empty_object(http, alice, raw):
    answer = http.post("/api/things", raw, content_type="application/json", headers=alice)
    assert answer.status_code == 201
    assert answer.json() == {"given": {}}


BYTE_BY_BYTE = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


@given(
    st.lists(st.sampled_from([b'"', b"\\", b"[", b"}", b"a", b'\\"', b"\n"]), max_size=30).map(
        b"".join
    )
)
def test_strings_are_left_out_however_they_are_escaped_or_cut(raw):
    assert strict_json._without_strings(raw) == BYTE_BY_BYTE.sub(b"", raw)


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": "' + b"[" * 33 + b'"}',
        b'{"a\\"": "' + b"[" * 33 + b'"}',
        b'{"' + b"]" * 40 + b'": ' + b"[" * 31 + b"]" * 31 + b"}",
    ],
)
def test_brackets_in_texts_are_no_depth(raw):
    assert isinstance(strict_json.loads(raw), dict)


def test_a_text_of_closing_brackets_takes_no_depth_away():
    deep = b"[" * 20 + b'"' + b"]" * 20 + b'",' + b"[" * 20 + b"]" * 40
    with pytest.raises(MalformedJson, match="deeper"):
        strict_json.loads(deep)
