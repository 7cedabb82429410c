"""Somebody in front of a browser: goes to pages, and nothing that goes wrong there passes unseen."""

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, expect

from orgbilling import bootstrap
from tests.service import Service

#: Width and height of a desk's screen and of a phone's.
DESK: Final = (1440, 900)
PHONE: Final = (390, 844)
SIZES: Final = {"desk": DESK, "phone": PHONE}

#: Root needs the first; the others keep the browser from calling home.
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
#: Addresses that never leave the page.
INSIDE: Final = ("data:", "blob:", "about:")


def chromium() -> dict[str, Any]:
    """What starts the system's Chromium.

    Raises:
        AssertionError: there is none; says how to get one.
    """
    found = bootstrap.browser()
    assert found is not None, bootstrap.NO_BROWSER
    return {"executable_path": found, "args": list(ARGUMENTS)}


@dataclass
class Visitor:
    """A browser's context of its own, watched: foreign requests, script errors, policy violations, failed answers."""

    browser: Browser
    service: Service
    size: tuple[int, int] = DESK
    theme: str = "light"
    bypass_csp: bool = False
    trouble: list[str] = field(default_factory=list)
    _expected: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        width, height = self.size
        self.context = self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if self.theme == "dark" else "light",
            reduced_motion="reduce",
            bypass_csp=self.bypass_csp,
            accept_downloads=True,
            locale="en-US",
            timezone_id="UTC",
        )
        self.context.set_default_timeout(10_000)
        self.context.on("request", self._saw_request)
        self.context.on("response", self._saw_response)
        self.context.on("console", self._heard)
        self.context.on("weberror", lambda error: self.trouble.append(f"script: {error.error}"))
        self.page: Page = self.context.new_page()

    @property
    def phone(self) -> bool:
        """Whether the screen is narrow, so that the menu is folded."""
        return self.size == PHONE

    def sign_in_as(self, email: str) -> "Visitor":
        """With the session of somebody who signed in."""
        sent = self.service.session(email)["cookies"]["sessionid"]
        self.context.add_cookies([{"name": "sessionid", "value": sent, "url": self.service.url}])
        return self

    def visit(self, path: str, status: int = 200) -> Page:
        """Go to a page and expect its status. It fits the screen's width."""
        if status >= 400:
            self._expected.add(urlsplit(self.service.url + path).path)
        answer = self.page.goto(self.service.url + path)
        assert answer is not None
        assert answer.status == status, f"{path}: {answer.status}"
        self.fits()
        return self.page

    def fits(self) -> None:
        """The page, when it is all there, doesn't scroll sideways."""
        self.page.wait_for_load_state()
        root = "document.documentElement"
        too_wide = self.page.evaluate(f"{root}.scrollWidth - {root}.clientWidth")
        assert too_wide <= 0, f"{self.page.url} is {too_wide} px wider than {self.size[0]}"

    def follow(self, name: str) -> Page:
        """Choose a link of the navigation, unfolded first on a phone."""
        self.unfold()
        self.page.get_by_role("navigation", name="Console").get_by_role("link", name=name).click()
        return self.page

    def unfold(self) -> None:
        """Show the navigation where it is folded."""
        if self.phone:
            self.page.get_by_role("button", name="Menu", exact=True).click()

    def heading(self, text: str) -> None:
        """The page's one heading says this."""
        expect(self.page.get_by_role("heading", level=1)).to_have_text(text)
        self.fits()

    def said(self, text: str) -> None:
        """The page says what happened."""
        expect(self.page.get_by_role("status").first).to_contain_text(text)
        self.fits()

    def leave(self) -> None:
        """Close the browser's window.

        Raises:
            AssertionError: something went wrong on the way.
        """
        self.context.close()
        assert self.trouble == []

    def _saw_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.service.url}/", *INSIDE)):
            self.trouble.append(f"foreign: {request.method} {request.url}")

    def _saw_response(self, response: Response) -> None:
        if response.status >= 400 and urlsplit(response.url).path not in self._expected:
            self.trouble.append(f"{response.status}: {response.request.method} {response.url}")

    def _heard(self, message: ConsoleMessage) -> None:
        # What failed to load is seen as an answer, with its status.
        failed = message.text.startswith("Failed to load resource")
        if message.type in {"error", "warning"} and not failed:
            self.trouble.append(f"console: {message.text}")
