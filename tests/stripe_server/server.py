"""The HTTP side: routes, form bodies, keys that are used twice, and what goes wrong on the way."""

import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import stripe

from tests.stripe_server.account import Account, Refused
from tests.stripe_server.shapes import missing_parameters, unknown_parameters

SECRET_KEY = "sk_test_local"
WEBHOOK_SECRET = "whsec_local"

Answer = tuple[int, dict[str, Any]]
P = stripe.params
#: Method, path, the client's type of its parameters, and what answers; groups of the path come first.
ROUTES: tuple[tuple[str, str, Any, Callable[..., Any]], ...] = (
    ("POST", r"/v1/customers", P.CustomerCreateParams, Account.create_customer),
    ("GET", r"/v1/customers/(\w+)", P.CustomerRetrieveParams, lambda a, c, _p: a.customer(c)),
    ("POST", r"/v1/customers/(\w+)", P.CustomerUpdateParams, Account.update_customer),
    (
        "GET",
        r"/v1/customers/(\w+)/payment_methods",
        P.CustomerPaymentMethodListParams,
        lambda a, c, p: listed(a.cards_of(c), p, f"/v1/customers/{c}/payment_methods"),
    ),
    (
        "GET",
        r"/v1/customers/(\w+)/payment_methods/(\w+)",
        P.CustomerPaymentMethodRetrieveParams,
        lambda a, c, m, _p: a.card_of(c, m),
    ),
    (
        "POST",
        r"/v1/payment_methods/(\w+)/detach",
        P.PaymentMethodDetachParams,
        lambda a, m, _p: a.detach(m),
    ),
    ("POST", r"/v1/setup_intents", P.SetupIntentCreateParams, Account.create_setup),
    (
        "GET",
        r"/v1/setup_intents/(\w+)",
        P.SetupIntentRetrieveParams,
        lambda a, s, _p: found(a.setups, s),
    ),
    ("POST", r"/v1/checkout/sessions", P.checkout.SessionCreateParams, Account.create_session),
    (
        "GET",
        r"/v1/checkout/sessions/(\w+)",
        P.checkout.SessionRetrieveParams,
        lambda a, s, _p: found(a.sessions, s),
    ),
    ("POST", r"/v1/payment_intents", P.PaymentIntentCreateParams, Account.create_intent),
    (
        "GET",
        r"/v1/payment_intents",
        P.PaymentIntentListParams,
        lambda a, p: listed(
            a.intents_of(p["customer"], int(p["created"]["gte"])), p, "/v1/payment_intents"
        ),
    ),
    (
        "GET",
        r"/v1/payment_intents/(\w+)",
        P.PaymentIntentRetrieveParams,
        lambda a, i, _p: found(a.intents, i),
    ),
    (
        "POST",
        r"/v1/payment_intents/(\w+)/cancel",
        P.PaymentIntentCancelParams,
        lambda a, i, _p: a.cancel_intent(i),
    ),
    ("GET", r"/v1/charges/(\w+)", P.ChargeRetrieveParams, lambda a, c, _p: found(a.charges, c)),
)


@dataclass
class Fault:
    """What goes wrong with requests whose path begins so: `500`, `cut` (nothing done), `lost` (done, no answer)."""

    path: str
    kind: str
    times: int


