"""Where the console's own pages are; the tables of the apps come after them."""

from __future__ import annotations

from typing import Final

from django.contrib.admin import AdminSite
from django.urls import URLPattern, path

from orgbilling.console.credit_pages.urls import PAGES as CREDIT_PAGES
from orgbilling.console.dashboards.urls import PAGES as DASHBOARDS
from orgbilling.console.money_pages.urls import PAGES as MONEY_PAGES
from orgbilling.console.notices import Notices, Preferences
from orgbilling.console.pages import Page
from orgbilling.console.webhook_pages.urls import PAGES as WEBHOOK_PAGES

#: A person's own.
NOTICES: Final[tuple[tuple[str, type[Page], str], ...]] = (
    ("notices/", Notices, "notices"),
    ("notices/preferences/", Preferences, "notice_preferences"),
)


def pages(site: AdminSite) -> list[URLPattern]:
    """Every page of ours, for those who are signed in."""
    return [
        path(route, site.admin_view(view.as_view()), name=name)
        for route, view, name in (
            *DASHBOARDS,
            *CREDIT_PAGES,
            *MONEY_PAGES,
            *WEBHOOK_PAGES,
            *NOTICES,
        )
    ]
