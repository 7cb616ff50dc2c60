"""亮证: the holder asks for a short-lived code of one license for one scene."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.showing.codes import show_text, token_sha256
from certsvc.commands.showing.values import ShownField, shown_fields
from certsvc.commands.verifying.stands import stands
from certsvc.errors import FieldProblem, InvalidInput, NotFound
from certsvc.license.uses import Show

if TYPE_CHECKING:
    from certsvc.catalog.model import LicenseType, SceneSpec
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Standing


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


def own_version(tx: UnitOfWork, caller: Principal, identifier: str) -> LicenseVersion:
    """The caller's own license; NotFound for anyone else's, in the same words."""
    version = tx.licenses.by_identifier(identifier)
    own = (
        version is not None
        and caller.holder_code != ""
        and (version.holder.code_type, version.holder.code) == (caller.holder_code_type, caller.holder_code)
    )
    if version is None or not own:
        raise NotFound("您名下没有这张证照")
    return version


def create_show(deps: Deps, caller: Principal, *, identifier: str, scene_code: str) -> ShowAnswer:
    """A new show code; the token leaves in the answer only, the store keeps its digest.

    Raises:
        NotFound: not the caller's license.
        InvalidInput: the type has no such scene, or the version is 模拟审批 and cannot be shown.
    """
    roles.require(caller, roles.HOLDER)
    now = deps.clock.now()
    token = deps.ids.token()
    with deps.uow() as tx:
        version = own_version(tx, caller, identifier)
        kind = deps.catalog.type(version.type_slug)
        scene = _scene(kind, scene_code)
        if version.provisional:
            raise InvalidInput("模拟审批意见不是正式证照，不能亮证")
        show = Show(
            show_id=deps.ids.new("shw"),
            token_sha256=token_sha256(token),
            version_id=version.version_id,
            holder_subject=caller.subject,
            scene=scene.code,
            created_at=now,
            expires_at=now + timedelta(seconds=deps.policy.show_code_ttl_s),
        )
        tx.showing.insert_show(show)
        how = stands(deps, tx, version, now)
        record(
            tx,
            deps,
            kind="show.made",
            subject=version.identifier,
            actor=caller.subject,
            content={"show_id": show.show_id, "scene": scene.code},
            at=now,
        )
    return ShowAnswer(
        show=show,
        code=show_text(deps.policy.public_base, token),
        kind=kind,
        scene=scene,
        fields=shown_fields(kind, version, scene.fields, unmasked=scene.unmasked),
        standing=how,
        refresh_at=now + timedelta(seconds=deps.policy.show_code_ttl_s // 2),
    )


def _scene(kind: LicenseType, code: str) -> SceneSpec:
    scene = kind.scene(code)
    if scene is None:
        names = "、".join(f"{s.code}（{s.name}）" for s in kind.scenes)
        problem = FieldProblem(pointer="/scene", code="unknown_scene", detail=f"可用的场景：{names}")
        raise InvalidInput(f"{kind.name}没有这个亮证场景", problems=(problem,))
    return scene
