"""A person's browser between the console and the provider, one redirect at a time."""

import http.client
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from django.test import Client

from tests.organizations.sign_on.openid_provider import REDIRECT_URI

BEGIN = "/admin/oidc/begin"


class Browser:
    """Keeps the console's cookies; each step of a sign-in is a call."""

    def __init__(self) -> None:
        self.client = Client()

    def begin(self, wanted: str | None = None) -> str:
        """Press the button; return the provider's address that one is sent to."""
        answer = self.client.get(BEGIN, {} if wanted is None else {"next": wanted})
        assert answer.status_code == 302, answer.content
        return answer["Location"]

    def approve(self, address: str) -> str:
        """Follow the address to the provider; return where it sends one back to."""
        parts = urlsplit(address)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0)
        try:
            connection.request("GET", f"{parts.path}?{parts.query}")
            back = connection.getresponse().headers["Location"]
        finally:
            connection.close()
        assert back.startswith(REDIRECT_URI)
        return back

    def come_back(self, address: str, **changes: str | None) -> Any:
        """Return the console's answer to the callback, with some parameters changed."""
        query = {**dict(parse_qsl(urlsplit(address).query)), **changes}
        given = {name: value for name, value in query.items() if value is not None}
        return self.client.get(f"{urlsplit(address).path}?{urlencode(given)}")

    def sign_on(self, wanted: str | None = None) -> Any:
        """All of it; return the last answer."""
        return self.come_back(self.approve(self.begin(wanted)))

    def is_signed_in(self) -> bool:
        return "_auth_user_id" in self.client.session
