"""Settings from the environment: wrong ones stop the start and are named."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from orgbilling.embedded import secret_key
from orgbilling.env import (
    database_from_url,
    email_from_url,
    env_bool,
    env_choice,
    env_int,
    env_list,
    env_networks,
    env_places,
    env_secret,
    env_str,
    long_enough,
    replica_from_url,
)


def test_env_str_keeps_an_empty_value(monkeypatch):
    monkeypatch.delenv("THING", raising=False)
    assert env_str("THING", "default") == "default"
    monkeypatch.setenv("THING", "")
    assert env_str("THING", "default") == ""


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", True), ("True", True), (" on ", True), ("no", False), ("0", False), ("", True)],
)
def test_env_bool(monkeypatch, text, value):
    monkeypatch.setenv("SWITCH", text)
    assert env_bool("SWITCH", default=True) is value


@pytest.mark.parametrize("junk", ["2", "yep", "none", "Tru"])
def test_env_bool_refuses_junk_by_name(monkeypatch, junk):
    monkeypatch.setenv("SWITCH", junk)
    with pytest.raises(ImproperlyConfigured, match="SWITCH must be true or false"):
        env_bool("SWITCH")


def test_env_int_within_bounds(monkeypatch):
    monkeypatch.setenv("NUMBER", " 7 ")
    assert env_int("NUMBER", 1, minimum=7, maximum=7) == 7
    monkeypatch.delenv("NUMBER")
    assert env_int("NUMBER", 1, minimum=0) == 1


@pytest.mark.parametrize("text", ["1.5", "many", "0", "11"])
def test_env_int_refuses_junk_and_what_is_out_of_bounds(monkeypatch, text):
    monkeypatch.setenv("NUMBER", text)
    with pytest.raises(ImproperlyConfigured, match="NUMBER must be"):
        env_int("NUMBER", 5, minimum=1, maximum=10)


def test_env_list(monkeypatch):
    monkeypatch.setenv("NAMES", " a, ,b ,")
    assert env_list("NAMES") == ["a", "b"]
    monkeypatch.setenv("NAMES", "")
    assert env_list("NAMES", ["c"]) == ["c"]


def test_env_secret_reads_the_file_that_is_named(monkeypatch, tmp_path):
    file = tmp_path / "secret"
    file.write_text("hush\n")
    monkeypatch.delenv("TOKEN", raising=False)
    monkeypatch.setenv("TOKEN_FILE", str(file))
    assert env_secret("TOKEN") == "hush"

    monkeypatch.setenv("TOKEN", "loud")
    with pytest.raises(ImproperlyConfigured, match="TOKEN or TOKEN_FILE"):
        env_secret("TOKEN")


@pytest.mark.parametrize("content", [None, "", " \n"])
def test_env_secret_refuses_a_missing_or_empty_file(monkeypatch, tmp_path, content):
    file = tmp_path / "secret"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("TOKEN_FILE", str(file))
    with pytest.raises(ImproperlyConfigured, match="TOKEN_FILE"):
        env_secret("TOKEN")


def test_database_from_url():
    entry = database_from_url("postgresql://us%40er:p%2Fw@db.example:6432/bill?sslmode=require")
    assert entry == {
        "ENGINE": "orgbilling.database",
        "NAME": "bill",
        "USER": "us@er",
        "PASSWORD": "p/w",
        "HOST": "db.example",
        "PORT": "6432",
        "OPTIONS": {"sslmode": "require"},
    }


def test_database_from_url_with_a_socket_folder():
    entry = database_from_url("postgresql://me@/bill?host=%2Frun%2Fpostgresql&port=5433")
    assert (entry["HOST"], entry["PORT"], entry["OPTIONS"]) == ("/run/postgresql", "5433", {})
    assert database_from_url("postgres://me@%2Frun%2FPg/bill")["HOST"] == "/run/Pg"


@pytest.mark.parametrize(
    "url", ["mysql://me@host/bill", "postgresql://host", "postgresql://host:many/bill", "sqlite"]
)
def test_database_from_url_refuses_what_is_none(url):
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL"):
        database_from_url(url)


def test_the_secret_key_is_made_once_and_private(monkeypatch, tmp_path):
    monkeypatch.delenv("DATA_DIR", raising=False)
    key = secret_key(tmp_path)
    assert len(key) >= 50
    assert secret_key(tmp_path) == key
    assert (tmp_path / ".data" / "secret_key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / ".data").iterdir()] == ["secret_key"]


def test_without_a_place_for_the_secret_key_it_must_be_set(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "file" / "below"))
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY must be set"):
        secret_key(tmp_path)


@pytest.mark.parametrize(
    ("text", "value"), [("", "closed"), (" Open ", "open"), ("CLOSED", "closed")]
)
def test_env_choice(monkeypatch, text, value):
    monkeypatch.setenv("WORD", text)
    assert env_choice("WORD", default="closed", choices=("closed", "open")) == value


def test_env_choice_names_what_there_is(monkeypatch):
    monkeypatch.setenv("WORD", "ajar")
    with pytest.raises(ImproperlyConfigured, match="WORD must be closed or open, not 'ajar'"):
        env_choice("WORD", default="closed", choices=("closed", "open"))


def test_env_networks(monkeypatch):
    monkeypatch.setenv("PROXIES", "10.0.0.1, fd00::/8")
    assert [str(network) for network in env_networks("PROXIES")] == ["10.0.0.1/32", "fd00::/8"]
    monkeypatch.setenv("PROXIES", "")
    assert env_networks("PROXIES") == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("proxy.internal", "such as"),
        ("10.0.0.1/8", "host bits"),
        ("10.0.0.1/33", "such as"),
        ("0.0.0.0/0", "everybody"),
        ("10.0.0.1,::/0", "everybody"),
    ],
)
def test_env_networks_refuses_the_rest(monkeypatch, text, why):
    monkeypatch.setenv("PROXIES", text)
    with pytest.raises(ImproperlyConfigured, match=f"PROXIES.*{why}"):
        env_networks("PROXIES")


def test_a_secret_that_could_be_guessed_is_refused():
    assert long_enough("NAME", "", characters=16) == ""
    assert long_enough("NAME", "a" * 16, characters=16) == "a" * 16
    with pytest.raises(ImproperlyConfigured, match=r"^NAME must have at least 16 characters"):
        long_enough("NAME", "a" * 15, characters=16)


def test_email_from_url():
    found = email_from_url("smtp+starttls://me%40here:p%2Fw@mail.example")
    assert found["EMAIL_HOST"] == "mail.example"
    assert (found["EMAIL_PORT"], found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (
        587,
        True,
        False,
    )
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("me@here", "p/w")
    assert email_from_url("smtps://mail.example:4465")["EMAIL_PORT"] == 4465
    assert email_from_url("smtp://relay")["EMAIL_PORT"] == 25
    assert email_from_url("")["EMAIL_BACKEND"].endswith("dummy.EmailBackend")


@pytest.mark.parametrize(
    "junk",
    ["mail.example", "http://mail.example", "smtp://", "smtp://relay:port", "smtps://relay/path"],
)
def test_email_from_url_refuses_junk_without_repeating_it(junk):
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL must look like") as caught:
        email_from_url(junk)
    assert "relay" not in str(caught.value)


def test_a_password_is_not_sent_in_the_clear():
    with pytest.raises(ImproperlyConfigured, match="in the clear"):
        email_from_url("smtp://me:secret@mail.example")
    assert email_from_url("smtp://me:secret@127.0.0.1")["EMAIL_PORT"] == 25


@pytest.mark.parametrize(
    ("text", "hosts", "networks"),
    [
        ("", [], []),
        ("receiver.internal", [("receiver.internal", 443)], []),
        ("Receiver.internal:8443, other", [("other", 443), ("receiver.internal", 8443)], []),
        ("10.0.5.0/24", [], [("10.0.5.0/24", 443)]),
        ("10.0.5.7:8080", [], [("10.0.5.7/32", 8080)]),
        ("[fd00:5::/64]:8443", [], [("fd00:5::/64", 8443)]),
        ("fd00:5::/64", [], [("fd00:5::/64", 443)]),
        ("[::1]", [], [("::1/128", 443)]),
    ],
)
def test_env_places(monkeypatch, text, hosts, networks):
    monkeypatch.setenv("PLACES", text)
    found, nets = env_places("PLACES")
    assert sorted(found) == hosts
    assert [(str(network), port) for network, port in nets] == networks


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0/0",
        "::/0",
        "receiver:",
        "receiver:x",
        "receiver:0",
        "receiver:65536",
        ":443",
        "[fd00::1",
        "[fd00::1]x",
        "10.0.5.0/33",
        "10.0.5.1/24",
        "https://receiver/",
        "rec eiver",
        "receiver:\u0661",
    ],
)
def test_env_places_says_what_would_be_right(monkeypatch, text):
    monkeypatch.setenv("PLACES", text)
    with pytest.raises(ImproperlyConfigured, match="PLACES"):
        env_places("PLACES")


PRIMARY = database_from_url("postgresql://me@primary:5432/bill")


def test_a_replica_is_another_server_with_the_same_database():
    entry = replica_from_url("postgresql://me@replica/bill", "s3cret", primary=PRIMARY)
    assert (entry["HOST"], entry["NAME"], entry["PASSWORD"]) == ("replica", "bill", "s3cret")


@pytest.mark.parametrize(
    ("url", "password", "said"),
    [
        ("postgresql://me@replica/other", "", "'other'.*'bill'"),
        ("postgresql://me@primary:5432/bill", "", "the same server"),
        ("mysql://replica/bill", "", "REPLICA_DATABASE_URL must look like"),
        ("postgresql://me:x@replica/bill", "y", "unset REPLICA_DATABASE_PASSWORD"),
    ],
)
def test_what_is_no_replica_is_refused(url, password, said):
    with pytest.raises(ImproperlyConfigured, match=said):
        replica_from_url(url, password, primary=PRIMARY)
