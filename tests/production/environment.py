"""The environment of a service in production, as docs/deployment.md has it, and programs run in it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HOST = "billing.example.com"
SAFE = {
    "PRODUCTION": "true",
    # Long and of many signs, as a random one is.
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz-not-a-real-secret",
    "PUBLIC_URL": f"https://{HOST}",
    "ALLOWED_HOSTS": HOST,
    "INVOICE_SELLER_NAME": "Billing GmbH",
    "INVOICE_SELLER_ADDRESS": "Allee 1\\n10115 Berlin",
}
KEPT = ("PATH", "DATABASE_URL", "LANG", "TMPDIR", "PG_BINDIR")


def environment(**changed: str) -> dict[str, str]:
    """The safe environment with these variables changed; an empty value takes one away."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    merged = {**kept, **SAFE, "DJANGO_SETTINGS_MODULE": "orgbilling.settings", **changed}
    return {name: value for name, value in merged.items() if value}


def manage(*arguments: str, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run one command of ``manage.py`` to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
