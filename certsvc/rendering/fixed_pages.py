"""The check of a document that people are to sign: that of hand stamping, and upright pages at the origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.errors import FieldProblem, UploadRefused
from certsvc.rendering.layout import MM

if TYPE_CHECKING:
    from certsvc.rendering.uploads import IsolatedUploads

MAX_SIDE_MM = 2000.0
MIN_SIDE_MM = 50.0
_AGAIN = "请用“打印为 PDF”重新生成后再上传"


class FixedPages:
    """Implements ``signer_ports.UploadCheck``; the file is read in a worker process."""

    def __init__(self, uploads: IsolatedUploads) -> None:
        """Ask ``uploads``."""
        self._uploads = uploads

    def check(self, data: bytes) -> tuple[tuple[float, float], ...]:
        """Width and height of every page in millimetres.

        Raises:
            UploadRefused: no PDF, damaged, encrypted, signed already, or with parts that can change what is seen; pages
                that are turned or do not begin at the origin.
        """
        report = self._uploads.judge(data)
        if report.refusals:
            raise _refused(report.refusals)
        if report.signatures:
            raise _refused((("signed", f"文件已有签名，{_AGAIN}"),))
        if any(page.rotate or page.box[0] or page.box[1] for page in report.pages):
            raise _refused((("turned", f"有页面经过旋转或裁切，{_AGAIN}"),))
        sizes = tuple((page.box[2] / MM, page.box[3] / MM) for page in report.pages)
        if not all(MIN_SIDE_MM <= side <= MAX_SIDE_MM for size in sizes for side in size):
            raise _refused((("size", f"页面边长应在 {MIN_SIDE_MM:.0f} 至 {MAX_SIDE_MM:.0f} 毫米之间"),))
        return sizes


def _refused(reasons: tuple[tuple[str, str], ...]) -> UploadRefused:
    problems = tuple(FieldProblem(pointer="/file", code=code, detail=detail) for code, detail in reasons)
    return UploadRefused("；".join(detail for _, detail in reasons), problems=problems)
