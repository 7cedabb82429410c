"""``manage.py seed_demo``: the demo organizations, with a month of usage."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing import proving
from orgbilling.demo.cast import tenants
from orgbilling.demo.seeding import seed
from orgbilling.embedded import data_dir


class Command(BaseCommand):
    """Seeds through the managers that serve the API and writes ``.data/demo.json``. Safe to run again."""

    help = "Make Test Org Alpha and Globex with a month of usage, and write the credentials to .data/demo.json."

    def add_arguments(self, parser: CommandParser) -> None:
        """``--scale`` and ``--base-url``."""
        parser.add_argument("--scale", choices=("small", "large"), default="small")
        parser.add_argument("--base-url", default=settings.PUBLIC_URL)

    def handle(self, *_args: Any, **options: Any) -> None:
        """Seed, then write the file at once and readable by its owner alone.

        Raises:
            CommandError: in production.
        """
        if settings.PRODUCTION:
            message = "PRODUCTION is on: demo people have no place where strangers come. Seed a service of its own."
            raise CommandError(message)
        demo = seed(tenants(options["scale"]), options["base_url"], self.stdout.write)
        # The worker does it: a demo whose dashboard says that nobody has looked would be a poor one.
        proving.ask(asked_by="system")
        path = data_dir(Path(settings.BASE_DIR)) / "demo.json"
        draft = path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(demo), file, indent=2)
        draft.replace(path)
        self.stdout.write(f"Credentials: {path}")
