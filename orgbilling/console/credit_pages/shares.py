"""How one total is shared out: whole credits, nothing lost."""

from __future__ import annotations


def split_equally(total: int, count: int) -> list[int]:
    """The shares of ``count`` receivers in order; the first ones get one credit more when it can't be even.

    Raises:
        ValueError: somebody would get nothing.
    """
    if not 1 <= count <= total:
        message = f"{total} credits can't be shared by {count}"
        raise ValueError(message)
    share, remainder = divmod(total, count)
    return [share + 1] * remainder + [share] * (count - remainder)
