"""Base pages: the first page of a PDF made in any tool, taken over as one form XObject under the values.

A base is part of every sealed file of its type, so it is judged once, when the type is loaded: nothing that acts, asks
for anything outside the file, hides anything, or stands against PDF/A-3b may come in with it.
"""

from __future__ import annotations

import io
import zlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pikepdf

from certsvc.errors import ConfigurationError
from certsvc.rendering.layout import MM
from certsvc.rendering.pdf import name as pdf_name
from certsvc.rendering.pdf import num

if TYPE_CHECKING:
    from certsvc.rendering.ornament import Sheet
    from certsvc.rendering.pdf import FileWriter

MAX_BASE_BYTES = 2 * 1024 * 1024
"""It is copied into every file of its type: a larger one makes every license slow and dear."""
MAX_OBJECTS = 4000
MAX_DEPTH = 40
"""Nesting of objects; more is an attempt to exhaust the stack."""
MAX_OPERATORS = 200_000
MAX_UNPACKED = 24 * 1024 * 1024
"""Bytes of all streams together when unpacked: stops decompression bombs."""
SIZE_TOLERANCE_MM = 1.0

_FORBIDDEN = frozenset(
    {
        *("/JS", "/JavaScript", "/OpenAction", "/AA", "/Launch", "/URI", "/GoToR", "/SubmitForm", "/ImportData"),
        *("/EmbeddedFiles", "/EF", "/RichMedia", "/OPI", "/Ref", "/PS", "/XFA", "/TR", "/HTP", "/Alternates"),
    }
)
"""Keys that act, reach outside, or that ISO 19005-3 §6 forbids, wherever they stand."""
_LEFT_BEHIND = frozenset(
    {"/Parent", "/StructParent", "/StructParents", "/PieceInfo", "/Metadata", "/OC", "/LastModified"}
)
_BLEND_MODES = frozenset(
    f"/{mode}"
    for mode in (
        *("Normal", "Compatible", "Multiply", "Screen", "Overlay", "Darken", "Lighten", "ColorDodge", "ColorBurn"),
        *("HardLight", "SoftLight", "Difference", "Exclusion", "Hue", "Saturation", "Color", "Luminosity"),
    )
)
_KEPT_FILTERS = frozenset({"/DCTDecode", "/JPXDecode", "/CCITTFaxDecode", "/JBIG2Decode"})
_CMYK = frozenset({"k", "K"})


def write_base(out: FileWriter, data: bytes, name: str, sheet: Sheet) -> int:
    """Write the objects of the base; returns the number of its form, drawn at the page's origin.

    Raises:
        ConfigurationError: names the file and says why it is unfit.
    """
    if len(data) > MAX_BASE_BYTES:
        raise _unfit(name, f"文件超过 {MAX_BASE_BYTES // 1024 // 1024} MB，请减小其中的图片")
    try:
        with pikepdf.open(io.BytesIO(data), suppress_warnings=True) as document:
            return _Copier(out, name).copy(document, sheet)
    except ConfigurationError:
        raise
    except pikepdf.PasswordError as exc:
        raise _unfit(name, "文件已加密，请去掉密码") from exc
    except Exception as exc:  # whatever a damaged file makes the parser raise
        raise _unfit(name, "文件不是有效的 PDF 或已损坏") from exc


def _unfit(name: str, reason: str) -> ConfigurationError:
    return ConfigurationError(f"底版 {name or '（未命名）'} 不能使用：{reason}")


