"""Where scanned codes lead, and to whom: every table is read once, however many scans come together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.offline.look import look_all
from certsvc.commands.showing.codes import Code, token_sha256
from certsvc.commands.showing.readers import OFFICER, is_for, reader_of
from certsvc.commands.showing.rights import grounds_of, still_right
from certsvc.license.visits import TASK_ZH, TaskKind
from certsvc.seal.verdict import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from certsvc.catalog.model import LicenseType, SceneSpec
    from certsvc.commands.offline.look import OfflineLook
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.showing.rights import Grounds
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.uses import Show
    from certsvc.license.visits import Duty


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """Who scanned what."""

    caller: Principal
    code: Code


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Where a code led.

    Attributes:
        version: the license as the right to show it lets it be seen; of a bundle the first one.
        scene: that of the code, or None.
        data: whether the scene's fields are given.
        core_id: of an offline code.
        why_not: for the officer, why the scene is not open to this one; empty when that is not so.
        members: of a 一业一证 every license, with its own scene.
    """

    version: LicenseVersion | None = None
    show: Show | None = None
    scene: SceneSpec | None = None
    reasons: tuple[Reason, ...] = ()
    data: bool = False
    why_not: str = ""
    core_id: str = ""
    members: tuple[Found, ...] = ()

    @property
    def looks(self) -> tuple[Found, ...]:
        """What is looked at: one license, every license of a bundle, or nothing."""
        return self.members or (self,)

    @property
    def source_id(self) -> str:
        """Id of the show, or of the core of an offline code; empty when there is neither."""
        return self.show.show_id if self.show is not None else self.core_id

    @property
    def scene_code(self) -> str:
        """Of the scene that the code is of; empty when it is of none."""
        if self.scene is not None:
            return self.scene.code
        return self.show.scene if self.show is not None else ""

    @property
    def photo_id(self) -> str:
        """Of the photo that is given; empty when none is."""
        given = self.version is not None and self.data and self.scene is not None and self.scene.photo
        return self.version.photo_id if self.version is not None and given else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """What is known of the codes, read at once."""

    shows: Mapping[str, Show]
    """by digest of the token, held until the end of the transaction"""
    versions: Mapping[str, LicenseVersion]
    grounds: Grounds
    printed: Mapping[str, LicenseVersion]
    copies: frozenset[str]
    """tokens that stand on annotated copies"""
    offline: Mapping[str, OfflineLook]


def duties_of(tx: UnitOfWork, callers: Iterable[Principal], now: datetime) -> Mapping[str, Duty]:
    """In which open visit those are who are officers, by account."""
    return tx.visits.duties([caller.subject for caller in callers if roles.OFFICER in caller.roles], now=now)


def find_all(
    deps: Deps, tx: UnitOfWork, asked: Sequence[Asked], duties: Mapping[str, Duty], now: datetime
) -> list[Found]:
    """Where each code leads, in the order of ``asked``; data go to the first who may have them, and redeem the code."""
    known = _known(deps, tx, asked, now)
    redeemed: dict[str, str] = {}
    found = [_find(deps, known, one, duties.get(one.caller.subject), redeemed, now) for one in asked]
    tx.showing.redeem_held(redeemed, now=now)
    return found


def _known(deps: Deps, tx: UnitOfWork, asked: Sequence[Asked], now: datetime) -> _Known:
    tokens: dict[str, list[str]] = {"show": [], "printed": [], "offline": []}
    for one in asked:
        tokens.get(one.code.kind, []).append(one.code.token)
    shows = tx.showing.hold_by_tokens([token_sha256(token) for token in tokens["show"]])
    in_time = [show for show in shows.values() if now < show.expires_at]
    shown = {version_id for show in in_time for version_id in (show.version_id, *(one for one, _ in show.members))}
    printed = tx.licenses.by_printed_tokens(tokens["printed"])
    others = [token for token in tokens["printed"] if token not in printed]
    return _Known(
        shows=shows,
        versions=tx.licenses.by_version_ids(sorted(shown)),
        grounds=grounds_of(tx, [(show.basis, show.basis_id) for show in in_time]),
        printed=printed,
        copies=frozenset(token for token in others if tx.copies.by_token(token_sha256(token)) is not None),
        offline=look_all(deps, tx, tokens["offline"], now),
    )


