"""The client that a decorator was given, or makes when it is first needed."""

from collections.abc import Callable

from orgbilling_client import AsyncClient, Client
from orgbilling_client.errors import ConfigurationError

AnyClient = Client | AsyncClient | Callable[[], Client | AsyncClient]


def any_client(given: AnyClient) -> Client | AsyncClient:
    """The client for a view of asyncio: either kind."""
    return given if isinstance(given, Client | AsyncClient) else given()


def threads_client(given: AnyClient) -> Client:
    """The client for a view that runs in a thread.

    Raises:
        ConfigurationError: it is one for asyncio.
    """
    client = any_client(given)
    if isinstance(client, AsyncClient):
        message = "A view without async needs a Client; an AsyncClient needs an async view."
        raise ConfigurationError(message)
    return client
