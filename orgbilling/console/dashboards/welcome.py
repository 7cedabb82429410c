"""The page of somebody who belongs to no organization."""

from __future__ import annotations

from orgbilling.console.pages import Page


class Welcome(Page):
    """Says what to do."""

    title = "Welcome"
    template_name = "console/welcome.html"
