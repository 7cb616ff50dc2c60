"""May an upload be stamped by hand? Everything that can change its face is refused (DESIGN.md 8). Runs in a worker.

The whole tree of objects is walked once, within limits. Allowed are links to web addresses and within the file, and a
first view (``/OpenAction`` with a destination): they act on nobody's page. Attachments are refused too: the seal would
cover what nobody was shown.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

import pikepdf
import pypdfium2 as pdfium

from certsvc.errors import SigningError
from certsvc.rendering.next_update import refuse_forbidden
from certsvc.rendering.upload_text import TooMuchText, text_problem

MAX_PAGES = 500
"""Pages of one upload; every page is laid out by PDFium in its worker."""
MAX_NODES = 400_000
"""Objects walked; a file of 20 MB made by an office program has a tenth. Stops files that only cost time."""
MAX_DEPTH = 60
"""Nesting; more is an attempt to exhaust the stack."""
MAX_SIDE = 14_400
"""Points of a page's side (ISO 32000-2 annex C); a larger page cannot be drawn."""

TEXT: dict[str, str] = {
    "not_pdf": "不是 PDF 文件，请换成 PDF",
    "broken": "文件已损坏或结构不规范，请用办公软件重新导出 PDF 后上传",
    "encrypted": "文件已加密，请去掉密码和权限限制后上传",
    "no_pages": "文件没有页面，请重新导出",
    "too_many_pages": f"文件超过 {MAX_PAGES} 页，请拆分后上传",
    "too_complex": "文件内容过于复杂，无法在限定时间内检查，请重新导出或拆分后上传",
    "page_size": "页面尺寸或用户单位异常，请按实际纸张大小重新导出",
    "scripts": "文件含有脚本，盖章后内容可能改变，请去掉脚本（可“打印为 PDF”）后上传",
    "actions": "文件含有自动执行的动作，请去掉动作（可“打印为 PDF”）后上传",
    "embedded_files": "文件带有附件，附件不在盖章者所见之内，请去掉附件后上传",
    "xfa": "文件是动态表单（XFA），请“打印为 PDF”后上传",
    "form_fields": "文件含有可填写的表单域，盖章后内容可能改变，请展平表单（可“打印为 PDF”）后上传",
    "optional_content": "文件含有可隐藏的图层，请合并图层后导出",
    "annotations": "文件含有批注、图章或其他可移动的对象，请删除或展平批注后上传",
    "hidden_text": "文件含有看不见的文字（如扫描件的识别层、页面之外的文字），请去掉后上传（可“打印为 PDF”）",
    "unembedded_fonts": "字体没有嵌入，在不同电脑上显示会不同，请嵌入全部字体后导出",
    "external_content": "文件引用了文件之外的内容，请重新导出",
    "certified": "文件已认证，不允许再盖章：请使用未认证的文件，或请原签章单位重新出具",
}
"""Why a file may not be stamped, and what to do; the keys are stable."""

_SCRIPT_KEYS = frozenset({"/JS", "/JavaScript"})
_ATTACHMENT_KEYS = frozenset({"/EmbeddedFiles", "/EF", "/AF", "/RichMediaContent", "/RichMediaSettings"})
_LAYER_KEYS = frozenset({"/OCProperties", "/OC"})
_ACTIONS = frozenset(
    f"/{name}"
    for name in (
        *("Launch", "GoToR", "GoToE", "Thread", "Sound", "Movie", "Hide", "Named", "SubmitForm", "ResetForm"),
        *("ImportData", "SetOCGState", "Rendition", "Trans", "GoTo3DView", "RichMediaExecute", "JavaScript", "URI"),
    )
)
_WEB = ("http://", "https://", "mailto:")
_FONT_FILES = frozenset({"/FontFile", "/FontFile2", "/FontFile3"})


@dataclass(slots=True)
class Judged:
    """What was found: pages as (box, turn), stable codes of what stands against stamping, and how many signatures."""

    pages: list[tuple[tuple[float, float, float, float], int]] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    signatures: int = 0
    detail: str = ""

    def add(self, code: str) -> None:
        """Remember a reason once."""
        if code not in self.codes:
            self.codes.append(code)


def judge_upload(data: bytes) -> Judged:
    """Every reason against stamping ``data``; a broken or encrypted file has only that one."""
    judged = Judged()
    if not data.startswith(b"%PDF-"):
        judged.add("not_pdf")
        return judged
    try:
        with pikepdf.open(io.BytesIO(data), attempt_recovery=False, suppress_warnings=True) as document:
            _judge(document, judged)
            if document.get_warnings():
                judged.add("broken")
        if not judged.codes:
            _judge_text(data, judged)
    except pikepdf.PasswordError:
        judged.codes = ["encrypted"]
    except (TooComplex, TooMuchText, RecursionError):
        judged.codes = ["too_complex"]
    except Exception:  # noqa: BLE001  (whatever a damaged file makes the parsers raise)
        judged.codes = ["broken"]
    return judged


