"""The forms of a page as a browser sees them: where they go, what they would send, every field that they have."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import parse_qsl, urljoin, urlsplit

_CHECKED: Final = frozenset({"checkbox", "radio"})
_BUTTONS: Final = frozenset({"submit", "button", "image", "reset"})
Attributes = dict[str, str]


@dataclass
class Form:
    """`values` is what is sent as the page stands; `names` are all fields, buttons and hidden ones too."""

    method: str
    action: str
    values: dict[str, list[str]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)

    def add(self, name: str, value: str | None) -> None:
        """A field; None when it sends nothing as it stands."""
        if name and name not in self.names:
            self.names.append(name)
        if name and value is not None:
            self.values.setdefault(name, []).append(value)

    def filled(self, **instead: str) -> dict[str, list[str]]:
        """What would be sent with other values in some fields."""
        return {**self.values, **{name: [value] for name, value in instead.items()}}


class Page(HTMLParser):
    """`forms` of the page, and `queries`: the names that its links have in their query strings."""

    def __init__(self, address: str, html: str) -> None:
        super().__init__()
        self.address = address
        self.forms: list[Form] = []
        self.queries: dict[str, list[str]] = {}
        self._form: Form | None = None
        self._by_id: dict[str, Form] = {}
        self._select: tuple[str, Form | None] = ("", None)
        self._options: list[tuple[str, bool]] = []
        self._text: tuple[str, Form | None, str] | None = None
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take forms, fields and links."""
        given = {name: value or "" for name, value in attrs}
        take = getattr(self, f"_take_{tag}", None)
        if take is not None:
            take(given)

    def handle_endtag(self, tag: str) -> None:
        """Close what is open."""
        if tag == "form":
            self._form = None
        if tag == "select":
            self._close_select()
        if tag == "textarea" and self._text is not None:
            name, form, text = self._text
            self._text = None
            if form is not None:
                form.add(name, text.removeprefix("\n"))

    def handle_data(self, data: str) -> None:
        """Take the text of a textarea."""
        if self._text is not None:
            name, form, text = self._text
            self._text = name, form, text + data

    def _take_form(self, given: Attributes) -> None:
        action = urljoin(self.address, given.get("action", "") or self.address)
        self._form = Form(given.get("method", "get").lower(), action)
        self.forms.append(self._form)
        if "id" in given:
            self._by_id[given["id"]] = self._form

    def _take_a(self, given: Attributes) -> None:
        target = urlsplit(urljoin(self.address, given.get("href", "")))
        for name, _value in parse_qsl(target.query, keep_blank_values=True):
            if not target.netloc and name not in self.queries.setdefault(target.path, []):
                self.queries[target.path].append(name)

    def _take_input(self, given: Attributes) -> None:
        form, kind = self._owner(given), given.get("type", "text").lower()
        if form is None or "disabled" in given:
            return
        value: str | None = given.get("value", "on" if kind in _CHECKED else "")
        if kind in _BUTTONS or (kind in _CHECKED and "checked" not in given):
            value = None
        form.add(given.get("name", ""), value)

    def _take_button(self, given: Attributes) -> None:
        form = self._owner(given)
        if form is not None:
            form.add(given.get("name", ""), None)

    def _take_textarea(self, given: Attributes) -> None:
        self._text = given.get("name", ""), self._owner(given), ""

    def _take_select(self, given: Attributes) -> None:
        self._select, self._options = (given.get("name", ""), self._owner(given)), []

    def _take_option(self, given: Attributes) -> None:
        self._options.append((given.get("value", ""), "selected" in given))

    def _close_select(self) -> None:
        name, form = self._select
        chosen = [value for value, selected in self._options if selected]
        if form is not None:
            form.add(name, (chosen or [value for value, _ in self._options] or [None])[0])
        self._select = "", None

    def _owner(self, given: Attributes) -> Form | None:
        return self._by_id.get(given["form"]) if "form" in given else self._form
