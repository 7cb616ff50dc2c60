"""What workers do with an upload: judge it, find a keyword, draw a page, compare pages, write the update.

An answer is a 4-byte length, that many bytes of JSON, and what is no JSON (a picture, an update). A refusal is an
answer too: nothing of what goes wrong over a file may look like a worker that died.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import pypdfium2 as pdfium

from certsvc.errors import CertsvcError, SigningError
from certsvc.rendering.archive_facts import pdf_facts
from certsvc.rendering.copy_source import read_source
from certsvc.rendering.differences import changed_pages
from certsvc.rendering.mark_wire import load_job
from certsvc.rendering.next_update import prepare_next
from certsvc.rendering.raster import preview_png
from certsvc.rendering.upload_check import MAX_PAGES, TEXT, judge_upload
from certsvc.rendering.upload_text import TooMuchText, find_keyword

if TYPE_CHECKING:
    from collections.abc import Callable

ANSWER = "certsvc.rendering.upload_worker:answer"
"""How a pool names :func:`answer`."""

_LENGTH = struct.Struct(">I")


def answer(request: dict[str, Any], data: bytes) -> bytes:
    """The answer to one request."""
    try:
        said, blob = _DOES[request["do"]](request, data)
    except SigningError as error:
        said, blob = {"signing": error.detail}, b""
    except TooMuchText:
        said, blob = {"refused": "too_complex"}, b""
    except (CertsvcError, pdfium.PdfiumError):
        said, blob = {"refused": "broken"}, b""
    head = json.dumps(said).encode("ascii")
    return _LENGTH.pack(len(head)) + head + blob


def unpacked(said: bytes) -> tuple[dict[str, Any], bytes]:
    """The two parts of an answer; ValueError for something else."""
    if len(said) < _LENGTH.size:
        msg = "no answer"
        raise ValueError(msg)
    end = _LENGTH.size + _LENGTH.unpack_from(said)[0]
    head = json.loads(said[_LENGTH.size : end])
    if not isinstance(head, dict):
        msg = "no answer"
        raise TypeError(msg)
    return head, said[end:]


def _judge(_request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    judged = judge_upload(data)
    reasons = [(code, judged.detail if code == "certified" and judged.detail else TEXT[code]) for code in judged.codes]
    return {"pages": judged.pages, "refusals": reasons, "signatures": judged.signatures}, b""


def _find(request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    document = pdfium.PdfDocument(data)
    try:
        return find_keyword(document, request["keyword"]), b""
    finally:
        document.close()


def _picture(request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    return {}, preview_png(data, request["width_px"], page=request["page"], most_pages=MAX_PAGES, most_bytes=len(data))


def _compare(request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    return changed_pages(data[: request["end"]], data)


def _prepare(request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    prepared = prepare_next(data, *load_job(request))
    # The first bytes are the caller's own: only what follows them goes back.
    said = {"hole": [prepared.hole_start, prepared.hole_end], "pages": prepared.page_count}
    return said, prepared.data[len(data) :]


def _take_apart(_request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    return read_source(data).packed()


def _facts(_request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    return pdf_facts(data), b""


_DOES: dict[str, Callable[[dict[str, Any], bytes], tuple[dict[str, Any], bytes]]] = {
    "judge": _judge,
    "find": _find,
    "picture": _picture,
    "compare": _compare,
    "prepare": _prepare,
    "take_apart": _take_apart,
    "facts": _facts,
}
