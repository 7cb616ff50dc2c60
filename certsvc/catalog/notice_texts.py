"""``notices.toml``: the sentences that holders are told, the program's or a city's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from types import MappingProxyType
from typing import TYPE_CHECKING

from certsvc.catalog.toml_table import read_toml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.catalog.toml_table import Table

FILE = "notices.toml"
PLACES = ("type", "document", "until", "due_on", "body", "source")
"""What a sentence may have filled in; there is no place for a name, a number or an address."""

KEYS = (
    *("issued", "reissued", "registered", "simulated"),
    *("suspended", "resumed", "rescinded", "withdrawn", "revoked", "cancelled", "voided", "corrected"),
    *("reinstated", "superseded", "converted"),
    *("expiry_near", "expired", "check_due", "check_overdue", "obligation_due", "obligation_overdue"),
    *("suspension_over", "fetched", "scanned", "use_request", "use_request_for"),
)
"""Every occasion; a file names all of them."""

MAX_TEXT = 120
"""Characters of a part: what is much longer is cut by telephones, and read by nobody."""


@dataclass(frozen=True, slots=True)
class NoticeTexts:
    """The sentences, by occasion."""

    subject_form: str
    _forms: Mapping[str, tuple[str, str]]

    def sentence(self, key: str, **values: str) -> str:
        """What happened, and what to do now; places that are not given are empty."""
        filled = dict.fromkeys(PLACES, "") | values
        text, then = (form.format(**filled) for form in self._forms[key])
        return f"{text}。{then}。" if then else f"{text}。"

    def subject(self, type_name: str) -> str:
        """Of a mail."""
        return self.subject_form.format(type=type_name)


def read_notice_texts(directory: Path | None = None) -> NoticeTexts:
    """The sentences of ``directory``, or of the program where it has none.

    Raises:
        ConfigurationError: an occasion that is missing or unknown, a place that does not exist, a text too long.
    """
    own = directory / FILE if directory is not None else None
    root = read_toml(own if own is not None and own.exists() else Path(__file__).parent / FILE).root()
    mail = root.table("mail")
    subject = _form(mail, "subject", places=("type",))
    mail.done()
    forms: dict[str, tuple[str, str]] = {}
    for key in KEYS:
        table = root.table(key)
        forms[key] = _form(table, "text"), _form(table, "next", may_be_empty=True)
        table.done()
    root.done()
    return NoticeTexts(subject, MappingProxyType(forms))


def _form(table: Table, key: str, *, places: tuple[str, ...] = PLACES, may_be_empty: bool = False) -> str:
    form = table.text_or_empty(key) if may_be_empty else table.text(key)
    if len(form) > MAX_TEXT:
        table.refuse(key, f"不超过 {MAX_TEXT} 个字")
    try:
        parts = list(Formatter().parse(form))
    except ValueError:
        table.refuse(key, "花括号不成对")
    for _, place, spec, conversion in parts:
        if place is not None and (place not in places or spec or conversion):
            table.refuse(key, f"只能填入 {'、'.join(f'{{{one}}}' for one in places)}")
    return form
