"""一业一证 under one online code: every license of the bundle, each with a scene for the same kind of reader."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import rows_of
from certsvc.commands.showing.bundles import HolderBundle, holder_bundles
from certsvc.commands.showing.codes import show_text, token_sha256
from certsvc.commands.showing.create_show import ScenePreview, preview_of
from certsvc.commands.showing.readers import AUDIENCES, is_for
from certsvc.commands.showing.rights import UNDER_14_ZH, Right, holder_of, require_alive
from certsvc.errors import Conflict, FieldProblem, InvalidInput, NotFound
from certsvc.license.relations import needs_guardian
from certsvc.license.uses import Show, ShowBasis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certsvc.catalog.model import LicenseType, SceneSpec
    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.model import LicenseVersion


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownMember:
    """One license of a bundle and what a reader will see of it."""

    kind: LicenseType
    version: LicenseVersion
    seen: ScenePreview


@dataclass(frozen=True, kw_only=True, slots=True)
class BundlePlan:
    """What a code of a bundle would give; ``left_out`` are slugs of licenses without a scene for this reader."""

    found: HolderBundle
    members: tuple[ShownMember, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class BundleShow:
    """The code and its end, beside what it gives."""

    plan: BundlePlan
    show: Show
    code: str
    refresh_at: datetime


def plan_bundle(
    deps: Deps, caller: Principal, *, code: str, reader: str, scenes: Mapping[str, str] | None = None
) -> BundlePlan:
    """What a kind of reader would see of each license in the caller's bundle; no code is made.

    Args:
        deps: the ports.
        caller: the holder.
        code: of the bundle.
        reader: ``officer`` or ``clerk``.
        scenes: slug -> scene code where the holder chose one; otherwise the first that is for this reader.

    Raises:
        NotFound: the caller holds nothing of such a bundle.
        Conflict: the caller is too young to show alone, or dead by the register.
        InvalidInput: a scene that the type does not have or that is not for this reader, or nothing is left to show.
    """
    if needs_guardian(holder_of(caller), local_day(deps.clock.now())):
        raise Conflict(UNDER_14_ZH)
    found = next((one for one in holder_bundles(deps, caller) if one.bundle.code == code), None)
    if found is None:
        raise NotFound("您名下没有这个一业一证组合的证照")
    with deps.uow.read() as tx:
        require_alive(tx, caller)
        versions = tx.licenses.by_identifiers(list(found.members.values()))
    members: list[ShownMember] = []
    left_out: list[str] = []
    for slug, identifier in found.members.items():
        kind = deps.catalog.type(slug)
        scene = _scene(kind, reader, (scenes or {}).get(slug, ""))
        if scene is None:
            left_out.append(slug)
        else:
            own = Right(basis=ShowBasis.OWN, version=versions[identifier])
            members.append(ShownMember(kind=kind, version=own.version, seen=preview_of(kind, own, scene)))
    if not members:
        raise InvalidInput("组合中没有适合出示给此类核验人员的证照，请换一种核验人员，或单独出示")
    return BundlePlan(found=found, members=tuple(members), left_out=tuple(left_out))


def show_bundle(deps: Deps, caller: Principal, *, code: str, reader: str, scenes: Mapping[str, str]) -> BundleShow:
    """One show code for the bundle; redeemed once, for everything in it.

    Raises:
        NotFound, Conflict, InvalidInput: as :func:`plan_bundle`.
    """
    roles.require(caller, roles.HOLDER)
    plan = plan_bundle(deps, caller, code=code, reader=reader, scenes=scenes)
    now, token = deps.clock.sure(), deps.ids.token()
    first = plan.members[0]
    show = Show(
        show_id=deps.ids.new("shw"),
        token_sha256=token_sha256(token),
        version_id=first.version.version_id,
        holder_subject=caller.subject,
        scene=first.seen.scene.code,
        created_at=now,
        expires_at=now + timedelta(seconds=deps.policy.show_code_ttl_s),
        bundle=plan.found.bundle.code,
        members=tuple((one.version.version_id, one.seen.scene.code) for one in plan.members),
    )
    with deps.uow() as tx:
        tx.showing.insert_show(show)
        named = rows_of([show])
        for one in plan.members:
            content = {"show_id": show.show_id, "scene": one.seen.scene.code, "bundle": show.bundle, "rows": named}
            named = []  # the code is one row, which one leaf names
            record(
                tx,
                deps,
                kind="show.made",
                subject=one.version.identifier,
                actor=caller.subject,
                content=content,
                at=now,
            )
    return BundleShow(
        plan=plan,
        show=show,
        code=show_text(deps.policy.public_base, token),
        refresh_at=now + timedelta(seconds=deps.policy.show_code_ttl_s // 2),
    )


def _scene(kind: LicenseType, reader: str, chosen: str) -> SceneSpec | None:
    """The chosen scene, or the first for this reader, those of its own audience before what everyone may see."""
    fitting = [scene for scene in kind.scenes if is_for(scene, reader)]
    if not chosen:
        return next((scene for name in AUDIENCES[reader] for scene in fitting if scene.audience == name), None)
    found = next((scene for scene in fitting if scene.code == chosen), None)
    if found is None:
        _refuse_scene(kind, fitting)
    return found


def _refuse_scene(kind: LicenseType, fitting: Sequence[SceneSpec]) -> None:
    names = "、".join(f"{scene.code}（{scene.name}）" for scene in fitting) or "无"
    problem = FieldProblem(pointer=f"/scenes/{kind.slug}", code="unknown_scene", detail=f"可用的场景：{names}")
    raise InvalidInput(f"{kind.name}没有这个亮证场景，或它不是给这类核验人员的", problems=(problem,))
