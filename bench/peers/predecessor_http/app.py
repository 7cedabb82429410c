"""The predecessor's way over HTTP: a new connection for each request, a look at the membership, its own function."""

from __future__ import annotations

import json
import os
import uuid
from typing import Any

import asyncpg
from fastapi import FastAPI, HTTPException, Request
from pydantic import BaseModel

MEMBERSHIP = "SELECT role FROM predecessor.organization_members WHERE org_id = $1 AND user_id = $2"
DEDUCT = "SELECT predecessor.deduct_credits($1,$2,$3,$4,$5,$6,$7,$8)"

app = FastAPI()


class Deduct(BaseModel):
    """The body of a charge."""

    org_id: str
    user_id: str
    service_name: str
    credits: int
    service_type: str = "api"
    request_id: str | None = None
    metadata: dict[str, Any] = {}


@app.get("/health")
async def health() -> dict[str, bool]:
    """Whether it can serve."""
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    try:
        return {"ok": await connection.fetchval("SELECT 1") == 1}
    finally:
        await connection.close()


@app.post("/api/v1/org-billing/credits/deduct", status_code=201)
async def deduct(body: Deduct, request: Request) -> dict[str, Any]:
    """One charge."""
    if not request.headers.get("authorization"):
        raise HTTPException(401, "Not authenticated")
    connection = await asyncpg.connect(os.environ["DATABASE_URL"])
    try:
        if await connection.fetchval(MEMBERSHIP, body.org_id, body.user_id) is None:
            raise HTTPException(403, "Not a member")
        request_id = body.request_id or uuid.uuid4().hex  # noqa: TID251
        charged = await connection.fetchval(
            DEDUCT,
            body.org_id,
            body.user_id,
            body.credits,
            body.service_type,
            body.service_name,
            0.04,
            request_id,
            json.dumps(body.metadata),
        )
    finally:
        await connection.close()
    return {"success": charged, "credits_used": body.credits, "request_id": request_id}
