"""A small client of the API: JSON in, JSON out, one caller."""

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from organizations.models import User

BASE = "/api/v1/org-billing"


class ApiClient:
    """Calls the API as one caller.

    A path that begins with `/api/`, `/health`, `/ready` or `/problems` is taken as it is; any other
    is put under the base path. Headers are given with underscores: `Idempotency_Key="k"`.
    """

    def __init__(self, user: User | None = None, token: str | None = None, *, csrf: bool = False):
        self.client = Client(enforce_csrf_checks=csrf, raise_request_exception=False)
        self.token = token
        if user is not None:
            self.client.force_login(user)

    def request(
        self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str
    ) -> HttpResponse:
        """Send a request; `body` is sent as JSON, `raw` as it is."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token is not None:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        content_type = sent.pop("Content-Type", "application/json")
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        if not data and method in {"GET", "DELETE", "HEAD", "OPTIONS"}:
            content_type = ""
        response = self.client.generic(
            method, absolute(path), data, content_type=content_type, headers=sent
        )
        return read(response) if response.streaming else response

    def get(self, path: str, **headers: str) -> HttpResponse:
        """GET; a query string is part of the path."""
        return self.request("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: Any) -> HttpResponse:
        """POST a JSON body."""
        return self.request("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: Any) -> HttpResponse:
        """PUT a JSON body."""
        return self.request("PUT", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: Any) -> HttpResponse:
        """PATCH with a JSON body."""
        return self.request("PATCH", path, body, **headers)

    def delete(self, path: str, body: Any = None, **headers: Any) -> HttpResponse:
        """DELETE."""
        return self.request("DELETE", path, body, **headers)


def read(stream: Any) -> HttpResponse:
    """A streamed answer, read to its end."""
    content = b"".join(stream)
    return HttpResponse(content, status=stream.status_code, headers=dict(stream.headers))


def absolute(path: str) -> str:
    """The path under the base path, unless it is a root path already."""
    if path.startswith(("/api/", "/health", "/ready", "/problems", "/admin")):
        return path
    return f"{BASE}/{path.lstrip('/')}"


def problem(response: HttpResponse, status: int, code: str) -> dict[str, Any]:
    """Assert that the answer is this problem, complete in form, and return its document."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = json.loads(response.content)
    assert document["code"] == code, document
    assert document["status"] == status
    assert document["type"].endswith(f"/problems/{code}")
    assert document["title"]
    assert document["detail"]
    assert document["request_id"] == response["X-Request-ID"]
    return document


def ok(response: HttpResponse, status: int = 200) -> Any:
    """Assert that the answer succeeded with this status and return its JSON, None when empty."""
    assert response.status_code == status, response.content
    if not response.content:
        return None
    assert response["Content-Type"] == "application/json"
    return json.loads(response.content)
