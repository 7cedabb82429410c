"""Why an import isn't made."""

from __future__ import annotations


class ImportRefusedError(Exception):
    """Nothing was changed; the text says why and what would help, one reason a line."""