def _find(deps: Deps, known: _Known, one: Asked, duty: Duty | None, redeemed: dict[str, str], now: datetime) -> Found:
    match one.code.kind:
        case "show":
            show = known.shows.get(token_sha256(one.code.token))
            return _shown(deps, known, one.caller, show, duty, redeemed, now)
        case "printed":
            version = known.printed.get(one.code.token)
            why = Reason.CODE_OF_COPY if one.code.token in known.copies else Reason.CODE_UNKNOWN
            return Found(version=version, reasons=() if version else (why,))
        case "offline":
            there = known.offline[one.code.token]
            # License and device are proven, the person is not: amber, as where the same code is checked offline.
            reasons = (there.reason or Reason.IDENTITY_NOT_COMPARED,)
            return Found(version=there.version, reasons=reasons, core_id=there.core_id)
        case "challenge":
            return Found(reasons=(Reason.CODE_FOR_HOLDER,))
        case _:
            return Found(reasons=(Reason.NOT_OURS,))


def _shown(
    deps: Deps,
    known: _Known,
    caller: Principal,
    show: Show | None,
    duty: Duty | None,
    redeemed: dict[str, str],
    now: datetime,
) -> Found:
    if show is None:
        return Found(reasons=(Reason.CODE_UNKNOWN,))
    version = known.versions.get(show.version_id) if now < show.expires_at else None
    if version is not None:
        version = still_right(deps, known.grounds, version, show.basis, show.basis_id, show.scene, now)
    if version is None:
        # A screenshot, or the right to show has ended: it tells nothing of the license, not even its state.
        return Found(show=show, reasons=(Reason.CODE_EXPIRED,))
    if show.bundle:
        shown = [(known.versions[version_id], scene) for version_id, scene in show.members]
    else:
        shown = [(version, show.scene)]
    looks = [_open(deps, caller, show, one, scene, duty) for one, scene in shown]
    reasons: tuple[Reason, ...] = ()
    if not any(look.data for look in looks):
        reasons = (Reason.SCENE_NOT_FOR_YOU,)
    elif show.redeemed_at is not None or show.show_id in redeemed:
        reasons = (Reason.CODE_USED,)
        looks = [replace(look, data=False, reasons=reasons, why_not="") for look in looks]
    else:
        redeemed[show.show_id] = caller.subject
    if not show.bundle:
        return looks[0]
    return Found(version=version, show=show, reasons=reasons, data=not reasons, members=tuple(looks))


def _open(
    deps: Deps, caller: Principal, show: Show, version: LicenseVersion, scene_code: str, duty: Duty | None
) -> Found:
    """One license of a code: whether its scene is meant for this reader and open to this officer."""
    kind = deps.catalog.type(version.type_slug)
    scene = kind.scene(scene_code)
    meant = scene is not None and is_for(scene, reader_of(caller))
    why_not = closed_to(deps, kind, scene, duty, reader_of(caller)) if scene is not None and meant else ""
    data = meant and not why_not
    reasons = () if data else (Reason.SCENE_NOT_FOR_YOU,)
    return Found(version=version, show=show, scene=scene, reasons=reasons, data=data, why_not=why_not)


def closed_to(deps: Deps, kind: LicenseType, scene: SceneSpec, duty: Duty | None, reader: str) -> str:
    """Why a scene is closed to an officer, in Chinese; empty when it is open (DOMAIN.md 3).

    Where officers show first, an officer outside a visit gets no scene at all. Else scenes that are not of inspection
    are open to all whom they are meant for. Trade, task and team are those of the visit; its place was checked against
    the register when the officer joined.
    """
    if reader == OFFICER and duty is None and deps.policy.officers_show_first:
        return "请先登记检查任务、向持证人出示执法身份，再扫码"
    if scene.audience != OFFICER or duty is None:
        return ""
    if not {kind.domain, *scene.kinds} & set(duty.officer.kinds):
        return f"您本次检查的执法类别（{'、'.join(duty.officer.kinds)}）不包括{kind.domain}，未提供信息"
    if scene.tasks and duty.visit.task_kind.value not in scene.tasks:
        names = "、".join(TASK_ZH[TaskKind(task)] for task in scene.tasks)
        return f"此场景仅用于{names}，本次为{TASK_ZH[duty.visit.task_kind]}，未提供信息"
    if scene.two_officers and duty.team < 2:  # noqa: PLR2004  (行政处罚法 42: not fewer than two)
        return "此场景须由两名执法人员共同检查，请在检查中登记第二名执法人员"
    return ""
