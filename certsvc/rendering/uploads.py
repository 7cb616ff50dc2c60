"""The ``UploadDesk`` port: asks worker processes about uploads; nothing of a file of others is parsed here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from certsvc.errors import FieldProblem, SigningError, UploadRefused
from certsvc.license.archives import PdfFacts
from certsvc.rendering.copy_source import CopySource
from certsvc.rendering.mark_wire import dump_job
from certsvc.rendering.upload_check import TEXT
from certsvc.rendering.upload_worker import unpacked
from certsvc.seal.differences import ChangedPage, Compared, Comparison
from certsvc.seal.placing import Found, PageView
from certsvc.seal.prepared import PreparedPdf
from certsvc.seal.stampings import UploadReport, WordSearch

if TYPE_CHECKING:
    from collections.abc import Callable

    from certsvc.seal.marks import NextField, NextSignature


class IsolatedUploads:
    """Asks through ``call``: a request and a file in, an answer out; TimeoutError, or UploadRefused from the pool."""

    def __init__(self, call: Callable[[bytes, bytes], bytes]) -> None:
        """Ask through ``call``."""
        self._call = call

    def judge(self, data: bytes) -> UploadReport:
        """Pages and reasons against stamping."""
        said, _ = self._ask({"do": "judge"}, data)
        return UploadReport(
            pages=tuple(PageView(box=tuple(box), rotate=turn) for box, turn in said["pages"]),
            refusals=tuple((code, detail) for code, detail in said["refusals"]),
            signatures=said["signatures"],
        )

    def find(self, data: bytes, keyword: str) -> WordSearch:
        """Where ``keyword`` stands in the visible text."""
        said, _ = self._ask({"do": "find", "keyword": keyword}, data)
        return WordSearch(
            found=tuple(Found(page=one["page"], rect=tuple(one["rect"])) for one in said["found"]),
            near=tuple((word, page) for word, page in said["near"]),
        )

    def picture(self, data: bytes, *, page: int, width_px: int) -> bytes:
        """A page as PNG, annotations drawn."""
        return self._ask({"do": "picture", "page": page, "width_px": width_px}, data)[1]

    def compare(self, data: bytes, *, end: int) -> Comparison:
        """The pages that differ from those of the first ``end`` bytes."""
        said, blob = self._ask({"do": "compare", "end": end}, data)
        if not said["drawn"]:
            return Comparison(outcome=Compared.CANNOT_DRAW)
        pages: list[ChangedPage] = []
        at = 0
        for one in said["pages"]:
            middle, after = at + one["sizes"][0], at + sum(one["sizes"])
            region = tuple(one["region"]) if one["region"] else None
            sealed, now = blob[at:middle], blob[middle:after]
            pages.append(ChangedPage(number=one["number"], sealed=sealed, now=now, region=region))
            at = after
        return Comparison(
            outcome=Compared.SHOWN if pages else Compared.SAME_LOOK,
            pages=tuple(pages),
            pages_sealed=said["counts"][0],
            pages_now=said["counts"][1],
            compared=said["compared"],
            more=said["more"],
        )

    def prepare(self, data: bytes, field: NextField, signature: NextSignature) -> PreparedPdf:
        """The file and an update with marks and a hole; SigningError as ``prepare_next``."""
        said, update = self._ask({"do": "prepare", **dump_job(field, signature)}, data)
        start, end = said["hole"]
        return PreparedPdf(data=data + update, hole_start=start, hole_end=end, page_count=said["pages"])

    def take_apart(self, data: bytes) -> CopySource:
        """The pages of a file of others, for annotated copies; UploadRefused for one that cannot be copied."""
        try:
            return CopySource.unpacked(*self._ask({"do": "take_apart"}, data))
        except (KeyError, ValueError, TypeError) as error:
            raise refused("broken") from error

    def facts(self, data: bytes) -> PdfFacts:
        """What it is to an archive; UploadRefused for a file that cannot be read."""
        said, _ = self._ask({"do": "facts"}, data)
        try:
            return PdfFacts(**{**said, **{name: tuple(said[name]) for name in ("active", "attachments")}})
        except (KeyError, TypeError) as error:
            raise refused("broken") from error

    def _ask(self, request: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
        try:
            said, blob = unpacked(self._call(json.dumps(request).encode("ascii"), data))
        except (ValueError, TypeError) as error:
            raise refused("broken") from error
        if "signing" in said:
            raise SigningError(said["signing"])
        if "refused" in said:
            raise refused(said["refused"])
        return said, blob


def refused(code: str) -> UploadRefused:
    """The refusal of a file for one reason."""
    problem = FieldProblem(pointer="/file", code=code, detail=TEXT[code])
    return UploadRefused(TEXT[code], problems=(problem,))
