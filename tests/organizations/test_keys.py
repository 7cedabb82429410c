"""The form of API keys."""

import hashlib
import re

import pytest

from organizations.keys import generate_key, hash_key, is_well_formed


def test_a_key_has_prefix_secret_and_checksum():
    key = generate_key()
    assert re.fullmatch(r"obk_[0-9A-Za-z]{38}", key)
    assert is_well_formed(key)


def test_keys_differ():
    assert len({generate_key() for _ in range(500)}) == 500


@pytest.mark.parametrize(
    ("secret", "checksum"),
    [("0" * 32, "2wjyrI"), ("abcdefghijklmnopqrstuvwxyzABCDEF", "1mVgZW")],
)
def test_the_checksum_never_changes(secret: str, checksum: str):
    # Keys issued once are checked for years: another alphabet or order would refuse them all.
    assert is_well_formed(f"obk_{secret}{checksum}")


@pytest.mark.parametrize("position", [4, 10, 35, 36, 41])
def test_one_wrong_character_is_noticed(position: int):
    key = generate_key()
    other = "A" if key[position] != "A" else "B"
    assert not is_well_formed(key[:position] + other + key[position + 1 :])


@pytest.mark.parametrize("text", ["", "obk_", "obk_short", "sk_" + "a" * 39, "obk_" + "é" * 38])
def test_other_text_is_no_key(text: str):
    assert not is_well_formed(text)


def test_a_line_feed_behind_a_key_is_noticed():
    assert not is_well_formed(generate_key() + "\n")


def test_what_is_stored_is_the_sha256():
    key = generate_key()
    assert hash_key(key) == hashlib.sha256(key.encode()).hexdigest()
