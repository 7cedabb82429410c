"""The IANA time zones that an organization may live in."""

import functools
import zoneinfo

from django.core.exceptions import ValidationError

# Files that some systems keep beside the real zones; PostgreSQL doesn't know them.
_NOT_ZONES = frozenset({"localtime", "Factory", "posixrules"})


@functools.cache
def known_timezones() -> frozenset[str]:
    """Every IANA name of this machine's database, read once a process."""
    return frozenset(zoneinfo.available_timezones()) - _NOT_ZONES


def validate_timezone(name: str) -> None:
    """Raise Django's ValidationError, code `unknown_timezone`, for a name that IANA lacks."""
    if name not in known_timezones():
        msg = "This is not the name of an IANA time zone, such as Europe/Berlin."
        raise ValidationError(msg, code="unknown_timezone")
