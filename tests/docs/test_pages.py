"""The pages lead somewhere: links, files, commands, endpoints and codes that they name exist."""

import re
from pathlib import Path

import pytest
from django.core.management import get_commands
from django.urls import URLPattern, URLResolver, get_resolver

from orgbilling.web.errors import STATUS
from tests.docs.markdown import CODE, FENCE, LINK, PAGES, ROOT, anchors

EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
BASE = "/api/v1/org-billing"
LINE_LENGTH_MAX = 120
PLACES = ("orgbilling/", "organizations/", "credits/", "billing/", "tests/", "docs/", ".ci/")
FILES = (".py", ".md", ".in", ".txt", ".yaml", ".yml", ".toml", ".sql")


def words(page: Path) -> list[str]:
    """What stands in backticks outside of fenced blocks."""
    return CODE.findall(FENCE.sub("", page.read_text(encoding="utf-8")))


def routes(patterns: list[URLPattern | URLResolver], prefix: str = "/") -> set[str]:
    found = set()
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found |= routes(pattern.url_patterns, path)
        else:
            found.add(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path))
    return found


@EVERY_PAGE
def test_links_lead_to_files(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    local = [link.split("#")[0] for link in links if not link.startswith("https://")]
    assert [link for link in local if not (page.parent / link).exists()] == []


@EVERY_PAGE
def test_anchors_lead_to_headings(page: Path) -> None:
    lost = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        target, _, anchor = link.partition("#")
        goal = page.parent / target if target else page
        if anchor and not link.startswith("https://"):
            known = anchors(goal.read_text(encoding="utf-8")) if goal.suffix == ".md" else set()
            lost += [link] if anchor not in known else []
    assert lost == []


def test_every_page_is_in_the_index_and_the_readme_leads_there() -> None:
    docs = ROOT / "docs"
    index = LINK.findall((docs / "README.md").read_text(encoding="utf-8"))
    listed = {(docs / link.split("#")[0]).resolve() for link in index}
    pages = {*docs.glob("*.md"), ROOT / "CONTRIBUTING.md", docs / "adr" / "README.md"}
    assert {page.name for page in pages - listed} <= {"README.md"}
    assert docs / "adr" / "README.md" in listed
    assert "docs/README.md" in LINK.findall((ROOT / "README.md").read_text(encoding="utf-8"))


@EVERY_PAGE
def test_files_that_are_named_exist(page: Path) -> None:
    named = [
        word
        for word in words(page)
        if re.fullmatch(r"[\w./-]+", word)
        and (word.startswith(PLACES) or (word.endswith(FILES) and "/" not in word))
    ]
    home = {path.name for path in ROOT.glob("*")}
    lost = [
        word
        for word in named
        if not (ROOT / word).exists()
        and word not in home
        and not list(ROOT.glob(f"[a-z]*/**/{word}"))
    ]
    assert lost == []


@EVERY_PAGE
def test_commands_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = [re.match(r"(?:[A-Z_]+=\S* )*make ([a-z-]+)", word) for word in words(page)]
    assert {match[1] for match in named if match is not None} <= targets
    assert set(re.findall(r"manage\.py ([a-z_]+)", text)) <= set(get_commands())


@EVERY_PAGE
def test_endpoints_that_are_named_exist(page: Path) -> None:
    known = routes(get_resolver().url_patterns)
    text = page.read_text(encoding="utf-8")
    addresses = set(re.findall(r"\$(?:API|HOST)(/[^\"? ]+)", text))
    addresses |= {
        word for word in words(page) if re.match(r"/(?:api|health|ready|problems)\b", word)
    }
    for address in addresses:
        # A shell's variable, or a page's placeholder, stands for any id.
        form = re.sub(r"\$\w+|<\w+>", "{}", address)
        candidates = {re.sub(r"\{\w+\}", "{}", route) for route in known}
        wanted = {form, f"{BASE}{form}"}
        assert form == BASE or candidates & wanted, address


@EVERY_PAGE
def test_statuses_come_with_codes_that_exist(page: Path) -> None:
    for word in words(page):
        said = re.fullmatch(r"(\d{3}) ([a-z_]+)", word)
        if said is not None:
            assert STATUS[said[2]] == int(said[1]), word


@EVERY_PAGE
def test_a_page_is_wrapped_and_says_no_local_path(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    lines = FENCE.sub("", text).splitlines()
    prose = [line for line in lines if not line.lstrip().startswith("|")]
    assert [line for line in prose if len(line) > LINE_LENGTH_MAX] == []
    assert re.findall(r"/(?:root|home|work|tmp)/\S*", text) == []


def test_every_decision_is_in_the_index_and_has_its_parts() -> None:
    folder = ROOT / "docs" / "adr"
    index = (folder / "README.md").read_text(encoding="utf-8")
    decisions = sorted(folder.glob("[0-9]*.md"))
    listed = re.findall(r"^\| \[(\d{4})\]\(([\w-]+\.md)\) \| (.+) \|$", index, re.MULTILINE)
    assert [name for _number, name, _title in listed] == [path.name for path in decisions]
    for number, (path, (short, _name, title)) in enumerate(
        zip(decisions, listed, strict=True), start=1
    ):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert path.name.startswith(f"{number:04d}-")
        assert short == f"{number:04d}"
        assert lines[0] == f"# {number}. {title}"
        assert re.fullmatch(r"Accepted, \d{4}-\d\d-\d\d\.|Replaced by .+\.", lines[2])
        assert [line for line in lines if line.startswith("## ")] == [
            "## Context",
            "## Decision",
            "## Consequences",
        ]
