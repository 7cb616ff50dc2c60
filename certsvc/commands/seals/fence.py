"""The last question before a key is used: may this seal still sign, asked in an order with its stop (ADR 97).

A reservation says that a use was allowed when it was made. Between it and the key operation the seal may be stopped,
cancelled or re-made, its period or hours may end, and a 首席代表 may lose the office in whose name it is used. So the
uses of a block are judged once more in a transaction that stays open while the keys work, and that a stop waits for: it
commits either before, and nothing of the block is signed, or after the last key operation of the block.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from certsvc.commands.seals.use_seal import Asked, type_name
from certsvc.errors import CertsvcError, SealUnavailable, UseUnknown
from certsvc.seal.use import Against, Refusal, refusal_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.page_ports import SealTask
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork

log = structlog.get_logger("certsvc.seals")

BLOCK_PAGES = 16
"""Pages that pass the fence together: what a stop waits for at most, per worker (a big batch must not hold it up)."""

BLOCK_TIME = timedelta(seconds=8)
"""The longest that a block may take, below the time for which a stop waits for a lock (``store.engine.WAIT_S``).

PostgreSQL ends the transaction of a block that takes longer (a device that hangs must not keep a seal from being
stopped), and a seal whose period or hours end within it does not begin.
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReservedPage:
    """A page whose use of a seal is reserved: what was asked, and what the press is to do."""

    asked: Asked
    task: SealTask


def seal_fenced(deps: Deps, pages: Sequence[ReservedPage]) -> list[bytes | CertsvcError]:
    """The sealed files in their order, or why there is none; the caller answers the reservations by them.

    A page whose seal may not sign any more gives SealUnavailable: no key was used for it. Keys at a platform are asked
    for page by page and judged directly before, but a stop does not wait for the platform's answer.
    """
    made: list[bytes | CertsvcError] = []
    for block in _blocks(deps, pages):
        away = deps.sealer.is_away(block[0].task.format)
        made += _away(deps, block) if away else _block(deps, block)
    return made


def _blocks(deps: Deps, pages: Sequence[ReservedPage]) -> list[list[ReservedPage]]:
    """Runs of pages in their order: of keys that are here up to a block, of keys that are away one by one."""
    blocks: list[list[ReservedPage]] = []
    open_block = False
    for page in pages:
        away = deps.sealer.is_away(page.task.format)
        if open_block and not away and len(blocks[-1]) < BLOCK_PAGES:
            blocks[-1].append(page)
        else:
            blocks.append([page])
        open_block = not away
    return blocks


def _block(deps: Deps, pages: Sequence[ReservedPage]) -> list[bytes | CertsvcError]:
    made: list[bytes | CertsvcError] | None = None
    try:
        with deps.uow() as tx:
            judged = _judge(deps, tx, pages)
            deps.faults.reach("sealing.fenced")
            made = _pressed(deps, pages, judged)
            deps.faults.reach("sealing.signed")
    except CertsvcError as error:
        if made is None:
            return [error for _ in pages]
        # The fence was lost while keys worked: whether all of it was before a stop is not known, so nothing of it is
        # handed out, and its reservations stay open and are listed.
        log.error("the fence was lost", action="seal.fence_lost", pages=len(pages), reason=error.code)  # noqa: TRY400
        lost = UseUnknown("签章用时过长或数据库中断，不能确定是否在停用之前完成；文件未登记，系统将稍后再试")
        return [lost if isinstance(one, bytes) else one for one in made]
    return made


def _away(deps: Deps, pages: Sequence[ReservedPage]) -> list[bytes | CertsvcError]:
    """A platform may take its time: the fence is passed and left before the digest goes out."""
    try:
        with deps.uow() as tx:
            judged = _judge(deps, tx, pages)
    except CertsvcError as error:
        return [error for _ in pages]
    return _pressed(deps, pages, judged)


def _pressed(
    deps: Deps, pages: Sequence[ReservedPage], judged: Sequence[SealUnavailable | None]
) -> list[bytes | CertsvcError]:
    """Seal what may be; nothing else reaches a key."""
    going = [page.task for page, refused in zip(pages, judged, strict=True) if refused is None]
    sealed = iter(deps.press.seal(going) if going else ())
    return [next(sealed) if refused is None else refused for refused in judged]


def _judge(deps: Deps, tx: UnitOfWork, pages: Sequence[ReservedPage]) -> list[SealUnavailable | None]:
    """Pass the fences of a block and say of each page why its seal may not sign any more, or None."""
    seal_ids = sorted({page.asked.seal.seal_id for page in pages})
    named = {page.asked.use.represented_by for page in pages} - {""}
    tx.seal_fences.share([*seal_ids, *named], most_ms=BLOCK_TIME // timedelta(milliseconds=1))
    seals = tx.seals.by_ids(seal_ids)
    # After the fences, which may have been waited for.
    until = deps.clock.sure() + BLOCK_TIME
    found: list[SealUnavailable | None] = []
    for page in pages:
        asked = page.asked
        seal = seals.get(asked.seal.seal_id)
        if seal is None:
            refusal: Refusal | None = Refusal(against=Against.UNKNOWN, detail="印章不存在")
        else:
            name = type_name(deps, asked.use.type_slug)
            refusal = refusal_of(seal, asked.use, until, key_id=asked.seal.key_id, type_name=name)
            refusal = refusal or _office(tx, seal.owner_code, asked, until)
        found.append(None if refusal is None else _refused(asked, refusal))
    return found


def _office(tx: UnitOfWork, owner_code: str, asked: Asked, at: datetime) -> Refusal | None:
    """What is wrong by now with the appointment in whose name the seal is used."""
    if not asked.use.represented_by:
        return None
    one = tx.approvals.representative(asked.use.represented_by)
    problem = one.problem_of(owner_code, asked.use, at) if one is not None else "没有这项首席代表授权"
    return Refusal(against=Against.APPROVAL, detail=f"{problem}，请按用印审批办理") if problem else None


def _refused(asked: Asked, refusal: Refusal) -> SealUnavailable:
    log.info("not signed", action="seal.fenced_off", seal_id=asked.seal.seal_id, against=refusal.against.value)
    return SealUnavailable(f"{refusal.detail}（预留之后、签章之前发现，未签章）", against=refusal.against.value)
