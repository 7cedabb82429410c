"""System admins are told of bursts of refusals, once for each subject and window of time."""

import re
import uuid
from dataclasses import dataclass
from typing import Final

from organizations.choices import NoticeKind
from organizations.models import ApiKey, User
from organizations.noticing import Message, system_admins, tell
from orgbilling.web import suspicion


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of a kind: the title, what to do about it, and the page for that."""

    title: str
    advice: str
    page: str


WORDS: Final = {
    suspicion.WRONG_CREDENTIALS: Words(
        title="Wrong credentials from {subject}, {count} times",
        advice="The API was called from this address with unknown keys or tokens. Either a service of yours has a "
        "wrong key, or somebody is guessing: then block the address before the service.",
        page="organizations_apikey_changelist",
    ),
    suspicion.REFUSED: Words(
        title="{subject} was refused {count} times",
        advice="The caller asked for organizations or actions that aren't theirs (403). Either a service's key lacks a "
        "scope, or somebody is looking around: then revoke the key or deactivate the account.",
        page="system_audit",
    ),
    suspicion.DEAD_KEY: Words(
        title="A dead key was used: {subject}",
        advice="The key was revoked or has expired, and opens nothing. Either a service has to be given a new one, or "
        "the key has fallen into other hands.",
        page="organizations_apikey_changelist",
    ),
    suspicion.SIGN_IN: Words(
        title="Too many failed sign-ins: {subject}",
        advice="Somebody is guessing a password at the console. If it is the account's owner, give them a new one.",
        page="organizations_user_changelist",
    ),
}
_NAMED: Final = re.compile(r"(user|key):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")


def tell_of(*, kind: str, subject: str, count: str, window: str) -> None:
    """Tell every system admin of one burst, in the caller's transaction. Twice is as good as once."""
    words = WORDS[kind]
    minutes = suspicion.KINDS[kind].seconds // 60
    within = f"Counted in {minutes} minutes; one notice tells of all that follow in this time."
    message = Message(
        kind=NoticeKind.SUSPICIOUS,
        key=f"{kind}:{window}:{subject}",
        title=words.title.format(subject=_named(subject), count=count),
        detail=f"{words.advice}\n{within}",
        page=words.page,
    )
    tell(system_admins(), message)


def _named(subject: str) -> str:
    """The subject as people know it."""
    found = _NAMED.fullmatch(subject)
    if found is None:
        return subject
    what, pk = found[1], uuid.UUID(found[2])
    row = (User if what == "user" else ApiKey).objects.filter(pk=pk).first()
    if row is None:
        return subject
    return row.email if isinstance(row, User) else f"the key {row}"
