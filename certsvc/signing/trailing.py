"""What may stand behind the last seal of a file (rule d): long-term data and document timestamps, and nothing else.

An allow-list of its own over the objects that the revisions behind the seal write (ISO 32000-2 §12.8.4.3, §12.8.5;
EN 319 142-1 §5.4.2.3, §5.4.3), because a policy that says what is *forbidden* is got around: by a rectangle that is no
rectangle, by an appearance that is also a certificate, by a key of the form that makes readers draw it anew.

1. An object of the sealed revision stays as it was, but for: the catalog (``/DSS``, ``/Extensions``), the document
   information and the XMP packet (moment of change and producer), members of a ``/DSS`` that was there, the form
   (fields are added), a page and its ``/Annots`` (the fields' widgets are added), an empty signature field that a
   timestamp fills.
2. A new field is an invisible one that holds a document timestamp, with no key that could act or draw.
3. A new object is reached through these places alone: nothing of the sealed revision refers to its number, and what may
   be overwritten serves no other purpose there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyhanko.pdf_utils import generic

from certsvc.signing.fields import TIMESTAMP_SUB_FILTER, item_of
from certsvc.signing.xmp_update import only_brought_up_to_date

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from pyhanko.pdf_utils.reader import HistoricalResolver, PdfFileReader

MAX_WALKED = 200_000
"""Objects of a sealed revision that are walked through; stops files made to be slow."""

_TRAILER = frozenset({"/Size", "/Prev", "/XRefStm", "/ID", "/Root", "/Info"})
_CONTAINER = frozenset({"/Type", "/W", "/Index", "/Length", "/Filter", "/DecodeParms"})
"""Keys of a cross-reference stream, which is a trailer too."""
_STORE = frozenset({"/Type", "/VRI", "/Certs", "/CRLs", "/OCSPs"})
_PACKET = frozenset({"/Type", "/Subtype", "/Length", "/Filter", "/DecodeParms"})
_INFO = frozenset({"/ModDate", "/Producer"})
_FIELD = frozenset({"/Type", "/Subtype", "/FT", "/Ff", "/T", "/TU", "/F", "/Rect", "/P", "/V"})
_RECT_NUMBERS = 4

Ref = tuple[int, int]


class _Foreign(Exception):
    """Something that may not stand there."""


def only_long_term_data(reader: PdfFileReader, seal: int) -> bool:
    """Whether the revisions behind revision ``seal`` hold nothing but long-term data and document timestamps.

    Errors of the parser come out as they are.
    """
    if reader.xrefs.total_revisions - 1 == seal:
        return True
    try:
        _Trailing(reader, seal).check()
    except _Foreign:
        return False
    return True


class _Trailing:
    """One comparison of the sealed revision with the newest one."""

    def __init__(self, reader: PdfFileReader, seal: int) -> None:
        self._reader = reader
        self._seal = seal
        self._old: HistoricalResolver = reader.get_historical_resolver(seal)
        self._written = self._writes()
        self._judged: set[Ref] = set()
        self._private: set[Ref] = set()
        """overwritten objects that the sealed revision may use in one place only"""

    def check(self) -> None:
        """Raise unless every written object is what it may be."""
        self._trailer()
        self._catalog()
        for ref in self._written - self._judged:
            before = self._before(ref)
            if before is not None and not _same(before, self._after(ref)):
                raise _Foreign
        self._nobody_waited()

    def _writes(self) -> set[Ref]:
        """Numbers of the objects that the trailing revisions write or free."""
        xrefs = self._reader.xrefs
        found: set[Ref] = set()
        for revision in range(self._seal + 1, xrefs.total_revisions):
            found |= {(ref.idnum, ref.generation) for ref in xrefs.explicit_refs_in_revision(revision)}
            found |= {(ref.idnum, ref.generation) for ref in xrefs.refs_freed_in_revision(revision)}
        return found

    def _before(self, ref: Ref) -> generic.PdfObject | None:
        """The object in the sealed revision; None when it had none."""
        place = self._reader.xrefs.get_historical_ref(self._reference(ref), self._seal)
        return None if place is None else self._old.get_object(self._reference(ref))

    def _sealed(self, ref: Ref) -> generic.PdfObject | None:
        """As :meth:`_before`, without a copy: the references in it lead to the newest revision."""
        reference, xrefs = self._reference(ref), self._reader.xrefs
        if xrefs.get_historical_ref(reference, self._seal) is None:
            return None
        revision = self._seal if ref in self._written else None
        return self._reader.get_object(reference, revision)  # type: ignore[no-any-return,no-untyped-call]

    def _after(self, ref: Ref) -> generic.PdfObject | None:
        """The object now; None when it was freed."""
        reference = self._reference(ref)
        if self._reader.xrefs[reference] is None:
            return None
        return self._reader.get_object(reference)  # type: ignore[no-any-return,no-untyped-call]

    def _reference(self, ref: Ref) -> generic.Reference:
        return generic.Reference(*ref, pdf=self._reader)

    def _trailer(self) -> None:
        before, after = self._old.trailer_view, self._reader.trailer.flatten()
        for key in {*before, *after} - _TRAILER - _CONTAINER:
            if key not in before or key not in after or not _same(before.raw_get(key), after.raw_get(key)):
                raise _Foreign
        if _ref(before.raw_get("/Root")) != _ref(after.raw_get("/Root")):
            raise _Foreign
        if "/Info" in before or "/Info" in after:
            self._only(item_of(before, "/Info"), item_of(after, "/Info"), _INFO)
            self._overwritten(before, after, "/Info")

    def _catalog(self) -> None:
        before, after = self._old.root, self._reader.root
        self._judged.add(_ref(self._reader.trailer.raw_get("/Root")))
        self._only(before, after, frozenset({"/DSS", "/Extensions", "/AcroForm"}))
        self._store(item_of(before, "/DSS"), item_of(after, "/DSS"))
        self._overwritten(before, after, "/Extensions")
        self._packet(before, after)
        self._form(before, after)

    def _packet(self, before: generic.DictionaryObject, after: generic.DictionaryObject) -> None:
        """The XMP packet is the same object, and serves nothing else; it says what it said, of another moment."""
        place = _place(before, "/Metadata")
        if place is None or place not in self._written:
            return
        old, new = self._before(place), self._after(place)
        for one in (old, new):
            if not isinstance(one, generic.StreamObject) or not _PACKET.issuperset(one):
                raise _Foreign
            if str(item_of(one, "/Type")) != "/Metadata" or str(item_of(one, "/Subtype")) != "/XML":
                raise _Foreign
        if not only_brought_up_to_date(old.data, new.data):  # type: ignore[union-attr]
            raise _Foreign
        self._overwritten(before, after, "/Metadata")

    def _store(self, before: object, after: object) -> None:
        """The store has the keys of one, and its old members are nothing else in the sealed revision."""
        if after is None and before is None:
            return
        if not isinstance(after, generic.DictionaryObject) or not _STORE.issuperset(after):
            raise _Foreign
        if before is not None:
            raw = self._old.root.raw_get("/DSS")
            members = {(one.idnum, one.generation) for one in self._old.collect_dependencies(raw)} & self._written
            changed = {one for one in members if not _same(self._before(one), self._after(one))}
            if any(isinstance(self._before(one), generic.StreamObject) for one in changed):
                raise _Foreign
            self._private |= changed
            self._judged |= changed

    def _form(self, catalog: generic.DictionaryObject, new_catalog: generic.DictionaryObject) -> None:
        before, after = item_of(catalog, "/AcroForm"), item_of(new_catalog, "/AcroForm")
        if not isinstance(before, generic.DictionaryObject) or not isinstance(after, generic.DictionaryObject):
            if before is not None or after is not None:
                raise _Foreign
            return
        if _place(catalog, "/AcroForm") != _place(new_catalog, "/AcroForm"):
            raise _Foreign
        self._judge_place(catalog, "/AcroForm")
        self._only(before, after, frozenset({"/Fields", "/SigFlags"}))
        if not isinstance(item_of(after, "/SigFlags"), int | None):
            raise _Foreign
        self._filled(before)
        for ref in self._appended(before, after, "/Fields"):
            self._timestamp_field(ref)

    def _filled(self, form: generic.DictionaryObject) -> None:
        """Empty signature fields of the sealed form that a timestamp fills; only ``/V`` is added."""
        for ref in self._written:
            before, after = self._before(ref), self._after(ref)
            if not isinstance(before, generic.DictionaryObject) or not isinstance(after, generic.DictionaryObject):
                continue
            if str(item_of(before, "/FT")) == "/Sig" and "/V" not in before and "/V" in after and form:
                self._only(before, after, frozenset({"/V"}))
                self._timestamp(after)
                self._judged.add(ref)

    def _timestamp_field(self, ref: Ref) -> None:
        """A new field: invisible, a document timestamp, nothing that acts or draws; its page only gains the widget."""
        field = self._new(ref)
        if not isinstance(field, generic.DictionaryObject) or isinstance(field, generic.StreamObject):
            raise _Foreign
        if not _FIELD.issuperset(field.keys() - _empty(field, "/MK")):
            raise _Foreign
        if field.get("/FT") != "/Sig" or field.get("/Subtype", "/Widget") != "/Widget":
            raise _Foreign
        if "/Rect" in field and not _is_nothing(field.raw_get("/Rect")):
            raise _Foreign
        self._timestamp(field)
        if "/P" in field:
            self._page(field.raw_get("/P"), ref)

    def _timestamp(self, field: generic.DictionaryObject) -> None:
        value = item_of(field, "/V")
        if not isinstance(value, generic.DictionaryObject) or str(item_of(value, "/SubFilter")) != TIMESTAMP_SUB_FILTER:
            raise _Foreign

    def _page(self, raw: generic.PdfObject, widget: Ref) -> None:
        """The page of a new widget: the same, with the widget at the end of its annotations or not at all."""
        page = _ref(raw)
        before, after = self._before(page), self._after(page)
        if not isinstance(before, generic.DictionaryObject) or not isinstance(after, generic.DictionaryObject):
            raise _Foreign
        if str(item_of(before, "/Type")) != "/Page" or isinstance(before, generic.StreamObject):
            raise _Foreign
        self._judged.add(page)
        self._only(before, after, frozenset({"/Annots"}))
        if "/Annots" not in before and "/Annots" not in after:
            return
        for ref in self._appended(before, after, "/Annots"):
            if ref != widget:
                self._timestamp_widget(ref)

    def _timestamp_widget(self, ref: Ref) -> None:
        """Another new annotation of the page: the widget of another new timestamp, which is judged as a field."""
        node = self._new(ref)
        fields = item_of(self._reader.root, "/AcroForm")
        listed = item_of(fields, "/Fields") if isinstance(fields, generic.DictionaryObject) else None
        if not isinstance(node, generic.DictionaryObject) or not isinstance(listed, generic.ArrayObject):
            raise _Foreign
        if not any(_is_ref(one, ref) for one in listed):
            raise _Foreign

    def _appended(self, before: generic.DictionaryObject, after: generic.DictionaryObject, key: str) -> list[Ref]:
        """What an array of references gained at its end; everything in front must be as it was."""
        old, new = item_of(before, key), item_of(after, key)
        old = generic.ArrayObject() if old is None else old
        if not isinstance(old, generic.ArrayObject) or not isinstance(new, generic.ArrayObject):
            raise _Foreign
        self._judge_place(before, key)
        if _place(after, key) != _place(before, key):
            self._in_a_new_place(after, key)
        if len(new) < len(old) or not all(_same(old.raw_get(n), new.raw_get(n)) for n in range(len(old))):
            raise _Foreign
        return [_ref(new.raw_get(n)) for n in range(len(old), len(new))]

    def _judge_place(self, owner: generic.DictionaryObject, key: str) -> None:
        """The object that ``key`` of ``owner`` refers to, if it is one, is compared by its own rule."""
        if (place := _place(owner, key)) is not None:
            self._judged.add(place)

    def _in_a_new_place(self, owner: generic.DictionaryObject, key: str) -> None:
        """What ``key`` refers to now is no object of the sealed revision that was written anew: others may use it."""
        place = _place(owner, key)
        if place is not None and place in self._written and self._before(place) is not None:
            raise _Foreign
        self._judge_place(owner, key)

    def _new(self, ref: Ref) -> generic.PdfObject | None:
        if self._before(ref) is not None:
            raise _Foreign
        return self._after(ref)

    def _overwritten(self, before: generic.DictionaryObject, after: generic.DictionaryObject, key: str) -> None:
        """What ``key`` refers to may be written anew, when the sealed revision uses it for nothing else."""
        for owner in (before, after):
            place = _place(owner, key)
            if place is not None and place in self._written and self._before(place) is not None:
                self._judged.add(place)
                self._private.add(place)

    def _only(self, before: object, after: object, allowed: AbstractSet[str]) -> None:
        """Raise unless two dictionaries differ in ``allowed`` keys alone."""
        if before is None and isinstance(after, generic.DictionaryObject) and allowed >= set(after):
            return
        if not isinstance(before, generic.DictionaryObject) or not isinstance(after, generic.DictionaryObject):
            raise _Foreign
        if isinstance(before, generic.StreamObject) or isinstance(after, generic.StreamObject):
            raise _Foreign
        for key in {*before, *after} - allowed:
            if key not in before or key not in after or not _same(before.raw_get(key), after.raw_get(key)):
                raise _Foreign

    def _nobody_waited(self) -> None:
        """The sealed revision refers to no number that was given only now, and uses what was overwritten once only."""
        new = {ref for ref in self._written if self._before(ref) is None and self._after(ref) is not None}
        sought = {number for number, _ in new | self._private}  # some readers pass over generations
        if sought and any(number in sought for number, _ in self._sealed_refs()):
            raise _Foreign

    def _sealed_refs(self) -> Iterator[Ref]:
        """Every reference in the sealed revision, but those through its store, packet, extensions and information."""
        catalog = self._old.root
        todo: list[generic.PdfObject] = [
            dict.__getitem__(catalog, key) for key in catalog if key not in {"/DSS", "/Extensions", "/Metadata"}
        ]
        seen: set[Ref] = set()
        while todo:
            node = todo.pop()
            if isinstance(node, generic.IndirectObject):
                ref = _ref(node)
                if ref in seen:
                    continue
                seen.add(ref)
                if len(seen) > MAX_WALKED:
                    raise _Foreign
                yield ref
                found = self._sealed(ref)
                todo += [] if found is None else [found]
            elif isinstance(node, generic.DictionaryObject):
                todo += dict.values(node)
            elif isinstance(node, generic.ArrayObject):
                todo += list.__iter__(node)


def _place(owner: generic.DictionaryObject, key: str) -> Ref | None:
    """The number that ``key`` refers to; None for a value of its own, or none."""
    raw = owner.raw_get(key) if key in owner else None
    return _ref(raw) if isinstance(raw, generic.IndirectObject) else None


def _ref(raw: generic.PdfObject) -> Ref:
    if not isinstance(raw, generic.IndirectObject):
        raise _Foreign
    return raw.idnum, raw.generation


def _is_ref(raw: object, ref: Ref) -> bool:
    return isinstance(raw, generic.IndirectObject) and (raw.idnum, raw.generation) == ref


def _empty(owner: generic.DictionaryObject, key: str) -> AbstractSet[str]:
    """``key``, if there is nothing in it: writers leave such behind."""
    held = item_of(owner, key)
    return frozenset({key}) if isinstance(held, generic.DictionaryObject) and not held else frozenset()


def _is_nothing(raw: object) -> bool:
    """Whether a rectangle is four plain numbers without an area."""
    if not isinstance(raw, generic.ArrayObject) or len(raw) != _RECT_NUMBERS:
        return False
    numbers = [raw.raw_get(n) for n in range(_RECT_NUMBERS)]
    if not all(isinstance(one, generic.NumberObject | generic.FloatObject) for one in numbers):
        return False
    left, low, right, high = map(float, numbers)
    return left == right and low == high


def _same(one: object, other: object) -> bool:
    """Whether two objects are written alike: references by their numbers, streams by their encoded bytes."""
    if isinstance(one, generic.IndirectObject) or isinstance(other, generic.IndirectObject):
        return isinstance(one, generic.IndirectObject) and _is_ref(other, (one.idnum, one.generation))
    if type(one) is not type(other):
        return False
    if isinstance(one, generic.DictionaryObject) and isinstance(other, generic.DictionaryObject):
        streams = isinstance(one, generic.StreamObject) and isinstance(other, generic.StreamObject)
        if streams and one.encoded_data != other.encoded_data:  # type: ignore[attr-defined]
            return False
        return one.keys() == other.keys() and all(_same(one.raw_get(key), other.raw_get(key)) for key in one)
    if isinstance(one, generic.ArrayObject) and isinstance(other, generic.ArrayObject):
        return len(one) == len(other) and all(_same(one.raw_get(n), other.raw_get(n)) for n in range(len(one)))
    return bool(one == other)
