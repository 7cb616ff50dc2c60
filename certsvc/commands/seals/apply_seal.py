"""Apply for a seal (申请), and for its re-making: by change of name or scope, by a certificate's end, by a lost key."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.seals.check_application import SealWanted, check_wanted
from certsvc.commands.seals.duties import UNSEEN, check_duty
from certsvc.commands.seals.end_versions import destroy_key, drop_under_way, revoke_certificate
from certsvc.commands.seals.note_move import Moved, Said, note_move
from certsvc.errors import Conflict, FieldProblem, InvalidInput, NotFound
from certsvc.seal.life import IN_USE, SEAL_MOVE, UNDER_WAY
from certsvc.seal.model import SEAL_STATE_ZH, SealState
from certsvc.seal.version import CAUSE_ZH, Cause, RevocationReason, SealVersion

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork

SANDBOX_OWNER = "99"
"""Region of invented authorities; production makes no seal for one."""


def apply_seal(deps: Deps, caller: Principal, wanted: SealWanted, said: Said) -> SealVersion:
    """Apply for a new seal of the caller's authority.

    Raises:
        NotFound: the caller's authority is not in the catalog.
        InvalidInput: no 文书号, or a field that no seal can be made of.
    """
    roles.require(caller, roles.SEAL_APPLICANT)
    now = deps.clock.now()
    if not deps.catalog.has_authority(caller.authority_code):
        raise NotFound("本单位不在机构目录中，请先由政务服务管理机构登记")
    owner = deps.catalog.authority(caller.authority_code)
    if not deps.policy.sandbox and owner.region.startswith(SANDBOX_OWNER):
        raise NotFound("示例机构不能在正式环境制发印章")
    need(said.document_no, "document_no", "请填写申请文书号")
    with deps.uow() as tx:
        check_wanted(deps, tx, owner, wanted)
        version = _version(deps.ids.new("seal"), 1, Cause.NEW, wanted, caller, now)
        version = replace(version, owner_code=owner.code, owner_name=owner.name)
        _open(deps, tx, caller, "apply", version, said, now)
    return version


def remake_seal(
    deps: Deps, caller: Principal, seal_id: str, cause: Cause, wanted: SealWanted | None, said: Said
) -> SealVersion:
    """Open the next version of a seal in use; what is not changed stays as it is.

    A lost key stops the seal and revokes its certificate in the same transaction, whatever else was under way.

    Raises:
        NotFound: no such seal, or not of the caller's authority.
        InvalidInput: no reason or 文书号, or a field that no seal can be made of.
        Conflict: the seal is not in use, or another version is under way.
    """
    gone: tuple[str, ...] = ()
    name = "renew" if cause is Cause.CERTIFICATE else "remake"
    move = SEAL_MOVE[name]
    need(said.reason, "reason", "请写明换制的原因")
    if name == "remake":
        need(said.document_no, "document_no", "请填写申请文书号")
    with deps.uow() as tx:
        seal = tx.seals.hold(seal_id)
        if cause is Cause.KEY_LOST:
            # What is being signed is finished first: the revocation is no earlier than the last of it.
            tx.seal_fences.close(seal_id)
        now = deps.clock.now()
        versions = tx.seal_lives.versions(seal_id)
        current = next((one for one in versions if one.state in IN_USE), None)
        if seal is None or not versions:
            raise NotFound(UNSEEN)
        check_duty(deps, caller, move, current or versions[-1])
        if current is None:
            raise Conflict(f"印章当前状态为“{SEAL_STATE_ZH[seal.state]}”，不能换制，请重新申请印章")
        if cause is Cause.KEY_LOST:
            gone = _lose_key(deps, tx, caller, current, said, now)
        elif any(one.state in UNDER_WAY for one in versions):
            raise Conflict("这枚印章已有一个版本正在办理，请先办结或终止")
        asked = wanted if wanted is not None and cause is Cause.CHANGED else _as_before(current)
        owner = deps.catalog.authority(current.owner_code)
        if cause is Cause.CHANGED:
            check_wanted(deps, tx, owner, asked)
        version = _version(seal_id, versions[-1].version + 1, cause, asked, caller, now)
        version = replace(
            version,
            state=move.target,
            owner_code=owner.code,
            owner_name=owner.name if cause is Cause.CHANGED else current.owner_name,
        )
        _open(deps, tx, caller, name, version, replace(said, code=cause.value), now)
    for key_id in gone:
        destroy_key(deps, key_id)
    return version


def need(text: str, field: str, detail: str) -> None:
    """InvalidInput unless the move carries this."""
    if not text.strip():
        problem = FieldProblem(pointer=f"/{field}", code="missing", detail=detail)
        raise InvalidInput(detail, problems=(problem,))


def _lose_key(
    deps: Deps, tx: UnitOfWork, caller: Principal, current: SealVersion, said: Said, now: datetime
) -> tuple[str, ...]:
    """Stop and revoke; the ids of the keys of a version under way, which is given up."""
    lost = replace(said, code=Cause.KEY_LOST.value)
    revoke_certificate(deps, tx, current, RevocationReason.KEY_COMPROMISE, actor=caller.subject, at=now)
    gone = drop_under_way(deps, tx, current.seal_id, code=Cause.KEY_LOST.value, actor=caller.subject, at=now)
    if tx.seals.set_state(current.seal_id, source=SealState.ACTIVE, target=SealState.STOPPED):
        moved = Moved(
            seal_id=current.seal_id,
            version=current.version,
            owner_code=current.owner_code,
            source=SealState.ACTIVE,
        )
        note_move(deps, tx, SEAL_MOVE["stop"], moved, lost, actor=caller.subject, at=now)
    return gone


def _as_before(current: SealVersion) -> SealWanted:
    return SealWanted(
        name=current.name,
        kind=current.kind,
        algorithm=current.algorithm,
        stamp=current.stamp,
        scope_types=current.scope_types,
        rules=current.rules,
        daily_budget=current.daily_budget,
        years=current.years,
    )


def _version(
    seal_id: str, number: int, cause: Cause, wanted: SealWanted, caller: Principal, now: datetime
) -> SealVersion:
    return SealVersion(
        seal_id=seal_id,
        version=number,
        state=SealState.APPLIED,
        cause=cause,
        owner_code="",
        owner_name="",
        name=wanted.name,
        kind=wanted.kind,
        algorithm=wanted.algorithm,
        stamp=wanted.stamp,
        scope_types=wanted.scope_types,
        rules=wanted.rules,
        daily_budget=wanted.daily_budget,
        years=wanted.years,
        created_at=now,
        applied_by=caller.subject,
    )


def _open(
    deps: Deps, tx: UnitOfWork, caller: Principal, name: str, version: SealVersion, said: Said, now: datetime
) -> None:
    if not tx.seal_lives.open(version):
        raise Conflict(f"这枚印章已有一个版本正在办理（{CAUSE_ZH[version.cause]}），请先办结或终止")
    moved = Moved(seal_id=version.seal_id, version=version.version, owner_code=version.owner_code, source=None)
    note_move(deps, tx, SEAL_MOVE[name], moved, said, actor=caller.subject, at=now)
