"""How tests use a page that does something: look at its form, review, confirm."""

import re

from django.test import Client

KEY = re.compile(r'name="key" value="([0-9a-f-]{36})"')


def signed_in(user):
    """A browser in which the user is signed in."""
    client = Client()
    client.force_login(user)
    return client


def text_of(answer):
    """What the page says, as one line."""
    return " ".join(answer.content.decode().split())


def key_of(answer):
    """The key in the page's form."""
    return KEY.search(answer.content.decode())[1]


class Action:
    """One form, filled in once: reviewed, confirmed, confirmed again."""

    def __init__(self, client, address, **fields):
        self.client, self.address = client, address
        self.opened = client.get(address)
        assert self.opened.status_code == 200, self.opened.status_code
        self.fields = {"key": key_of(self.opened), **fields}

    def review(self):
        """The page with the preview, or with what is wrong; the form carries what it shows."""
        page = self.client.post(self.address, self.fields)
        sent = page.context["form"].data if "form" in page.context else {}
        self.fields |= {name: sent[name] for name in ("quoted", "seen") if name in sent}
        return page

    def confirm(self):
        """What is answered when the review is confirmed; the page it leads to."""
        return self.client.post(self.address, {**self.fields, "confirmed": "1"}, follow=True)
