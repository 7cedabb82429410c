"""An identity provider with Keycloak's addresses and tokens, on this machine, for the pages' requests."""

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.organizations.sign_on.openid_provider import OpenIdProvider

REALM = "/realms/main"
PROTOCOL = f"{REALM}/protocol/openid-connect"
AUDIENCE = "org-billing"
TOKEN_LIVES_SECONDS = 300


class Realm:
    """A realm whose every person has the password `secret`; the client `enrichment-app` may ask for them."""

    def __init__(self, root: str) -> None:
        self.issuer = f"{root}{REALM}"
        self.provider = OpenIdProvider(self.issuer)

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/protocol/openid-connect/auth",
            "token_endpoint": f"{self.issuer}/protocol/openid-connect/token",
            "jwks_uri": f"{self.issuer}/protocol/openid-connect/certs",
        }

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Return a token for a person's password (RFC 6749, 4.3), or the standard's error."""
        if form.get("grant_type") != "password":
            return 400, {"error": "unsupported_grant_type"}
        if form.get("client_id") != "enrichment-app" or form.get("password") != "secret":
            return 401, {"error": "invalid_grant", "error_description": "Invalid user credentials"}
        return 200, {
            "access_token": self.provider.sign(self.claims(form["username"])),
            "expires_in": TOKEN_LIVES_SECONDS,
            "token_type": "Bearer",
            "scope": "openid email profile",
        }

    def claims(self, email: str) -> dict[str, Any]:
        now = int(time.time())
        return {
            "exp": now + TOKEN_LIVES_SECONDS,
            "iat": now,
            "jti": secrets.token_hex(8),
            "iss": self.issuer,
            "aud": [AUDIENCE, "account"],
            "sub": f"subject-of-{email}",
            "typ": "Bearer",
            "azp": "enrichment-app",
            "scope": "openid email profile",
            "email_verified": True,
            "name": email.partition("@")[0].title(),
            "preferred_username": email,
            "email": email,
        }


@contextmanager
def serving() -> Iterator[Realm]:
    """A realm that listens on a port of its own for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            documents = {
                f"{REALM}/.well-known/openid-configuration": realm.discovery(),
                f"{PROTOCOL}/certs": {"keys": realm.provider.keys},
            }
            path = urlsplit(self.path).path
            self.respond(200 if path in documents else 404, documents.get(path, {}))

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            form = parse_qs(self.rfile.read(size).decode())
            fields = {name: values[0] for name, values in form.items()}
            if self.path == f"{PROTOCOL}/token":
                self.respond(*realm.token(fields))
            else:
                self.respond(404, {})

        def respond(self, status: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing: the tests' output is for the tests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        realm = Realm(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield realm
        finally:
            server.shutdown()
            thread.join()
