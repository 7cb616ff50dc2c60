"""Each kind of good and bad code, for integrators: made in the sandbox from a real sample license, fresh each time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import rows_of
from certsvc.commands.showing.codes import CHALLENGE_PATH, PRINTED_PATH, SHOW_PATH, show_text, token_sha256
from certsvc.commands.showing.readers import CLERK, OFFICER, is_for
from certsvc.commands.showing.reading import AMBER, GREEN, RED
from certsvc.commands.showing.scan_code import scan_row
from certsvc.commands.verifying.facts import reason_of
from certsvc.commands.verifying.stands import stands, stands_all
from certsvc.errors import NotFound
from certsvc.license.model import Holder
from certsvc.license.uses import Show
from certsvc.seal.verdict import Reason

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.catalog.model import SceneSpec
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion

MAX_SEARCH = 20
"""Licenses of one sample holder that are looked at for a fitting one."""

LIGHTS: dict[Reason, str] = {
    Reason.OK: GREEN,
    Reason.OK_REGISTERED: GREEN,
    Reason.CODE_USED: AMBER,
    Reason.CODE_EXPIRED: AMBER,
    Reason.SCENE_NOT_FOR_YOU: AMBER,
    Reason.CODE_FOR_HOLDER: AMBER,
}
"""Whatever else is wrong with the code of a license in force, or with its license, is red."""

NOBODYS_TOKEN = "A" * 22
FOREIGN = (
    ("another_host", "https://evil.example/s/" + NOBODYS_TOKEN, "其他网址的二维码：主机名不是本市的，扫码端不得打开"),
    ("payment", "WXP://f2f0EXAMPLE", "付款码等其他用途的二维码"),
    ("health_certificate", "HC1:NCFEXAMPLE", "其他体系的证明（HC1 前缀）"),
    ("id_number", "990101199001011234", "证件号码不是码"),
    ("script", "javascript:alert(1)", "脚本"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """One code and what a scan of it must say.

    Attributes:
        kind: stable name of the case.
        role: by whom the expected answer is given: ``officer`` or ``clerk``.
        light, reason: of the first answer to that reader; ``data`` is whether fields come with it.
    """

    kind: str
    text: str
    role: str
    light: str
    reason: Reason
    data: bool
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Examples:
    """The license that the good ones are of, the examples, and when the online codes end."""

    identifier: str
    examples: tuple[Example, ...]
    expires_at: datetime


def code_examples(deps: Deps, caller: Principal) -> Examples:
    """Make the examples; NotFound in production, or while the sandbox has no license to make them of."""
    roles.require(caller, *roles.ALL)
    if not deps.policy.sandbox:
        raise NotFound("示例码仅在沙箱环境提供")
    now = deps.clock.now()
    ends = now + timedelta(seconds=deps.policy.show_code_ttl_s)
    with deps.uow() as tx:
        version, scene = _sample(deps, tx, now)
        role = OFFICER if scene.audience == "officer" else CLERK

        def show(expires_at: datetime, *, used: bool = False) -> str:
            return _show(deps, tx, caller, version, scene, now=now, expires_at=expires_at, used=used)

        made = [
            _example("online_good", show(ends), role, Reason.OK, "亮证码：首次核验给出场景的信息项", data=True),
            _example("online_used", show(ends, used=True), role, Reason.CODE_USED, "已被核验过的亮证码：只答状态"),
            _example("online_expired", show(now), role, Reason.CODE_EXPIRED, "截屏或过期的亮证码：不答任何信息"),
        ]
        if role == OFFICER:
            why = "执法场景的码由窗口扫：不给信息"
            made.append(_example("scene_for_others", show(ends), CLERK, Reason.SCENE_NOT_FOR_YOU, why))
        made += _printed(deps, tx, version, role, now)
    made += _nobodys(deps, role)
    return Examples(identifier=version.identifier, examples=tuple(made), expires_at=ends)


def _printed(deps: Deps, tx: UnitOfWork, version: LicenseVersion, role: str, now: datetime) -> list[Example]:
    """Codes on pages: of the license, of one that is not in force if there is one, and of none."""
    printed = deps.policy.public_base + PRINTED_PATH
    why = "证面上的码：只答状态与遮盖后的姓名"
    made = [
        _example("printed_good", printed + version.printed_token, role, Reason.OK_REGISTERED, why),
        _example("printed_unknown", printed + NOBODYS_TOKEN, role, Reason.CODE_UNKNOWN, "无人印制的码"),
    ]
    ended = _ended(deps, tx, version, now)
    if ended is not None:
        token, reason = ended
        made.append(_example("printed_ended", printed + token, role, reason, "已失效证照的码：红色并说明原因"))
    return made


def _nobodys(deps: Deps, role: str) -> list[Example]:
    """Codes that nobody made, or that are none of ours."""
    base = deps.policy.public_base
    unknown = base + SHOW_PATH + NOBODYS_TOKEN
    asked = base + CHALLENGE_PATH + NOBODYS_TOKEN
    forged = unknown.replace("https://", "http://", 1)
    return [
        _example("online_unknown", unknown, role, Reason.CODE_UNKNOWN, "无人制作的码"),
        _example("challenge", asked, role, Reason.CODE_FOR_HOLDER, "核验方出示、由持证人扫的码，核验端扫到时应提示"),
        _example("wrong_scheme", forged, role, Reason.NOT_OURS, "协议不同的仿冒地址"),
        *(_example(kind, text, role, Reason.NOT_OURS, why) for kind, text, why in FOREIGN),
    ]


def _example(kind: str, text: str, role: str, reason: Reason, why: str, *, data: bool = False) -> Example:
    light = LIGHTS.get(reason, RED)
    return Example(kind=kind, text=text, role=role, light=light, reason=reason, data=data, why=why)


def _show(
    deps: Deps,
    tx: UnitOfWork,
    caller: Principal,
    version: LicenseVersion,
    scene: SceneSpec,
    *,
    now: datetime,
    expires_at: datetime,
    used: bool,
) -> str:
    token = deps.ids.token()
    made = Show(
        show_id=deps.ids.new("shw"),
        token_sha256=token_sha256(token),
        version_id=version.version_id,
        holder_subject=caller.subject,
        scene=scene.code,
        created_at=now,
        expires_at=expires_at,
        redeemed_at=now if used else None,
        redeemed_by=caller.subject if used else "",
    )
    tx.showing.insert_show(made)
    rows = rows_of([made])
    if used:  # as by a scan, which an audit asks for
        scan = scan_row(
            deps, caller, None, now, code_kind="show", source_id=made.show_id, outcome=Reason.OK, version=version
        )
        tx.showing.insert_scan(scan)
        rows += rows_of([scan])
    content = {"show_id": made.show_id, "scene": scene.code, "example": True, "rows": rows}
    record(tx, deps, kind="show.made", subject=version.identifier, actor=caller.subject, content=content, at=now)
    return show_text(deps.policy.public_base, token)


def _sample(deps: Deps, tx: UnitOfWork, now: datetime) -> tuple[LicenseVersion, SceneSpec]:
    """A license in force of a sample holder, with a scene, officers' scenes before others."""
    for slug in (kind.slug for kind in deps.catalog.types if kind.showable):
        for version in _of_sample(deps, tx, slug):
            scenes = sorted(deps.catalog.type(slug).scenes, key=lambda scene: scene.audience != "officer")
            if scenes and stands(deps, tx, version, now).light.value == GREEN and is_for(scenes[0], OFFICER):
                return version, scenes[0]
    raise NotFound("沙箱里还没有可作示例的证照，请先签发一张")


def _ended(deps: Deps, tx: UnitOfWork, beside: LicenseVersion, now: datetime) -> tuple[str, Reason] | None:
    """Printed token and reason of a license of the same holder that is not in force, if there is one."""
    versions = [one for one in tx.licenses.of_holder(beside.holder, limit=MAX_SEARCH) if not one.provisional]
    for version, how in zip(versions, stands_all(deps, tx, versions, now), strict=True):
        if not how.good:
            return version.printed_token, reason_of(how)
    return None


def _of_sample(deps: Deps, tx: UnitOfWork, slug: str) -> list[LicenseVersion]:
    sample = deps.catalog.sample(slug)
    holder = Holder(name="", code=sample["holder_code"], code_type=sample["holder_code_type"])
    found = tx.licenses.of_holder(holder, limit=MAX_SEARCH)
    return [version for version in found if version.type_slug == slug and not version.provisional]
