"""Which provider the environment asks for; half a configuration stops the start."""

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from billing import providers
from billing.choices import COLLECTING_PROVIDERS
from billing.providers.amounts import from_minor, to_minor
from orgbilling.lib.errors import InvalidRequest, NotFound
from orgbilling.lib.ids import uuid7

ROOT = Path(__file__).resolve().parents[3]
ASK = "from django.conf import settings; print(settings.PAYMENT_PROVIDER, settings.STRIPE_API_BASE)"


def started(tmp_path, **variables):
    """What a process with these variables says, or why it didn't start."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("STRIPE_")}
    env |= {"DJANGO_SETTINGS_MODULE": "orgbilling.settings", "SECRET_KEY": "x"}
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=ROOT,
        env={**env, "DATA_DIR": str(tmp_path), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_without_keys_it_is_on_account(tmp_path):
    assert started(tmp_path) == (0, "on_account")


def test_both_secrets_switch_stripe_on_a_file_may_hold_them(tmp_path):
    (tmp_path / "key").write_text("sk_test_1\n")
    answer = started(
        tmp_path,
        STRIPE_SECRET_KEY_FILE=str(tmp_path / "key"),
        STRIPE_WEBHOOK_SECRET="whsec_1",
        STRIPE_API_BASE="http://127.0.0.1:1/",
    )
    assert answer == (0, "stripe http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("there", "missing"),
    [
        ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"),
        ("STRIPE_WEBHOOK_SECRET", "STRIPE_SECRET_KEY"),
    ],
)
def test_half_a_configuration_stops_the_start(tmp_path, there, missing):
    code, said = started(tmp_path, **{there: "x"})
    assert code != 0
    assert f"{there} is set, but {missing} is not" in said


@pytest.mark.parametrize("address", ["http://stripe.example", "stripe", "ftp://127.0.0.1"])
def test_secrets_go_to_no_unencrypted_address(tmp_path, address):
    code, said = started(tmp_path, STRIPE_API_BASE=address)
    assert code != 0
    assert "STRIPE_API_BASE must be an https:// address" in said


def test_pages_know_what_they_talk_to(settings):
    settings.PAYMENT_PROVIDER = "on_account"
    assert (providers.current().title, providers.current().collects) == (
        "On account: invoices", False,
    )  # fmt: skip
    settings.PAYMENT_PROVIDER = "stripe"
    settings.STRIPE_SECRET_KEY = "sk_test_1"
    assert (providers.current().title, providers.current().collects) == ("Card", True)
    assert providers.current() is providers.current()
    assert providers.current().name in COLLECTING_PROVIDERS


def test_on_account_knows_no_cards_and_takes_no_money():
    provider = providers.OnAccount()
    charge = providers.Charge("c", "m", 1, "USD", "k", "d", {})
    for refused in (
        lambda: provider.create_customer(org_id=uuid7()),
        lambda: provider.describe_customer("c", name="", email=""),
        lambda: provider.start_setup("c"),
        lambda: provider.start_hosted_setup("c", success_url="", cancel_url=""),
        lambda: provider.charge(charge),
        lambda: provider.cancel("c"),
    ):
        with pytest.raises(InvalidRequest) as caught:
            refused()
        assert "on account" in caught.value.extra["errors"][0]["detail"]
    for unknown in (
        lambda: provider.set_default("c", "m"),
        lambda: provider.detach("c", "m"),
        lambda: provider.tell(b"{}", "x"),
        lambda: provider.understand(b"{}"),
    ):
        with pytest.raises(NotFound):
            unknown()
    assert provider.methods("c") == []
    nothing = (
        provider.default_method("c"),
        provider.find("r"),
        provider.setup("s"),
        provider.refunded("s"),
    )
    assert nothing == (None, None, None, None)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("50.00", "USD", 5000),
        ("0.01", "USD", 1),
        ("99999999999999.99", "USD", 9999999999999999),
        ("1200.00", "JPY", 1200),
        ("1.50", "KWD", 1500),
    ],
)
def test_amounts_are_counted_in_the_smallest_unit(amount, currency, minor):
    assert to_minor(Decimal(amount), currency) == minor
    assert from_minor(minor, currency) == Decimal(amount)


def test_a_part_of_the_smallest_unit_is_no_amount():
    with pytest.raises(ValueError, match="whole number"):
        to_minor(Decimal("1.50"), "JPY")
