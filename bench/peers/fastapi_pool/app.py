"""The peer: FastAPI and a pool of asyncpg, the same charge by the same SQL function, with the same checks.

A key looked up and cached for seconds, its scope and organization, a limit counted exactly over all processes, the
request's id, one line of log for the request and one for the charge, and idempotency as the function gives it. The
membership is the function's to check, as it is in the service: an allocation is active for members only.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import asyncpg
from fastapi import FastAPI, Header, HTTPException, Request, Response
from pydantic import BaseModel, Field, model_validator

# What one process of the service may have, too.
POOL_SIZE = 10
KEY_SECONDS = 5
WINDOW_SECONDS = 60
LIMIT = 1_000_000_000
SCOPE = "credits:deduct"
FIND_KEY = """
SELECT id, org_id, scopes FROM api_keys
WHERE key_hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
"""
COUNT = """
INSERT INTO public.rate_counters AS c (key, count, expires_at)
VALUES ($1, 1, now() + make_interval(secs => 70))
ON CONFLICT (key) DO UPDATE SET count = c.count + 1
RETURNING count
"""
DEDUCT = "SELECT * FROM public.deduct_credits($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)"

logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
log = logging.getLogger("peer")  # noqa: TID251 - a peer has no structlog
keys: dict[str, tuple[float, Any]] = {}
pools: dict[str, asyncpg.Pool[Any]] = {}


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """The pools; counts are committed whatever becomes of the charge, and may be lost in a crash."""
    url = os.environ["DATABASE_URL"]
    pools["ledger"] = await asyncpg.create_pool(url, min_size=2, max_size=POOL_SIZE)
    pools["counts"] = await asyncpg.create_pool(
        url, min_size=2, max_size=POOL_SIZE, server_settings={"synchronous_commit": "off"}
    )
    yield
    for pool in pools.values():
        await pool.close()


app = FastAPI(lifespan=lifespan)


class Deduct(BaseModel, extra="forbid", strict=True):
    """The body of a charge."""

    org_id: Annotated[uuid.UUID, Field(strict=False)]
    user_id: Annotated[uuid.UUID, Field(strict=False)]
    service_name: Annotated[str, Field(min_length=1, max_length=100)]
    credits: Annotated[int | None, Field(ge=1, le=10**15)] = None
    quantity: Annotated[int | None, Field(ge=1, le=10**15)] = None
    service_type: Annotated[str | None, Field(min_length=1, max_length=100)] = None
    request_id: Annotated[str | None, Field(min_length=1, max_length=255)] = None
    metadata: dict[str, Any] = {}

    @model_validator(mode="after")
    def exactly_one(self) -> Deduct:
        """Credits or a quantity."""
        if (self.credits is None) == (self.quantity is None):
            message = "exactly one of credits and quantity"
            raise ValueError(message)
        return self


@app.get("/health")
async def health() -> dict[str, bool]:
    """Whether it can serve."""
    return {"ok": await pools["ledger"].fetchval("SELECT 1") == 1}


@app.post("/api/v1/org-billing/credits/deduct", status_code=201)
async def deduct(
    body: Deduct,
    request: Request,
    response: Response,
    idempotency_key: Annotated[str | None, Header(max_length=255)] = None,
) -> dict[str, Any]:
    """One charge."""
    began = time.perf_counter()
    request_id = request.headers.get("x-request-id") or uuid.uuid4().hex  # noqa: TID251
    key = await caller(request.headers.get("authorization", ""))
    if SCOPE not in key["scopes"] or key["org_id"] not in {None, body.org_id}:
        raise HTTPException(403, "permission_denied")
    await within_limit(key["id"], response)
    charged = await charge(body, key, request_id, idempotency_key or body.request_id)
    response.headers["X-Request-ID"] = request_id
    if charged["o_outcome"] == "replayed":
        response.status_code = 200
    tell(body, charged, request_id, key["id"], response.status_code or 201, began)
    return rendered(body, charged)


async def caller(header: str) -> Any:
    """The key's row, looked up once in some seconds."""
    scheme, _, token = header.partition(" ")
    if scheme != "Bearer" or not token:
        raise HTTPException(401, "not_authenticated")
    digest = hashlib.sha256(token.encode()).hexdigest()
    known = keys.get(digest)
    if known is not None and known[0] > time.monotonic():
        return known[1]
    row = await pools["ledger"].fetchrow(FIND_KEY, digest)
    if row is None:
        raise HTTPException(401, "not_authenticated")
    keys[digest] = time.monotonic() + KEY_SECONDS, row
    return row


