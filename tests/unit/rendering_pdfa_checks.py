"""PDF/A-3b (ISO 19005-3) as checks over a finished file, read with pikepdf and fontTools: not a line of the writer's.

``docs/pdfa-checks.md`` lists them; a test compares the two. They are no substitute for a validator that knows every
clause: they hold what this writer could get wrong.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

import pikepdf
from fontTools.ttLib import TTFont

Check = Callable[["Opened"], Iterator[str]]
CHECKS: list[tuple[str, str, str, Check]] = []
"""Name, clause of ISO 19005-3, sentence, function; in the order of the clauses."""

RDF, PDFAID = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}", "{http://www.aiim.org/pdfa/ns/id/}"
EXTENSION, SCHEMA = "{http://www.aiim.org/pdfa/ns/extension/}", "{http://www.aiim.org/pdfa/ns/schema#}"
PROPERTY = "{http://www.aiim.org/pdfa/ns/property#}"
KNOWN = (RDF, PDFAID, EXTENSION, "{http://purl.org/dc/elements/1.1/}", "{http://ns.adobe.com/")
FORBIDDEN = {"/JS", "/JavaScript", "/OpenAction", "/AA", "/Launch", "/URI", "/GoToR", "/OCProperties", "/XFA", "/Movie"}
_OPERATORS = (
    "b B b* B* BDC BI BMC BT BX c cm CS cs d d0 d1 Do DP EI EMC ET EX f F f* G g gs h i ID j J K k l M m MP n q Q re "
    "RG rg ri s S SC sc SCN scn sh T* Tc Td TD Tf Tj TJ TL Tm Tr Ts Tw Tz v w W W* y ' \""
)
OPERATORS = set(_OPERATORS.split(" "))
BLEND_MODES = {"/Normal", "/Multiply", "/Screen", "/Overlay", "/Darken", "/Lighten"}


@dataclass
class Opened:
    """A file, as bytes and as objects."""

    data: bytes
    pdf: pikepdf.Pdf

    def dictionaries(self) -> Iterator[Any]:
        """Every dictionary of the file, nested ones included; of streams, their dictionaries."""
        for thing in self.pdf.objects:
            yield from _nested(thing)

    def streams(self, subtype: str = "") -> Iterator[Any]:
        for thing in self.pdf.objects:
            if isinstance(thing, pikepdf.Stream) and (not subtype or str(thing.get("/Subtype", "")) == subtype):
                yield thing

    def drawings(self) -> Iterator[tuple[Any, Any]]:
        """Pages and forms: what holds operators, and its resources."""
        for page in self.pdf.pages:
            yield page.obj, page.obj.Resources
        for form in self.streams("/Form"):
            yield form, form.get("/Resources", pikepdf.Dictionary())

    def xmp(self) -> ET.Element:
        return ET.fromstring(bytes(self.pdf.Root.Metadata.read_raw_bytes()))  # noqa: S314 - a page of our own


def _nested(thing: Any) -> Iterator[Any]:
    if isinstance(thing, pikepdf.Dictionary | pikepdf.Stream):
        yield thing
        children = [thing[key] for key in thing.keys()]  # noqa: SIM118 - a PDF dictionary is no mapping
    elif isinstance(thing, pikepdf.Array):
        children = [thing[index] for index in range(len(thing))]
    else:
        return
    for child in children:
        if not getattr(child, "is_indirect", True):
            yield from _nested(child)


def check(name: str, clause: str, sentence: str) -> Callable[[Check], Check]:
    """Register a check."""

    def add(function: Check) -> Check:
        CHECKS.append((name, clause, sentence, function))
        return function

    return add


def findings(data: bytes) -> list[str]:
    """``name: what is wrong`` for everything that is; empty for a sound file."""
    with pikepdf.open(io.BytesIO(data)) as pdf:
        opened = Opened(data, pdf)
        return [f"{name}: {fault}" for name, _, _, function in CHECKS for fault in function(opened)]


@check("header", "6.1.2", "文件以 %PDF-1.n 开头，其后一行注释至少有四个大于 127 的字节")
def _header(file: Opened) -> Iterator[str]:
    if not re.match(rb"%PDF-1\.[0-7]\r?\n%[\x80-\xff]{4}", file.data):
        yield "the file does not start as it must"


@check("trailer", "6.1.3", "尾部有两段 16 字节的 ID，没有加密；%%EOF 之后没有内容")
def _trailer(file: Opened) -> Iterator[str]:
    identity = file.pdf.trailer.get("/ID")
    if identity is None or [len(bytes(part)) for part in identity] != [16, 16]:
        yield "no ID"
    if "/Encrypt" in file.pdf.trailer or file.pdf.is_encrypted:
        yield "encrypted"
    if not file.data.endswith((b"%%EOF\n", b"%%EOF")):
        yield "something follows the end"


@check("streams", "6.1.7", "流只用允许的压缩方式，不引用外部文件")
def _streams(file: Opened) -> Iterator[str]:
    for stream in file.streams():
        if {"/F", "/FFilter", "/FDecodeParms"} & set(stream.keys()):
            yield "a stream outside the file"
        if re.search("LZWDecode|Crypt", str(stream.get("/Filter", ""))):
            yield "a filter that is not allowed"


@check("permissions", "6.1.12", "权限字典只含 DocMDP，且指向签名")
def _permissions(file: Opened) -> Iterator[str]:
    perms: Any = file.pdf.Root.get("/Perms", pikepdf.Dictionary())
    if set(perms.keys()) - {"/DocMDP"}:
        yield "other permissions"


@check("limits", "6.1.13", "名称不超过 127 字节，q/Q 嵌套不超过 28 层，页面边长 3 至 14400 点")
def _limits(file: Opened) -> Iterator[str]:
    for dictionary in file.dictionaries():
        if any(len(key.encode()) > 128 for key in dictionary.keys()):  # noqa: SIM118
            yield "a long name"
    for holder, _ in file.drawings():
        depth = 0
        for instruction in pikepdf.parse_content_stream(holder):
            depth += {"q": 1, "Q": -1}.get(str(instruction.operator), 0)
            if not 0 <= depth <= 28:
                yield f"graphics states nested {depth} deep"
        if depth:
            yield "a graphics state is left open"


@check("boxes", "6.1.13", "每页有 MediaBox 与 TrimBox，后者在前者之内，为 A4")
def _boxes(file: Opened) -> Iterator[str]:
    for page in file.pdf.pages:
        media = [float(v) for v in page.obj.get("/MediaBox", [0, 0, 0, 0])]
        trim = [float(v) for v in page.obj.get("/TrimBox", [0, 0, 0, 0])]
        if sorted(round(v) for v in media[2:]) != [595, 842]:
            yield "a page that is not A4"
        if "/TrimBox" not in page.obj or trim[0] < media[0] or trim[2] > media[2] or trim[3] > media[3]:
            yield "no trim box within the media box"


@check("operators", "6.2.2", "内容流只用 ISO 32000 的操作符，用到的资源都在自己的资源字典中")
def _operators(file: Opened) -> Iterator[str]:
    kinds = {"Do": "/XObject", "Tf": "/Font", "gs": "/ExtGState", "cs": "/ColorSpace", "sh": "/Shading"}
    for holder, resources in file.drawings():
        for instruction in pikepdf.parse_content_stream(holder):
            operator = str(instruction.operator)
            if operator not in OPERATORS:
                yield f"unknown operator {operator}"
            kind = kinds.get(operator)
            if kind and str(instruction.operands[0]) not in resources.get(kind, pikepdf.Dictionary()):
                yield f"{instruction.operands[0]} is not in the resources"


@check("output-intent", "6.2.3", "有且只有一个 GTS_PDFA1 输出意图，ICC 配置为 RGB，分量数 3")
def _intent(file: Opened) -> Iterator[str]:
    intents: Any = file.pdf.Root.get("/OutputIntents", pikepdf.Array())
    if len(intents) != 1 or str(intents[0].S) != "/GTS_PDFA1":
        yield "no output intent"
        return
    profile = intents[0].DestOutputProfile
    data = bytes(profile.read_bytes())
    if data[36:40] != b"acsp" or data[16:20] != b"RGB " or data[8] > 4 or int(profile.N) != 3:
        yield "the profile is not RGB"
    if int.from_bytes(data[:4], "big") != len(data):
        yield "the profile is cut off"


@check("colour", "6.2.4", "只用 RGB 与灰度，不出现 CMYK 与未说明的色彩空间")
def _colour(file: Opened) -> Iterator[str]:
    for holder, _ in file.drawings():
        for instruction in pikepdf.parse_content_stream(holder):
            if str(instruction.operator) in {"k", "K", "cs", "CS", "sc", "SC", "scn", "SCN"}:
                yield f"operator {instruction.operator}"
    for image in file.streams("/Image"):
        space = str(image.get("/ColorSpace", "/DeviceGray" if image.get("/ImageMask") else ""))
        if space not in {"/DeviceRGB", "/DeviceGray"}:
            yield f"an image in {space or 'no colour space'}"


@check("images", "6.2.8", "图像不插值，没有替代图与 OPI")
def _images(file: Opened) -> Iterator[str]:
    for image in file.streams("/Image"):
        if image.get("/Interpolate") or {"/Alternates", "/OPI"} & set(image.keys()):
            yield "an image that interpolates or has alternates"


@check("transparency", "6.2.10", "有透明的页面带 RGB 混合空间；混合模式是标准的；没有传递函数与半色调名")
def _transparency(file: Opened) -> Iterator[str]:
    for dictionary in file.dictionaries():
        if {"/TR", "/TR2", "/HTP"} & set(dictionary.keys()):
            yield "a transfer function"
        if "/BM" in dictionary and str(dictionary.BM) not in BLEND_MODES:
            yield f"blend mode {dictionary.BM}"
        if str(dictionary.get("/S", "")) == "/Transparency" and str(dictionary.get("/CS", "")) != "/DeviceRGB":
            yield "a group without colour space"
    for page in file.pdf.pages:
        if str(page.obj.get("/Group", pikepdf.Dictionary()).get("/CS", "")) != "/DeviceRGB":
            yield "a page without blending space"


def _fonts(file: Opened) -> Iterator[Any]:
    for dictionary in file.dictionaries():
        if str(dictionary.get("/Type", "")) == "/Font" and str(dictionary.get("/Subtype", "")) == "/Type0":
            yield dictionary


@check("fonts", "6.2.11.4", "字体全部嵌入，为 Type 0 与 CIDFontType2，名称带六个大写字母，有 CIDToGIDMap，没有 CIDSet")
def _embedded(file: Opened) -> Iterator[str]:
    for font in _fonts(file):
        below = font.DescendantFonts[0]
        if str(font.Encoding) not in {"/Identity-H", "/Identity-V"} or "/CIDToGIDMap" not in below:
            yield f"{font.BaseFont}: encoding"
        if "/FontFile2" not in below.FontDescriptor or "/CIDSet" in below.FontDescriptor:
            yield f"{font.BaseFont}: not embedded, or with a CIDSet"
        names = {str(font.BaseFont), str(below.BaseFont), str(below.FontDescriptor.FontName)}
        if len(names) != 1 or not re.fullmatch(r"/[A-Z]{6}\+\S+", names.pop()):
            yield f"{font.BaseFont}: name"
    for dictionary in file.dictionaries():
        simple = {"/Type1", "/TrueType", "/Type3", "/MMType1"}
        if str(dictionary.get("/Type", "")) == "/Font" and str(dictionary.get("/Subtype", "")) in simple:
            descriptor = dictionary.get("/FontDescriptor", pikepdf.Dictionary())
            if not {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor.keys()):
                yield f"{dictionary.get('/BaseFont')}: not embedded"


def _widths(below: Any) -> dict[int, float]:
    found: dict[int, float] = {}
    entries = below.get("/W", pikepdf.Array())
    for index in range(0, len(entries), 2):
        for offset in range(len(entries[index + 1])):
            found[int(entries[index]) + offset] = float(entries[index + 1][offset])
    return found


@check("widths", "6.2.11.5", "字典中的字宽与字体程序中的一致（误差不大于 1）")
def _width(file: Opened) -> Iterator[str]:
    for font in _fonts(file):
        below = font.DescendantFonts[0]
        if str(below.get("/CIDToGIDMap")) != "/Identity":
            continue
        program = TTFont(io.BytesIO(bytes(below.FontDescriptor.FontFile2.read_bytes())))
        scale = 1000 / program["head"].unitsPerEm
        declared, most = _widths(below), _most(font)
        for gid in range(1, program["maxp"].numGlyphs):
            advance = program["hmtx"].metrics[program.getGlyphName(gid)][0] * scale
            wrong = abs(declared.get(gid, float(below.get("/DW", 1000))) - advance) > 1
            # Glyphs behind the last character are parts of composites: they are never shown by themselves.
            if wrong and (gid in declared or gid <= most):
                yield f"{font.BaseFont}: width of {gid}"


def _most(font: Any) -> int:
    return max((int(cid, 16) for cid in re.findall(rb"<([0-9A-F]{4})><", font.ToUnicode.read_bytes())), default=0)


@check("to-unicode", "6.2.11.7", "每个字体有 ToUnicode，涵盖用到的每个字，不含 U+0000、U+FEFF、U+FFFE；不显示 .notdef")
def _unicode(file: Opened) -> Iterator[str]:
    for holder, resources in file.drawings():
        known: set[bytes] | None = None
        for instruction in pikepdf.parse_content_stream(holder):
            if str(instruction.operator) == "Tf":
                font = resources.Font[str(instruction.operands[0])]
                if str(font.Subtype) != "/Type0":
                    known = None  # a font of a base page: level B leaves its text to it
                    continue
                if "/ToUnicode" not in font:
                    yield f"{font.BaseFont}: no ToUnicode"
                    known = set()
                    continue
                pairs = re.findall(rb"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]+)>\n", font.ToUnicode.read_bytes())
                if any(target.lower() in {b"0000", b"feff", b"fffe"} for _, target in pairs):
                    yield f"{font.BaseFont}: a target that is no character"
                known = {bytes.fromhex(cid.decode()) for cid, _ in pairs}
            if str(instruction.operator) == "Tj" and known is not None:
                shown = bytes(instruction.operands[0])
                codes = {shown[i : i + 2] for i in range(0, len(shown), 2)}
                if b"\0\0" in codes or not codes <= known:
                    yield "a code without character"


@check("annotations", "6.3", "批注只有签名控件：打印标志置位，不隐藏，只有外观 N 且为流")
def _annotations(file: Opened) -> Iterator[str]:
    for page in file.pdf.pages:
        for annotation in page.obj.get("/Annots", []):
            flags = int(annotation.get("/F", 0))
            if not flags & 4 or flags & (1 | 2 | 32 | 256):
                yield "an annotation that is not printed"
            if set(annotation.AP.keys()) != {"/N"} or not isinstance(annotation.AP.N, pikepdf.Stream):
                yield "an annotation without its one appearance"
            if str(annotation.Subtype) != "/Widget":
                yield f"annotation {annotation.Subtype}"


@check("forms", "6.4", "表单没有 XFA 与 NeedAppearances；签名的 ByteRange 覆盖除签名值外的全部字节")
def _forms(file: Opened) -> Iterator[str]:
    form: Any = file.pdf.Root.AcroForm
    if form.get("/NeedAppearances") or "/XFA" in form:
        yield "a form that readers must draw"
    for field in form.Fields:
        first, one, two, last = (int(v) for v in field.V.ByteRange)
        if (first, two + last) != (0, len(file.data)) or not file.data[one:two].startswith(b"<"):
            yield "a byte range with a gap"


@check("actions", "6.5", "没有脚本、动作、外部引用与可选内容")
def _actions(file: Opened) -> Iterator[str]:
    for dictionary in file.dictionaries():
        if bad := FORBIDDEN & set(dictionary.keys()):
            yield f"{bad}"


@check("xmp", "6.6.2", "目录有未压缩的 XMP，声明 part 3、conformance B；自定义属性有扩展模式说明")
def _xmp(file: Opened) -> Iterator[str]:
    stream: Any = file.pdf.Root.get("/Metadata")
    if stream is None or "/Filter" in stream or str(stream.Type) != "/Metadata":
        yield "no plain metadata stream"
        return
    raw = bytes(stream.read_raw_bytes())
    if not raw.startswith(b"<?xpacket begin=") or re.match(rb"<\?xpacket[^>]*(bytes|encoding)=", raw):
        yield "the packet's header"
    root = file.xmp()
    if [root.findtext(f".//{PDFAID}part"), root.findtext(f".//{PDFAID}conformance")] != ["3", "B"]:
        yield "no identification"
    described = {one.text for one in root.iterfind(f".//{PROPERTY}name")}
    spaces = {one.text for one in root.iterfind(f".//{SCHEMA}namespaceURI")}
    for description in root.iterfind(f"{RDF}RDF/{RDF}Description"):
        for element in description:
            if not element.tag.startswith(KNOWN):
                space, name = element.tag[1:].split("}")
                if space not in spaces or name not in described:
                    yield f"{name} is not described"


@check("info", "6.6.3", "信息字典的标题、生产者、日期与标识同 XMP 一致")
def _info(file: Opened) -> Iterator[str]:
    info, root = file.pdf.docinfo, file.xmp()
    text = "".join(root.itertext())
    for key in ("/Title", "/Producer", "/certificateIdentifier"):
        if key in info and str(info[key]) not in text:
            yield f"{key} differs"
    digits = re.sub(r"\D", "", root.findtext(".//{http://ns.adobe.com/xap/1.0/}CreateDate") or "")
    if re.sub(r"\D", "", str(info.get("/CreationDate", "")))[:14] != digits[:14]:
        yield "/CreationDate differs"


@check("attachments", "6.8", "附件有 F、UF、AFRelationship、MIME 类型、大小与修改日期，并由目录的 AF 引用")
def _attachments(file: Opened) -> Iterator[str]:
    linked = {one.objgen for one in file.pdf.Root.get("/AF", [])}
    found = 0
    for dictionary in file.dictionaries():
        if str(dictionary.get("/Type", "")) != "/Filespec":
            continue
        found += 1
        if not {"/F", "/UF", "/AFRelationship", "/EF"} <= set(dictionary.keys()) or dictionary.objgen not in linked:
            yield "an attachment without its entries"
            continue
        stream = dictionary.EF.F
        params = stream.get("/Params", pikepdf.Dictionary())
        if str(stream.get("/Subtype", "")) != "/application/json" or not str(params.get("/ModDate", "")).startswith(
            "D:"
        ):
            yield "an attachment without type or date"
        if int(params.get("/Size", -1)) != len(stream.read_bytes()):
            yield "an attachment of another size"
    if not found:
        yield "no attachment"
