"""Statements that are sent again and again: PostgreSQL parses and plans each once a connection.

Django binds parameters into the text, so that each call is a new statement to the server. A deduct's call costs
PostgreSQL less than its parsing and planning would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper

if TYPE_CHECKING:
    from orgbilling.database.base import DatabaseWrapper


def preparing_cursor(alias: str = DEFAULT_DB_ALIAS) -> CursorWrapper:
    """A cursor for such statements; its parameters are sent apart from the text.

    Behind a pooler of transactions (``DB_POOLER``) nothing is prepared, but the parameters are sent apart as well.
    """
    wrapper = cast("DatabaseWrapper", connections[alias])
    return wrapper.preparing_cursor()
