"""Looks at a document before anybody signs it: refuses what could change its face afterwards.

Narrow on purpose: what is not plainly a fixed page is refused, with what to do.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pikepdf

from certsvc.errors import InvalidInput, TooLarge
from certsvc.rendering.layout import MM
from certsvc.rendering.raster import MAX_PREVIEW_BYTES, MAX_PREVIEW_PAGES

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_SIDE_MM = 2000.0
MIN_SIDE_MM = 50.0
MAX_OBJECTS = 200_000
"""Objects looked through; stops files made of millions of tiny ones."""

_ACTIVE = ("/JS", "/JavaScript", "/AA", "/OpenAction", "/RichMedia")
_ACTIVE_KINDS = frozenset({"/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/Rendition", "/GoToE", "/Movie"})
_AGAIN = "请用“打印为 PDF”重新生成后再上传"


class FixedPages:
    """Implements ``signer_ports.UploadCheck``."""

    def check(self, data: bytes) -> tuple[tuple[float, float], ...]:
        """Width and height of every page in millimetres.

        Raises:
            InvalidInput: no PDF, damaged, encrypted, signed already, or with parts that can change what is seen.
            TooLarge: too many bytes, pages or objects.
        """
        if len(data) > MAX_PREVIEW_BYTES:
            msg = f"文件超过 {MAX_PREVIEW_BYTES // 1024 // 1024} MB，请压缩后重新上传"
            raise TooLarge(msg)
        if not data.startswith(b"%PDF-"):
            msg = "不是 PDF 文件，请上传 PDF"
            raise InvalidInput(msg)
        try:
            with pikepdf.open(io.BytesIO(data), attempt_recovery=False) as document:
                return _checked(document)
        except pikepdf.PasswordError as error:
            msg = "文件已加密，请上传未加密的文件"
            raise InvalidInput(msg) from error
        except (pikepdf.PdfError, ValueError, KeyError, TypeError, RecursionError) as error:
            msg = f"文件结构有误，{_AGAIN}"
            raise InvalidInput(msg) from error


def _checked(document: pikepdf.Pdf) -> tuple[tuple[float, float], ...]:
    if document.is_encrypted:
        msg = "文件已加密，请上传未加密的文件"
        raise InvalidInput(msg)
    if len(document.pages) > MAX_PREVIEW_PAGES:
        msg = f"文件超过 {MAX_PREVIEW_PAGES} 页，请拆分后上传"
        raise TooLarge(msg)
    if len(document.objects) > MAX_OBJECTS:
        msg = f"文件内容过多，{_AGAIN}"
        raise TooLarge(msg)
    root = document.Root
    form = root.get("/AcroForm")
    if form is not None and len(form.get("/Fields", [])):
        msg = f"文件含有表单或签名，{_AGAIN}"
        raise InvalidInput(msg)
    if "/OCProperties" in root:
        msg = f"文件含有可隐藏的图层，{_AGAIN}"
        raise InvalidInput(msg)
    for item in _dictionaries(document):
        if any(key in item for key in _ACTIVE) or str(item.get("/S", "")) in _ACTIVE_KINDS:
            msg = f"文件含有脚本或动作，{_AGAIN}"
            raise InvalidInput(msg)
        if "/XFA" in item or str(item.get("/Type", "")) in {"/Filespec", "/EmbeddedFile"}:
            msg = f"文件含有动态表单或附件，{_AGAIN}"
            raise InvalidInput(msg)
    return tuple(_size(page) for page in document.pages)


def _dictionaries(document: pikepdf.Pdf) -> Iterator[Any]:
    for item in document.objects:
        if isinstance(item, pikepdf.Dictionary | pikepdf.Stream):
            yield item


def _size(page: pikepdf.Page) -> tuple[float, float]:
    """The page in millimetres; only upright pages that begin at the origin and are shown whole."""
    media = [float(value) for value in page.mediabox]
    shown = [float(value) for value in page.cropbox]
    plain = media == shown and media[0] == media[1] == 0 and not int(page.obj.get("/Rotate", 0) or 0)
    if not plain or "/UserUnit" in page.obj:
        msg = f"有页面经过旋转或裁切，{_AGAIN}"
        raise InvalidInput(msg)
    width, height = media[2] / MM, media[3] / MM
    if not (MIN_SIDE_MM <= width <= MAX_SIDE_MM and MIN_SIDE_MM <= height <= MAX_SIDE_MM):
        msg = f"页面边长应在 {MIN_SIDE_MM:.0f} 至 {MAX_SIDE_MM:.0f} 毫米之间"
        raise InvalidInput(msg)
    return width, height
