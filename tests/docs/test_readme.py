"""The README's own: what `make run` shows and may say, and the layout of the house."""

import re

from tests.docs.markdown import ROOT, blocks, codes, rows, section
from tests.docs.runner.clone import Clone

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_make_run_shows_what_the_readme_shows(clone: Clone) -> None:
    (promised,) = [
        block.text for block in blocks(README) if block.text.startswith("Org billing on")
    ]
    shown = clone.shown.replace(clone.url, "http://127.0.0.1:8084")
    shown = shown.replace(f"{clone.folder}/", "")
    assert without_times(shown) == without_times(promised)


def test_what_make_run_may_say_is_said_by_the_code() -> None:
    sources = "\n".join(path.read_text() for path in sorted((ROOT / "orgbilling").rglob("*.py")))
    table = list(rows(section(README, "## When `make run` doesn't run")))
    messages = [code for row in table for code in codes(row[0])]
    assert len(messages) == 7
    assert [message for message in messages if message not in sources] == []


def test_the_house_is_laid_out_in_a_few_lines_that_exist() -> None:
    layout = blocks(section(README, "## How the house is laid out"))[0].text.splitlines()
    assert len(layout) <= 12
    for line in layout:
        assert list(ROOT.glob(line.split()[0])), line


def without_times(text: str) -> str:
    return re.sub(r" +\d+\.\d s$", " … s", text, flags=re.MULTILINE)
