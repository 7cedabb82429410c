"""An OpenID Connect provider on this machine: it approves everybody, and checks its clients.

Discovery, authorization with PKCE, token, keys, user info and end of session, over real HTTP. Its
attributes say what it does otherwise than a good provider would.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

CLIENT_ID = "org-billing-console"
CLIENT_SECRET = "a secret of the client"
REDIRECT_URI = "http://127.0.0.1:8084/admin/oidc/callback"


class OpenIdProvider:
    """What the provider knows and how it behaves; `reset` makes it a good one again."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.reset()

    def reset(self) -> None:
        self.person: dict[str, Any] = {
            "sub": "42",
            "email": "Dana@example.com",
            "email_verified": True,
            "name": "Dana",
        }
        # Changes to the ID token, None takes a claim away; and to the other documents.
        self.id_token: dict[str, Any] = {}
        self.user_info: dict[str, Any] = {}
        self.discovery: dict[str, Any] = {}
        self.forge: Callable[[dict[str, Any]], Any] = self.sign
        self.statuses: dict[str, int] = {}
        self.calls: list[str] = []
        self.codes: dict[str, dict[str, str]] = {}

    def sign(self, claims: dict[str, Any], algorithm: str = "RS256", kid: str = "rsa") -> str:
        key = self.ec if algorithm == "ES256" else self.rsa
        return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})

    @property
    def keys(self) -> list[dict[str, Any]]:
        rsa_key = jwt.algorithms.RSAAlgorithm.to_jwk(self.rsa.public_key(), as_dict=True)
        ec_key = jwt.algorithms.ECAlgorithm.to_jwk(self.ec.public_key(), as_dict=True)
        return [
            {**rsa_key, "kid": "rsa", "use": "sig"},
            {**ec_key, "kid": "ec", "alg": "ES256", "use": "sig"},
        ]

    @property
    def public_pem(self) -> bytes:
        return self.rsa.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def described(self) -> dict[str, Any]:
        document = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/certs",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "end_session_endpoint": f"{self.url}/logout",
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            **self.discovery,
        }
        return {name: value for name, value in document.items() if value is not None}

    def authorize(self, query: dict[str, str]) -> str:
        """Return where the browser is sent; everything a client must say has been said."""
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert query["redirect_uri"] == REDIRECT_URI
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        assert len(query["state"]) >= 32
        assert len(query["nonce"]) >= 32
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return f"{REDIRECT_URI}?{urlencode({'code': code, 'state': query['state']})}"

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Return the tokens for a code, or the error of RFC 6749."""
        basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        in_body = (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        takes = self.described().get("token_endpoint_auth_methods_supported", [])
        by_basic = authorization == f"Basic {basic}" and "client_secret_basic" in takes
        if not by_basic and not (in_body and "client_secret_post" in takes):
            return 401, {"error": "invalid_client"}
        asked = self.codes.pop(form.get("code", ""), None)
        verifier = form.get("code_verifier", "").encode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).rstrip(b"=")
        if (
            asked is None
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != REDIRECT_URI
            or challenge.decode() != asked["code_challenge"]
        ):
            return 400, {"error": "invalid_grant"}
        token = self.forge(self.claims(asked["nonce"]))
        return 200, {"access_token": "opaque", "token_type": "Bearer", "id_token": token}

    def claims(self, nonce: str) -> dict[str, Any]:
        now = int(time.time())
        good = {"iss": self.url, "aud": CLIENT_ID, "iat": now, "exp": now + 300, "nonce": nonce}
        claims = {**good, **self.person, **self.id_token}
        return {name: value for name, value in claims.items() if value is not None}

    def answer(
        self, path: str, fields: dict[str, str], authorization: str
    ) -> tuple[int, dict[str, Any] | str]:
        self.calls.append(path)
        if path in self.statuses:
            return self.statuses[path], {"error": "server_error"}
        if path == "/authorize":
            return 302, self.authorize(fields)
        if path == "/token":
            return self.exchange(fields, authorization)
        documents = {
            "/.well-known/openid-configuration": self.described(),
            "/certs": {"keys": self.keys},
        }
        if authorization == "Bearer opaque":
            documents["/userinfo"] = {**self.person, **self.user_info}
        return (200, documents[path]) if path in documents else (404, {"error": "not_found"})


@contextmanager
def serving() -> Iterator[OpenIdProvider]:
    """A provider that listens on a port of its own for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            self.respond(parts.path, parts.query)

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            self.respond(self.path, self.rfile.read(size).decode())

        def respond(self, path: str, text: str) -> None:
            fields = {name: values[0] for name, values in parse_qs(text).items()}
            authorization = self.headers.get("Authorization", "")
            status, content = provider.answer(path, fields, authorization)
            body = b"" if isinstance(content, str) else json.dumps(content).encode()
            self.send_response(status)
            if isinstance(content, str):
                self.send_header("Location", content)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing: the tests' output is for the tests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider = OpenIdProvider(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield provider
        finally:
            server.shutdown()
            thread.join()
