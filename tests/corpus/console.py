"""The console as it is tried: an organization with a row of everything, browsers, and what a page may be."""

from typing import Any, Final

from django.test import Client

from billing import renewal
from billing.invoicing import issue_missing
from billing.models import Subscription
from tests.console.addresses import Address, Filler
from tests.console.marked import Tenant
from tests.factories import make_user

#: Text that a page shows as it was sent, and not as text.
MARKUP: Final = (b"<script>alert(1)", b"><img src=x", b"}</style><style>")
PAGES: Final = frozenset(
    {"text/html", "application/json", "application/pdf", "text/csv", "text/javascript"}
)
#: The end of one's session.
LEFT_OUT: Final = ("/admin/logout/",)


class World:
    """One organization in which everything has happened, and browsers of who owns it and of who runs all."""

    def __init__(self) -> None:
        self.tenant = Tenant("zebrafish")
        self._come_to_today()
        self.admin = make_user("root@example.com", "Root", is_staff=True, is_superuser=True)
        self.browsers = [browser(self.tenant.people["owner"]), browser(self.admin)]
        self.filler = Filler(self.tenant, self.tenant)

    def _come_to_today(self) -> None:
        """What looking at a page would do first: renew what is due, issue what was charged."""
        org_id = self.tenant.org.pk
        for subscription in self.tenant.rows(Subscription):
            renewal.advance(org_id=org_id, subscription_id=subscription.pk, request_id="corpus")
        issue_missing(org_id)

    def own(self) -> list[Address]:
        """Every place once: the last of its addresses is the one that names rows which exist."""
        found = {address.place: address for address in self.filler.addresses()}
        return [one for one in found.values() if one.path not in LEFT_OUT]


def browser(user: Any) -> Client:
    """A browser in which the user is signed in."""
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def page(answer: Any) -> str | None:
    """What is wrong with an answer that a browser gets."""
    media = answer.get("Content-Type", "").partition(";")[0]
    if media not in PAGES:
        return f"a page as {media}"
    shown = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if media == "text/html" and any(markup in shown for markup in MARKUP):
        return "text became markup"
    return None
