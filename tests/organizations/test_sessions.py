"""A browser's session: made anew at sign-in, gone at sign-out, ended by a new password."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from organizations.models import Organization, User
from tests.api_client import ApiClient, ok, problem
from tests.factories import make_user

pytestmark = pytest.mark.django_db(databases=["default", "counters"])

PHRASE = "a long pass phrase"
ANOTHER = "quite another pass phrase"


@pytest.fixture
def alice(db: None) -> User:
    user = make_user("alice@example.com", "Alice")
    user.set_password(PHRASE)
    user.save()
    return user


def signed_in(cookie: str | None = None) -> Client:
    """A browser that has signed in by the console's page, with a cookie that somebody planted or without."""
    browser = Client()
    if cookie is not None:
        browser.cookies["sessionid"] = cookie
    answer = browser.post(
        "/admin/login/?next=/admin/", {"username": "alice@example.com", "password": PHRASE}
    )
    assert answer.status_code == 302, answer.content
    return browser


def api(cookie: str) -> ApiClient:
    """Whoever has this cookie."""
    client = ApiClient()
    client.client.cookies["sessionid"] = cookie
    return client


def test_a_planted_session_is_not_the_one_that_is_signed_in(alpha: Organization):
    planted = Client()
    session = planted.session
    session["planted"] = True
    session.save()
    cookie = session.session_key
    browser = signed_in(cookie)
    assert browser.cookies["sessionid"].value != cookie
    problem(api(cookie).get("organizations"), 401, "not_authenticated")
    assert not Session.objects.filter(session_key=cookie).exists()


def test_a_made_up_session_key_is_never_taken(alpha: Organization):
    made_up = "a" * 32
    browser = signed_in(made_up)
    assert browser.cookies["sessionid"].value != made_up
    problem(api(made_up).get("organizations"), 401, "not_authenticated")


def test_each_sign_in_has_a_key_of_its_own(alpha: Organization):
    assert signed_in().cookies["sessionid"].value != signed_in().cookies["sessionid"].value


def test_a_session_that_was_signed_out_of_is_gone(alpha: Organization):
    browser = signed_in()
    cookie = browser.cookies["sessionid"].value
    ok(api(cookie).get("organizations"))
    assert browser.post("/admin/logout/").status_code in {200, 302}
    problem(api(cookie).get("organizations"), 401, "not_authenticated")
    replay = Client()
    replay.cookies["sessionid"] = cookie
    assert replay.get("/admin/").status_code == 302
    assert not Session.objects.filter(session_key=cookie).exists()


def test_signing_out_leaves_the_other_browsers_alone(alpha: Organization):
    first, second = signed_in(), signed_in()
    first.post("/admin/logout/")
    ok(api(second.cookies["sessionid"].value).get("organizations"))


def test_a_new_password_ends_all_sessions_but_the_one_that_set_it(alpha: Organization):
    mine, other = signed_in(), signed_in()
    before = mine.cookies["sessionid"].value
    form = {"old_password": PHRASE, "new_password1": ANOTHER, "new_password2": ANOTHER}
    assert mine.post("/admin/password_change/", form).status_code == 302
    ok(api(mine.cookies["sessionid"].value).get("organizations"))
    problem(api(other.cookies["sessionid"].value).get("organizations"), 401, "not_authenticated")
    # A copy of the cookie that was taken before is no use either.
    assert mine.cookies["sessionid"].value != before
    problem(api(before).get("organizations"), 401, "not_authenticated")


def test_the_cookies_of_an_http_service_are_for_this_site_and_no_script(alpha: Organization):
    morsel = signed_in().cookies["sessionid"]
    assert morsel["httponly"] is True
    assert morsel["samesite"] == "Lax"
    assert morsel["path"] == "/"
    assert morsel["domain"] == ""
