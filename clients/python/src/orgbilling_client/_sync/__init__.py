"""The client for threads. Made from ``_async``; only ``backend.py`` is written by hand."""
