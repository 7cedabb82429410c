"""An invoice on paper: A4, as PDF, the same bytes each time for the same invoice and payment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, cast

from fpdf import FPDF
from fpdf.enums import Align, MethodReturnValue, XPos, YPos

from billing.invoices import wording
from billing.invoices.text import printable
from billing.models import Invoice

FONTS: Final = Path(__file__).resolve().parent / "fonts"
FAMILY: Final = "DejaVuSans"
Color = tuple[int, int, int]
INK: Final[Color] = (26, 31, 54)
GREY: Final[Color] = (92, 99, 117)
RULE: Final[Color] = (214, 217, 224)


@dataclass(frozen=True, slots=True)
class Style:
    """How a text looks; `size` in points."""

    size: float
    color: Color = INK
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """Texts below each other, `left` of it in millimetres from the margin."""

    left: float
    width: float
    texts: Sequence[tuple[Style, str]]
    align: Align = Align.L


TITLE: Final = Style(20, bold=True)
SUM: Final = Style(15, bold=True)
STRONG: Final = Style(10, bold=True)
PLAIN: Final = Style(9)
LABEL: Final = Style(9, GREY)
SMALL: Final = Style(8, GREY)

#: Millimetres.
MARGIN: Final = 20.0
BOTTOM: Final = 24.0
WIDTH: Final = 210.0 - 2 * MARGIN
LINE: Final = 5.0
GAP: Final = 8.0
#: Widths of the columns of the table: the largest amount there can be has room on a line.
COLUMNS: Final = (66.0, 38.0, 26.0, 40.0)


def render_pdf(invoice: Invoice) -> bytes:
    """The invoice as a PDF file.

    Needs the invoice's payment, whose status is printed too. Texts of any length wrap, over several pages
    if need be; a letter that the font lacks becomes a square.
    """
    paper = _Paper(invoice)
    paper.compose()
    return bytes(paper.output())


class _Paper(FPDF):
    """The pages of one invoice."""

    def __init__(self, invoice: Invoice) -> None:
        super().__init__(orientation="portrait", unit="mm", format="A4")
        self._invoice = invoice
        self._document: Mapping[str, Any] = invoice.document
        self._currency = str(invoice.document["currency"])
        self.add_font(FAMILY, "", FONTS / "DejaVuSans.ttf")
        self.add_font(FAMILY, "B", FONTS / "DejaVuSans-Bold.ttf")
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.c_margin = 0
        self.set_auto_page_break(auto=True, margin=BOTTOM)
        self.set_title(f"Invoice {invoice.display_number}")
        self.set_author(printable(self._document["seller"]["name"]))
        self.set_subject(f"Invoice of {wording.date(self._document['issued_at'])}")
        self.set_creator("Org billing")
        self.set_lang("en")
        self.set_creation_date(invoice.issued_at)

    def compose(self) -> None:
        """Write it from top to bottom."""
        self.add_page()
        self._head()
        self._parties()
        self._summary()
        self._table()
        self._total()
        self._note()

    def footer(self) -> None:
        """The number and the page, at the bottom of each."""
        self.set_y(-BOTTOM + 8)
        self._rule()
        self.ln(2)
        self._use(SMALL)
        self.cell(WIDTH / 2, LINE, self._invoice.display_number)
        self.cell(WIDTH / 2, LINE, f"Page {self.page_no()} of {{nb}}", align=Align.R)

    def _head(self) -> None:
        self._text(TITLE, "Invoice", line=10)
        self.ln(3)
        for label, value in self._facts():
            self._columns(Column(0, 36, [(LABEL, label)]), Column(38, WIDTH - 38, [(PLAIN, value)]))
        self.ln(GAP)

    def _facts(self) -> Iterator[tuple[str, str]]:
        yield "Invoice number", self._document["number"]
        yield "Date of issue", wording.date(self._document["issued_at"])
        if self._document["due_at"] is not None:
            yield "Date due", wording.date(self._document["due_at"])
        if (period := self._document["period"]) is not None:
            yield "Period", wording.period(period["start"], period["end"])
        if self._document["reference"]:
            yield "Reference", self._document["reference"]
        yield "Status", self._status()

    def _parties(self) -> None:
        half = WIDTH / 2 - 4
        self._columns(
            Column(0, half, _party("From", self._document["seller"])),
            Column(half + 8, half, _party("Bill to", self._document["buyer"])),
        )
        self.ln(GAP)

    def _summary(self) -> None:
        total = wording.money(self._document["total"], self._currency)
        self._text(SUM, f"{total} · {self._status()}", line=8)
        self.ln(4)

    def _table(self) -> None:
        headings = ("Description", "Quantity", "Unit price", f"Amount, {self._currency}")
        self._row([[(SMALL, heading)] for heading in headings])
        self._rule()
        self.ln(2)
        for line in self._document["lines"]:
            self._row(_cells(line))
            self.ln(2)
        self._rule()
        self.ln(2)

    def _total(self) -> None:
        total = wording.money(self._document["total"], self._currency)
        self._columns(
            Column(0, WIDTH / 2, [(STRONG, "Total")]),
            Column(WIDTH / 2, WIDTH / 2, [(STRONG, total)], Align.R),
        )
        self.ln(GAP)

    def _note(self) -> None:
        if self._document["note"]:
            self._text(LABEL, self._document["note"])
            self.ln(2)
        self._text(LABEL, "Dates are in UTC.")

    def _status(self) -> str:
        return wording.status(
            self._invoice.status, due_at=self._document["due_at"], paid_at=self._invoice.paid_at
        )

    def _row(self, cells: Sequence[Sequence[tuple[Style, str]]]) -> None:
        """One row of the table: the first column at the left, numbers at the right."""
        columns: list[Column] = []
        left = 0.0
        for width, texts in zip(COLUMNS, cells, strict=True):
            # Numbers are set at the right end, and a little away from what is left of them.
            indent, align = (2, Align.R) if columns else (0, Align.L)
            columns.append(Column(left + indent, width - indent, texts, align))
            left += width
        self._columns(*columns)

    def _columns(self, *columns: Column) -> None:
        """Columns beside each other, line by line, so that any of them may go on over pages."""
        wrapped = [list(self._lines(column)) for column in columns]
        for lines in zip_longest(*wrapped):
            if self.will_page_break(LINE):
                self.add_page()
            for column, line in zip(columns, lines, strict=True):
                if line is not None:
                    self._use(line[0])
                    self.set_x(self.l_margin + column.left)
                    self.cell(column.width, LINE, line[1], align=column.align)
            self.set_x(self.l_margin)
            self.ln(LINE)

    def _lines(self, column: Column) -> Iterator[tuple[Style, str]]:
        for style, text in column.texts:
            self._use(style)
            lines = self.multi_cell(
                column.width, LINE, printable(text), dry_run=True, output=MethodReturnValue.LINES
            )
            yield from ((style, line) for line in cast("list[str]", lines))

    def _text(self, style: Style, text: str, *, line: float = LINE) -> None:
        """A text in as many lines as it needs."""
        self._use(style)
        self.multi_cell(
            WIDTH, line, printable(text), align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT
        )

    def _use(self, style: Style) -> None:
        self.set_font(FAMILY, "B" if style.bold else "", style.size)
        self.set_text_color(*style.color)

    def _rule(self) -> None:
        self.set_draw_color(*RULE)
        self.line(self.l_margin, self.get_y(), self.l_margin + WIDTH, self.get_y())


def _party(heading: str, party: Mapping[str, str]) -> list[tuple[Style, str]]:
    texts = [(LABEL, heading), (STRONG, party["name"])]
    texts += [(PLAIN, party[name]) for name in ("address", "country", "email") if party.get(name)]
    if party["tax_id"]:
        texts.append((PLAIN, f"Tax id: {party['tax_id']}"))
    return texts


def _cells(line: Mapping[str, Any]) -> list[list[tuple[Style, str]]]:
    unit = line["unit_amount"]
    described = [(PLAIN, line["description"])]
    if line["detail"]:
        described.append((SMALL, line["detail"]))
    return [
        described,
        [(PLAIN, wording.quantity(line["quantity"]))],
        [(PLAIN, wording.number(unit))] if unit is not None else [],
        [(PLAIN, wording.number(line["amount"]))],
    ]
