"""Every use of a seal: a committed reservation before the key operation, a result after (DESIGN.md 8).

The seal's row is held while the use is judged and counted, so a stop, a re-making and a thousand parallel uses come one
after the other: what was reserved was allowed in that moment, and after a stop has returned nothing is.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.clock import end_of_day, local_day
from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import answered_key, rows_of
from certsvc.commands.seals.move_seal import hour_of
from certsvc.commands.seals.watch_use import note_refused_use
from certsvc.errors import SealUnavailable, UnknownLicenseType, UseUnknown
from certsvc.license.copies import COPY_SCOPE
from certsvc.seal.approval import ApprovalState
from certsvc.seal.model import ReservationResult, SealReservation
from certsvc.seal.odd import BURST_DAYS, OddRule, look_now, odd_burst
from certsvc.seal.use import Against, Refusal, refusal_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.errors import CertsvcError
    from certsvc.seal.making import SealMaking
    from certsvc.seal.model import Seal
    from certsvc.seal.use import SealUse

RATE_WINDOW = timedelta(seconds=60)


class _RefusedUse(Exception):
    """Leaves the unit of work, so that nothing of a refused use stays: no count, no used-up approval."""

    def __init__(self, refusal: Refusal, odd: OddRule | None = None) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal
        self.odd = odd


def reserve_use(
    deps: Deps, seal: Seal, *, purpose: str, digest: str, use: SealUse, watched: bool = True
) -> SealReservation:
    """Reserve one use of ``seal`` over ``digest`` (hex SHA-256) for what ``use`` says, committed on return.

    A refusal counts as an odd use unless it is not ``watched``: what the service itself tries again and again.

    Raises:
        SealUnavailable: stopped, re-made, out of period, scope or hours, over its budget or rate, or without the
            approval that a manual use needs; the detail says which, and what to do.
    """
    asked = Asked(seal=seal, purpose=purpose, digest=digest, use=use)
    (reservation,) = reserve_uses(deps, [asked], watched=watched)
    return reservation


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """One use that is asked for: of which seal, why, over which digest (hex SHA-256), for what."""

    seal: Seal
    purpose: str
    digest: str
    use: SealUse


def reserve_uses(deps: Deps, asked: Sequence[Asked], *, watched: bool = True) -> list[SealReservation]:
    """Reserve several uses in one transaction, all or none, committed on return.

    A refusal of one of several is not yet held against its seal: the caller asks again for each by itself.

    Raises:
        SealUnavailable: as :func:`reserve_use`, for the first that is refused.
    """
    now = deps.clock.sure()
    reservations = [
        SealReservation(
            reservation_id=deps.ids.new("use"),
            seal_id=one.seal.seal_id,
            purpose=one.purpose,
            digest=one.digest,
            reserved_at=now,
        )
        for one in asked
    ]
    uses = list(zip(asked, reservations, strict=True))
    try:
        with deps.uow() as tx:
            # Rows of seals are held in one order everywhere, so that two batches never wait for each other.
            for seal_id in sorted({one.seal.seal_id for one in asked}):
                _reserve(deps, tx, seal_id, [use for use in uses if use[0].seal.seal_id == seal_id], now)
    except _RefusedUse as refused:
        if watched and len(asked) == 1:
            one, against, odd = asked[0], refused.refusal.against, refused.odd
            note_refused_use(deps, one.seal.seal_id, against, one.use, purpose=one.purpose, at=now, odd=odd)
        raise SealUnavailable(refused.refusal.detail, against=refused.refusal.against.value) from None
    return reservations


def _reserve(
    deps: Deps, tx: UnitOfWork, seal_id: str, uses: Sequence[tuple[Asked, SealReservation]], now: datetime
) -> None:
    """Judge and count uses of one seal, one after the other as if each came alone."""
    held = tx.seals.hold(seal_id)
    if held is None:
        raise _RefusedUse(Refusal(against=Against.UNKNOWN, detail="印章不存在"))
    most = held.rules.per_minute
    room = most - tx.seals.used_since(seal_id, now - RATE_WINDOW, limit=most) if most else len(uses)
    for place, (one, reservation) in enumerate(uses):
        name = type_name(deps, one.use.type_slug)
        refusal = refusal_of(held, one.use, now, key_id=one.seal.key_id, type_name=name)
        if refusal is None and place >= room:
            detail = f"印章“{held.name}”每分钟最多用印 {most} 次，请稍后重试"
            refusal = Refusal(against=Against.RATE, detail=detail)
        refusal = refusal or _not_approved(tx, held, reservation, one.use)
        if refusal is not None:
            raise _RefusedUse(refusal)
    _store(deps, tx, held, [reservation for _, reservation in uses], now)
    _count_hour(tx, held, sum(not one.use.backfill for one, _ in uses), now)


def _not_approved(tx: UnitOfWork, seal: Seal, reservation: SealReservation, use: SealUse) -> Refusal | None:
    """What is wrong with the approval of a manual use; a good one is used up here, in this transaction."""
    if not use.manual:
        return None
    now = reservation.reserved_at
    if use.represented_by:
        one = tx.approvals.representative(use.represented_by)
        known = one is not None and one.person == use.operator
        problem = one.problem_of(seal.owner_code, use, now) if one is not None and known else "没有这项首席代表授权"
        return Refusal(against=Against.APPROVAL, detail=f"{problem}，请按用印审批办理") if problem else None
    if seal.rules.manual_needed == 0:
        return None
    approval = tx.approvals.by_id(use.approval_id, hold=True) if use.approval_id else None
    if approval is None:
        detail = f"印章“{seal.name}”人工用印须经 {seal.rules.manual_needed} 人批准，请先提交用印申请"
        return Refusal(against=Against.APPROVAL, detail=detail)
    problem = approval.problem_of_use(seal.seal_id, use.content_digest or reservation.digest, use, now)
    granted, used = ApprovalState.GRANTED, ApprovalState.USED
    if not problem and not tx.approvals.set_state(
        approval.approval_id, source=granted, target=used, used_by=reservation.reservation_id
    ):
        problem = "这项批准已经用过，每项批准只能用印一次"
    return Refusal(against=Against.APPROVAL, detail=problem) if problem else None


def _store(deps: Deps, tx: UnitOfWork, seal: Seal, reservations: Sequence[SealReservation], now: datetime) -> None:
    """Store the reservations, count them against the budget of the day, and name them in one leaf.

    A reservation that is taken away would hide that a key signed.
    """
    day_end = end_of_day(local_day(now))
    if not tx.seals.reserve(reservations, day_start=day_end - timedelta(days=1), day_end=day_end):
        detail = f"印章“{seal.name}”今日用印次数已达上限 {seal.daily_budget} 次，明日自动恢复或由保管人调整"
        raise _RefusedUse(Refusal(against=Against.BUDGET, detail=detail))
    content = {"count": len(reservations), "rows": rows_of(reservations)}
    record(tx, deps, kind="seal.reserved", subject=seal.seal_id, actor="certsvc", content=content, at=now)


def _count_hour(tx: UnitOfWork, seal: Seal, uses: int, now: datetime) -> None:
    """Count uses of the hour; a burst is refused with the use that shows it. Backfill is none and not counted."""
    if not uses:
        return
    hour = hour_of(now)
    used, excused = tx.seal_watch.count_hour(seal.seal_id, hour, uses=uses)
    looks = [count for count in range(used - uses + 1, used + 1) if look_now(count)]
    if excused or not looks:
        return
    busy = tx.seal_watch.busy_hours(seal.seal_id, since=hour - timedelta(days=BURST_DAYS), before=hour)
    if any(odd_burst(count, busy) for count in looks):
        detail = f"印章“{seal.name}”用印异常增多，已自动停用；请保管人查明原因后恢复"
        raise _RefusedUse(Refusal(against=Against.RATE, detail=detail), odd=OddRule.BURST)


def type_name(deps: Deps, slug: str) -> str:
    """What a use is for, in the sentence that refuses it."""
    if slug == COPY_SCOPE:
        return "加注件"
    try:
        return deps.catalog.type(slug).name if slug else "证照以外的文件"
    except UnknownLicenseType:
        return slug


def settle_sealed(deps: Deps, sealed: Iterable[tuple[SealReservation, bytes | CertsvcError]]) -> None:
    """Answer reservations by what came of them: the sealed file, or why there is none.

    Whether a process that died or a platform that was silent had signed is not known: such a reservation stays open
    and is listed (:func:`unanswered_uses`), and the next try says so in evidence (:func:`abandon_earlier`).
    """
    known = [(one, data) for one, data in sealed if not isinstance(data, UseUnknown)]
    if known:
        reasons = {one.reservation_id: _reason(data) for one, data in known if not isinstance(data, bytes)}
        settle_uses(deps, [(one, _digest(data)) for one, data in known], reasons=reasons)


def _reason(error: CertsvcError) -> str:
    """Why a reserved use was not made: the code of the error, and what spoke against the seal in the last moment."""
    against = error.against if isinstance(error, SealUnavailable) else ""
    return f"{error.code}:{against}" if against else error.code


def _digest(sealed: bytes | CertsvcError) -> str:
    """Hex SHA-256 of what was sealed; empty when it was not."""
    return hashlib.sha256(sealed).hexdigest() if isinstance(sealed, bytes) else ""


def settle_uses(
    deps: Deps, answers: Iterable[tuple[SealReservation, str]], *, reasons: Mapping[str, str] | None = None
) -> None:
    """Answer reservations in one transaction, each with the hex SHA-256 of the sealed file, empty when it failed.

    ``reasons`` say why, by reservation id, for the evidence. A second answer is our own mistake (RuntimeError).
    """
    now = deps.clock.now()
    results = [
        (reservation, ReservationResult.USED if sha256 else ReservationResult.FAILED, sha256)
        for reservation, sha256 in answers
    ]
    with deps.uow() as tx:
        given = tx.seals.answer([(one.reservation_id, result, sha256) for one, result, sha256 in results], now=now)
        if given != len(results):
            msg = "a seal reservation was redeemed twice"
            raise RuntimeError(msg)
        for reservation, result, sha256 in results:
            answered = replace(reservation, result=result, signature_sha256=sha256, answered_at=now)
            _on_record(deps, tx, answered, now, reason=(reasons or {}).get(reservation.reservation_id, ""))


def _on_record(deps: Deps, tx: UnitOfWork, answered: SealReservation, now: datetime, *, reason: str = "") -> None:
    content = {
        "reservation_id": answered.reservation_id,
        "purpose": answered.purpose,
        "digest": answered.digest,
        "rows": [answered_key(answered)],
        **({"reason": reason} if reason else {}),
    }
    kind = f"seal.{answered.result.value}"
    record(tx, deps, kind=kind, subject=answered.seal_id, actor="certsvc", content=content, at=now)


def abandon_earlier(deps: Deps, purposes: Iterable[str]) -> None:
    """Close the open reservations that crashed runs of the same works left.

    Whether the key signed is unknown, so they stay counted, listed by ``certsvc seals unanswered``, and in evidence.
    """
    now = deps.clock.now()
    with deps.uow() as tx:
        for reservation in tx.seals.abandon(list(purposes), now=now):
            _on_record(deps, tx, reservation, now)


def unanswered_uses(deps: Deps, *, older_than_s: int, limit: int = 100) -> Sequence[SealReservation]:
    """Reservations without an answer: each is a key operation that may or may not have happened."""
    with deps.uow.read() as tx:
        return tx.seals.unanswered(before=deps.clock.now() - timedelta(seconds=older_than_s), limit=limit)


def unanswered_makings(deps: Deps, *, older_than_s: int, limit: int = 100) -> Sequence[SealMaking]:
    """Makings of keys and seal objects without an answer."""
    with deps.uow.read() as tx:
        before = deps.clock.now() - timedelta(seconds=older_than_s)
        return tx.seal_lives.unanswered_makings(before=before, limit=limit)