async def within_limit(key_id: uuid.UUID, response: Response) -> None:
    """Count the request in its minute."""
    now = int(time.time())
    count = await pools["counts"].fetchval(COUNT, f"peer:{key_id}:{now // WINDOW_SECONDS}")
    left = WINDOW_SECONDS - now % WINDOW_SECONDS
    response.headers["RateLimit-Policy"] = f'"service";q={LIMIT};w={WINDOW_SECONDS}'
    response.headers["RateLimit"] = f'"service";r={max(0, LIMIT - count)};t={left}'
    if count > LIMIT:
        raise HTTPException(429, "rate_limited")


async def charge(body: Deduct, key: Any, request_id: str, own: str | None) -> Any:
    """The function's row."""
    canonical = json.dumps(
        ["deduct", {}, body.model_dump(mode="json", exclude_unset=True)],
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    charged = await pools["ledger"].fetchrow(
        DEDUCT,
        body.org_id,
        body.user_id,
        uuid7(),
        body.credits,
        body.quantity,
        body.service_name,
        body.service_type,
        body.request_id or request_id,
        json.dumps(body.metadata),
        own,
        hashlib.sha256(canonical.encode()).digest() if own is not None else None,
        f"key:{key['id']}",
    )
    if charged["o_outcome"] == "key_reused":
        raise HTTPException(422, "idempotency_key_reused")
    if charged["o_outcome"] == "needs_pool":
        raise HTTPException(402, "insufficient_credits")
    return charged


def uuid7() -> uuid.UUID:
    """A time-ordered key."""
    number = int(time.time() * 1000) << 80 | int.from_bytes(os.urandom(10))
    return uuid.UUID(int=number & ~(0xF << 76 | 0x3 << 62) | 0x7 << 76 | 0x2 << 62)


def rendered(body: Deduct, charged: Any) -> dict[str, Any]:
    """The document that the service answers with."""
    return {
        "id": str(charged["o_usage_id"]),
        "org_id": str(body.org_id),
        "user_id": str(body.user_id),
        "allocation_id": str(charged["o_allocation_id"]),
        "credits_used": charged["o_credits_used"],
        "overage_credits": charged["o_overage_credits"],
        "service_type": body.service_type,
        "service_name": body.service_name,
        "unit_price": charged["o_unit_price"],
        "quantity": body.quantity,
        "price_version": charged["o_price_version"],
        "request_id": charged["o_request_id"],
        "metadata": body.metadata,
        "refunded_credits": 0,
        "refund_of": None,
        "hold_id": None,
        "remaining_credits": charged["o_remaining_credits"],
        "created_at": charged["o_created_at"].isoformat().replace("+00:00", "Z"),
    }


def tell(
    body: Deduct, charged: Any, request_id: str, key_id: uuid.UUID, status: int, began: float
) -> None:
    """What the service logs of a charge, and of a request."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    shared = {"timestamp": moment, "level": "info", "request_id": request_id}
    log.info(
        json.dumps(
            {
                **shared,
                "event": "credits.deducted",
                "org_id": str(body.org_id),
                "user_id": str(body.user_id),
                "service_name": body.service_name,
                "credits_deducted": charged["o_credits_used"],
                "remaining": charged["o_remaining_credits"],
                "usage_id": str(charged["o_usage_id"]),
            }
        )
    )
    log.info(
        json.dumps(
            {
                **shared,
                "event": "request.finished",
                "method": "POST",
                "route": "credits/deduct",
                "status": status,
                "duration_ms": round(1000 * (time.perf_counter() - began), 1),
                "principal_id": str(key_id),
                "org_id": str(body.org_id),
            }
        )
    )
