"""Reads the list of companies: CSV with the columns ``company`` and ``domain``, or JSON, a list of such objects."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOMAIN = re.compile(r"(?=.{1,253}\Z)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
LONGEST_NAME = 200


class BadInput(Exception):
    """The list can't be read; says which row, and what would be right."""


@dataclass(frozen=True, slots=True)
class Company:
    """Somebody to find out about. The domain identifies them."""

    name: str
    domain: str


def read(path: Path) -> list[Company]:
    """The companies of a file, each domain once, in the file's order.

    Raises:
        BadInput: the file or a row of it is no good.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows: Any = json.loads(text) if path.suffix == ".json" else _rows(text)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} can't be read: {error}") from error
    if not isinstance(rows, list) or not rows:
        raise BadInput(
            f"{path} names no companies: a list of rows with company and domain is needed."
        )
    companies: dict[str, Company] = {}
    for number, row in enumerate(rows, start=1):
        company = _company(row, number)
        companies.setdefault(company.domain, company)
    return list(companies.values())


def digest(companies: list[Company], *others: str) -> str:
    """A name for exactly this list (and whatever else belongs to it)."""
    content = json.dumps([[(one.name, one.domain) for one in companies], others])
    return hashlib.sha256(content.encode()).hexdigest()


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def _company(row: Any, number: int) -> Company:
    name, domain = (
        (row.get("company"), row.get("domain")) if isinstance(row, dict) else (None, None)
    )
    if not isinstance(name, str) or not 0 < len(name.strip()) <= LONGEST_NAME:
        raise BadInput(f"Row {number}: company has to be a name of 1 to {LONGEST_NAME} characters.")
    if not isinstance(domain, str) or not DOMAIN.fullmatch(domain.strip().lower()):
        raise BadInput(f"Row {number}: domain has to be a name such as acme.example.")
    return Company(name.strip(), domain.strip().lower())
