"""Why a database can't be distributed."""

from __future__ import annotations


class CannotDistribute(Exception):
    """Says what is in the way and what would remove it; nothing was changed."""
