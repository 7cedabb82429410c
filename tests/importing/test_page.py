"""docs/import.md says what the code says."""

import re

from orgbilling.importing.columns import TABLES
from orgbilling.importing.mending import KINDS
from tests.docs.markdown import ROOT, codes, rows, section

PAGE = (ROOT / "docs" / "import.md").read_text(encoding="utf-8")


def test_every_kind_of_mend_is_explained() -> None:
    told = {}
    for heading in ("Credits", "People and organizations", "Subscriptions and money", "Form"):
        for name, found, becomes, why in rows(section(PAGE, f"### {heading}")):
            assert why
            told[codes(name)[0]] = (found, becomes, name.endswith("?"))
    assert told == {name: (kind.found, kind.done, kind.asks) for name, kind in KINDS.items()}


def test_every_column_that_is_read_is_named() -> None:
    told = {
        codes(table)[0]: [(tuple(codes(one)), one.endswith("!")) for one in columns.split(", ")]
        for table, columns in list(rows(section(PAGE, "## The two variants")))[-len(TABLES) :]
    }
    assert told == {
        table.name: [(one.names, one.needed) for one in table.columns] for table in TABLES
    }


def test_the_role_that_reads_may_read_every_table() -> None:
    (granted,) = re.findall(r"GRANT SELECT ON (.*?) TO", PAGE, re.DOTALL)
    names = {name.strip() for name in granted.split(",")}
    assert names | {"users"} == {table.name for table in TABLES}
