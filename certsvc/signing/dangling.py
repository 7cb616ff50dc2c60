"""Reads a reference to an object that is not there as null (ISO 32000-2 §7.3.10), where pyHanko's strict mode gives up.

Genuine writers leave such references behind, and the comparison of revisions follows every reference of the sealed one.
Null is only what no revision of the file ever writes, under any generation: a number that is given an object later does
not mean nothing, it waits, and whoever adds the object would decide what the sealed page shows. Such a file stays
refused, as does one whose objects were deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from pyhanko.pdf_utils.xref import XRefSectionData


class NullReader(PdfFileReader):
    """The strict reader of pyHanko, but that a reference to nothing is null."""

    def __init__(self, stream: io.BytesIO) -> None:
        """Read ``stream``; errors of the parser come out as they are."""
        self._numbers: frozenset[int] | None = None
        super().__init__(stream, strict=True)

    def get_object(self, ref: generic.Reference, *how: Any, **named: Any) -> Any:
        """As the base class, whose error for a missing object stays for a number that is written somewhere."""
        if ref.idnum not in self._written():
            null = generic.NullObject()
            null.container_ref = ref
            return null
        return super().get_object(ref, *how, **named)  # type: ignore[no-untyped-call]

    def _written(self) -> frozenset[int]:
        """The numbers of all objects of all revisions."""
        if self._numbers is None:
            sections = (self.xrefs.get_xref_data(number) for number in range(self.xrefs.total_revisions))
            self._numbers = frozenset(number for section in sections for number in _numbers(section))
        return self._numbers


def _numbers(section: XRefSectionData) -> Iterator[int]:
    """The numbers that a section places, in both halves of a hybrid one; free entries place nothing."""
    yield from section.standard_xrefs
    yield from section.xrefs_in_objstm
    if section.hybrid is not None:
        yield from _numbers(section.hybrid.xref_data)
