"""Asks in both worlds: by the client for threads and by the one for asyncio."""

import asyncio
from collections.abc import Callable
from typing import Any

from orgbilling_client import AsyncClient, Client, RetryPolicy

USER = "0199b1e2-0000-7000-8000-000000000003"
ORG = "0199b1e2-0000-7000-8000-000000000002"
KEY = "obk_not_to_be_shown"
#: All attempts, and no waits but those that the server asks for.
AT_ONCE = RetryPolicy(first_wait_seconds=0)

Work = Callable[[Any], Any]
Ask = Callable[..., Any]


def by_threads(url: str, work: Work, **options: Any) -> Any:
    """The result of the work, by a ``Client``."""
    with Client(url, KEY, ORG, **{"retry": AT_ONCE, "timeout": 5.0, **options}) as client:
        return work(client)


def by_asyncio(url: str, work: Work, **options: Any) -> Any:
    """The result of the work, by an ``AsyncClient``."""

    async def asked() -> Any:
        async with AsyncClient(
            url, KEY, ORG, **{"retry": AT_ONCE, "timeout": 5.0, **options}
        ) as client:
            return await work(client)

    return asyncio.run(asked())


def deduct(client: Any) -> Any:
    """The charge that most tests make."""
    return client.deduct(USER, "company_enrichment", credits=50)
