"""The objects of an incremental update: numbers, drawings, the signature dictionary with its hole, and the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.rendering.pdf import date_string, name, num, text_string
from certsvc.rendering.signature_dictionary import MAX_RESERVED_BYTES
from certsvc.seal.marks import NO_CHANGES
from certsvc.seal.prepared import PreparedPdf

if TYPE_CHECKING:
    from certsvc.seal.marks import Box, Drawing, NextSignature

RANGE_WIDTH = 32
"""Room for three ten-digit numbers and the blanks between them."""
FLAGS = {"Widget": 132, "Stamp": 196}
"""Print and Locked; a stamp is read-only besides, since no field says so for it (ISO 32000-2 table 167)."""

_RANGE_KEY = b"/ByteRange[0 "
_OFFSET_BYTES = 5
"""Bytes of an offset in a cross-reference stream: files of a terabyte, and no width to be computed."""


class Objects:
    """Numbers and bodies of the objects of one update."""

    def __init__(self, size: int) -> None:
        """Go on after a file whose trailer says ``size``."""
        self._size = size
        self._bodies: dict[tuple[int, int], bytes] = {}
        self._drawn: dict[int, int] = {}
        self._kept: list[Drawing] = []

    def new(self) -> int:
        """A number that the file does not use."""
        self._size += 1
        return self._size - 1

    def put(self, place: tuple[int, int], body: bytes) -> None:
        """Write an object under its number and generation."""
        self._bodies[place] = body

    def drawing(self, drawing: Drawing) -> int:
        """The number of a drawing; one that was written is written once."""
        found = self._drawn.get(id(drawing))
        if found is not None:
            return found
        number = self.new()
        self._drawn[id(drawing)] = number
        self._kept.append(drawing)  # an id is given anew when its object is gone
        parts = b"".join(b"%b %d 0 R" % (name(key), self.drawing(part)) for key, part in drawing.parts)
        resources = b""
        if b"/Subtype/Form" in drawing.head:
            states = b"/ExtGState<<%b>>" % drawing.states if drawing.states else b""
            objects = b"/XObject<<%b>>" % parts if parts else b""
            resources = b"/Resources<<%b%b>>" % (states, objects)
        mask = b"/SMask %d 0 R" % self.drawing(drawing.mask) if drawing.mask is not None else b""
        body = b"<<%b%b%b/Length %d>>stream\n%b\nendstream"
        self.put((number, 0), body % (drawing.head, resources, mask, len(drawing.data), drawing.data))
        return number

    def append_to(
        self,
        data: bytes,
        signature: int,
        hole: tuple[int, int, int],
        *,
        previous: int,
        trailer: bytes,
        classic: bool,
        pages: int,
    ) -> PreparedPdf:
        """``data`` with the update behind it; ``hole`` is where its range and its first and last byte are."""
        table = self.new() if not classic else 0
        first = data if data.endswith(b"\n") else data + b"\n"
        parts, position = [first], len(first)
        offsets: dict[tuple[int, int], int] = {}
        hole_start = range_at = 0
        for (number, generation), body in sorted(self._bodies.items()):
            offsets[number, generation] = position
            head = b"%d %d obj\n" % (number, generation)
            if number == signature:
                range_at = position + len(head) + hole[0]
                hole_start = position + len(head) + hole[1]
            part = head + body + b"\nendobj\n"
            parts.append(part)
            position += len(part)
        ends = b"/Size %d/Prev %d%b" % (self._size, previous, trailer)
        if classic:
            parts.append(_table(offsets) + b"trailer\n<<%b>>" % ends)
        else:
            offsets[table, 0] = position
            parts.append(b"%d 0 obj\n%b\nendobj" % (table, _stream(offsets, ends)))
        parts.append(b"\nstartxref\n%d\n%%%%EOF\n" % position)
        out = bytearray(b"".join(parts))
        hole_end = hole_start + hole[2] - hole[1]
        numbers = b"%d %d %d" % (hole_start, hole_end, len(out) - hole_end)
        out[range_at : range_at + RANGE_WIDTH] = numbers.ljust(RANGE_WIDTH)
        return PreparedPdf(data=bytes(out), hole_start=hole_start, hole_end=hole_end, page_count=pages)


def signature_object(signature: NextSignature, locked_root: bytes) -> tuple[bytes, tuple[int, int, int]]:
    """The dictionary with blanks for the range and zeros for the signature; where its range and its hole are.

    ``locked_root`` is the reference to the catalog when the signature locks every field, else empty.
    """
    if not 1 <= signature.reserved_bytes <= MAX_RESERVED_BYTES:
        msg = f"reserved_bytes must be 1..{MAX_RESERVED_BYTES}, not {signature.reserved_bytes}"
        raise RuntimeError(msg)
    before = b"<</Type%b/Filter%b/SubFilter%b" % tuple(
        name(part) for part in (signature.kind, signature.filter, signature.sub_filter)
    )
    before += _RANGE_KEY
    range_at = len(before)
    before += b" " * RANGE_WIDTH + b"]/Contents"
    hole = b"<" + b"0" * (2 * signature.reserved_bytes) + b">"
    after = b"/M%b" % date_string(signature.signed_at)
    for key, text in (("/Name", signature.signer), ("/Reason", signature.reason), ("/Location", signature.location)):
        if text:
            after += key.encode("ascii") + text_string(text)
    if signature.docmdp or locked_root:
        after += b"/Reference[%b%b]" % (_docmdp(signature.docmdp), _fieldmdp(locked_root))
    return before + hole + after + b">>", (range_at, len(before), len(before) + len(hole))


def _docmdp(permission: int) -> bytes:
    if not permission:
        return b""
    return b"<</Type/SigRef/TransformMethod/DocMDP/TransformParams<</Type/TransformParams/P %d/V/1.2>>>>" % permission


def _fieldmdp(root: bytes) -> bytes:
    """All fields are locked (§12.8.2.4); P is what Acrobat writes beside it, and what pyHanko and others look for."""
    if not root:
        return b""
    how = b"<</Type/TransformParams/Action/All/P %d/V/1.2>>" % NO_CHANGES
    return b"<</Type/SigRef/TransformMethod/FieldMDP/Data %b/TransformParams%b>>" % (root, how)


def field_lock() -> bytes:
    """The ``/Lock`` entry of the last signer's field (§12.7.5.5, table 236)."""
    return b"/Lock<</Type/SigFieldLock/Action/All/P %d>>" % NO_CHANGES


