"""A journal for services that must go on while the billing service can't be reached.

A charge that can't be made is kept on a local disk, with its key, and made later: never dropped, never twice.
"""

from orgbilling_client.journal.entries import Deferred, Entry, Kept, State
from orgbilling_client.journal.errors import JournalBusy, JournalConflict, JournalError, NoSuchEntry
from orgbilling_client.journal.journaled import AsyncJournaledClient, JournaledClient
from orgbilling_client.journal.replaying import Replayed, Replayer, replay
from orgbilling_client.journal.store import Journal

__all__ = [
    "AsyncJournaledClient",
    "Deferred",
    "Entry",
    "Journal",
    "JournalBusy",
    "JournalConflict",
    "JournalError",
    "JournaledClient",
    "Kept",
    "NoSuchEntry",
    "Replayed",
    "Replayer",
    "State",
    "replay",
]
