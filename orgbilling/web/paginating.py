"""Pages of lists over huge tables, for the console: none counts a table to its end."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final

from django.core.paginator import Paginator
from django.db.models import QuerySet

#: As many rows are counted and can be paged through; who looks for more filters.
COUNTED: Final = 10_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no more than 10,000 rows, in one query that stops there.

    ``count`` is the number of rows or 10,000, whichever is less; ``is_more`` says that there are more, and
    ``count_text`` is "10,000+" then. Pages reach as far as the count. As a ``ModelAdmin.paginator`` it needs
    ``show_full_result_count = False``, else the changelist counts the table all the same.
    """

    @cached_property
    def count(self) -> int:
        """How many rows there are, 10,000 at most."""
        return min(self._seen, COUNTED)

    @property
    def is_more(self) -> bool:
        """Whether there are more rows than are counted."""
        return self._seen > COUNTED

    @property
    def count_text(self) -> str:
        """The count as people read it: "1,234", or "10,000+"."""
        return f"{self.count:,}{'+' if self.is_more else ''}"

    @cached_property
    def _seen(self) -> int:
        rows: Any = self.object_list
        if isinstance(rows, QuerySet):
            # Without an order, so that the first rows found will do.
            found = rows if rows.query.is_sliced else rows.order_by()
            return found[: COUNTED + 1].count()
        return len(rows)
