"""Runs the steps of one page."""

import re
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.docs.runner.clone import Clone, reader_folder
from tests.docs.runner.comparing import same, steady
from tests.docs.runner.sessions import Database, Python, Ran, Shell
from tests.docs.runner.steps import SHELL, START, Step
from tests.service import own_database

BLOCK_WITHIN_SECONDS = 90
SERVICE = "http://127.0.0.1:8084"
#: Where a page may let a program of its own listen.
RECEIVER_PORT = "9100"
PROVIDER = "https://sso.example.com/realms/main"
FAILED = """{page}, line {line}. The block

{text}
ended with status {status} and printed

{printed}
where the page says

{promised}"""


@dataclass(frozen=True, slots=True)
class Desk:
    """What all pages share: the service, the identity provider, and the reader's tools."""

    clone: Clone
    issuer: str
    receiver_port: str
    env: dict[str, str]
    folder: Path

    def local(self, text: str) -> str:
        """Return the text with the addresses that this run has."""
        return local(text.replace(SERVICE, self.clone.url), self.issuer, self.receiver_port)

    def as_written(self, text: str, folder: Path, home: Path) -> str:
        """Return the text with the addresses and paths that the pages have."""
        text = text.replace(str(home), "~")
        text = text.replace(self.clone.url, SERVICE).replace(self.issuer, PROVIDER)
        text = re.sub(rf"\b{self.receiver_port}\b", RECEIVER_PORT, text)
        return text.replace(f"{self.clone.folder}/", "").replace(f"{folder}/", "")


def local(text: str, issuer: str, receiver_port: str) -> str:
    """Return the text with the addresses of this run's provider and receiver."""
    return re.sub(rf"\b{RECEIVER_PORT}\b", receiver_port, text.replace(PROVIDER, issuer))


class Reader:
    """Somebody who goes through one page with a shell, a Python and an empty database."""

    def __init__(self, page: str, desk: Desk, stack: ExitStack) -> None:
        name = page.replace("/", "-")
        self.page, self.desk, self.stack = page, desk, stack
        self.folder = reader_folder(desk.folder / name, desk.clone)
        self.blocks = desk.folder / f"{name}.blocks"
        self.home = desk.folder / f"{name}.home"
        self.blocks.mkdir()
        self.home.mkdir()
        self.shell = Shell(self.folder, {**desk.env, "HOME": str(self.home)})
        stack.callback(self.shell.close)
        self.python: Python | None = None
        self.database: Database | None = None

    def take(self, step: Step) -> None:
        """Do what the block says, and compare what it prints."""
        text = self.desk.local(step.text)
        if step.file:
            (self.folder / step.file).write_text(text, encoding="utf-8")
            return
        block = self.blocks / f"line-{step.line}.{step.language}"
        block.write_text(text, encoding="utf-8")
        ran = self.run(step, block)
        check(self.page, step, Ran(self.as_written(ran.printed), ran.status))

    def as_written(self, printed: str) -> str:
        """Return what was printed with the addresses and paths that the page has."""
        return self.desk.as_written(printed, self.folder, self.home)

    def run(self, step: Step, block: Path) -> Ran:
        """Run the block where its language belongs."""
        if START.fullmatch(step.text):
            # The desk's service was started by it.
            return Ran(self.desk.clone.shown if step.printed else "", 0)
        if step.language in SHELL:
            return self.shell.paste(block, BLOCK_WITHIN_SECONDS)
        if step.language == "sql":
            if self.database is None:
                self.database = Database(self.stack.enter_context(own_database()))
                self.stack.callback(self.database.close)
            return self.database.paste(block)
        if self.python is None:
            self.python = Python(self.folder, self.shell.exported())
            self.stack.callback(self.python.close)
        return self.python.paste(block, BLOCK_WITHIN_SECONDS)


def run_page(page: str, steps: list[Step], desk: Desk) -> None:
    """Run the steps in order.

    Raises:
        AssertionError: a block fails, prints something else than the page says, or isn't through in time.
    """
    with ExitStack() as stack:
        reader = Reader(page, desk, stack)
        for step in steps:
            reader.take(step)


def check(page: str, step: Step, ran: Ran) -> None:
    """Raise AssertionError unless the block succeeded and printed what stands below it."""
    if ran.status == 0 and same(ran.printed, step.printed, step.printed_as):
        return
    raise AssertionError(
        FAILED.format(
            page=page,
            line=step.line,
            text=step.text,
            status=ran.status,
            printed=steady(ran.printed),
            promised=steady(step.printed),
        )
    )
