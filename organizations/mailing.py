"""Notices by e-mail: each tried until the server takes it, counted before it is tried.

A message is sent at least once: a worker that is killed between the server's yes and the row that keeps it sends it
again, with the same Message-ID, by which mail programs know it.
"""

import smtplib
import uuid
from email.utils import parseaddr
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from organizations.choices import MailStatus, NoticeKind
from organizations.managers.notices import ATTEMPTS_MAX
from organizations.models import Notice, NoticePreference
from organizations.noticing import address_of, one_line
from orgbilling.lib.clock import database_now

logger = structlog.stdlib.get_logger(__name__)

#: One run sends at most as many; the next comes within a minute.
AT_ONCE: Final = 200
#: The server lets nobody talk to it, whoever the message is for: what else is due waits for the next run.
SHUT: Final = (
    smtplib.SMTPConnectError,
    smtplib.SMTPServerDisconnected,
    smtplib.SMTPHeloError,
    smtplib.SMTPNotSupportedError,
    smtplib.SMTPAuthenticationError,
)


def send_due(limit: int = AT_ONCE) -> int:
    """Try the e-mails that are due, the longest waiting first; returns how many the server took.

    Each is claimed and written by itself, so that it may be killed anywhere.
    """
    if not settings.NOTICES_BY_EMAIL:
        return 0
    moment = database_now()
    given_up = Notice.objects.give_up(moment)
    if given_up:
        logger.error("notices.given_up", count=given_up, attempts=ATTEMPTS_MAX)
    sent = 0
    for pk in Notice.objects.mail_due(moment).values_list("pk", flat=True)[:limit]:
        # By the clock as it is now: the pause that keeps others away begins with this try.
        if not Notice.objects.claim(pk, database_now()):
            continue
        try:
            sent += _try(pk)
        except OSError as exc:
            _failed(pk, exc)
            logger.warning("mail_server.unreachable", reason=str(exc))
            break
    return sent


def _try(pk: uuid.UUID) -> bool:
    """Send one; False when it isn't to be sent, or the server refused it.

    Raises:
        OSError: the server can't be talked to.
    """
    notice = Notice.objects.select_related("user", "org").get(pk=pk)
    if not _may_still_be_told(notice):
        Notice.objects.write_mail(pk, MailStatus.NONE, moment=database_now())
        return False
    try:
        message_of(notice).send()
    except SHUT:
        raise
    except (smtplib.SMTPException, ValueError) as exc:
        _failed(pk, exc, final=_is_final(exc))
        return False
    Notice.objects.write_mail(pk, MailStatus.SENT, moment=database_now())
    return True


def _may_still_be_told(notice: Notice) -> bool:
    """Whether the person is still there, still may know, and still wants it by e-mail."""
    return (
        notice.user.is_active
        and Notice.objects.visible_to(notice.user).filter(pk=notice.pk).exists()
        and NoticePreference.objects.wanted(notice.user)[NoticeKind(notice.kind)]
    )


def _failed(pk: uuid.UUID, exc: Exception, *, final: bool = False) -> None:
    error = one_line(f"{type(exc).__name__}: {exc}")
    tries = Notice.objects.filter(pk=pk).values_list("mail_attempts", flat=True).get()
    final = final or tries >= ATTEMPTS_MAX
    status = MailStatus.FAILED if final else MailStatus.QUEUED
    Notice.objects.write_mail(pk, status, moment=database_now(), error=error)
    if final:
        logger.error("notice.not_delivered", notice_id=pk, reason=error)


def _is_final(exc: Exception) -> bool:
    """Whether the server, or the address itself, says that no other try would do."""
    if isinstance(exc, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _ in exc.recipients.values())
    if isinstance(exc, smtplib.SMTPSenderRefused | smtplib.SMTPDataError):
        return exc.smtp_code >= 500
    return isinstance(exc, ValueError)


def message_of(notice: Notice) -> EmailMultiAlternatives:
    """The e-mail: text, and the same as simple HTML, with times in the organization's zone.

    Sending it raises ValueError when the address has a line feed.
    """
    zone = notice.org.timezone if notice.org is not None else "UTC"
    page = address_of(notice)
    inbox, choices = reverse("admin:notices"), reverse("admin:notice_preferences")
    context: dict[str, Any] = {
        "notice": notice,
        "paragraphs": notice.detail.splitlines(),
        "url": f"{settings.PUBLIC_URL}{page}" if page else "",
        "inbox_url": f"{settings.PUBLIC_URL}{inbox}",
        "choices_url": f"{settings.PUBLIC_URL}{choices}",
        "moment": f"{notice.created_at.astimezone(ZoneInfo(zone)):%-d %b %Y, %H:%M} ({zone})",
    }
    mail = EmailMultiAlternatives(
        subject=one_line(notice.title),
        body=render_to_string("notices/mail.txt", context),
        to=[notice.user.email],
        headers={
            "Message-ID": f"<notice-{notice.pk}@{_domain()}>",
            "Auto-Submitted": "auto-generated",
            "List-Unsubscribe": f"<{context['choices_url']}>",
        },
    )
    mail.attach_alternative(render_to_string("notices/mail.html", context), "text/html")
    return mail


def _domain() -> str:
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
