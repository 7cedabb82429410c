"""Telling people: a notice for each, in the transaction that makes what they are told of."""

import functools
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import structlog
from django.conf import settings
from django.db.models import QuerySet
from django.urls import NoReverseMatch, reverse

from organizations.choices import (
    BILLING_ROLES,
    CONSOLE_KINDS,
    MANAGER_ROLES,
    MailStatus,
    NoticeKind,
)
from organizations.models import Notice, NoticePreference, User
from orgbilling.lib.clock import database_now
from orgbilling.lib.jobs import defer

logger = structlog.stdlib.get_logger(__name__)

#: The task that sends what is queued.
SEND_TASK: Final = "organizations.send_notices"
TITLE_LENGTH: Final = 300


@dataclass(frozen=True, slots=True)
class Message:
    """What is told.

    Attributes:
        key: what it is about, in at most 200 characters: a person is told of it once.
        title: one line, in at most 300 characters.
        detail: sentences; a line feed begins a paragraph.
        page: what mends it, a page of the console by its name, such as ``org_allocate?user=<id>``.
        org_id: None: the service as a whole.
    """

    kind: NoticeKind
    key: str
    title: str
    detail: str
    page: str = ""
    org_id: uuid.UUID | None = None


def tell(people: Iterable[User], message: Message) -> None:
    """Tell each of the people, once; by e-mail too those who want it. In the caller's transaction."""
    users = {user.pk: user for user in people}
    if not users:
        return
    moment = database_now()
    by_email = settings.NOTICES_BY_EMAIL and message.kind not in CONSOLE_KINDS
    if not by_email:
        say_once_that_there_is_no_email()
    wanted = NoticePreference.objects.wanted_by(users)
    rows = [
        Notice(
            user=user,
            org_id=message.org_id,
            kind=message.kind,
            key=message.key,
            title=one_line(message.title)[:TITLE_LENGTH],
            detail=message.detail,
            page=message.page,
            created_at=moment,
            **(
                {"mail_status": MailStatus.QUEUED, "mail_next_at": moment}
                if by_email and wanted[user_id][message.kind]
                else {}
            ),
        )
        for user_id, user in users.items()
    ]
    Notice.objects.put(rows)
    if any(row.mail_status == MailStatus.QUEUED for row in rows):
        defer(SEND_TASK)


def told(kind: NoticeKind, keys: Iterable[str]) -> set[str]:
    """Which of the keys somebody was told of already."""
    rows = Notice.objects.filter(kind=kind, key__in=list(keys)).order_by()
    return set(rows.values_list("key", flat=True).distinct())


def billing_people(org_id: uuid.UUID) -> QuerySet[User]:
    """Who has a billing role in the organization."""
    return User.objects.filter(
        is_active=True, memberships__org_id=org_id, memberships__role__in=BILLING_ROLES
    )


def managers_of(org_id: uuid.UUID) -> QuerySet[User]:
    """Who manages the organization: its owners and admins."""
    return User.objects.filter(
        is_active=True, memberships__org_id=org_id, memberships__role__in=MANAGER_ROLES
    )


def system_admins() -> QuerySet[User]:
    """Who runs the service."""
    return User.objects.filter(is_active=True, is_superuser=True)


def address_of(notice: Notice) -> str:
    """The path of the page that mends it; empty when there is none."""
    name, _, query = notice.page.partition("?")
    arguments = [notice.org_id] if name.startswith("org_") else []
    try:
        path = reverse(f"admin:{name}", args=arguments)
    except NoReverseMatch:
        return ""
    return f"{path}?{query}" if query else path


def one_line(text: str) -> str:
    """The text without line feeds or other control characters: fit for a header and a heading."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


@functools.cache
def say_once_that_there_is_no_email() -> None:
    """Log, once a process, that notices stay in the console."""
    if not settings.NOTICES_BY_EMAIL:
        logger.warning(
            "notices.without_email", reason="EMAIL_URL is not set: the console alone shows them"
        )
