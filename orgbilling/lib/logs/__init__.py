"""Logs: one event, one line; nothing secret in it, and no caller able to forge one.

Our modules say what happened by ``structlog.stdlib.get_logger(__name__)``: the name of an event (``credits.deducted``)
and its fields. Libraries log sentences through the standard library. Both come to the same handler.
"""
