"""``copy.annotated``: an annotated copy of a license that was never copied before, drawn and sealed."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from certsvc.cli.bench import Figure, Side
from certsvc.commands.page_ports import CopyJob, SignatureField
from certsvc.license.copies import COPY_FIELD
from certsvc.rendering.copy_source import read_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from certsvc.commands.page_ports import PageJob
    from certsvc.commands.ports import Deps
    from certsvc.seal.model import Seal

FILES = 64
"""Licenses of different holders, so that nothing of one is known from another."""
GOAL = 100


def copy_figure(deps: Deps, job: Callable[[], PageJob], issuer: Seal, sharing: Seal, forms: tuple[str, str]) -> Figure:
    """Take the file apart, draw the copy and seal it; the formats are those of the issuer and of the sharing seal."""
    own, form = forms
    files = []
    for _ in range(FILES):
        page = job()
        prepared = deps.renderer.render(page)
        files.append(deps.sealer.seal(prepared, issuer, own, signed_at=page.signature.signed_at))
    count = itertools.count(1)
    now = deps.clock.now().replace(microsecond=0)
    field = SignatureField(
        name=COPY_FIELD,
        sub_filter=deps.sealer.sub_filter(form),
        reason="制作加注件",
        location=sharing.owner_name,
        signed_at=now,
        docmdp=1,
        reserved_bytes=deps.sealer.reserved_bytes(sharing, form),
    )

    def copied() -> bytes:
        number = next(count)
        only = f"仅供示例省市场监督管理局办理“食品经营许可（新办）”（办件 BJ-2026-{number}）使用"
        wanted = CopyJob(
            title="教师资格证书（加注件）",
            watermark=("仅供示例省市场监督管理局办理", "“食品经营许可（新办）”使用", f"办件 BJ-2026-{number}"),
            notes=(
                "加注件：本件由示例省政务服务局依持证人授权提供，不是证照原件。",
                only,
                f"加注件编号 JZ{number:026d}",
            ),
            printed_code=f"https://zz.certsvc.example/q/{deps.ids.token()}",
            elements={"certificateCopyCause": only},
            signature=field,
            signer=sharing.owner_name,
            document_id=deps.ids.salt(),
        )
        source = read_source(files[number % FILES])
        return deps.sealer.seal(deps.renderer.render_copy(wanted, source), sharing, form, signed_at=now)

    return Figure(
        name="copy.annotated.per_core_s",
        unit="1/s",
        goal=GOAL,
        sides=(Side(name=f"annotated copy {sharing.algorithm}", once=copied),),
    )
