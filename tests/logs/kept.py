"""What is logged in this process, as it would be written."""

import json
import logging
from contextlib import contextmanager

from orgbilling.lib.logs.handling import LineHandler
from orgbilling.lib.logs.rendering import JsonFormatter


class Kept:
    """A writer that keeps what it is given."""

    def __init__(self):
        self.lines = []

    def put(self, line):
        self.lines.append(line)

    def put_each(self, lines):
        self.lines += lines

    def take_dropped(self):
        return 0

    @property
    def events(self):
        return [json.loads(line) for line in self.lines]

    def named(self, event):
        return [one for one in self.events if one["event"] == event]


@contextmanager
def kept(formatter=None, level=logging.DEBUG):
    """Keep what every logger says meanwhile."""
    writer = Kept()
    handler = LineHandler(formatter or JsonFormatter(), writer)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(level)
    try:
        yield writer
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
