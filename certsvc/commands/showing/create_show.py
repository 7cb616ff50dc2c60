"""亮证: the holder, or who may show for the holder, asks for a short-lived code of one license for one scene."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import rows_of
from certsvc.commands.showing.codes import show_text, token_sha256
from certsvc.commands.showing.delegation_uses import count_delegated
from certsvc.commands.showing.rights import NOT_YOURS_ZH, holder_of, right_to_show, same
from certsvc.commands.showing.values import ShownField, scene_fields
from certsvc.commands.verifying.stands import stands
from certsvc.errors import Conflict, FieldProblem, InvalidInput, NotFound
from certsvc.license.uses import Show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.catalog.model import LicenseType, SceneSpec
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.showing.rights import Right
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Standing

PROVISIONAL_NOT_SHOWN_ZH = "模拟审批意见不是正式证照，不能亮证"


@dataclass(frozen=True, kw_only=True, slots=True)
class ShowAnswer:
    """What the holder's screen needs: the code, its end, and what the officer will see."""

    show: Show
    code: str
    kind: LicenseType
    scene: SceneSpec
    fields: tuple[ShownField, ...]
    standing: Standing
    refresh_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ScenePreview:
    """What a reader would see in one scene."""

    scene: SceneSpec
    fields: tuple[ShownField, ...]
    photo: bool


def own_version(tx: UnitOfWork, caller: Principal, identifier: str) -> LicenseVersion:
    """The caller's own license; NotFound for anyone else's, in the same words."""
    version = tx.licenses.by_identifier(identifier)
    if version is None or not same(version.holder, holder_of(caller)):
        raise NotFound(NOT_YOURS_ZH)
    return version


def create_show(
    deps: Deps, caller: Principal, *, identifier: str, scene_code: str, delegation_id: str = ""
) -> ShowAnswer:
    """A new show code; the token leaves in the answer only, the store keeps its digest.

    Raises:
        NotFound: not the caller's license, nor one that the caller may show.
        Conflict: too young to show alone, or the delegation is not in force.
        InvalidInput: the type has no such scene, or the version is 模拟审批 and cannot be shown.
    """
    roles.require(caller, roles.HOLDER)
    now = deps.clock.sure()
    token = deps.ids.token()
    with deps.uow() as tx:
        right = right_to_show(deps, tx, caller, identifier, now, delegation_id=delegation_id)
        version = right.version
        kind = deps.catalog.type(version.type_slug)
        scene = scene_of(kind, scene_code, right)
        if version.provisional:
            raise InvalidInput(PROVISIONAL_NOT_SHOWN_ZH)
        count_use(tx, right, now)
        show = Show(
            show_id=deps.ids.new("shw"),
            token_sha256=token_sha256(token),
            version_id=version.version_id,
            holder_subject=caller.subject,
            scene=scene.code,
            created_at=now,
            expires_at=now + timedelta(seconds=deps.policy.show_code_ttl_s),
            basis=right.basis,
            basis_id=right.basis_id,
            presenter=right.presenter,
        )
        tx.showing.insert_show(show)
        how = stands(deps, tx, version, now)
        record(
            tx,
            deps,
            kind="show.made",
            subject=version.identifier,
            actor=caller.subject,
            content={
                "show_id": show.show_id,
                "scene": scene.code,
                "basis": show.basis,
                "basis_id": show.basis_id,
                "rows": rows_of([show]),
            },
            at=now,
        )
    return ShowAnswer(
        show=show,
        code=show_text(deps.policy.public_base, token),
        kind=kind,
        scene=scene,
        fields=seen_before(kind, right, scene),
        standing=how,
        refresh_at=now + timedelta(seconds=deps.policy.show_code_ttl_s // 2),
    )


def preview(
    deps: Deps, caller: Principal, *, identifier: str, delegation_id: str = ""
) -> tuple[LicenseVersion, Sequence[ScenePreview]]:
    """What a reader would see in each scene that the caller may choose; no code is made and nothing is counted.

    Raises:
        NotFound, Conflict: as :func:`create_show`.
    """
    roles.require(caller, roles.HOLDER)
    with deps.uow.read() as tx:
        right = right_to_show(deps, tx, caller, identifier, deps.clock.now(), delegation_id=delegation_id)
    version, kind = right.version, deps.catalog.type(right.version.type_slug)
    scenes = () if version.provisional else kind.scenes
    return version, [preview_of(kind, right, scene) for scene in scenes if right.covers(scene.code)]


def preview_of(kind: LicenseType, right: Right, scene: SceneSpec) -> ScenePreview:
    """One scene of one license."""
    photo = scene.photo and right.version.photo_id != ""
    return ScenePreview(scene=scene, fields=seen_before(kind, right, scene), photo=photo)


def seen_before(kind: LicenseType, right: Right, scene: SceneSpec) -> tuple[ShownField, ...]:
    """What a reader of the scene will see, as whoever shows may read it beforehand.

    A delegate reads it behind the masks: to show a license is not to learn the holder's ID number.
    """
    return scene_fields(kind, right.version, scene, masked=right.delegation is not None)


def count_use(tx: UnitOfWork, right: Right, now: datetime) -> None:
    """Count a code against the delegations it is made under; Conflict when one ended or was used up meanwhile."""
    if not count_delegated(tx, right, now):
        raise Conflict("代亮授权刚刚结束或次数已用完，请授权人重新授权")


def scene_of(kind: LicenseType, code: str, right: Right) -> SceneSpec:
    """The scene, if the type has it and the right is for it; InvalidInput names those that can be chosen."""
    scene = kind.scene(code)
    if scene is None or not right.covers(code):
        names = "、".join(f"{s.code}（{s.name}）" for s in kind.scenes if right.covers(s.code))
        problem = FieldProblem(pointer="/scene", code="unknown_scene", detail=f"可用的场景：{names}")
        raise InvalidInput(f"{kind.name}没有这个亮证场景，或不在授权之内", problems=(problem,))
    return scene
