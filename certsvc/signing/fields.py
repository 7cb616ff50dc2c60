"""Finds every signature of a file by walking its form, whatever its sub-filter.

pyHanko leaves out signatures whose ``/SubFilter`` it does not know, so that a file with an SM2 seal and a timestamp
looks as if it had a timestamp only (STANDARDS.md 4.6, RELIABILITY.md 1.1). Here nothing is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfError

if TYPE_CHECKING:
    from pyhanko.pdf_utils.reader import PdfFileReader

MAX_FIELDS = 10_000
"""Nodes of the form tree; stops forms made to be slow."""

MAX_DEPTH = 32
"""Depth of the form tree; stops recursion."""

MAX_SIGNATURES = 64
"""Signatures judged in one file; each costs a path validation (RELIABILITY S10: 10,000 signatures)."""

SES_SUB_FILTER = "/GM.sm2seal"
"""SES_Signature (GB/T 38540) straight in /Contents (STANDARDS.md 4.6)."""

VENDOR_CMS_SUB_FILTER = "/GM.sm2cms.detached"
"""CMS of GB/T 35275 (GM/T 0010) in /Contents."""

SEAL_SUB_FILTERS = frozenset({"/adbe.pkcs7.detached", "/ETSI.CAdES.detached", SES_SUB_FILTER, VENDOR_CMS_SUB_FILTER})
TIMESTAMP_SUB_FILTER = "/ETSI.RFC3161"


class TooComplex(ValueError):
    """The form is larger or deeper than the limits above, or loops."""


@dataclass(frozen=True, slots=True)
class FoundSignature:
    """One signature dictionary and the field that holds it.

    Attributes:
        field: the form field, or None for a signature that only ``/Perms`` mentions.
        kind: ``seal``, ``timestamp`` or ``unknown`` (a format that this room cannot judge).
    """

    name: str
    field: generic.DictionaryObject | None
    kind: str
    sub_filter: str


def find_signatures(reader: PdfFileReader) -> tuple[FoundSignature, ...]:
    """Every signature of the newest revision, in the order of the form.

    Raises:
        TooComplex: beyond the limits.
        PdfReadError: a broken form.
    """
    walk = _Walk()
    root = reader.root
    form = item_of(root, "/AcroForm")
    if isinstance(form, generic.DictionaryObject):
        walk.children(item_of(form, "/Fields"), "", None, 0)
    walk.permissions(item_of(root, "/Perms"))
    return tuple(walk.found)


def ends_at(found: FoundSignature) -> int:
    """Where a signature says that it ends, to sort by and nothing else; 0 when that cannot be read."""
    if found.field is None:
        return 0
    try:
        numbers = [int(number) for number in found.field["/V"]["/ByteRange"]]
        return sum(numbers[-2:])
    except (PdfError, ValueError, TypeError, KeyError, OverflowError):
        return 0


def item_of(node: generic.DictionaryObject, key: str) -> generic.PdfObject | None:
    """The value of ``key``, with references followed; ``DictionaryObject.get`` does not follow them."""
    return node[key] if key in node else None  # noqa: SIM401  (see above)


class _Walk:
    def __init__(self) -> None:
        self.found: list[FoundSignature] = []
        self._seen: set[object] = set()
        self._values: set[object] = set()
        self._count = 0

    def children(self, array: object, prefix: str, field_type: object, depth: int) -> None:
        if array is None:
            return
        if not isinstance(array, generic.ArrayObject) or depth > MAX_DEPTH:
            msg = "form fields are not an array, or nested too deep"
            raise TooComplex(msg)
        for index in range(len(array)):
            raw = array.raw_get(index)
            if isinstance(raw, generic.IndirectObject):
                if raw.reference in self._seen:
                    msg = "the form refers to a field twice"
                    raise TooComplex(msg)
                self._seen.add(raw.reference)
            node = raw.get_object()
            if isinstance(node, generic.DictionaryObject):
                self._node(node, prefix, field_type, depth)

    def _node(self, node: generic.DictionaryObject, prefix: str, field_type: object, depth: int) -> None:
        self._count += 1
        if self._count > MAX_FIELDS:
            msg = "too many form fields"
            raise TooComplex(msg)
        partial = item_of(node, "/T")
        name = ".".join(part for part in (prefix, str(partial) if partial is not None else "") if part)
        field_type = item_of(node, "/FT") if "/FT" in node else field_type
        if "/V" in node:
            value = node.raw_get("/V")
            # A dictionary as value is a signature, whatever /FT claims; a stream is the text of a text field.
            held = value.get_object()
            is_stream = isinstance(held, generic.StreamObject)
            if isinstance(held, generic.DictionaryObject) and (field_type == "/Sig" or not is_stream):
                self._value(value, held, node, name, is_signature_field=field_type == "/Sig")
        self.children(item_of(node, "/Kids"), name, field_type, depth + 1)

    def _value(
        self,
        raw: object,
        held: generic.DictionaryObject,
        node: generic.DictionaryObject | None,
        name: str,
        *,
        is_signature_field: bool,
    ) -> None:
        if len(self.found) >= MAX_SIGNATURES:
            msg = "too many signatures"
            raise TooComplex(msg)
        if isinstance(raw, generic.IndirectObject):
            self._values.add(raw.reference)
        sub_filter = str(item_of(held, "/SubFilter") or "")
        kind = "unknown"
        if is_signature_field and sub_filter in SEAL_SUB_FILTERS:
            kind = "seal"
        elif is_signature_field and sub_filter == TIMESTAMP_SUB_FILTER:
            kind = "timestamp"
        self.found.append(FoundSignature(name, node, kind, sub_filter.removeprefix("/")))

    def permissions(self, perms: object) -> None:
        """Signatures that ``/Perms`` names must be among those of the form (ISO 32000-2 §12.8.6)."""
        if not isinstance(perms, generic.DictionaryObject):
            return
        for key in perms:
            raw = perms.raw_get(key)
            if isinstance(raw, generic.IndirectObject) and raw.reference in self._values:
                continue
            held = raw.get_object()
            if isinstance(held, generic.DictionaryObject):
                self._value(raw, held, None, f"/Perms {key}", is_signature_field=False)
