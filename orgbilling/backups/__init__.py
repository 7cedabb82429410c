"""Backups of the whole database, their restore, and the proof that they can be restored."""