class _Copier:
    """Copies what the first page draws with, object by object, and judges it on the way."""

    def __init__(self, out: FileWriter, name: str) -> None:
        self._out, self._name = out, name
        self._numbers: dict[tuple[int, int], int] = {}
        self._open: set[tuple[int, int]] = set()
        self._left = MAX_UNPACKED

    def copy(self, document: pikepdf.Pdf, sheet: Sheet) -> int:
        self._check_document(document)
        page = document.pages[0]
        self._check_page(page, sheet)
        box = [float(v) for v in page.mediabox]
        page.contents_coalesce()
        contents: Any = page.obj.get("/Contents")
        body = b"" if contents is None else self._unpacked(contents)
        resources: Any = page.obj.get("/Resources", pikepdf.Dictionary())
        self._check_operators(page.obj)
        head = b"/Type/XObject/Subtype/Form/BBox[%s]/Matrix[1 0 0 1 %s %s]/Resources%s" % (
            " ".join(num(v) for v in box).encode(),
            num(-box[0]).encode(),
            num(-box[1]).encode(),
            self._value(resources, 0),
        )
        group: Any = page.obj.get("/Group")
        if group is not None:
            head += b"/Group" + self._value(group, 0)
        packed = zlib.compress(b"q\n" + body + b"\nQ", 9)
        return self._out.add(b"<<%s/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (head, len(packed), packed))

    def _check_document(self, document: pikepdf.Pdf) -> None:
        if document.is_encrypted:
            raise _unfit(self._name, "文件已加密，请去掉密码")
        root: Any = document.Root
        if "/OCProperties" in root:
            raise _unfit(self._name, "含有可隐藏的图层，请合并图层后导出")
        form = root.get("/AcroForm")
        if form is not None and len(form.get("/Fields", [])):
            raise _unfit(self._name, "含有表单域，请展平后导出")
        names = root.get("/Names")
        if any(key in _FORBIDDEN for key in root.keys() | (names.keys() if names is not None else set())):
            raise _unfit(self._name, "含有脚本、动作或附件，请去掉后导出")
        if not len(document.pages):
            raise _unfit(self._name, "没有页面")
        if len(document.objects) > MAX_OBJECTS:
            raise _unfit(self._name, f"对象超过 {MAX_OBJECTS} 个，请简化")

    def _check_page(self, page: pikepdf.Page, sheet: Sheet) -> None:
        x0, y0, x1, y1 = (float(v) for v in page.mediabox)
        off = max(abs(x1 - x0 - sheet.width), abs(y1 - y0 - sheet.height)) / MM
        if off > SIZE_TOLERANCE_MM:
            wanted = f"{sheet.width / MM:.0f} x {sheet.height / MM:.0f}"
            raise _unfit(self._name, f"页面为 {(x1 - x0) / MM:.0f} x {(y1 - y0) / MM:.0f} 毫米，应为 {wanted} 毫米")
        inherited: Any = page.obj
        if int(inherited.get("/Rotate", 0)) % 360 or float(inherited.get("/UserUnit", 1)) != 1:
            raise _unfit(self._name, "页面被旋转或缩放，请按实际方向导出")
        if "/AA" in inherited:
            raise _unfit(self._name, "含有脚本、动作或附件，请去掉后导出")
        if len(inherited.get("/Annots", [])):
            raise _unfit(self._name, "含有批注或链接，请展平后导出")

    def _check_operators(self, holder: Any) -> None:
        """Device CMYK stands against the page's RGB intent (ISO 19005-3 §6.2.4.3)."""
        for count, instruction in enumerate(pikepdf.parse_content_stream(holder)):
            if count > MAX_OPERATORS:
                raise _unfit(self._name, "绘图指令过多，请简化")
            operator = str(instruction.operator)
            names = {str(part) for part in instruction.operands if isinstance(part, pikepdf.Name)}
            if operator in _CMYK or "/DeviceCMYK" in names:
                raise _unfit(self._name, "使用了 CMYK 颜色，请改为 RGB 后导出")

    def _unpacked(self, stream: Any) -> bytes:
        data = bytes(stream.read_bytes(pikepdf.StreamDecodeLevel.generalized))
        self._left -= len(data)
        if self._left < 0:
            raise _unfit(self._name, f"展开后超过 {MAX_UNPACKED // 1024 // 1024} MB，请简化")
        return data

    def _value(self, value: Any, depth: int) -> bytes:
        """``value`` in PDF syntax; what stands apart is written first and pointed to."""
        if depth > MAX_DEPTH:
            raise _unfit(self._name, "对象嵌套过深")
        if isinstance(value, bool):
            return b"true" if value else b"false"
        if isinstance(value, int | Decimal | float):
            return str(value).encode("ascii")
        if value is None:
            return b"null"
        key = value.objgen if value.is_indirect else (0, 0)
        if key == (0, 0):
            return self._direct(value, depth)
        if key not in self._numbers:
            if key in self._open:
                raise _unfit(self._name, "对象互相引用，请重新导出")
            self._open.add(key)
            body = self._direct(value, depth)
            self._numbers[key] = self._out.add(body)
        return b"%d 0 R" % self._numbers[key]

    def _direct(self, value: Any, depth: int) -> bytes:
        if isinstance(value, pikepdf.Name):
            return pdf_name(str(value)[1:])
        if isinstance(value, pikepdf.String):
            return b"<" + bytes(value).hex().encode("ascii") + b">"
        if isinstance(value, pikepdf.Array):
            return b"[" + b" ".join([self._value(part, depth + 1) for part in self._parts(value)]) + b"]"
        if isinstance(value, pikepdf.Stream):
            return self._stream(value, depth)
        if isinstance(value, pikepdf.Dictionary):
            self._check_dictionary(value)
            return b"<<" + self._entries(value, frozenset(), depth) + b">>"
        raise _unfit(self._name, "含有无法识别的对象")

    @staticmethod
    def _parts(array: Any) -> list[Any]:
        return [array[index] for index in range(len(array))]

    def _entries(self, dictionary: Any, without: frozenset[str], depth: int) -> bytes:
        return b"".join(
            pdf_name(key[1:]) + b" " + self._value(dictionary[key], depth + 1)
            for key in sorted(dictionary.keys())
            if key not in without and key not in _LEFT_BEHIND
        )

    def _check_dictionary(self, value: Any) -> None:
        keys = set(value.keys())
        if keys & _FORBIDDEN or str(value.get("/Subtype", "")) == "/PS":
            raise _unfit(self._name, "含有脚本、动作或外部内容，请去掉后导出")
        descriptor = value.get("/Type") == "/FontDescriptor"
        if descriptor and not keys & {"/FontFile", "/FontFile2", "/FontFile3"}:
            raise _unfit(self._name, f"字体 {str(value.get('/FontName', ''))[1:]} 没有嵌入，请嵌入字体后导出")
        simple = str(value.get("/Subtype", "")) in {"/Type1", "/TrueType", "/MMType1", "/CIDFontType0", "/CIDFontType2"}
        if value.get("/Type") == "/Font" and simple and "/FontDescriptor" not in keys:
            raise _unfit(self._name, f"字体 {str(value.get('/BaseFont', ''))[1:]} 没有嵌入，请嵌入字体后导出")
        modes = value.get("/BM")
        for mode in self._parts(modes) if isinstance(modes, pikepdf.Array) else [modes]:
            if mode is not None and str(mode) not in _BLEND_MODES:
                raise _unfit(self._name, "使用了非标准的混合模式")
        if str(value.get("/ColorSpace", "")) == "/DeviceCMYK":
            raise _unfit(self._name, "使用了 CMYK 颜色，请改为 RGB 后导出")

    def _stream(self, value: Any, depth: int) -> bytes:
        self._check_dictionary(value)
        if str(value.get("/Subtype", "")) == "/Form":
            self._check_operators(value)
        filters = value.get("/Filter")
        used = {str(f) for f in (self._parts(filters) if isinstance(filters, pikepdf.Array) else [filters]) if f}
        without = frozenset({"/Length", "/F", "/FFilter", "/FDecodeParms"})
        if "/F" in value:
            raise _unfit(self._name, "引用了外部文件")
        if used & _KEPT_FILTERS:
            if "/LZWDecode" in used or "/Crypt" in used:
                raise _unfit(self._name, "使用了不允许的压缩方式")
            data, extra = bytes(value.read_raw_bytes()), b""
        else:
            data, extra = zlib.compress(self._unpacked(value), 9), b"/Filter/FlateDecode"
            without |= {"/Filter", "/DecodeParms"}
        entries = self._entries(value, without, depth)
        return b"<<%s%s/Length %d>>stream\n%s\nendstream" % (entries, extra, len(data), data)
