"""What an annotated copy (加注件) is made over: the pages of a finished file as drawings, taken apart once.

Each page becomes one form in its own size, with the appearances of its annotations (the issuer's stamp among them)
drawn where they stood. Nothing else comes along: no signature, form, script, action, attachment or structure. Streams
are carried over as they are, so that fonts, pictures and the text in them stay what they were, and extractable.

A file of ours is read in this process, one of others in a worker (:mod:`.upload_worker`); what comes of either is
:class:`CopySource`, plain bytes and numbers.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pikepdf

from certsvc.errors import RenderingError
from certsvc.rendering.metadata import ATTACHMENT, MAX_METADATA_BYTES
from certsvc.rendering.page_tree import write_intent
from certsvc.rendering.pdf import FileWriter, name, num, stream_pieces, table_lines
from certsvc.seal.prepared import Prefix

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_SOURCE_PAGES = 60
"""Pages of a license that may be copied; stops a registered file made to be slow."""
MAX_SOURCE_OBJECTS = 6000
MAX_DEPTH = 40
"""Nesting of objects; more is an attempt to exhaust the stack."""
MAX_SOURCE_BYTES = 24 * 1024 * 1024
"""Bytes of all streams that are carried over."""
MAX_ANNOTATIONS = 200

_UNSEEN = 1 | 2 | 32
"""Annotation flags Invisible, Hidden and NoView (ISO 32000-2 table 167)."""
_PRINTED = 4
_LEFT_BEHIND = frozenset(
    {
        *("/Parent", "/StructParent", "/StructParents", "/PieceInfo", "/Metadata", "/LastModified", "/OC"),
        *("/JS", "/JavaScript", "/AA", "/A", "/OpenAction", "/EF", "/AF", "/OPI", "/Ref", "/PS", "/Length"),
    }
)
"""Keys that act, reach outside, or belong to what is left behind; the writer counts lengths itself."""
_QUARTER = 90
_MATRIX_NUMBERS = 6
Numbers6 = tuple[float, float, float, float, float, float]


@dataclass(frozen=True, slots=True)
class SourcePage:
    """A page as it is seen: the form of it, its size in points, and what is drawn above it, as operators."""

    form: int
    width: float
    height: float
    above: str


@dataclass(frozen=True, slots=True)
class CopySource:
    """A file taken apart: the objects that open every copy of it, and where they are.

    Attributes:
        intent: number of the output intent.
        names: resources of every page: ``/Page0`` and the drawings above it.
        elements: ``metadata.json`` of a file of ours; empty for others.
    """

    prefix: Prefix
    offsets: tuple[int, ...]
    table: bytes
    intent: int
    names: bytes
    pages: tuple[SourcePage, ...]
    elements: Mapping[str, str]

    def packed(self) -> tuple[dict[str, Any], bytes]:
        """For the way from a worker: plain JSON, and the bytes."""
        said = {
            "offsets": list(self.offsets),
            "intent": self.intent,
            "names": self.names.decode("latin-1"),
            "pages": [[page.form, page.width, page.height, page.above] for page in self.pages],
        }
        return said, self.prefix.data

    @staticmethod
    def unpacked(said: Mapping[str, Any], data: bytes) -> CopySource:
        """What :meth:`packed` made; it comes without elements, since a worker's word about a license counts nothing."""
        offsets = tuple(int(offset) for offset in said["offsets"])
        return CopySource(
            prefix=Prefix(data),
            offsets=offsets,
            table=table_lines(offsets),
            intent=int(said["intent"]),
            names=str(said["names"]).encode("latin-1"),
            pages=tuple(SourcePage(int(f), float(w), float(h), str(above)) for f, w, h, above in said["pages"]),
            elements={},
        )


@lru_cache(maxsize=2048)
def _name(text: str) -> bytes:
    """A name with its blank behind it; the same few come back in every file."""
    return name(text[1:]) + b" "


def read_source(data: bytes) -> CopySource:
    """Take a finished file apart.

    Raises:
        RenderingError: encrypted, damaged, with layers that can be hidden, or over the limits.
    """
    try:
        with pikepdf.open(io.BytesIO(data), attempt_recovery=False, suppress_warnings=True) as document:
            return _Reader(document).read()
    except RenderingError:
        raise
    except pikepdf.PasswordError as error:
        raise _unfit("文件已加密") from error
    except Exception as error:  # whatever a damaged file makes the parser raise
        raise _unfit("文件不是有效的 PDF 或已损坏") from error


def _unfit(reason: str) -> RenderingError:
    return RenderingError(f"这份证照文件不能制作加注件：{reason}")


