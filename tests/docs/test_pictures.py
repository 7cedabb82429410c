"""The README's pictures: every one is there, in the light and in the dark, and small enough to load."""

import re

from tests.browser.screenshots import BYTES_MAX, IMAGES, PICTURES
from tests.docs.markdown import ROOT, section

SHOWN = section((ROOT / "README.md").read_text(encoding="utf-8"), "## What it looks like")


def test_the_readme_shows_what_is_taken() -> None:
    named = re.findall(r'"docs/images/([\w-]+)\.png"', SHOWN)
    taken = [f"{picture.name}-{theme}" for picture in PICTURES for theme in ("dark", "light")]
    assert sorted(named) == sorted(taken)
    assert sorted(path.stem for path in IMAGES.glob("*")) == sorted(taken)


def test_every_picture_is_said_in_words_and_small() -> None:
    assert len(re.findall(r'<img alt="[^"]{10,}"', SHOWN)) == len(PICTURES)
    assert [path.name for path in IMAGES.glob("*.png") if path.stat().st_size > BYTES_MAX] == []
