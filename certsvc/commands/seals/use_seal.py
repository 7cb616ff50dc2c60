"""Every use of a seal: a committed reservation before the key operation, a result after (DESIGN.md 8)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.clock import end_of_day, local_day
from certsvc.commands.evidence.record import record
from certsvc.errors import SealUnavailable, UnknownLicenseType
from certsvc.seal.model import SEAL_STATE_ZH, ReservationResult, SealReservation, SealState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.seal.model import Seal
    from certsvc.seal.use import SealUse


def reserve_use(deps: Deps, seal: Seal, *, purpose: str, digest: str, use: SealUse) -> SealReservation:
    """Reserve one use of ``seal`` over ``digest`` (hex SHA-256) for what ``use`` says, committed on return.

    Raises:
        SealUnavailable: stopped, out of period or scope, or over its daily budget; the detail says which.
    """
    now = deps.clock.now()
    if seal.scope_types and use.type_slug not in seal.scope_types:
        raise SealUnavailable(f"印章“{seal.name}”的使用范围不含“{_type_name(deps, use.type_slug)}”")
    day_end = end_of_day(local_day(now))
    reservation = SealReservation(
        reservation_id=deps.ids.new("use"), seal_id=seal.seal_id, purpose=purpose, digest=digest, reserved_at=now
    )
    with deps.uow() as tx:
        if not tx.seals.reserve(reservation, day_start=day_end - timedelta(days=1), day_end=day_end):
            raise SealUnavailable(_why(tx.seals.by_id(seal.seal_id), now))
    return reservation


def _type_name(deps: Deps, slug: str) -> str:
    try:
        return deps.catalog.type(slug).name if slug else "证照以外的文件"
    except UnknownLicenseType:
        return slug


def _why(seal: Seal | None, now: datetime) -> str:
    if seal is None:
        return "印章不存在"
    if seal.state is not SealState.ACTIVE:
        return f"印章“{seal.name}”当前状态为“{SEAL_STATE_ZH[seal.state]}”，不能用印；请联系保管人"
    if not seal.valid_from <= now < seal.valid_until:
        return f"印章“{seal.name}”不在有效期内，请重新制作印章"
    return f"印章“{seal.name}”今日用印次数已达上限 {seal.daily_budget} 次，明日自动恢复或由保管人调整"


def settle_use(deps: Deps, reservation: SealReservation, *, used: bool, signature_sha256: str) -> None:
    """Answer the reservation; a second answer is our own mistake (RuntimeError)."""
    now = deps.clock.now()
    result = ReservationResult.USED if used else ReservationResult.FAILED
    with deps.uow() as tx:
        if not tx.seals.answer(reservation.reservation_id, result, signature_sha256=signature_sha256, now=now):
            msg = "a seal reservation was redeemed twice"
            raise RuntimeError(msg)
        _on_record(deps, tx, reservation, result, now)


def _on_record(
    deps: Deps, tx: UnitOfWork, reservation: SealReservation, result: ReservationResult, now: datetime
) -> None:
    content = {
        "reservation_id": reservation.reservation_id,
        "purpose": reservation.purpose,
        "digest": reservation.digest,
    }
    kind = f"seal.{result.value}"
    record(tx, deps, kind=kind, subject=reservation.seal_id, actor="certsvc", content=content, at=now)


def abandon_earlier(deps: Deps, purpose: str) -> None:
    """Close the open reservations that a crashed run of the same work left.

    Whether the key signed is unknown, so they stay counted, listed by ``certsvc seals unanswered``, and in evidence.
    """
    now = deps.clock.now()
    with deps.uow() as tx:
        for reservation in tx.seals.abandon(purpose=purpose, now=now):
            _on_record(deps, tx, reservation, ReservationResult.UNKNOWN, now)


def unanswered_uses(deps: Deps, *, older_than_s: int, limit: int = 100) -> Sequence[SealReservation]:
    """Reservations without an answer: each is a key operation that may or may not have happened."""
    with deps.uow.read() as tx:
        return tx.seals.unanswered(before=deps.clock.now() - timedelta(seconds=older_than_s), limit=limit)
