"""`make screenshots`: takes the README's pictures of the console, from a demo that is started for them."""

import io
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from orgbilling.embedded.cluster import THROW_AWAY_SETTINGS
from orgbilling.embedded.server import Server
from orgbilling.supervisor.programs import run_step
from tests.browser.cast import ADMIN, RICH_MEMBER, RICH_OWNER
from tests.browser.visitor import DESK, PHONE, Visitor, chromium
from tests.service import ROOT, Service, running

IMAGES: Final = ROOT / "docs" / "images"
BYTES_MAX: Final = 250_000
#: As few as keep text sharp; fewer when a picture is too large.
COLOURS: Final = (256, 128, 64)


class Picture(NamedTuple):
    """A page as somebody sees it. `{org}` in its path is their organization."""

    name: str
    email: str
    path: str
    size: tuple[int, int] = DESK
    #: Clicked in turn before the picture: the page is shown that this leads to.
    through: tuple[str, ...] = ()


PICTURES: Final = (
    Picture("dashboard", RICH_OWNER, "/admin/org/{org}/"),
    Picture("allocate", RICH_OWNER, "/admin/org/{org}/credits/allocate/"),
    Picture("usage", RICH_OWNER, "/admin/credits/usage/"),
    Picture("subscription", RICH_OWNER, "/admin/org/{org}/subscription/"),
    Picture(
        "invoice",
        RICH_OWNER,
        "/admin/org/{org}/invoices/",
        through=("main th[scope=row] a >> nth=0",),
    ),
    Picture("system", ADMIN, "/admin/system/"),
    Picture("member", RICH_MEMBER, "/admin/org/{org}/"),
    Picture("phone", RICH_OWNER, "/admin/org/{org}/", size=PHONE),
)


def main() -> int:
    """Take them all, light and dark; the exit status."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with served() as service, sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium())
        work(browser, service)
        for picture in PICTURES:
            for theme in ("light", "dark"):
                path = IMAGES / f"{picture.name}-{theme}.png"
                path.write_bytes(small(take(browser, service, picture, theme)))
                sys.stdout.write(f"   {path.name:<24}{path.stat().st_size / 1000:6.0f} kB\n")
        browser.close()
    return 0


@contextmanager
def served() -> Iterator[Service]:
    """The demo on a free port and a database of its own; nothing of it is left afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="orgbilling-pictures-"))
    server = Server(folder / "home", THROW_AWAY_SETTINGS)
    try:
        server.acquire()
        os.environ["DATABASE_URL"] = server.url
        with running(folder / "service") as service:
            yield service
    finally:
        server.release()
        shutil.rmtree(folder, ignore_errors=True)


def work(browser: Browser, service: Service) -> None:
    """Ask for a check of the ledger, and let a worker do it and whatever else waits."""
    visitor = Visitor(browser, service).sign_in_as(ADMIN)
    visitor.visit("/admin/system/").get_by_role("button", name="Check now").click()
    visitor.said("The ledger is being checked")
    visitor.leave()
    log = Path(service.env["DATA_DIR"]) / "worker.log"
    run_step(["procrastinate", "worker", "--one-shot"], log, service.env, ROOT)


def take(browser: Browser, service: Service, picture: Picture, theme: str) -> bytes:
    """A picture of the page's first screen, without a pointer, a focus or anything that moves."""
    visitor = Visitor(browser, service, size=picture.size, theme=theme).sign_in_as(picture.email)
    org = "" if picture.email == ADMIN else service.org_of(picture.email)
    visitor.visit(picture.path.format(org=org))
    for selector in picture.through:
        visitor.page.locator(selector).click()
    visitor.page.wait_for_load_state("networkidle")
    visitor.page.evaluate("document.fonts.ready")
    shot = visitor.page.screenshot(animations="disabled", caret="hide", scale="css")
    visitor.leave()
    return shot


def small(shot: bytes) -> bytes:
    """The picture with a palette, at most BYTES_MAX.

    Raises:
        AssertionError: it can't be made that small.
    """
    for colours in COLOURS:
        written = io.BytesIO()
        palette = (
            Image.open(io.BytesIO(shot)).convert("RGB").quantize(colours, dither=Image.Dither.NONE)
        )
        palette.save(written, "PNG", optimize=True)
        if written.tell() <= BYTES_MAX:
            return written.getvalue()
    msg = f"{COLOURS[-1]} colours still need {written.tell()} bytes."
    raise AssertionError(msg)


if __name__ == "__main__":
    sys.exit(main())
