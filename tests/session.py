"""Signs people in: reads an address a line, and writes the session of each. `python -m tests.session`."""

import sys

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 - needs the settings
from django.test import Client  # noqa: E402

for line in sys.stdin:
    client = Client()
    client.force_login(get_user_model().objects.get(email=line.strip()))
    sys.stdout.write(client.cookies["sessionid"].value + "\n")
    sys.stdout.flush()