class _Reader:
    """Carries what pages draw with into a new file, object by object."""

    def __init__(self, document: pikepdf.Pdf) -> None:
        self._document = document
        self._out = FileWriter()
        self._numbers: dict[tuple[int, int], int] = {}
        self._open: set[tuple[int, int]] = set()
        self._left = MAX_SOURCE_BYTES
        self._names: list[bytes] = []

    def read(self) -> CopySource:
        root: Any = self._document.Root
        if self._document.is_encrypted:
            raise _unfit("文件已加密")
        if "/OCProperties" in root:
            raise _unfit("含有可隐藏的图层")
        if len(self._document.objects) > MAX_SOURCE_OBJECTS:
            raise _unfit(f"对象超过 {MAX_SOURCE_OBJECTS} 个")
        pages = self._document.pages
        if not 1 <= len(pages) <= MAX_SOURCE_PAGES:
            raise _unfit(f"页数应为 1 至 {MAX_SOURCE_PAGES}")
        intent = write_intent(self._out)
        read = tuple(self._page(index, page.obj) for index, page in enumerate(pages))
        return CopySource(
            prefix=Prefix(b"".join(self._out.parts)),
            offsets=tuple(self._out.offsets),
            table=table_lines(self._out.offsets),
            intent=intent,
            names=b"".join(self._names),
            pages=read,
            elements=self._elements(root),
        )

    def _page(self, index: int, page: Any) -> SourcePage:
        box = _numbers(_inherited(page, "/CropBox") or _inherited(page, "/MediaBox"))
        x0, y0, x1, y1 = min(box[0], box[2]), min(box[1], box[3]), max(box[0], box[2]), max(box[1], box[3])
        turn = int(_inherited(page, "/Rotate") or 0) % 360
        if turn % _QUARTER or float(page.get("/UserUnit", 1)) != 1 or not (x1 > x0 and y1 > y0):
            raise _unfit("页面的方向或尺寸无法处理")
        matrix, width, height = _upright(x0, y0, x1, y1, turn)
        resources = _inherited(page, "/Resources")
        entries = b"/Type/XObject/Subtype/Form/BBox[%s]/Matrix[%s]/Resources %s" % (
            " ".join(num(v) for v in (x0, y0, x1, y1)).encode("ascii"),
            _six(matrix).encode("ascii"),
            self._value(resources, 0) if resources is not None else b"<<>>",
        )
        form = self._contents(entries, page)
        self._names.append(b"/Page%d %d 0 R" % (index, form))
        return SourcePage(form, width, height, self._annotations(index, page, matrix))

    def _contents(self, entries: bytes, page: Any) -> int:
        contents = page.get("/Contents")
        if isinstance(contents, pikepdf.Stream):
            return self._stream(contents, entries)
        parts = [contents[index].read_bytes() for index in range(len(contents))] if contents is not None else []
        data = b"\n".join(bytes(part) for part in parts)
        self._count(len(data))
        return self._out.add(*stream_pieces(entries, data))

    def _annotations(self, index: int, page: Any, matrix: Numbers6) -> str:
        """Operators that draw the appearances where they stand (ISO 32000-2 §12.5.5, algorithm 8)."""
        found = page.get("/Annots")
        if found is None:
            return ""
        if len(found) > MAX_ANNOTATIONS:
            raise _unfit("批注过多")
        drawn = []
        for place in range(len(found)):
            annotation = found[place]
            look = _appearance(annotation)
            if look is None:
                continue
            where = _fitted(look, [float(v) for v in annotation["/Rect"]])
            if where is None:
                continue
            label = f"Over{index}_{place}"
            self._names.append(b"/%s %s" % (label.encode("ascii"), self._value(look, 0)))
            drawn.append(f"q {_six(matrix)} cm {_six(where)} cm /{label} Do Q")
        return "\n".join(drawn)

    def _elements(self, root: Any) -> Mapping[str, str]:
        """The GB/T 36903 elements that a page of ours attaches; empty where there are none."""
        names: Any = root.get("/Names", {}).get("/EmbeddedFiles", {}).get("/Names")
        if names is None or len(names) != 2 or str(names[0]) != ATTACHMENT:  # noqa: PLR2004  (one name, one file)
            return {}
        data = bytes(names[1]["/EF"]["/F"].read_bytes())
        if len(data) > MAX_METADATA_BYTES:
            return {}
        try:
            said = json.loads(data)
        except ValueError:
            return {}
        plain = isinstance(said, dict) and all(isinstance(value, str) for value in said.values())
        return said if plain else {}

    def _value(self, value: Any, depth: int) -> bytes:
        """``value`` in PDF syntax; what stands apart is written first and pointed to."""
        if depth > MAX_DEPTH:
            raise _unfit("对象嵌套过深")
        if isinstance(value, bool):
            return b"true" if value else b"false"
        if isinstance(value, Decimal | float):
            return format(value, "f").encode("ascii")
        if isinstance(value, int):
            return b"%d" % value
        if value is None:
            return b"null"
        if not value.is_indirect:
            return self._direct(value, depth)
        key = value.objgen
        known = self._numbers.get(key)
        if known is None:
            if key in self._open:
                raise _unfit("对象互相引用")
            self._open.add(key)
            if isinstance(value, pikepdf.Stream):
                known = self._stream(value, b"", depth)
            else:
                known = self._out.add(self._direct(value, depth))
            self._numbers[key] = known
        return b"%d 0 R" % known

    def _direct(self, value: Any, depth: int) -> bytes:
        if isinstance(value, pikepdf.Name):
            return _name(str(value))
        if isinstance(value, pikepdf.String):
            return b"<" + bytes(value).hex().encode("ascii") + b">"
        if isinstance(value, pikepdf.Array):
            return b"[" + b" ".join([self._value(part, depth + 1) for part in _parts(value)]) + b"]"
        if isinstance(value, pikepdf.Dictionary):
            return b"<<" + self._entries(value, depth) + b">>"
        raise _unfit("含有无法识别的对象")

    def _entries(self, dictionary: Any, depth: int) -> bytes:
        return b"".join(
            [_name(key) + self._value(value, depth + 1) for key, value in dictionary.items() if key not in _LEFT_BEHIND]
        )

    def _stream(self, value: Any, entries: bytes, depth: int = 0) -> int:
        """A stream as it is, packed as it was; ``entries`` come before its own."""
        if "/F" in value:
            raise _unfit("引用了外部文件")
        data = bytes(value.read_raw_bytes())
        self._count(len(data))
        return self._out.add(*stream_pieces(entries + self._entries(value, depth), data))

    def _count(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise _unfit(f"内容超过 {MAX_SOURCE_BYTES // 1024 // 1024} MB")


def _parts(array: Any) -> list[Any]:
    return [array[index] for index in range(len(array))]


def _inherited(page: Any, key: str) -> Any:
    """An entry of the page or of the nearest node above it that has one."""
    node, depth = page, 0
    while node is not None and depth < MAX_DEPTH:
        found = node.get(key)
        if found is not None:
            return found
        node, depth = node.get("/Parent"), depth + 1
    return None


def _numbers(array: Sequence[Any]) -> tuple[float, ...]:
    return tuple(float(array[index]) for index in range(len(array)))


def _upright(x0: float, y0: float, x1: float, y1: float, turn: int) -> tuple[Numbers6, float, float]:
    """The matrix that brings the visible box upright to the origin, and the size it then has."""
    w, h = x1 - x0, y1 - y0
    match turn:
        case 90:
            return (0, -1, 1, 0, -y0, x1), h, w
        case 180:
            return (-1, 0, 0, -1, x1, y1), w, h
        case 270:
            return (0, 1, -1, 0, y1, -x0), h, w
        case _:
            return (1, 0, 0, 1, -x0, -y0), w, h


def _appearance(annotation: Any) -> Any:
    """The normal appearance of an annotation that is printed, or None."""
    flags = int(annotation.get("/F", 0))
    if flags & _UNSEEN or not flags & _PRINTED or annotation.get("/Subtype") == "/Popup":
        return None
    look = annotation.get("/AP", {}).get("/N")
    if isinstance(look, pikepdf.Dictionary) and not isinstance(look, pikepdf.Stream):
        state = annotation.get("/AS")
        look = look.get(str(state)) if state is not None else None
    return look if isinstance(look, pikepdf.Stream) else None


def _fitted(look: Any, rect: list[float]) -> Numbers6 | None:
    """The matrix that brings the appearance's box into the rectangle; None when either has no room."""
    box, m = _numbers(look["/BBox"]), _numbers(look.get("/Matrix", pikepdf.Array([1, 0, 0, 1, 0, 0])))
    if len(m) != _MATRIX_NUMBERS:
        return None
    corners = [(x, y) for x in (box[0], box[2]) for y in (box[1], box[3])]
    xs = [m[0] * x + m[2] * y + m[4] for x, y in corners]
    ys = [m[1] * x + m[3] * y + m[5] for x, y in corners]
    wide, tall = max(xs) - min(xs), max(ys) - min(ys)
    x, y, w, h = min(rect[0], rect[2]), min(rect[1], rect[3]), abs(rect[2] - rect[0]), abs(rect[3] - rect[1])
    if not (wide > 0 and tall > 0 and w > 0 and h > 0):
        return None
    across, up = w / wide, h / tall
    return (across, 0, 0, up, x - min(xs) * across, y - min(ys) * up)


def _six(matrix: Sequence[float]) -> str:
    """Six numbers; turns and scales with more digits than places need."""
    return " ".join(f"{value:.5f}".rstrip("0").rstrip(".") or "0" for value in matrix)
