"""Every block of the pages for callers of the API is run beside a fresh `make run`, and prints what the page says."""

import pytest

from tests.docs.markdown import ROOT
from tests.docs.pages import OTHER_PAGES, RUN_ELSEWHERE, RUN_PAGES, looked_after, text_of
from tests.docs.runner.running import Desk, run_page
from tests.docs.runner.steps import READ, RUN, TICKS, fences, steps

EVERY_PAGE = pytest.mark.parametrize("page", RUN_PAGES)


@EVERY_PAGE
def test_every_block_prints_what_the_page_says(page: str, desk: Desk) -> None:
    run_page(page, steps(text_of(page), looked_after(page)), desk)


def test_a_page_with_blocks_is_run_or_looked_after() -> None:
    pages = [
        str(path.relative_to(ROOT))
        for pattern in ("*.md", "docs/*.md", "docs/adr/*.md", "clients/**/*.md", "examples/**/*.md")
        for path in ROOT.glob(pattern)
    ]
    with_blocks = {page for page in pages if TICKS.search(text_of(page))}
    looked_after_elsewhere = RUN_ELSEWHERE | OTHER_PAGES
    assert with_blocks - set(RUN_PAGES) == set(looked_after_elsewhere)
    assert [place for place in looked_after_elsewhere.values() if not (ROOT / place).exists()] == []


@pytest.mark.parametrize("page", [*RUN_PAGES, *RUN_ELSEWHERE])
def test_every_block_has_a_language_that_can_be_run_or_read(page: str) -> None:
    assert {fence.language for fence in fences(text_of(page))} <= RUN | READ
