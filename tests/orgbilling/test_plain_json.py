"""The bytes are those of the standard library: hashes of older versions are compared with new ones."""

import hashlib
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from credits.functions import charges
from credits.idempotency import hash_body
from orgbilling.lib import plain_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(2**62, 2**65)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


def by_json(value, **options):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), **options).encode()


@given(VALUES)
@example({"b": 1, "a": {"é": 2, "😀": 3, "\uffff": 4, "z": 5}})
@example([1e16, 1e-5, -0.0, 1.0, 5e-324, 1.7976931348623157e308])
@example([2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1])
def test_the_bytes_are_those_of_json(value):
    assert plain_json.dumps(value) == by_json(value)
    assert plain_json.dumps_sorted(value) == by_json(value, sort_keys=True)


def test_every_character_is_written_as_json_does():
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
    assert plain_json.dumps("".join(characters)) == by_json("".join(characters))
    some = [chr(code) for code in [*range(0x300), 0x2028, 0xFFFF, 0x10000, 0x10FFFF]]
    names = dict.fromkeys(some, 0)
    assert plain_json.dumps_sorted(names) == by_json(names, sort_keys=True)


def test_a_lone_surrogate_is_an_error_as_it_was():
    with pytest.raises(UnicodeEncodeError):
        plain_json.dumps({"a": "\ud800"})


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), VALUES))
def test_a_hash_is_what_it_always_was(body):
    canonical = json.dumps(
        ["deduct", {}, body], sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert hash_body("deduct", {}, body) == hashlib.sha256(canonical.encode()).digest()


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), VALUES))
def test_what_functions_are_given_says_the_same(metadata):
    assert json.loads(charges._text([{"metadata": metadata}])) == [{"metadata": metadata}]
