"""What the revisions behind the last signature write (rule d): a document security store, or something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyhanko.pdf_utils import generic

from certsvc.signing.fields import item_of

if TYPE_CHECKING:
    from pyhanko.pdf_utils.reader import PdfFileReader


def only_security_store_after(reader: PdfFileReader, revision: int) -> bool:
    """Whether every revision after ``revision`` writes parts of ``/DSS`` (ISO 32000-2 §12.8.4.3).

    pyHanko's policy says whether what can be *reached* changed, and calls a revision of objects that nothing refers to
    an update of long-term data. A revision that adds nothing to the store has no reason to stand behind a seal. Objects
    that nothing refers to are let be beside a store, because genuine writers leave some there.
    """
    for number in range(revision + 1, reader.xrefs.total_revisions):
        history = reader.get_historical_resolver(number)
        if "/DSS" not in history.root:
            return False
        store = history.collect_dependencies(history.root.raw_get("/DSS"))
        if not reader.xrefs.explicit_refs_in_revision(number) & store:
            return False
    return True


MAX_STORE_ENTRIES = 200
"""CRLs, or OCSP responses, read from one store; stops stores made to be slow."""


def security_store(reader: PdfFileReader) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """The CRLs and OCSP responses in ``/DSS``; they are believed only as far as their signatures go."""
    store = item_of(reader.root, "/DSS")
    if not isinstance(store, generic.DictionaryObject):
        return (), ()
    return _streams(store, "/CRLs"), _streams(store, "/OCSPs")


def stored_certificates(reader: PdfFileReader) -> tuple[bytes, ...]:
    """The certificates in ``/DSS``, in DER: known, not trusted."""
    store = item_of(reader.root, "/DSS")
    return _streams(store, "/Certs") if isinstance(store, generic.DictionaryObject) else ()


def _streams(store: generic.DictionaryObject, key: str) -> tuple[bytes, ...]:
    array = item_of(store, key)
    if not isinstance(array, generic.ArrayObject):
        return ()
    found = [array[index] for index in range(min(len(array), MAX_STORE_ENTRIES))]
    return tuple(bytes(one.data) for one in found if isinstance(one, generic.StreamObject))