def annotation_entries(kind: str, page: bytes, rect: Box | None, appearance: int | None) -> bytes:
    """What a widget or a stamp annotation says of itself; without ``rect`` it is invisible."""
    box = " ".join(num(v) for v in rect) if rect is not None else "0 0 0 0"
    drawn = b"/AP<</N %d 0 R>>" % appearance if appearance is not None else b""
    head = f"/Type/Annot/Subtype/{kind}/F {FLAGS[kind]}/Rect[{box}]/P ".encode("ascii")
    return head + page + drawn


def _runs(offsets: dict[tuple[int, int], int]) -> list[list[tuple[int, int, int]]]:
    """Objects in runs of consecutive numbers: number, generation, offset."""
    runs: list[list[tuple[int, int, int]]] = []
    for (number, generation), offset in sorted(offsets.items()):
        if not runs or runs[-1][-1][0] + 1 != number:
            runs.append([])
        runs[-1].append((number, generation, offset))
    return runs


def _table(offsets: dict[tuple[int, int], int]) -> bytes:
    sections = [
        b"%d %d\n%b" % (run[0][0], len(run), b"".join(b"%010d %05d n \n" % (at, gen) for _, gen, at in run))
        for run in _runs(offsets)
    ]
    return b"xref\n" + b"".join(sections)


def _stream(offsets: dict[tuple[int, int], int], ends: bytes) -> bytes:
    """A cross-reference stream (§7.5.8): one byte of kind, the offset, two bytes of generation."""
    runs = _runs(offsets)
    index = " ".join(f"{run[0][0]} {len(run)}" for run in runs).encode("ascii")
    rows = b"".join(
        b"\x01" + at.to_bytes(_OFFSET_BYTES, "big") + gen.to_bytes(2, "big") for run in runs for _, gen, at in run
    )
    head = b"/Type/XRef/W[1 %d 2]/Index[%b]%b/Length %d" % (_OFFSET_BYTES, index, ends, len(rows))
    return b"<<%b>>stream\n%b\nendstream" % (head, rows)
