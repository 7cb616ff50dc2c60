"""What answering scans reads: every table once, however many scans come together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.issuance.authority import issuer_today
from certsvc.commands.offline.look import look_all
from certsvc.commands.showing.codes import Code, token_sha256
from certsvc.commands.verifying.stands import rules_for
from certsvc.license.standing import standing
from certsvc.license.visits import TASK_ZH, TaskKind
from certsvc.seal.verdict import Reason

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from certsvc.catalog.model import LicenseType, SceneSpec
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Standing
    from certsvc.license.uses import Show
    from certsvc.license.visits import Duty
    from certsvc.seal.model import Seal


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """Who scanned what."""

    caller: Principal
    code: Code


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Where a code led.

    Attributes:
        data: whether the scene's fields are given.
        core_id: of an offline code.
        why_not: for the officer, why the scene is not open to this one; empty when that is not so.
    """

    version: LicenseVersion | None = None
    show: Show | None = None
    reasons: tuple[Reason, ...] = ()
    data: bool = False
    why_not: str = ""
    core_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reads:
    """What was read of the licenses that were found."""

    standings: Mapping[str, Standing]
    """by version id"""
    newest: Mapping[str, tuple[str, ...]]
    """证照标识 of what follows a version, by version id"""
    seals: Mapping[str, Seal]
    photos: Mapping[str, bytes]


def find_all(
    deps: Deps, tx: UnitOfWork, asked: Sequence[Asked], duties: Mapping[str, Duty], now: datetime
) -> list[Found]:
    """Where each code leads, in the order of ``asked``; data go to the first who may have them, and redeem the code."""
    shows = tx.showing.hold_by_tokens([token_sha256(one.code.token) for one in asked if one.code.kind == "show"])
    versions = tx.licenses.by_version_ids(list({show.version_id for show in shows.values() if now < show.expires_at}))
    printed = tx.licenses.by_printed_tokens([one.code.token for one in asked if one.code.kind == "printed"])
    offline = look_all(deps, tx, [one.code.token for one in asked if one.code.kind == "offline"], now)
    redeemed: dict[str, str] = {}
    found: list[Found] = []
    for one in asked:
        if one.code.kind == "foreign":
            found.append(Found(reasons=(Reason.NOT_OURS,)))
        elif one.code.kind == "printed":
            version = printed.get(one.code.token)
            found.append(Found(version=version, reasons=() if version else (Reason.CODE_UNKNOWN,)))
        elif one.code.kind == "offline":
            there = offline[one.code.token]
            reasons = (there.reason,) if there.reason else ()
            found.append(Found(version=there.version, reasons=reasons, core_id=there.core_id))
        else:
            show = shows.get(token_sha256(one.code.token))
            shown = versions.get(show.version_id) if show else None
            found.append(_shown(deps, one.caller, show, shown, duties.get(one.caller.subject), redeemed, now))
    tx.showing.redeem_held(redeemed, now=now)
    return found


def _shown(
    deps: Deps,
    caller: Principal,
    show: Show | None,
    version: LicenseVersion | None,
    duty: Duty | None,
    redeemed: dict[str, str],
    now: datetime,
) -> Found:
    if show is None:
        return Found(reasons=(Reason.CODE_UNKNOWN,))
    if now >= show.expires_at:
        # A screenshot: it tells nothing of the license, not even its state.
        return Found(show=show, reasons=(Reason.CODE_EXPIRED,))
    kind = deps.catalog.type(version.type_slug) if version else None
    scene = kind.scene(show.scene) if kind else None
    if kind is None or scene is None or not _audience(scene, caller):
        return Found(version=version, show=show, reasons=(Reason.SCENE_NOT_FOR_YOU,))
    why_not = closed_to(deps, kind, scene, duty) if scene.audience == "officer" else ""
    if why_not:
        return Found(version=version, show=show, reasons=(Reason.SCENE_NOT_FOR_YOU,), why_not=why_not)
    given = show.redeemed_at is None and show.show_id not in redeemed
    if given:
        redeemed[show.show_id] = caller.subject
    return Found(version=version, show=show, reasons=() if given else (Reason.CODE_USED,), data=given)


def _audience(scene: SceneSpec, caller: Principal) -> bool:
    """Whether the scene the holder chose is meant for this kind of reader."""
    wanted = {"officer": {roles.OFFICER}, "clerk": {roles.CLERK, roles.OFFICER}}.get(
        scene.audience, {roles.OFFICER, roles.CLERK}
    )
    return not caller.roles.isdisjoint(wanted)


def closed_to(deps: Deps, kind: LicenseType, scene: SceneSpec, duty: Duty | None) -> str:
    """Why a scene of inspection is closed to an officer, in Chinese; empty when it is open (DOMAIN.md 3).

    Trade, task and team are those of the visit; its place was checked against the register when the officer joined.
    """
    if duty is None:
        return "请先登记检查任务、向持证人出示执法身份，再扫码" if deps.policy.officers_show_first else ""
    if not {kind.domain, *scene.kinds} & set(duty.officer.kinds):
        return f"您本次检查的执法类别（{'、'.join(duty.officer.kinds)}）不包括{kind.domain}，未提供信息"
    if scene.tasks and duty.visit.task_kind.value not in scene.tasks:
        names = "、".join(TASK_ZH[TaskKind(task)] for task in scene.tasks)
        return f"此场景仅用于{names}，本次为{TASK_ZH[duty.visit.task_kind]}，未提供信息"
    if scene.two_officers and duty.team < 2:  # noqa: PLR2004  (行政处罚法 42: not fewer than two)
        return "此场景须由两名执法人员共同检查，请在检查中登记第二名执法人员"
    return ""


def read_all(deps: Deps, tx: UnitOfWork, found: Sequence[Found], now: datetime) -> Reads:
    """Facts, followers, seals and photos of what was found."""
    versions = {one.version.version_id: one.version for one in found if one.version is not None}
    facts = tx.facts.of_many(list({version.license_id for version in versions.values()})) if versions else {}
    followed: Collection[str] = tx.links.followed(list(versions)) if versions else ()
    photos = {
        one.version.photo_id
        for one in found
        if one.data and one.version is not None and one.show is not None and _with_photo(deps, one.version, one.show)
    }
    seal_ids = {seal_id_of(deps, version) for version in versions.values()} - {""}
    return Reads(
        standings={
            version_id: standing(version, facts[version.license_id], rules_for(deps, version), now)
            for version_id, version in versions.items()
        },
        newest={version_id: _newest(tx, version_id) for version_id in followed},
        seals=tx.seals.by_ids(sorted(seal_ids)) if seal_ids else {},
        photos=tx.photos.get_all(sorted(photos)),
    )


def seal_id_of(deps: Deps, version: LicenseVersion) -> str:
    """The seal on the page as it would be used today; empty for a license made elsewhere."""
    if version.registration is not None:
        return ""
    sealed_by = issuer_today(deps, version) if version.stock is not None else version.issuer_code
    return deps.catalog.authority(sealed_by).seal_id


def _with_photo(deps: Deps, version: LicenseVersion, show: Show) -> bool:
    scene = deps.catalog.type(version.type_slug).scene(show.scene)
    return scene is not None and scene.photo and bool(version.photo_id)


def _newest(tx: UnitOfWork, version_id: str) -> tuple[str, ...]:
    following = tx.licenses.newest(version_id)
    return tuple(one.identifier for one in following if one.version_id != version_id)
