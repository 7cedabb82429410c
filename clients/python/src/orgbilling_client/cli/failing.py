"""What a command says when it fails, and the code that it exits with. Nobody reads a stack trace."""

from collections.abc import Callable, Iterator, Mapping
from enum import IntEnum

from orgbilling_client.cli.output import printable, tell
from orgbilling_client.cli.profiles import BadSettings
from orgbilling_client.errors import ApiError, OrgBillingError, TransportError, Unauthenticated
from orgbilling_client.journal import JournalError


class ExitCode(IntEnum):
    """What a script can tell failures apart by."""

    OK = 0
    REFUSED = 1
    """The service refused it, or `verify` found a difference: nothing was done."""
    USAGE = 2
    """The command line or the settings are wrong: nothing was sent."""
    UNREACHABLE = 3
    """The service can't be reached, and nothing was done."""
    UNKNOWN = 4
    """It may have been done. Repeat with the key that is named: it is then done once."""
    INTERRUPTED = 130


def guarded(command: Callable[[], int]) -> int:
    """Run a command to its exit code; say on standard error what went wrong and what would help."""
    try:
        return command()
    except OrgBillingError as error:
        return _told(error)
    except (BadSettings, JournalError, ValueError, OSError) as error:
        # An id that is none, a file that can't be written: nothing was sent, or only read.
        tell(f"Error: {printable(str(error))}", "red")
        return ExitCode.USAGE


def _told(error: OrgBillingError) -> int:
    if error.may_have_acted:
        return _unknown(error)
    if isinstance(error, ApiError):
        return _refused(error)
    if isinstance(error, TransportError):
        return _unreachable(error)
    tell(f"Error: {printable(str(error))}", "red")
    return ExitCode.USAGE


def _unknown(error: OrgBillingError) -> int:
    tell(f"Unknown outcome: {printable(str(error))}", "yellow")
    if error.idempotency_key is not None:
        tell(f"Repeat the same command with: --idempotency-key {error.idempotency_key}", "yellow")
    _name_request(error)
    return ExitCode.UNKNOWN


def _unreachable(error: TransportError) -> int:
    tell(f"Unreachable: {printable(str(error))}", "red")
    tell(
        "Nothing was done. Is the address right, and the service running? `orgbilling config show`"
    )
    return ExitCode.UNREACHABLE


def _refused(error: ApiError) -> int:
    title = error.title or f"HTTP {error.status}"
    tell(f"{printable(title)}: {printable(error.detail)}", "red")
    for one in error.errors:
        tell(f"  {printable(one.field or 'request')}: {printable(one.detail)}")
    for advice in _advice(error):
        tell(f"  {printable(advice)}")
    _name_request(error)
    return ExitCode.REFUSED


def _advice(error: ApiError) -> Iterator[str]:
    """What would fix it, as far as the answer says so."""
    why = error.extra.get("why")
    if isinstance(why, Mapping):
        fix, resets = why.get("fix"), why.get("resets_at")
        if isinstance(fix, str):
            yield fix
        if isinstance(resets, str):
            yield f"The allocation resets at {resets}."
    if error.retry_after is not None:
        yield f"Try again in {error.retry_after:.0f} s."
    if isinstance(error, Unauthenticated):
        yield "The API key that is used: `orgbilling config show`."


def _name_request(error: OrgBillingError) -> None:
    if error.request_id is not None:
        tell(f"  request id: {printable(error.request_id)}", "dim")
