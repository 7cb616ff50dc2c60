"""Documents that the people of the sandbox are asked to sign, so that signing can be clicked through."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from certsvc.commands.access.principals import of_client
from certsvc.commands.access.seed_sandbox import PLATFORM
from certsvc.commands.signings.body import ParticipantBody, PlaceBody, SealBody, SigningBody
from certsvc.commands.signings.request import request_signing
from certsvc.identifiers.holder_code import HolderCodeType
from certsvc.rendering.fonts import EM
from certsvc.rendering.outline import glyph_path
from certsvc.rendering.pdf import FileWriter, stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.app import Service
    from certsvc.rendering.fonts import Family

log = structlog.get_logger("certsvc.serve")

DAYS = 30
SHEET = (595.28, 841.89)
LEFT = 72.0
SAMPLE = "样本　仅供测试　不具有法律效力"
TITLE, LETTER = "示例共同承诺书", "示例告知承诺书"
TEXTS = {
    TITLE: ("我们共同承诺：", "一、所提交的材料真实、有效。", "二、知悉并遵守有关规定。", "三、愿意承担相应的责任。"),
    LETTER: ("本人承诺：", "一、已了解办理事项的条件和要求。", "二、所填写的信息真实、准确。"),
}
PLACES = ((20.0, 60.0), (112.0, 60.0), (20.0, 34.0))
FIELD = (74.0, 22.0)
SEAL_BOX = PlaceBody(page=1, x=125.0, y=88.0, width=50.0, height=50.0)


def request_sample_signings(service: Service) -> int:
    """One document for three people and a seal, one for every person alone; a restart asks for nothing new."""
    deps = service.deps
    with deps.uow.read() as tx:
        client = tx.access.client(PLATFORM)
        people = [one for one in tx.access.people() if one.holder_code_type == HolderCodeType.CITIZEN_ID]
        seals = [seal for seal in tx.seals.all() if seal.algorithm != "sm2"]
        if client is None or tx.signings.of_creator(client.client_id, limit=1):
            return 0
    family = service.renderer.family("song")
    deadline = deps.clock.now() + timedelta(days=DAYS)
    asked = 0
    first = [one.subject for one in people[:3]]
    groups = [(TITLE, first, (1, 1, 2)), *((LETTER, [one.subject], (1,)) for one in people)]
    for title, subjects, orders in groups:
        body = SigningBody(
            title=title,
            deadline=deadline,
            participants=_participants(subjects, orders),
            seal=SealBody(seal_id=seals[0].seal_id, place=SEAL_BOX) if title == TITLE and seals else None,
        )
        request_signing(deps, of_client(client), body, sample_letter(family, title))
        asked += 1
    log.info("signings were asked for", action="sandbox.signings", count=asked)
    return asked


def _participants(subjects: Sequence[str], orders: Sequence[int]) -> tuple[ParticipantBody, ...]:
    return tuple(
        ParticipantBody(
            subject=subject,
            order=order,
            reason="本人承诺",
            place=PlaceBody(page=1, x=place[0], y=place[1], width=FIELD[0], height=FIELD[1]),
        )
        for subject, order, place in zip(subjects, orders, PLACES, strict=False)
    )


def sample_letter(family: Family, title: str) -> bytes:
    """One page with a title and some lines, drawn as outlines; it says across its head that it is a sample."""
    lines = [(SAMPLE, 11.0, 790.0, "0.49 0.29 0 rg"), (title, 22.0, 730.0, "0 g")]
    lines += [(text, 14.0, 680.0 - 32 * row, "0 g") for row, text in enumerate(TEXTS[title])]
    operators = "\n".join(_line(family, *line) for line in lines)
    out = FileWriter()
    contents = out.add(stream(b"", operators.encode("ascii"), pack=True))
    media = f"{SHEET[0]} {SHEET[1]}".encode("ascii")
    page = out.add(
        b"<</Type/Page/Parent %d 0 R/MediaBox[0 0 %s]/Resources<<>>/Contents %d 0 R>>" % (contents + 2, media, contents)
    )
    pages = out.add(b"<</Type/Pages/Kids[%d 0 R]/Count 1>>" % page)
    out.close(b"/Root %d 0 R" % out.add(b"<</Type/Catalog/Pages %d 0 R>>" % pages))
    return b"".join(out.parts)


def _line(family: Family, text: str, size: float, y: float, colour: str) -> str:
    width = family.width(text, "示例文件") * size / EM
    x = (SHEET[0] - width) / 2 if y > 700 else LEFT  # noqa: PLR2004  (the head is centred, the text is not)
    paths = [colour]
    for char in text:
        if not char.isspace():
            paths.append(glyph_path(family, char, (size, 0, 0, size, x, y)))
        x += family.width(char, "示例文件") * size / EM
    return "\n".join([*paths, "f"])
