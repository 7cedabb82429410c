"""Which pages are run block by block, and what looks after the blocks of the others."""

from tests.docs.markdown import ROOT, blocks, section

#: Read by whoever calls the API: every block is run, and prints what the page says.
RUN_PAGES = (
    "README.md",
    "docs/ORG_BILLING_INTEGRATION_GUIDE.md",
    "docs/LOOPNET_INTEGRATION_INSTRUCTIONS.md",
    "docs/python-client.md",
    "docs/cli.md",
    *(str(page.relative_to(ROOT)) for page in sorted(ROOT.glob("examples/*/README.md"))),
)
#: For the same readers; a test of their own runs the blocks, beside what it prepares for them.
RUN_ELSEWHERE = {
    "clients/python/README.md": "tests/client/test_readme.py",
    "docs/python-decorators.md": "tests/client/test_pages_of_extras.py",
    "docs/python-journal.md": "tests/client/test_pages_of_extras.py",
    "docs/webhooks.md": "tests/docs/test_webhooks.py",
    "docs/webhook-events.md": "tests/docs/test_webhooks.py",
}
#: Read by whoever operates the service or changes the code. Their commands stop servers, restore databases or run
#: for hours; the tests named here look after what they say.
OTHER_PAGES = {
    "CONTRIBUTING.md": "tests/docs/test_pages.py",
    "docs/backups.md": "tests/backups",
    "docs/citus.md": "tests/distribution",
    "docs/configuration.md": "tests/docs/test_configuration.py",
    "docs/console.md": "tests/docs/test_pictures.py",
    "docs/deployment.md": "tests/docs/test_troubleshooting.py",
    "docs/import.md": "tests/importing",
    "docs/ledger.md": "tests/docs/test_ledger.py",
    "docs/limits.md": "tests/web",
    "docs/logs.md": "tests/docs/test_logs.py",
    "docs/monitoring.md": "tests/metrics",
    "docs/reliability.md": "tests/docs/test_pages.py",
    "docs/schema.md": "tests/house/schema_docs.py",
    "docs/sign-on.md": "tests/organizations/sign_on",
    "docs/troubleshooting.md": "tests/docs/test_troubleshooting.py",
}


def text_of(page: str) -> str:
    """What is written on a page."""
    return (ROOT / page).read_text(encoding="utf-8")


def looked_after(page: str) -> frozenset[str]:
    """The blocks of a page that are run in another way: tests/docs/test_readme.py does it."""
    if page != "README.md":
        return frozenset()
    text = text_of(page)
    own = blocks(section(text, "## Two commands"))
    own += blocks(section(text, "## How the house is laid out"))
    return frozenset(block.text for block in own)
