"""The bell, the list of notices, what comes by e-mail, and a member's thresholds."""

import pytest

from billing.models import BillingEvent
from credits.models import Allocation
from organizations.choices import MailStatus, NoticeKind, Role
from organizations.models import Member, Notice, NoticePreference
from organizations.noticing import Message, tell
from tests.console.actions import Action, signed_in, text_of
from tests.factories import make_member

pytestmark = pytest.mark.django_db
INBOX = "/admin/notices/"
CHOICES = "/admin/notices/preferences/"


def told(org, *people, kind=NoticeKind.POOL_LOW, key="once", title="The pool is low <now>"):
    tell(people, Message(kind, key, title, "First.\nSecond.", "org_add_credits", org.pk))


def test_a_notice_is_read_once_and_the_bell_counts(funded, alice):
    told(funded, alice)
    told(funded, alice, key="twice", title="Again")
    client = signed_in(alice)
    page = client.get(INBOX)
    assert page.context["unread"] == 2
    text = text_of(page)
    assert "The pool is low &lt;now&gt;" in text
    assert f'href="/admin/org/{funded.pk}/credits/add/"' in text
    first = Notice.objects.get(key="once")
    for _time in range(2):
        page = client.post(INBOX, {"notice": str(first.pk)}, follow=True)
    assert page.context["unread"] == 1
    assert "The pool is low" not in text_of(client.get(f"{INBOX}?show=unread"))
    assert "1 notice marked as read." in text_of(client.post(INBOX, follow=True))
    assert client.get(INBOX).context["unread"] == 0


def test_nobody_reads_or_marks_somebody_elses(funded, alice, charlie, globex):
    told(funded, alice)
    notice = Notice.objects.get()
    client = signed_in(charlie)
    assert "The pool is low" not in text_of(client.get(INBOX))
    client.post(INBOX, {"notice": str(notice.pk)})
    client.post(INBOX)
    assert Notice.objects.get().read_at is None


@pytest.mark.parametrize("junk", ["", "nothing", "0" * 40])
def test_junk_marks_nothing(funded, alice, junk):
    told(funded, alice)
    signed_in(alice).post(INBOX, {"notice": junk})
    assert Notice.objects.get().read_at is None


def test_who_loses_the_role_no_longer_sees_it(funded, alice, bob):
    other = make_member(funded, Role.ADMIN).user
    told(funded, other)
    told(funded, other, kind=NoticeKind.OWN_LOW, key="own", title="Mine")
    Member.objects.filter(user=other).update(role=Role.MEMBER)
    text = text_of(signed_in(other).get(INBOX))
    assert "The pool is low" not in text
    assert "Mine" in text
    Member.objects.filter(user=other).delete()
    assert "Mine" not in text_of(signed_in(other).get(INBOX))


def test_pages_of_many(funded, alice):
    for number in range(30):
        told(funded, alice, key=str(number), title=f"Number {number:02}.")
    client = signed_in(alice)
    assert "Page 1 of 2" in text_of(client.get(INBOX))
    assert "Number 00." in text_of(client.get(f"{INBOX}?page=2"))
    assert client.get(f"{INBOX}?page=junk").status_code == 200


def test_each_chooses_of_the_kinds_that_concern_them(funded, alice, bob):
    form = signed_in(bob).get(CHOICES).context["form"]
    assert list(form.fields) == ["own_low", "own_exhausted"]
    client = signed_in(alice)
    form = client.get(CHOICES).context["form"]
    assert "pool_low" in form.fields
    assert "job_failed" not in form.fields
    assert form.initial["member_low"] is False
    client.post(CHOICES, {"pool_low": "on", "member_low": "on", "job_failed": "on"})
    wanted = NoticePreference.objects.wanted(alice)
    assert wanted[NoticeKind.POOL_LOW]
    assert wanted[NoticeKind.MEMBER_LOW]
    assert not wanted[NoticeKind.PAST_DUE]
    assert not NoticePreference.objects.filter(kind=NoticeKind.JOB_FAILED).exists()


def test_a_members_alert_is_changed_after_a_review(funded, alice, bob):
    address = f"/admin/org/{funded.pk}/credits/alert/?user={bob.pk}"
    action = Action(signed_in(alice), address, user=str(bob.pk), percent="", least="600")
    text = text_of(action.review())
    assert ">20 %<" in text
    assert ">600 credits<" in text
    assert "So little is left already: they are told within a minute." in text
    for _time in range(2):
        assert "an alert at 600 credits." in text_of(action.confirm())
    allocation = Allocation.objects.get(org=funded, user=bob)
    assert (allocation.alert_threshold_percent, allocation.alert_threshold_credits) == (None, 600)
    event = BillingEvent.objects.get(event_type="pool_settings_changed")
    assert event.metadata["before"] == {
        "alert_threshold_percent": 20,
        "alert_threshold_credits": None,
    }


@pytest.mark.parametrize("wrong", [{"percent": "101"}, {"percent": "-1"}, {"least": "1.5"}])
def test_what_is_no_threshold_is_refused(funded, alice, bob, wrong):
    address = f"/admin/org/{funded.pk}/credits/alert/?user={bob.pk}"
    fields = {"user": str(bob.pk), "percent": "", "least": "", **wrong}
    page = Action(signed_in(alice), address, **fields).review()
    assert page.context["preview"] is None
    assert page.context["form"].errors


def test_a_member_may_not_change_it(funded, bob):
    address = f"/admin/org/{funded.pk}/credits/alert/?user={bob.pk}"
    assert signed_in(bob).get(address).status_code == 403


def test_what_was_given_up_is_seen_and_queued_again(funded, alice, system_admin):
    told(funded, alice)
    Notice.objects.update(mail_status=MailStatus.FAILED, mail_error="550 nobody")
    client = signed_in(system_admin)
    address = "/admin/organizations/notice/"
    assert "Given up" in text_of(client.get(f"{address}?mail_status__exact=failed"))
    chosen = {"action": "queue_again", "_selected_action": str(Notice.objects.get().pk)}
    assert "Queued again: 1." in text_of(client.post(address, chosen, follow=True))
    assert Notice.objects.get().mail_status == MailStatus.QUEUED
    assert signed_in(alice).get(address).status_code == 403