_PRINT, _UNSEEN = 4, 1 | 2 | 32 | 256
"""Annotation flags (ISO 32000-2 table 167): Print; Invisible, Hidden, NoView, ToggleNoView."""

MAX_PARTS = 1000
"""Forms looked at on one level of an appearance; an honest one has a handful."""


class TooComplex(ValueError):
    """Beyond the limits of the walk."""


def _judge(document: pikepdf.Pdf, judged: Judged) -> None:
    if document.is_encrypted:
        judged.add("encrypted")
        return
    count = len(document.pages)
    if not 0 < count <= MAX_PAGES:
        judged.add("too_many_pages" if count else "no_pages")
        return
    for page in document.pages:
        judged.pages.append(_view(page, judged))
    widgets = _judge_form(document.Root, judged)
    for page in document.pages:
        _judge_annotations(page.obj, judged, widgets)
    Walk(judged).through(document.Root)
    try:
        refuse_forbidden(document)
    except SigningError as error:
        judged.add("certified")
        judged.detail = error.detail


def _view(page: pikepdf.Page, judged: Judged) -> tuple[tuple[float, float, float, float], int]:
    """What is seen of a page, and its turn; both may be inherited."""
    media, crop = ([float(v) for v in box] for box in (page.mediabox, page.cropbox))
    boxes = [(min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3])) for b in (media, crop)]
    left, lower = max(b[0] for b in boxes), max(b[1] for b in boxes)
    right, upper = min(b[2] for b in boxes), min(b[3] for b in boxes)
    turn = int(_inherited(page.obj, "/Rotate") or 0)
    if (
        not (0 < right - left <= MAX_SIDE and 0 < upper - lower <= MAX_SIDE)
        or turn % 90
        or float(page.obj.get("/UserUnit", 1)) != 1
    ):
        judged.add("page_size")
    return (left, lower, right, upper), turn % 360


def _inherited(node: Any, key: str) -> Any:
    for _ in range(MAX_DEPTH):
        if key in node:
            return node[key]
        if "/Parent" not in node:
            return None
        node = node["/Parent"]
    raise TooComplex


def _judge_form(root: Any, judged: Judged) -> set[tuple[int, int]]:
    """The object numbers of the signed fields and their widgets: only these may stand on a page."""
    widgets: set[tuple[int, int]] = set()
    form = root.get("/AcroForm")
    if form is None:
        return widgets
    if "/XFA" in form:
        judged.add("xfa")
    pending = list(form.get("/Fields", []))
    seen = 0
    while pending:
        node = pending.pop()
        seen += 1
        if seen > MAX_NODES:
            raise TooComplex
        kids = [kid for kid in node.get("/Kids", []) if "/T" in kid]
        if kids:
            pending.extend(kids)
        elif str(_inherited(node, "/FT") or "") == "/Sig" and "/V" in node:
            judged.signatures += 1
            widgets.update(one.objgen for one in (node, *node.get("/Kids", [])))
        else:
            judged.add("form_fields")
    return widgets - {(0, 0)}


def _judge_annotations(page: Any, judged: Judged, widgets: set[tuple[int, int]]) -> None:
    signed = judged.signatures > 0
    for note in page.get("/Annots", []):
        kind = str(note.get("/Subtype", ""))
        # Stamps of earlier signatures are covered by them; whether they hold is the inspector's to say.
        allowed = kind == "/Widget" or (kind == "/Link" and "/AP" not in note) or (kind == "/Stamp" and signed)
        if not allowed:
            judged.add("embedded_files" if kind == "/FileAttachment" else "annotations")
        if kind == "/Widget" and not (_is_signature(note) and note.objgen in widgets):
            judged.add("form_fields")
        if kind in {"/Widget", "/Stamp"}:
            _judge_look(note, judged)