class StripeServer:
    """Listens on a free port of 127.0.0.1 until it is closed."""

    def __init__(self) -> None:
        self.account = Account()
        self.requests: list[tuple[str, str, str | None]] = []
        self.faults: list[Fault] = []
        self._keys: dict[str, tuple[Any, Answer]] = {}
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}"

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def fail(self, path: str, kind: str, times: int = 3) -> None:
        """Let the next requests fail; three are as many as the client makes of one call."""
        self.faults.append(Fault(path, kind, times))

    def forget_keys(self) -> None:
        """A day has passed."""
        self._keys.clear()

    def made(self, method: str, path: str) -> int:
        """How often this was asked."""
        return sum(1 for request in self.requests if request[:2] == (method, path))

    def signed(
        self, event: dict[str, Any], secret: str = WEBHOOK_SECRET, at: float | None = None
    ) -> tuple[bytes, str]:
        """The body and the Stripe-Signature that an event is delivered with."""
        body = json.dumps(event).encode()
        moment = int(time.time() if at is None else at)
        mac = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
        return body, f"t={moment},v1={mac}"

    def answer(self, method: str, path: str, sent: str, headers: Any) -> Answer | None:
        """Answer one request; None cuts the line."""
        params = nested(sent)
        key = headers.get("Idempotency-Key") if method == "POST" else None
        with self._lock:
            self.requests.append((method, path, key))
            fault = next((f for f in self.faults if f.times and path.startswith(f.path)), None)
            if fault is not None:
                fault.times -= 1
            if fault is not None and fault.kind == "cut":
                return None
            if fault is not None and fault.kind == "500":
                return 500, {"error": {"type": "api_error", "message": "Something broke."}}
            if headers.get("Authorization") != f"Bearer {SECRET_KEY}":
                return 401, Refused(401, None, "Invalid API Key provided").body
            answer = self._once(method, path, params, key)
            return None if fault is not None and fault.kind == "lost" else answer

    def _once(self, method: str, path: str, params: dict[str, Any], key: str | None) -> Answer:
        if key is not None and key in self._keys:
            before, answer = self._keys[key]
            if before != (path, params):
                text = "Keys for idempotent requests can only be used with the same parameters."
                return 400, {"error": {"type": "idempotency_error", "message": text}}
            return answer
        answer = self._route(method, path, params)
        # As a copy: what was answered is answered again, whatever has become of the object.
        answer = (answer[0], json.loads(json.dumps(answer[1])))
        if key is not None:
            self._keys[key] = ((path, params), answer)
        return answer

    def _route(self, method: str, path: str, params: dict[str, Any]) -> Answer:
        for verb, pattern, kind, work in ROUTES:
            match = re.fullmatch(pattern, path)
            if verb == method and match is not None:
                try:
                    check(kind, params)
                    return 200, work(self.account, *match.groups(), params)
                except Refused as refused:
                    return refused.status, refused.body
        return 404, Refused(404, None, f"Unrecognized request URL ({method}: {path}).").body

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._serve("GET")

            def do_POST(self) -> None:
                self._serve("POST")

            def _serve(self, method: str) -> None:
                address = urlsplit(self.path)
                length = int(self.headers.get("Content-Length") or 0)
                sent = self.rfile.read(length).decode() if length else address.query
                answer = server.answer(method, address.path, sent, self.headers)
                self.close_connection = True
                if answer is None:
                    return
                body = json.dumps(answer[1]).encode()
                self.send_response(answer[0])
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Request-Id", "req_local")
                self.send_header("Connection", "close")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None:
                """Say nothing."""

        return Handler


def check(kind: Any, params: dict[str, Any]) -> None:
    """Refuse what the client's types don't know, and the lack of what they insist on."""
    unknown, missing = unknown_parameters(kind, params), missing_parameters(kind, params)
    if unknown:
        raise Refused(400, "parameter_unknown", f"Received unknown parameters: {unknown}")
    if missing:
        raise Refused(400, "parameter_missing", f"Missing required param: {missing[0]}.")


def found(where: dict[str, dict[str, Any]], key: str) -> dict[str, Any]:
    if key not in where:
        raise Refused(404, "resource_missing", f"No such object: '{key}'")
    return where[key]


def listed(objects: list[dict[str, Any]], params: dict[str, Any], url: str) -> dict[str, Any]:
    """A page of a list, after `starting_after`."""
    ids = [thing["id"] for thing in objects]
    begin = ids.index(params["starting_after"]) + 1 if "starting_after" in params else 0
    page = objects[begin : begin + int(params.get("limit", 10))]
    more = begin + len(page) < len(objects)
    return {"object": "list", "data": page, "has_more": more, "url": url}


def nested(sent: str) -> dict[str, Any]:
    """`a[b]=1&c[0]=2` as {"a": {"b": "1"}, "c": {"0": "2"}}."""
    result: dict[str, Any] = {}
    for name, value in parse_qsl(sent, keep_blank_values=True):
        *path, last = re.findall(r"[^\[\]]+", name)
        place = result
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return result
