"""Whether a signature that came after the first seal shows something on the page that was sealed.

Its policy may allow that (an approval after an approval), and a seal lawfully lies over text; but what stands below can
be hidden by it, so the verdict tells. A place that the sealed revision kept free for a signature was agreed to there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyhanko.pdf_utils import generic

from certsvc.signing.fields import item_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyhanko.pdf_utils.reader import PdfFileReader

MAX_NODES = 20_000
"""Nodes of a page tree and annotations that are looked at; stops files made to be slow."""

_HIDDEN = 1 << 1
"""Annotation flag 2 (ISO 32000-2 table 167)."""
_RECT_NUMBERS = 4

Ref = tuple[int, int]
Place = tuple[float, ...]


def shows_on_the_sealed_page(reader: PdfFileReader, sealed: int) -> bool:
    """Whether the newest revision shows an annotation that revision ``sealed`` does not have at the same place.

    Also True where there are too many to tell. Errors of the parser come out as they are.
    """
    try:
        before = {(ref, _place(node)) for ref, node in _annotations(reader.get_historical_resolver(sealed).root)}
        return any(_is_seen(node) and (ref, _place(node)) not in before for ref, node in _annotations(reader.root))
    except _TooMany:
        return True


class _TooMany(Exception):
    """More nodes than are looked at."""


def _annotations(root: generic.DictionaryObject) -> Iterator[tuple[Ref, generic.DictionaryObject]]:
    """Every annotation of every page with its number, those written straight into a page under that of the page."""
    todo = [_numbered(root.raw_get("/Pages"), (0, 0))]
    count = 0
    while todo:
        number, node = todo.pop()
        if not isinstance(node, generic.DictionaryObject):
            continue
        annotations = _members(node, "/Annots", number)
        count += 1 + len(annotations)
        if count > MAX_NODES:
            raise _TooMany
        yield from ((ref, one) for ref, one in annotations if isinstance(one, generic.DictionaryObject))
        todo += _members(node, "/Kids", number)


def _members(node: generic.DictionaryObject, key: str, owner: Ref) -> list[tuple[Ref, object]]:
    """The members of an array, with their numbers."""
    array = item_of(node, key)
    if not isinstance(array, generic.ArrayObject):
        return []
    return [_numbered(array.raw_get(index), owner) for index in range(len(array))]


def _numbered(raw: generic.PdfObject, owner: Ref) -> tuple[Ref, object]:
    number = (raw.idnum, raw.generation) if isinstance(raw, generic.IndirectObject) else owner
    return number, raw.get_object()  # type: ignore[no-untyped-call]


def _place(node: generic.DictionaryObject) -> Place:
    """The numbers of its rectangle; empty when it has none that can be read."""
    rect = item_of(node, "/Rect")
    if not isinstance(rect, generic.ArrayObject) or len(rect) != _RECT_NUMBERS:
        return ()
    numbers = list(rect)
    if not all(isinstance(one, generic.NumberObject | generic.FloatObject) for one in numbers):
        return ()
    return tuple(float(one) for one in numbers)


def _is_seen(node: generic.DictionaryObject) -> bool:
    """Whether an annotation takes room on its page and is not hidden; what cannot be told counts as seen."""
    flags, place = item_of(node, "/F"), _place(node)
    if isinstance(flags, generic.NumberObject) and flags & _HIDDEN:
        return False
    return not place or (place[0] != place[2] and place[1] != place[3])
