"""Prints the session of a person who just signed in: `python -m tests.fuzz.session alice@alpha.example`."""

import sys

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402 - needs the settings
from django.test import Client  # noqa: E402

client = Client()
client.force_login(get_user_model().objects.get(email=sys.argv[1]))
sys.stdout.write(client.cookies["sessionid"].value)
