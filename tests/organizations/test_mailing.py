"""Notices by e-mail, through a real server: taken once, tried again, given up in sight, never forged."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from organizations import mailing, noticing
from organizations.choices import MailStatus, NoticeKind, Role
from organizations.managers.notices import ATTEMPTS_MAX
from organizations.models import Member, Notice, NoticePreference
from organizations.noticing import Message, billing_people, system_admins, tell
from orgbilling.lib.clock import now, simulated
from tests.factories import make_member, make_user
from tests.smtp_server import mail_server

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(settings):
    """A mail server that the service is configured for."""
    with mail_server() as running:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.port
        settings.DEFAULT_FROM_EMAIL = "Org billing <billing@service.example>"
        settings.PUBLIC_URL = "https://service.example"
        settings.NOTICES_BY_EMAIL = True
        yield running


def low(org, key="crossing", title="Acme has 480 of 10,000 credits left (4.8 %)", **values):
    given = {"kind": NoticeKind.POOL_LOW, "detail": "Below 5 %.\nAdd credits.", **values}
    return Message(key=key, title=title, page="org_add_credits", org_id=org.pk, **given)


def statuses():
    return sorted(Notice.objects.values_list("mail_status", flat=True))


def later(minutes):
    return simulated(now() + timedelta(minutes=minutes))


def test_a_message_says_what_where_and_when(server, alpha, alice):
    type(alpha).objects.filter(pk=alpha.pk).update(timezone="Europe/Berlin")
    tell(billing_people(alpha.pk), low(alpha, title="Low & <b>lower</b>"))
    assert mailing.send_due() == 1
    (mail,) = server.taken
    notice = Notice.objects.get()
    assert (mail["To"], mail["Subject"]) == ("alice@example.com", "Low & <b>lower</b>")
    assert mail["From"] == "Org billing <billing@service.example>"
    assert mail["Message-ID"] == f"<notice-{notice.pk}@service.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    text = mail.get_body(("plain",)).get_content()
    html = mail.get_body(("html",)).get_content()
    assert f"https://service.example/admin/org/{alpha.pk}/credits/add/" in text
    assert "https://service.example/admin/notices/preferences/" in text
    assert "Low & <b>lower</b>" in text
    assert "Low &amp; &lt;b&gt;lower&lt;/b&gt;" in html
    assert "(Europe/Berlin), in Test Org Alpha." in text
    assert statuses() == [MailStatus.SENT]
    assert notice.mail_sent_at is not None


def test_told_twice_it_is_sent_once(server, alpha, alice):
    for _time in range(3):
        tell(billing_people(alpha.pk), low(alpha))
        mailing.send_due()
    with later(600):
        mailing.send_due()
    assert len(server.taken) == 1


def test_the_job_is_asked_for_in_the_same_transaction(server, alpha, alice, bob):
    tell([bob], low(alpha, kind=NoticeKind.OWN_LOW))
    assert ProcrastinateJob.objects.filter(task_name=noticing.SEND_TASK).count() == 1


def test_a_line_feed_in_a_name_makes_no_header(server, alpha, alice):
    tell([alice], low(alpha, title="Acme\r\nBcc: everybody@example.com\x00\u2028 has\tnothing"))
    mailing.send_due()
    (mail,) = server.taken
    assert mail["Subject"] == "Acme Bcc: everybody@example.com has nothing"
    assert mail["Bcc"] is None


def test_an_address_with_a_line_feed_is_given_up_at_once(server, alpha, alice):
    tell([alice], low(alpha))
    type(alice).objects.filter(pk=alice.pk).update(email="a@b.example\nbcc: c@d.example")
    assert mailing.send_due() == 0
    assert server.taken == []
    assert statuses() == [MailStatus.FAILED]


@pytest.mark.parametrize(
    ("answer", "status"), [("450 later", MailStatus.QUEUED), ("550 nobody", MailStatus.FAILED)]
)
def test_a_refusal_for_now_is_tried_again_and_one_for_good_is_not(
    server, alpha, alice, answer, status
):
    tell([alice], low(alpha))
    server.answers["RCPT"] = answer
    assert mailing.send_due() == 0
    notice = Notice.objects.get()
    assert notice.mail_status == status
    assert answer[:3] in notice.mail_error
    server.answers.clear()
    assert mailing.send_due() == 0
    with later(2.1):
        assert mailing.send_due() == (1 if status == MailStatus.QUEUED else 0)


def test_tries_are_doubled_apart_and_end_in_sight(server, settings, alpha, alice, system_admin):
    tell([alice], low(alpha))
    server.answers["DATA"] = "451 later"
    start, minutes = now(), []
    for minute in range(0, 24 * 60, 1):
        with simulated(start + timedelta(minutes=minute, seconds=5)):
            before = server.connections
            mailing.send_due()
            minutes += [minute] * (server.connections - before)
    assert minutes == [0, 2, 6, 14, 30, 62, 126, 254, 494, 734]
    assert len(minutes) == ATTEMPTS_MAX
    notice = Notice.objects.get(user=alice)
    assert (notice.mail_status, notice.mail_attempts) == (MailStatus.FAILED, ATTEMPTS_MAX)
    assert Notice.objects.queue_again(Notice.objects.all(), moment=now()) == 1
    server.answers.clear()
    with simulated(start + timedelta(days=2)):
        assert mailing.send_due() == 1


def test_an_unreachable_server_is_asked_once_a_run(server, settings, alpha, alice):
    for number in range(5):
        tell([alice], low(alpha, key=str(number)))
    settings.EMAIL_PORT = 1
    assert mailing.send_due() == 0
    assert Notice.objects.filter(mail_attempts=1).count() == 1
    assert Notice.objects.filter(mail_attempts=0).count() == 4
    settings.EMAIL_PORT = server.port
    assert mailing.send_due() == 4


def test_whoever_has_left_or_lost_the_role_is_not_written_to(server, alpha, alice, bob):
    gone = make_member(alpha, Role.ADMIN, make_user("gone@example.com")).user
    demoted = make_member(alpha, Role.ADMIN, make_user("demoted@example.com")).user
    inactive = make_member(alpha, Role.ADMIN, make_user("inactive@example.com")).user
    tell([gone, demoted, inactive, alice], low(alpha))
    Member.objects.filter(user=gone).delete()
    Member.objects.filter(user=demoted).update(role=Role.MEMBER)
    type(inactive).objects.filter(pk=inactive.pk).update(is_active=False)
    mailing.send_due()
    assert [mail["To"] for mail in server.taken] == ["alice@example.com"]
    assert statuses() == [MailStatus.NONE] * 3 + [MailStatus.SENT]


def test_each_person_chooses_the_kinds_that_come_by_email(server, alpha, alice, bob):
    NoticePreference.objects.choose(alice, {NoticeKind.POOL_LOW: False})
    tell([alice], low(alpha))
    tell([alice], low(alpha, kind=NoticeKind.POOL_EXHAUSTED))
    NoticePreference.objects.choose(alice, {NoticeKind.POOL_EXHAUSTED: False})
    mailing.send_due()
    assert server.taken == []
    NoticePreference.objects.choose(
        alice, {NoticeKind.POOL_LOW: True, NoticeKind.POOL_EXHAUSTED: False}
    )
    tell([alice], low(alpha, key="another"))
    assert mailing.send_due() == 1
    assert Notice.objects.filter(user=alice).count() == 3


def test_members_credits_are_no_email_to_others_unless_asked_for(server, alpha, alice):
    tell([alice], low(alpha, kind=NoticeKind.MEMBER_LOW))
    NoticePreference.objects.choose(alice, {NoticeKind.MEMBER_LOW: True})
    tell([alice], low(alpha, key="second", kind=NoticeKind.MEMBER_LOW))
    assert mailing.send_due() == 1


def test_that_email_fails_is_not_told_by_email(server, system_admin):
    tell(system_admins(), Message(NoticeKind.MAIL_FAILED, "k", "E-mail fails", "It does."))
    assert mailing.send_due() == 0
    assert statuses() == [MailStatus.NONE]


def test_without_a_server_notices_stay_in_the_console_and_it_is_said_once(
    settings, alpha, alice, caplog
):
    settings.NOTICES_BY_EMAIL = False
    noticing.say_once_that_there_is_no_email.cache_clear()
    for number in range(3):
        tell([alice], low(alpha, key=str(number)))
    assert mailing.send_due() == 0
    assert statuses() == [MailStatus.NONE] * 3
    said = [record.getMessage() for record in caplog.records]
    assert said.count("notices.without_email") == 1


class Killed(BaseException):
    """What ends a process without a word."""


class Killer:
    """Ends the work before or after its nth statement; a killed client's transaction is rolled back likewise."""

    def __init__(self, nth, *, after):
        self.nth, self.after, self.count = nth, after, 0

    def __call__(self, execute, sql, params, many, context):
        self.count += 1
        if self.count == self.nth and not self.after:
            raise Killed
        answer = execute(sql, params, many, context)
        if self.count == self.nth:
            raise Killed
        return answer


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_statement_it_is_sent_at_least_once(server, alpha, alice, after):
    nth, kills = 1, 0
    while True:
        tell([alice], low(alpha, key=f"crossing {nth}"))
        taken = len(server.taken)
        try:
            with connection.execute_wrapper(Killer(nth, after=after)):
                mailing.send_due()
        except Killed:
            kills += 1
            with later(2.1):
                mailing.send_due()
            ids = [mail["Message-ID"] for mail in server.taken[taken:]]
            assert len(set(ids)) == 1
            assert len(ids) <= 2
            assert set(statuses()) == {MailStatus.SENT}
            nth += 1
        else:
            break
    assert kills > 8


SEND = "import django; django.setup(); from organizations.mailing import send_due; send_due()"


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_between_the_servers_yes_and_its_own_row_sends_again(server, alpha, alice):
    tell([alice], low(alpha))
    database = connection.settings_dict
    place = f"{quote(database['USER'], safe='')}@/{database['NAME']}"
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "orgbilling.settings",
        "DATABASE_URL": f"postgresql://{place}?host={quote(str(database['HOST']), safe='')}"
        + (f"&port={database['PORT']}" if database["PORT"] else ""),
        "EMAIL_URL": f"smtp://127.0.0.1:{server.port}",
        "DEFAULT_FROM_EMAIL": "billing@service.example",
    }
    worker = subprocess.Popen([sys.executable, "-c", SEND], env=env)
    server.on_taken = worker.kill
    assert worker.wait(60) == -signal.SIGKILL
    server.on_taken = lambda: None
    assert statuses() == [MailStatus.QUEUED]
    # Not at once: the try was counted before it was made.
    assert mailing.send_due() == 0
    with later(2.1):
        assert mailing.send_due() == 1
        assert mailing.send_due() == 0
    first, second = server.taken
    assert first["Message-ID"] == second["Message-ID"]
