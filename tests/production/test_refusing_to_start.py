"""Under PRODUCTION nothing unsafe is started, and one message says all that is wrong."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from orgbilling.env import database_from_url
from orgbilling.production import complaints, refuse_unsafe
from tests.production.environment import HOST, ROOT, SAFE, environment, manage

URL = "postgresql://app:a-long-random-one@db.example/billing"


def settings(**changed):
    values = {
        "DEBUG": False,
        "SECRET_KEY": SAFE["SECRET_KEY"],
        "DATABASE_URL": URL,
        "PUBLIC_URL": SAFE["PUBLIC_URL"],
        "ALLOWED_HOSTS": [HOST],
        "CORS_ALLOWED_ORIGINS": ["https://app.example.com"],
        "CSRF_TRUSTED_ORIGINS": ["https://app.example.com:8443"],
        "INVOICE_SELLER_ADDRESS": "Allee 1",
        **changed,
    }
    values["DATABASES"] = {"default": database_from_url(values["DATABASE_URL"] or URL)}
    return values


def test_a_safe_service_has_no_complaint():
    assert complaints(settings()) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"DEBUG": True}, "DEBUG is on"),
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is short"),
        ({"SECRET_KEY": "ab" * 40}, "SECRET_KEY is short"),
        ({"SECRET_KEY": "django-insecure-" + SAFE["SECRET_KEY"]}, "SECRET_KEY is short"),
        ({"DATABASE_URL": ""}, "DATABASE_URL is not set"),
        ({"DATABASE_URL": "postgresql://app:postgres@db/billing"}, "everybody knows"),
        ({"DATABASE_URL": "postgresql://app:app@db/billing"}, "everybody knows"),
        ({"DATABASE_URL": "postgresql://app:billing@db/billing"}, "everybody knows"),
        ({"PUBLIC_URL": "http://billing.example.com"}, "PUBLIC_URL is not https"),
        ({"ALLOWED_HOSTS": ["*"]}, "anybody's host name"),
        ({"ALLOWED_HOSTS": ["127.0.0.1", "localhost", "[::1]"]}, "only this machine"),
        ({"ALLOWED_HOSTS": ["other.example.com"]}, "Add billing.example.com"),
        ({"CORS_ALLOWED_ORIGINS": ["https://*.example.com"]}, "CORS_ALLOWED_ORIGINS has"),
        ({"CORS_ALLOWED_ORIGINS": ["http://app.example.com"]}, "CORS_ALLOWED_ORIGINS has"),
        ({"CORS_ALLOWED_ORIGINS": ["null"]}, "CORS_ALLOWED_ORIGINS has"),
        ({"CSRF_TRUSTED_ORIGINS": ["https://app.example.com/"]}, "CSRF_TRUSTED_ORIGINS has"),
        ({"INVOICE_SELLER_ADDRESS": "1 Example Street\nExample City"}, "the seller"),
    ],
)
def test_each_unsafe_value_is_named_with_what_to_set(changed, said):
    (complaint,) = complaints(settings(**changed))
    assert said in complaint
    with pytest.raises(ImproperlyConfigured, match="PRODUCTION is on"):
        refuse_unsafe(settings(**changed))


@pytest.mark.parametrize("hosts", [[HOST], ["BILLING.example.com"], [".example.com"]])
def test_the_public_host_may_be_covered_in_any_spelling(hosts):
    assert complaints(settings(ALLOWED_HOSTS=hosts)) == []


PROGRAMS = {
    "web": ["-m", "granian", "orgbilling.wsgi:application", "--interface", "wsgi", "--port", "0"],
    "worker": ["manage.py", "procrastinate", "worker"],
    "migrate": ["manage.py", "migrate", "--no-input"],
}


@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_every_program_refuses_and_says_all_of_it(program):
    env = environment(SECRET_KEY="", PUBLIC_URL="", ALLOWED_HOSTS="", DEBUG="true", DATABASE_URL="")
    done = subprocess.run(
        [sys.executable, *PROGRAMS[program]],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    said = done.stdout + done.stderr
    for name in ("DEBUG", "SECRET_KEY", "DATABASE_URL", "PUBLIC_URL", "ALLOWED_HOSTS"):
        assert f"- {name}" in said, said


def test_nothing_of_the_embedded_server_is_made(tmp_path):
    env = environment(SECRET_KEY="", DATABASE_URL="", DATA_DIR=str(tmp_path / "data"))
    assert manage("check", env=env).returncode != 0
    assert list(tmp_path.iterdir()) == []


def test_the_deployment_check_has_nothing_to_say():
    done = manage("check", "--deploy", "--fail-level", "WARNING", env=environment())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "W021" not in done.stdout


def test_without_production_the_clone_starts_as_it_is():
    plain = {name: os.environ[name] for name in ("PATH", "DATABASE_URL")}
    assert manage("check", env=plain).returncode == 0
