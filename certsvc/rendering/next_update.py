"""One more signature on a finished file: an incremental update (ISO 32000-2 §7.5.6), written by hand.

The bytes that are there stay as they are, to the last; what follows them is the signature dictionary, its field, what
the field shows, and the dictionaries that name them. The update speaks the language of the file: a classic table after
a classic table, a cross-reference stream after one (§7.5.8.4). qpdf reads the file: it is lazy, so that only the pages
with marks cost anything, and 30 times as fast as a parser in Python. Nothing is repaired on the way: an update of a
file that needed repair would mean something else to another reader.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import pikepdf

from certsvc.errors import SigningError
from certsvc.rendering.next_objects import Objects, annotation_entries, field_lock, signature_object
from certsvc.rendering.pdf import text_string
from certsvc.seal.marks import NO_CHANGES, NextField
from certsvc.seal.prepared import PreparedPdf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certsvc.seal.marks import NextSignature, VisibleMark

MAX_FIELDS = 10_000
"""Nodes of the form that are walked; stops forms made to be slow."""
MAX_DEPTH = 32
"""Depth of the form; stops recursion."""
RECT_TOLERANCE = 0.5
"""Points by which a mark may miss the rectangle of the field that is there already."""

_START = re.compile(rb"startxref\s+(\d{1,12})\s+%%EOF\s*$")
_TAIL_BYTES = 1024
_SIGNATURES_EXIST, _APPEND_ONLY = 1, 2


def prepare_next(data: bytes, field: NextField, signature: NextSignature) -> PreparedPdf:
    """``data`` and an update with a hole for one more signature; see :mod:`certsvc.seal.marks` for an example.

    Raises:
        SigningError: a file that is broken or encrypted; that forbids this change (certified, locked); without an
            empty signature field of this name when none is to be made; or a mark on a page that is not there.
    """
    try:
        with pikepdf.open(io.BytesIO(data), attempt_recovery=False, suppress_warnings=True) as document:
            return _Update(data, document).with_signature(field, signature)
    except pikepdf.PasswordError as error:
        msg = "文件已加密，不能盖章：请提供未加密的原文件"
        raise SigningError(msg) from error
    except (pikepdf.PdfError, KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError) as error:
        msg = "文件结构无法续签：请确认是未损坏的 PDF"
        raise SigningError(msg) from error


def refuse_forbidden(document: pikepdf.Pdf) -> None:
    """SigningError when signatures of the file do not let a new field with marks be added."""
    form = document.Root.get("/AcroForm")
    found = list(_walk(form.get("/Fields"), "", [0], 0)) if isinstance(form, pikepdf.Dictionary) else []
    _refuse(document.Root, [one for _, one in found if _is_signed(one)], NextField(name=""), is_new=True, marked=True)


class _Update:
    """What one update changes in a file."""

    def __init__(self, data: bytes, document: pikepdf.Pdf) -> None:
        self._data, self._document = data, document
        if document.is_encrypted:
            msg = "文件已加密，不能盖章：请提供未加密的原文件"
            raise SigningError(msg)
        if not data.startswith(b"%PDF-") or document.get_warnings():
            msg = "not sound"
            raise ValueError(msg)
        self._trailer: Any = document.trailer
        self._root: Any = document.Root
        self._objects = Objects(int(self._trailer["/Size"]))
        self._annotations: dict[int, list[int]] = {}
        self._fields: list[int] = []

    def with_signature(self, field: NextField, signature: NextSignature) -> PreparedPdf:
        found = self._form_fields()
        signed = [one for _, one in found if _is_signed(one)]
        if signature.docmdp and signed:
            msg = "文件已有签名，认证签名只能是第一个签名"
            raise SigningError(msg)
        same = next((one for name, one in found if name == field.name), None)
        _refuse(self._root, signed, field, is_new=same is None, marked=bool(field.marks))
        number = self._objects.new()
        if same is not None:
            self._sign_field(same, field, number)
        elif field.create:
            self._add_field(field, number, signed=bool(signed))
        else:
            msg = f"文件没有名为 {field.name} 的空签名域"
            raise SigningError(msg)
        for later in signature.later:
            if any(name == later.name for name, _ in found) or later.name == field.name:
                msg = f"文件已有名为 {later.name} 的域"
                raise SigningError(msg)
            self._add_field(later, None, signed=bool(signed))
        root = _reference(self._root)
        body, hole = signature_object(signature, root if field.lock else b"")
        self._objects.put((number, 0), body)
        self._write_pages()
        self._write_catalog(b"%d 0 R" % number if signature.docmdp else b"")
        return self._written(number, hole)

    def _form_fields(self) -> list[tuple[str, Any]]:
        form = self._root.get("/AcroForm")
        if not isinstance(form, pikepdf.Dictionary):
            return []
        return list(_walk(form.get("/Fields"), "", [0], 0))

    def _sign_field(self, node: Any, field: NextField, number: int) -> None:
        kind = str(node.get("/FT", ""))
        if not node.is_indirect or kind != "/Sig" or "/V" in node:
            msg = f"域 {field.name} 不是空的签名域"
            raise SigningError(msg)
        more = b"/V %d 0 R" % number
        if field.marks:
            more += self._own_appearance(node, field)
        if field.lock:
            more += field_lock()
        self._objects.put(node.objgen, _with(node, more, "/AP", *(["/Lock"] if field.lock else [])))

    def _own_appearance(self, node: Any, field: NextField) -> bytes:
        """The appearance of a field that is its own widget, in the place that the file gives it."""
        rect = node.get("/Rect")
        fits = len(field.marks) == 1 and rect is not None and field.marks[0].drawing is not None
        if not fits or any(
            abs(float(has) - want) > RECT_TOLERANCE for has, want in zip(rect, field.marks[0].rect, strict=True)
        ):
            msg = f"域 {field.name} 的位置由文件给定，只能在该位置放一个印章图样"
            raise SigningError(msg)
        drawing = field.marks[0].drawing
        return b"/AP<</N %d 0 R>>" % self._objects.drawing(drawing) if drawing is not None else b""

    def _add_field(self, field: NextField, value: int | None, *, signed: bool) -> None:
        """A new field and its marks.

        The first mark is the field's own widget. The others are stamp annotations, which belong to no field: every
        reader shows them and one signature. After a signature of others no annotation may be added but the widgets of
        a new field, so that there all marks are kids of the field. They do not name their ``/Parent``, as they should:
        poppler (Evince, Okular, pdfsig) takes kids that do for fields of their own and then finds no signature.
        """
        entries = b"/FT/Sig/T%b" % text_string(field.name)
        if value is not None:
            entries += b"/V %d 0 R" % value
        if field.lock:
            entries += field_lock()
        number = self._objects.new()
        self._fields.append(number)
        if not field.marks:
            page = self._page(0)
            self._annotations.setdefault(0, []).append(number)
            self._objects.put(
                (number, 0), b"<<%b%b>>" % (annotation_entries("Widget", _reference(page), None, None), entries)
            )
            return
        first, *others = field.marks
        if not others or not signed:
            self._objects.put((number, 0), b"<<%b%b>>" % (self._widget(first, number), entries))
            for mark in others:
                kid = self._objects.new()
                self._objects.put((kid, 0), b"<<%b>>" % self._widget(mark, kid, kind="Stamp"))
            return
        kids = []
        for mark in field.marks:
            kid = self._objects.new()
            kids.append(b"%d 0 R" % kid)
            self._objects.put((kid, 0), b"<<%b/FT/Sig>>" % self._widget(mark, kid))
        self._objects.put((number, 0), b"<<%b/Kids[%b]>>" % (entries, b" ".join(kids)))

    def _widget(self, mark: VisibleMark, number: int, *, kind: str = "Widget") -> bytes:
        page = self._page(mark.page)
        self._annotations.setdefault(mark.page, []).append(number)
        drawn = self._objects.drawing(mark.drawing) if mark.drawing is not None else None
        return annotation_entries(kind, _reference(page), mark.rect, drawn)

    def _page(self, index: int) -> Any:
        pages = self._document.pages
        if not 0 <= index < len(pages):
            msg = f"文件只有 {len(pages)} 页，没有第 {index + 1} 页"
            raise SigningError(msg)
        page = pages[index].obj
        if not page.is_indirect or page.objgen[0] >= int(self._trailer["/Size"]):
            msg = "a page that is not an object of the file"
            raise ValueError(msg)
        return page

    def _write_pages(self) -> None:
        for index, numbers in self._annotations.items():
            page = self._page(index)
            kept = page.get("/Annots")
            # Always an array of the page's own: one that two pages share would show the mark twice.
            listed = b"" if kept is None else kept.unparse(resolved=True).strip().removeprefix(b"[").removesuffix(b"]")
            more = b"/Annots[%b %b]" % (listed, b" ".join(b"%d 0 R" % number for number in numbers))
            self._objects.put(page.objgen, _with(page, more, "/Annots"))

    def _write_catalog(self, certification: bytes) -> None:
        """The catalog with ``/Perms`` of a certification, and the form with its new fields; only what changes."""
        more, gone = b"", []
        if certification:
            perms = self._root.get("/Perms")
            entries = _with(perms, b"", "/DocMDP") if isinstance(perms, pikepdf.Dictionary) else b"<<>>"
            more += b"/Perms%b/DocMDP %b>>" % (entries[:-2], certification)
            gone.append("/Perms")
        if self._fields:
            form = self._root.get("/AcroForm")
            kept = form.get("/Fields") if isinstance(form, pikepdf.Dictionary) else None
            listed = b"" if kept is None else kept.unparse(resolved=True).strip().removeprefix(b"[").removesuffix(b"]")
            fields = b"/Fields[%b %b]" % (listed, b" ".join(b"%d 0 R" % number for number in self._fields))
            fields += b"/SigFlags %d" % (_SIGNATURES_EXIST | _APPEND_ONLY)
            body = _with(form, fields, "/Fields", "/SigFlags") if form is not None else b"<<%b>>" % fields
            if form is not None and form.is_indirect:
                self._objects.put(form.objgen, body)
            else:
                more += b"/AcroForm" + body
                gone.append("/AcroForm")
        if more:
            self._objects.put(self._root.objgen, _with(self._root, more, *gone))

    def _written(self, signature: int, hole: tuple[int, int, int]) -> PreparedPdf:
        found = _START.search(self._data, max(0, len(self._data) - _TAIL_BYTES))
        if found is None:
            msg = "no end"
            raise ValueError(msg)
        previous = int(found[1])
        keep = b"".join(
            key.encode("ascii") + b" " + self._trailer[key].unparse()
            for key in ("/Root", "/Info", "/ID")
            if key in self._trailer
        )
        classic = self._data[previous : previous + 4] == b"xref"
        return self._objects.append_to(
            self._data,
            signature,
            hole,
            previous=previous,
            trailer=keep,
            classic=classic,
            pages=len(self._document.pages),
        )


def _refuse(root: Any, signed: list[Any], field: NextField, *, is_new: bool, marked: bool) -> None:
    """What signatures before this one do not let happen, in the reading of the strictest verifier."""
    for one in signed:
        lock = one.get("/Lock", {})
        if int(lock.get("/P", 0)) == NO_CHANGES:
            raise SigningError("文件已由最后的签名锁定且不允许任何修改，不能再盖章")
        for reference in one["/V"].get("/Reference", []):
            method, how = str(reference.get("/TransformMethod", "")), reference.get("/TransformParams", {})
            if method == "/DocMDP":
                if int(how.get("/P", 2)) == NO_CHANGES:
                    raise SigningError("文件已认证且不允许任何修改，不能再盖章")
                if is_new and marked:
                    raise SigningError("文件已认证，只允许在预留的签名域签名，不能另加印章图样")
            elif method == "/FieldMDP" and _locks(how, field.name):
                raise SigningError("文件的签名已锁定表单域，不能再盖章")
    perms = root.get("/Perms", {})
    if "/DocMDP" in perms and not any(_same(perms["/DocMDP"], one["/V"]) for one in signed):
        raise SigningError("文件的认证签名不在表单中，无法判断是否允许盖章")


def _is_signed(node: Any) -> bool:
    return isinstance(node.get("/V"), pikepdf.Dictionary) and str(node.get("/FT", "")) == "/Sig"


def _locks(how: Any, name: str) -> bool:
    """Whether a FieldMDP transform covers the field ``name`` (ISO 32000-2 table 258)."""
    action, listed = str(how.get("/Action", "/All")), {str(one) for one in how.get("/Fields", [])}
    return action == "/All" or (name in listed) == (action == "/Include")


def _walk(array: Any, prefix: str, count: list[int], depth: int) -> Iterator[tuple[str, Any]]:
    """Every field with its full name; ValueError beyond the limits."""
    if array is None:
        return
    if not isinstance(array, pikepdf.Array) or depth > MAX_DEPTH:
        msg = "form fields are not an array, or nested too deep"
        raise ValueError(msg)
    for node in array:
        count[0] += 1
        if count[0] > MAX_FIELDS or not isinstance(node, pikepdf.Dictionary):
            msg = "too many form fields, or one that is none"
            raise ValueError(msg)
        if "/T" in node:
            name = ".".join(part for part in (prefix, str(node["/T"])) if part)
            yield name, node
            yield from _walk(node.get("/Kids"), name, count, depth + 1)


def _same(one: Any, other: Any) -> bool:
    return bool(one.is_indirect and other.is_indirect and one.objgen == other.objgen)


def _reference(item: Any) -> bytes:
    if not item.is_indirect:
        msg = "an object that must stand by itself does not"
        raise ValueError(msg)
    return b"%d %d R" % item.objgen


def _with(node: Any, more: bytes, *gone: str) -> bytes:
    """A dictionary in PDF syntax without the keys ``gone`` and with the entries ``more``; references stay."""
    copy = pikepdf.Dictionary(node)
    for key in gone:
        if key in copy:
            del copy[key]
    body: bytes = copy.unparse(resolved=True)
    end = body.rindex(b">>")
    return body[:end] + more + b">>"
