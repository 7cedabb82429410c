"""What stops a backup, a restore or a drill; each message says what would help."""


class BackupError(Exception):
    """It was not done, and what it would have changed is as it was."""


class Busy(BackupError):
    """Another one of its kind is at work in this database."""