def _judge_look(note: Any, judged: Judged) -> None:
    """An annotation that is seen must look the same on the screen and on paper, and bring its fonts."""
    look, box = note.get("/AP"), [float(value) for value in note.get("/Rect", [0, 0, 0, 0])]
    if look is None or box[0] == box[2] or box[1] == box[3]:
        return
    flags = int(note.get("/F", 0))
    if flags & _UNSEEN or not flags & _PRINT or not isinstance(look.get("/N"), pikepdf.Stream):
        judged.add("annotations")
        return
    pending, depth = [look["/N"]], 0
    while pending and depth < MAX_DEPTH:
        resources = [one.get("/Resources", {}) for one in pending]
        if not all(fonts_are_embedded(one) for one in resources):
            judged.add("unembedded_fonts")
        parts = [one["/XObject"][key] for one in resources if "/XObject" in one for key in one["/XObject"].keys()]  # noqa: SIM118
        pending = [part for part in parts if str(part.get("/Subtype", "")) == "/Form"][:MAX_PARTS]
        depth += 1


def fonts_are_embedded(resources: Any) -> bool:
    """Whether every font that these resources name brings its program."""
    fonts = resources.get("/Font", {})
    for name in fonts.keys():  # noqa: SIM118
        if str(fonts[name].get("/Subtype", "")) == "/Type3":
            continue
        parts = [fonts[name], *fonts[name].get("/DescendantFonts", [])]
        if not any(part.get("/FontDescriptor", {}).keys() & _FONT_FILES for part in parts):
            return False
    return True


def _is_signature(widget: Any) -> bool:
    return str(_inherited(widget, "/FT") or "") == "/Sig"


class Walk:
    """One walk over everything that can be reached from the catalog."""

    def __init__(self, judged: Judged) -> None:
        self._judged = judged
        self._seen: set[tuple[int, int]] = set()
        self._count = 0

    def through(self, root: Any) -> None:
        """Look at everything below ``root``; TooComplex beyond the limits."""
        # The structure of a tagged file names what is drawn and draws nothing. Only here: a resource may have any name.
        pending: list[tuple[Any, int, bool]] = [(pikepdf.Dictionary(root), 0, False)]
        if "/StructTreeRoot" in pending[0][0]:
            del pending[0][0]["/StructTreeRoot"]
        while pending:
            node, depth, in_link = pending.pop()
            self._count += 1
            if self._count > MAX_NODES or depth > MAX_DEPTH:
                raise TooComplex
            if node.is_indirect:
                if node.objgen in self._seen:
                    continue
                self._seen.add(node.objgen)
            # A chain of references is no nesting: only what stands inside counts as depth.
            deeper = 0 if node.is_indirect else depth + 1
            if isinstance(node, pikepdf.Array):
                pending.extend((one, deeper, False) for one in node if _holds(one))
                continue
            self._look(node, in_link=in_link)
            link = str(node.get("/Subtype", "")) == "/Link"
            for key in node.keys():  # noqa: SIM118  (a stream has keys and no iteration)
                value = node[key]
                if _holds(value):
                    pending.append((value, deeper, link and key == "/A"))

    def _look(self, node: Any, *, in_link: bool) -> None:
        add, keys = self._judged.add, node.keys()
        if keys & _SCRIPT_KEYS:
            add("scripts")
        if "/AA" in keys:
            add("actions")
        if keys & _ATTACHMENT_KEYS:
            add("embedded_files")
        if keys & _LAYER_KEYS or "/Alternates" in keys:
            add("optional_content")
        if "/XFA" in keys:
            add("xfa")
        said = str(node.get("/S", "")) if "/S" in keys and isinstance(node["/S"], pikepdf.Name) else ""
        if said in _ACTIONS and not (said == "/URI" and in_link and str(node.get("/URI", "")).lower().startswith(_WEB)):
            add("scripts" if said == "/JavaScript" else "actions")
        if isinstance(node, pikepdf.Stream) and "/F" in keys:
            add("external_content")
        if str(node.get("/Subtype", "")) == "/PS" or "/OPI" in keys or "/Ref" in keys:
            add("external_content")
        self._look_at_fonts(node)

    def _look_at_fonts(self, node: Any) -> None:
        """Fonts of patterns and of Type 3 glyphs, which PDFium does not count as text of the page."""
        if "/PatternType" not in node and str(node.get("/Subtype", "")) != "/Type3":
            return
        if not fonts_are_embedded(node.get("/Resources", {})):
            self._judged.add("unembedded_fonts")


def _holds(value: Any) -> bool:
    return isinstance(value, pikepdf.Dictionary | pikepdf.Array | pikepdf.Stream)


def _judge_text(data: bytes, judged: Judged) -> None:
    document = pdfium.PdfDocument(data)
    try:
        if len(document) != len(judged.pages):
            judged.add("broken")
            return
        problem = text_problem(document, [box for box, _ in judged.pages])
        if problem:
            judged.add("unembedded_fonts" if problem == "unembedded" else "hidden_text")
    finally:
        document.close()
