"""Approve, refuse, drop, activate, stop, resume and cancel a seal, each by whom the table of moves says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from certsvc.commands.seals.apply_seal import need
from certsvc.commands.seals.duties import UNSEEN, check_duty, check_seen
from certsvc.commands.seals.end_versions import destroy_key, drop_under_way, revoke_certificate
from certsvc.commands.seals.note_move import SERVICE, Moved, Said, note_move
from certsvc.errors import Conflict, NotFound
from certsvc.seal.life import IN_USE, KEYLESS, NEEDS_ZH, SEAL_MOVE, UNDER_WAY, Needs, lawful_move, needs_of
from certsvc.seal.model import SealState
from certsvc.seal.version import Cause, RevocationReason

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.seal.life import SealMove
    from certsvc.seal.version import SealVersion


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ask:
    """One move as it is carried out."""

    move: SealMove
    said: Said
    actor: str
    at: datetime


def move_seal(deps: Deps, caller: Principal, seal_id: str, name: str, said: Said) -> SealVersion:
    """Make one move of the table; in force at once. The version as it stands then.

    Raises:
        NotFound: no such seal, or not the caller's to see.
        Forbidden: another role, or another person, makes this move.
        InvalidInput: what the move must carry is missing.
        IllegalMove, Conflict: the version's state does not allow it.
    """
    with deps.uow() as tx:
        tx.seals.hold(seal_id)
        # What is being signed is finished first: the move is in force from its commit, and its time is after them.
        tx.seal_fences.close(seal_id)
        now = deps.clock.now()
        version = _version_for(tx, name, seal_id)
        check_seen(deps, caller, version.owner_code)
        move = lawful_move(name, version.state)
        check_duty(deps, caller, move, version)
        for what in needs_of(move, _state_in_use(tx, seal_id)):
            carried = {Needs.REASON: said.reason, Needs.DOCUMENT: said.document_no, Needs.FILING: said.filing_no}
            need(carried[what], what.value, f"办理“{move.name_zh}”须填写{NEEDS_ZH[what]}")
        ask = _Ask(move=move, said=said, actor=caller.subject, at=now)
        gone = _carry_out(deps, tx, version, ask)
        changed = tx.seal_lives.version(seal_id, version.version)
    for key_id in gone:
        destroy_key(deps, key_id)
    if changed is None:
        msg = "a version vanished within its own transaction"
        raise RuntimeError(msg)
    return changed


def _state_in_use(tx: UnitOfWork, seal_id: str) -> SealState | None:
    return next((one.state for one in tx.seal_lives.versions(seal_id) if one.state in IN_USE), None)


def _version_for(tx: UnitOfWork, name: str, seal_id: str) -> SealVersion:
    """The version that a move is about: the one under way, or the one in use; the newest when there is none such."""
    versions = tx.seal_lives.versions(seal_id)
    if not versions:
        raise NotFound(UNSEEN)
    known = SEAL_MOVE.get(name)
    wanted = UNDER_WAY if known is not None and known.sources & UNDER_WAY else IN_USE
    return next((one for one in reversed(versions) if one.state in wanted), versions[-1])


def _carry_out(deps: Deps, tx: UnitOfWork, version: SealVersion, ask: _Ask) -> tuple[str, ...]:
    """Write the move; the ids of keys that are never used again."""
    if ask.move.name == "activate":
        return _activate(deps, tx, version, ask)
    if version.state in IN_USE:
        return _move_seal_in_use(deps, tx, version, ask)
    moved = replace(version, state=ask.move.target)
    if ask.move.name == "approve":
        moved = replace(moved, approved_by=ask.actor)
    if not tx.seal_lives.move(moved, source=version.state):
        raise Conflict("这枚印章刚刚由他人办理，请刷新后再看")
    _note(deps, tx, version, ask)
    if ask.move.target is SealState.DROPPED:
        revoke_certificate(deps, tx, version, RevocationReason.CESSATION, actor=ask.actor, at=ask.at)
    return (version.next_key_id,) if ask.move.target in KEYLESS else ()


def _activate(deps: Deps, tx: UnitOfWork, version: SealVersion, ask: _Ask) -> tuple[str, ...]:
    before = next((one for one in tx.seal_lives.versions(version.seal_id) if one.state in IN_USE), None)
    if not tx.seal_lives.activate(replace(version, state=SealState.ACTIVE, activated_by=ask.actor)):
        raise Conflict("原印章已注销或过期，新版本不能启用；请终止办理后重新申请印章")
    _note(deps, tx, version, ask)
    if before is None:
        return ()
    replaced = replace(ask, move=SEAL_MOVE["replace"], said=Said(code=version.cause.value), actor=SERVICE)
    _note(deps, tx, before, replaced)
    return (before.key_id,)


def _move_seal_in_use(deps: Deps, tx: UnitOfWork, version: SealVersion, ask: _Ask) -> tuple[str, ...]:
    name = ask.move.name
    if name == "resume":
        _check_resumable(tx, version, ask.at)
    if not tx.seals.set_state(version.seal_id, source=version.state, target=ask.move.target):
        raise Conflict("这枚印章刚刚由他人办理，请刷新后再看")
    _note(deps, tx, version, ask)
    if name == "resume":
        tx.seal_watch.excuse(version.seal_id, hour_of(ask.at))
    if name != "cancel":
        return ()
    gone = drop_under_way(deps, tx, version.seal_id, code="cancelled", actor=ask.actor, at=ask.at)
    revoke_certificate(deps, tx, version, RevocationReason.CESSATION, actor=ask.actor, at=ask.at)
    return (version.key_id, *gone)


def _check_resumable(tx: UnitOfWork, version: SealVersion, now: datetime) -> None:
    lost = any(
        one.code == Cause.KEY_LOST.value and one.version == version.version
        for one in tx.seal_lives.history(version.seal_id)
    )
    # The key of a platform has no certificate here that could be on our list: what was said of it counts too.
    if lost or tx.seal_lives.is_revoked(version.key_id):
        raise Conflict("印章的密钥已遗失或证书已吊销，不能恢复；请办理换制，启用新版本")
    if version.valid_until is not None and now >= version.valid_until:
        raise Conflict("印章已过有效期，不能恢复；请重新申请印章")


def hour_of(at: datetime) -> datetime:
    """The beginning of the hour."""
    return at.replace(minute=0, second=0, microsecond=0)


def _note(deps: Deps, tx: UnitOfWork, version: SealVersion, ask: _Ask) -> None:
    moved = Moved(
        seal_id=version.seal_id,
        version=version.version,
        owner_code=version.owner_code,
        source=version.state,
    )
    note_move(deps, tx, ask.move, moved, ask.said, actor=ask.actor, at=ask.at)
