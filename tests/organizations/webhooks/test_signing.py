"""Signatures as the Standard Webhooks want them, checked by their library, and secrets that are kept encrypted."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from standardwebhooks import Webhook, WebhookVerificationError

from organizations.webhooks import secrets
from organizations.webhooks.signing import body_of, headers_of
from orgbilling.lib.clock import now
from orgbilling.lib.ids import uuid7

#: The specification's own example.
VECTOR_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
VECTOR_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
VECTOR_AT = datetime.fromtimestamp(1_614_265_330, UTC)
VECTOR_BODY = b'{"test": 2432232314}'
VECTOR_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_specification_s_vector():
    headers = headers_of(VECTOR_ID, VECTOR_BODY, [VECTOR_SECRET], VECTOR_AT)
    assert headers["webhook-id"] == VECTOR_ID
    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-signature"] == VECTOR_SIGNATURE


def test_two_secrets_sign_twice_and_each_verifies():
    old, new = secrets.new_secret(), secrets.new_secret()
    body = body_of("credits.added", now(), {"credits": 5, "name": "Zoë"})
    headers = headers_of(uuid7(), body, [new, old], now())
    assert len(headers["webhook-signature"].split(" ")) == 2
    for secret in (old, new):
        assert Webhook(secret).verify(body, headers)["data"] == {"credits": 5, "name": "Zoë"}
    with pytest.raises(WebhookVerificationError):
        Webhook(secrets.new_secret()).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(body + b" ", headers)


def test_the_body_is_compact_and_always_the_same():
    moment = datetime(2026, 11, 28, 9, 30, 0, 999_999, tzinfo=UTC)
    body = body_of("credits.added", moment, {"credits": 5})
    assert body == (
        b'{"type":"credits.added","timestamp":"2026-11-28T09:30:00Z","data":{"credits":5}}'
    )


def test_a_secret_is_random_and_of_the_standard_s_form():
    made = {secrets.new_secret() for _ in range(50)}
    assert len(made) == 50
    assert all(re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", one) for one in made)


class TestKept:
    SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    def test_it_is_encrypted_and_each_time_differently(self):
        kept = {secrets.encrypted(self.SECRET) for _ in range(2)}
        assert len(kept) == 2
        assert all(self.SECRET not in one and "MfKQ9r8" not in one for one in kept)
        assert {secrets.decrypted(one) for one in kept} == {self.SECRET}

    def test_a_former_key_reads_it_as_long_as_it_is_a_fallback(self, settings):
        kept = secrets.encrypted(self.SECRET)
        former, settings.SECRET_KEY = settings.SECRET_KEY, "n" * 50
        settings.SECRET_KEY_FALLBACKS = ["x" * 50, former]
        assert secrets.decrypted(kept) == self.SECRET
        settings.SECRET_KEY_FALLBACKS = ["x" * 50]
        with pytest.raises(secrets.SecretUnreadable):
            secrets.decrypted(kept)

    @pytest.mark.parametrize(
        "kept",
        ["", "whsec_x", Fernet(b"A" * 43 + b"=").encrypt(b"x").decode()],
        ids=["empty", "plain", "another"],
    )
    def test_what_is_none_is_unreadable(self, kept):
        with pytest.raises(secrets.SecretUnreadable):
            secrets.decrypted(kept)


def test_the_library_refuses_what_is_old():
    secret = secrets.new_secret()
    headers = headers_of(uuid7(), b"{}", [secret], now() - timedelta(minutes=6))
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(b"{}", headers)
