"""The client for asyncio. What is in ``_sync`` is made from it: see ``tests/client/unasync.py``."""
