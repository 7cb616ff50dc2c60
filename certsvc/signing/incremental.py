"""One more signature on a finished file: an incremental update by hand (ISO 32000-2 §7.5.6), classic xref only.

The sealed bytes stay as they are, to the last; what follows them is the signature dictionary, its field, and, only when
the field is new, the page's ``/Annots`` and the form's ``/Fields``. A license that several seals sign has the later
fields on its first revision already (DESIGN.md 4), so that the certification's P=2 is kept in the strictest reading.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader

from certsvc.clock import check_aware
from certsvc.errors import SigningError
from certsvc.seal.prepared import PreparedPdf
from certsvc.signing.fields import MAX_FIELDS, item_of

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.seal.model import Seal
    from certsvc.signing.sealer import LicenseSealer

_RANGE_WIDTH = 32
_NO_CHANGES = 1
_FLAGS = 132
"""Print and Locked (ISO 32000-2 table 167)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NextField:
    """The field of a later signature.

    Attributes:
        name: name of the form field.
        create: make an invisible one when the file has none of that name; a certified page should bring it along.
    """

    name: str
    create: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class NextSignature:
    """A signature dictionary to be written: names of handler and form, time, signer, and the size of its hole."""

    filter: str
    sub_filter: str
    signed_at: datetime
    signer: str
    reserved_bytes: int
    kind: str = "Sig"


def seal_twice(
    sealer: LicenseSealer,
    prepared: PreparedPdf,
    seals: tuple[tuple[Seal, str], tuple[Seal, str]],
    field: NextField,
    *,
    signed_at: datetime,
) -> bytes:
    """The page with two seals: for readers abroad first (RSA or P-256, certification with P=2), then SM2.

    ``seals`` are pairs of a seal and a format's name, in the order of signing. Each is one use of its key.

    Raises:
        SigningError: a seal cannot sign (see :meth:`~certsvc.signing.sealer.LicenseSealer.seal`), the first one allows
            no changes, or the field is missing or taken.
    """
    (first, first_format), (second, second_format) = seals
    sealed = sealer.seal(prepared, first, first_format, signed_at=signed_at)
    again = prepare_next(
        sealed,
        field,
        NextSignature(
            filter=sealer.filter(second_format),
            sub_filter=sealer.sub_filter(second_format),
            signed_at=signed_at,
            signer=second.name,
            reserved_bytes=sealer.reserved_bytes(second, second_format),
        ),
    )
    return sealer.seal(again, second, second_format, signed_at=signed_at)


def prepare_next(data: bytes, field: NextField, signature: NextSignature) -> PreparedPdf:
    """``data`` and an update with a hole for one more signature.

    Raises:
        SigningError: a file that is broken, encrypted or without a classic xref; certified against any change; or
            without an empty signature field of this name.
    """
    try:
        reader = PdfFileReader(io.BytesIO(data), strict=True)
        return _Update(data, reader).with_signature(field, signature)
    except (PdfError, KeyError, ValueError, TypeError) as error:
        msg = "文件结构无法续签：请确认是未损坏的 PDF"
        raise SigningError(msg) from error


