"""Actions of the lists with ids that nobody can have chosen."""

import pytest

from organizations.models import Member
from tests.console.browsing import signed_in, text_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("chosen", ["", "zz", "\0", "9" * 5_000, "-1"])
@pytest.mark.parametrize(
    ("page", "action"),
    [
        ("organizations/member", "make_owner"),
        ("organizations/apikey", "revoke"),
    ],
)
def test_an_id_that_no_row_can_have_is_no_choice(alpha, bob, system_admin, page, action, chosen):
    sent = {"action": action, "_selected_action": chosen}
    answer = signed_in(system_admin).post(f"/admin/{page}/", sent, follow=True)
    assert answer.status_code == 200
    assert "Choose rows of the list." in text_of(answer)
    assert Member.objects.get(org=alpha, user=bob).role == "member"
