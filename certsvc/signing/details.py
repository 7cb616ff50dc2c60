"""Whether what a reader shows of a document beside its pages changed behind the first seal: title, author, facts.

The policy of a later signature allows that, and its signer answers for the file as it is; but the words are not those
that the first seal stands for, so the verdict tells. Behind the last seal nobody answers, and ``trailing`` refuses it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyhanko.pdf_utils import generic

from certsvc.signing.fields import item_of
from certsvc.signing.xmp_update import only_brought_up_to_date

if TYPE_CHECKING:
    from pyhanko.pdf_utils.reader import PdfFileReader

_MAY_CHANGE = frozenset({"/ModDate", "/Producer"})
_SAYS_NOTHING = b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>'


def details_changed(reader: PdfFileReader, sealed: int) -> bool:
    """Whether the newest revision says other things of the document than revision ``sealed``.

    Errors of the parser come out as they are.
    """
    old = reader.get_historical_resolver(sealed)
    before, after = (
        _information(item_of(old.trailer_view, "/Info")),
        _information(item_of(reader.trailer.flatten(), "/Info")),
    )
    if before != after:
        return True
    was, now = _packet(reader, old.root, sealed), _packet(reader, reader.root, None)
    return was != now and not only_brought_up_to_date(was, now)


def _information(node: object) -> dict[str, object]:
    """The entries of the document information that may not change."""
    if not isinstance(node, generic.DictionaryObject):
        return {}
    return {key: item_of(node, key) for key in node if key not in _MAY_CHANGE}


def _packet(reader: PdfFileReader, catalog: generic.DictionaryObject, revision: int | None) -> bytes:
    """The XMP packet; one that says nothing where there is none."""
    raw = catalog.raw_get("/Metadata") if "/Metadata" in catalog else None
    if not isinstance(raw, generic.IndirectObject):
        return _SAYS_NOTHING
    # Straight from the file: copies of packets of an earlier revision cannot be made.
    held = reader.get_object(generic.Reference(raw.idnum, raw.generation, pdf=reader), revision)  # type: ignore[no-untyped-call]
    return bytes(held.data) if isinstance(held, generic.StreamObject) else _SAYS_NOTHING