class _Update:
    """The objects of one update and where they go."""

    def __init__(self, data: bytes, reader: PdfFileReader) -> None:
        self._data = data
        self._reader = reader
        self._objects: dict[int, bytes] = {}
        self._previous = int(data.rsplit(b"startxref", 1)[1].split()[0])
        if reader.encrypt_dict is not None or data[self._previous : self._previous + 4] != b"xref":
            msg = "文件已加密或使用压缩交叉引用表，不能直接续签"
            raise SigningError(msg)
        self._refuse_certified()
        self._size = int(reader.trailer["/Size"])

    def with_signature(self, field: NextField, signature: NextSignature) -> PreparedPdf:
        number = self._new_number()
        body, hole = signature_dictionary(signature)
        found = self._field(field.name)
        if found is not None:
            self._sign_field(found, number)
        elif field.create:
            self._add_field(field.name, number)
        else:
            msg = f"文件没有名为 {field.name} 的空签名域"
            raise SigningError(msg)
        self._objects[number] = body
        return self._written(number, hole)

    def _refuse_certified(self) -> None:
        perms = item_of(self._reader.root, "/Perms")
        if not isinstance(perms, generic.DictionaryObject) or "/DocMDP" not in perms:
            return
        for reference in perms["/DocMDP"]["/Reference"]:
            parameters = reference["/TransformParams"]
            if reference["/TransformMethod"] == "/DocMDP" and int(parameters.get("/P", 2)) == _NO_CHANGES:
                msg = "文件已认证且不允许任何修改，不能再盖章"
                raise SigningError(msg)

    def _field(self, name: str) -> generic.IndirectObject | None:
        form = item_of(self._reader.root, "/AcroForm")
        for reference in _items(form, "/Fields")[:MAX_FIELDS]:
            node = reference.get_object()  # type: ignore[no-untyped-call]
            if str(item_of(node, "/T") or "") != name:
                continue
            kind = str(item_of(node, "/FT"))
            if not isinstance(reference, generic.IndirectObject) or kind != "/Sig" or "/V" in node:
                msg = f"域 {name} 不是空的签名域"
                raise SigningError(msg)
            return reference
        return None

    def _sign_field(self, reference: generic.IndirectObject, number: int) -> None:
        node = _copy(reference.get_object())  # type: ignore[no-untyped-call]
        node[generic.NameObject("/V")] = _reference(number, self._reader)
        self._objects[reference.idnum] = _bytes_of(node)

    def _add_field(self, name: str, number: int) -> None:
        widget = self._new_number()
        root, page = self._reader.root, self._reader.root["/Pages"]["/Kids"].raw_get(0)
        while "/Kids" in page.get_object():
            page = page.get_object()["/Kids"].raw_get(0)
        self._objects[widget] = b"<</Type/Annot/Subtype/Widget/FT/Sig/T%b/F %d/Rect[0 0 0 0]/P %d 0 R/V %d 0 R>>" % (
            _bytes_of(generic.TextStringObject(name)),
            _FLAGS,
            page.idnum,
            number,
        )
        reference = _reference(widget, self._reader)
        self._objects[page.idnum] = self._extended(page.get_object(), "/Annots", reference)
        form = _copy(item_of(root, "/AcroForm"))
        form[generic.NameObject("/SigFlags")] = generic.NumberObject(3)  # type: ignore[no-untyped-call]
        extended = self._extended(form, "/Fields", reference)
        raw = root.raw_get("/AcroForm") if "/AcroForm" in root else None
        if isinstance(raw, generic.IndirectObject):
            self._objects[raw.idnum] = extended
            return
        catalog = _copy(root)
        catalog[generic.NameObject("/AcroForm")] = _Raw(extended)
        self._objects[self._reader.trailer.raw_get("/Root").idnum] = _bytes_of(catalog)

    def _extended(self, node: generic.DictionaryObject, key: str, item: generic.IndirectObject) -> bytes:
        """``node`` with ``item`` at the end of its array ``key``."""
        copy = _copy(node)
        copy[generic.NameObject(key)] = generic.ArrayObject([*_items(node, key), item])
        return _bytes_of(copy)

    def _new_number(self) -> int:
        self._size += 1
        return self._size - 1

    def _written(self, signature: int, hole: tuple[int, int]) -> PreparedPdf:
        out = bytearray(self._data if self._data.endswith(b"\n") else self._data + b"\n")
        offsets, hole_start = {}, 0
        for number, body in sorted(self._objects.items()):
            offsets[number] = len(out)
            head = b"%d 0 obj\n" % number
            if number == signature:
                hole_start = len(out) + len(head) + hole[0]
            out += head + body + b"\nendobj\n"
        xref = len(out)
        out += b"xref\n" + b"".join(b"%d 1\n%010d 00000 n \n" % pair for pair in sorted(offsets.items()))
        trailer = self._reader.trailer
        keep = b"".join(
            b"%b %b" % (key.encode("ascii"), _bytes_of(trailer.raw_get(key)))
            for key in ("/Root", "/Info", "/ID")
            if key in trailer
        )
        out += b"trailer\n<</Size %d/Prev %d%b>>\nstartxref\n%d\n%%%%EOF\n" % (self._size, self._previous, keep, xref)
        hole_end = hole_start + hole[1] - hole[0]
        numbers = b"%d %d %d" % (hole_start, hole_end, len(out) - hole_end)
        place = out.index(b"/ByteRange[0 ", offsets[signature]) + len(b"/ByteRange[0 ")
        out[place : place + _RANGE_WIDTH] = numbers.ljust(_RANGE_WIDTH)
        return PreparedPdf(data=bytes(out), hole_start=hole_start, hole_end=hole_end)


def signature_dictionary(signature: NextSignature) -> tuple[bytes, tuple[int, int]]:
    """The dictionary with blanks for the byte range and zeros for the signature, and where its hole is."""
    before = b"<</Type/%b/Filter/%b/SubFilter/%b/ByteRange[0 %b]/Contents" % (
        signature.kind.encode("ascii"),
        signature.filter.encode("ascii"),
        signature.sub_filter.encode("ascii"),
        b" " * _RANGE_WIDTH,
    )
    hole = b"<" + b"0" * (2 * signature.reserved_bytes) + b">"
    time = check_aware(signature.signed_at).strftime("(D:%Y%m%d%H%M%SZ)").encode("ascii")
    name = b"/Name%b" % _bytes_of(generic.TextStringObject(signature.signer)) if signature.signer else b""
    return before + hole + b"/M%b%b>>" % (time, name), (len(before), len(before) + len(hole))


class _Raw(generic.PdfObject):
    """Bytes that are an object already."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def write_to_stream(self, stream: io.BytesIO, *_: object, **__: object) -> None:
        stream.write(self._body)


def _reference(number: int, reader: PdfFileReader) -> generic.IndirectObject:
    return generic.IndirectObject(number, 0, reader)  # type: ignore[no-untyped-call]


def _copy(node: object) -> generic.DictionaryObject:
    """A dictionary with the same entries, references left as they are."""
    given = node if isinstance(node, generic.DictionaryObject) else {}
    return generic.DictionaryObject(given)  # type: ignore[no-untyped-call]


def _items(node: object, key: str) -> list[generic.PdfObject]:
    """The entries of the array ``key``, references left as they are."""
    array = item_of(node, key) if isinstance(node, generic.DictionaryObject) else None
    return [array.raw_get(index) for index in range(len(array))] if isinstance(array, generic.ArrayObject) else []


def _bytes_of(item: generic.PdfObject) -> bytes:
    out = io.BytesIO()
    item.write_to_stream(out, None)
    return out.getvalue()
