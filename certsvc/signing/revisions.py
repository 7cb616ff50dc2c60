"""What the revisions behind the last signature write (rule d): a document security store, or something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
