"""What a PDF is to an archive: its format, its fonts, what acts in it, what it says about itself. Runs in a worker."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import orjson
import pikepdf
import pypdfium2 as pdfium

from certsvc.errors import RenderingError
from certsvc.rendering.metadata import ATTACHMENT, MAX_METADATA_BYTES
from certsvc.rendering.upload_check import MAX_NODES, Judged, TooComplex, Walk, fonts_are_embedded
from certsvc.rendering.upload_text import TooMuchText, text_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_XMP_BYTES = 1024 * 1024
"""Ours has some 10 kB; a longer one is not looked at, and then claims nothing."""
MAX_NAME = 200
EVERYWHERE = (-1e6, -1e6, 1e6, 1e6)
ATTACHED = "embedded_files"
UNEMBEDDED = "unembedded_fonts"
"""Of :data:`.upload_check.TEXT`: these two are told apart from what acts."""

_PART = re.compile(rb"pdfaid:part(?:>|\s*=\s*[\"'])\s*([1-4])")
_LEVEL = re.compile(rb"pdfaid:conformance(?:>|\s*=\s*[\"'])\s*([ABUEF])")


def pdf_facts(data: bytes) -> dict[str, Any]:
    """The fields of :class:`~certsvc.license.archives.PdfFacts`, as plain values.

    Raises:
        RenderingError: it cannot be read, is locked, or is made to cost time.
    """
    try:
        with pikepdf.open(io.BytesIO(data), attempt_recovery=False, suppress_warnings=True) as document:
            found, drawn_without = _facts(document)
        # A font that is only listed does no harm; whether text uses it is asked of PDFium.
        embedded = found["fonts_embedded"] or _is_only_listed(data)
    except (TooComplex, TooMuchText, RecursionError) as error:
        raise RenderingError("文件过于复杂") from error
    except Exception as error:  # whatever a damaged file makes the parser raise
        raise RenderingError("文件无法读取") from error
    return {**found, "fonts_embedded": embedded and not drawn_without}


def _facts(document: pikepdf.Pdf) -> tuple[dict[str, Any], bool]:
    """The facts, and whether patterns or glyphs draw with fonts that are not there, which PDFium counts as no text."""
    judged = Judged()
    Walk(judged).through(document.Root)
    attached: dict[str, bytes] = {}
    embedded = True
    for node in _dictionaries(document):
        if "/EF" in node:
            attached[str(node.get("/UF", node.get("/F", "")))[:MAX_NAME]] = _bytes_of(node["/EF"])
        fonts = node.get("/Font")
        if isinstance(fonts, pikepdf.Dictionary) and not fonts_are_embedded(node):
            embedded = False
    facts = {
        "pages": len(document.pages),
        "encrypted": document.is_encrypted,
        "pdfa": _claimed(document),
        "fonts_embedded": embedded,
        "active": [code for code in judged.codes if code not in (ATTACHED, UNEMBEDDED)],
        "attachments": sorted(attached),
        "metadata": _metadata(attached.get(ATTACHMENT, b"")),
    }
    return facts, UNEMBEDDED in judged.codes


def _is_only_listed(data: bytes) -> bool:
    document = pdfium.PdfDocument(data)
    try:
        return text_problem(document, [EVERYWHERE] * len(document)) == ""
    finally:
        document.close()


def _dictionaries(document: pikepdf.Pdf) -> Iterator[Any]:
    """Every dictionary, also those within others and within arrays."""
    count, pending = 0, [thing for thing in document.objects if _holds(thing)]
    while pending:
        node = pending.pop()
        count += 1
        if count > MAX_NODES:
            raise TooComplex
        inner = list(node) if isinstance(node, pikepdf.Array) else [node[key] for key in node.keys()]  # noqa: SIM118
        pending += [one for one in inner if _holds(one) and not one.is_indirect]
        if not isinstance(node, pikepdf.Array):
            yield node


def _holds(value: Any) -> bool:
    return isinstance(value, pikepdf.Dictionary | pikepdf.Array | pikepdf.Stream)


def _bytes_of(files: Any) -> bytes:
    stream = files.get("/UF", files.get("/F")) if isinstance(files, pikepdf.Dictionary) else None
    if not isinstance(stream, pikepdf.Stream) or int(stream.get("/Length", 0)) > MAX_METADATA_BYTES:
        return b""
    data = bytes(stream.read_bytes())
    return data if len(data) <= MAX_METADATA_BYTES else b""


def _claimed(document: pikepdf.Pdf) -> str:
    stream = document.Root.get("/Metadata")
    if not isinstance(stream, pikepdf.Stream) or int(stream.get("/Length", 0)) > MAX_XMP_BYTES:
        return ""
    xmp = bytes(stream.read_bytes())
    part, level = _PART.search(xmp), _LEVEL.search(xmp)
    return (part[1] + (level[1] if level else b"")).decode("ascii") if part else ""


def _metadata(data: bytes) -> dict[str, str]:
    try:
        found = orjson.loads(data or b"{}")
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, str)}
