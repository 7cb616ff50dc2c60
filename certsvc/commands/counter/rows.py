"""Answers the rows of a material list from the register, as far as the matter's policy goes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from certsvc.commands.sharing.held import MAX_SEARCH
from certsvc.commands.sharing.policy import allowed_keys
from certsvc.commands.verifying.stands import stands_all
from certsvc.errors import NoLawfulBasis, Unavailable
from certsvc.license.counter import RowAnswer, SheetRow, Ways, decide
from certsvc.license.model import Holder
from certsvc.license.uses import UseBasis

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from certsvc.catalog.material_file import Material
    from certsvc.catalog.model import Matter
    from certsvc.commands.counter.consent import Seen
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.identifiers.holder_code import HolderCode
    from certsvc.license.model import LicenseVersion

OUTAGE_DAYS = 5
"""工作日 that a row has which an outage left unanswered: by then it is asked again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What the register told for one list.

    Attributes:
        asked: False when it could not be asked.
        good: slug -> the holder's newest version in force.
        policy: slug -> keys that the matter may see.
        seen: slug -> the license whose code the holder showed at this counter.
        consent_only: whether no more than that was asked for, since the matter's body or the counter's acts on the
            holder's consent alone.
    """

    asked: bool
    policy: Mapping[str, tuple[str, ...]]
    good: Mapping[str, LicenseVersion] = field(default_factory=dict)
    seen: Mapping[str, Seen] = field(default_factory=dict)
    consent_only: bool = False

    def basis_of(self, version: LicenseVersion) -> UseBasis:
        """On what the counter's use rests: on the code where nothing but a code may open it, else on the application.

        依申请: the matter's bases never name it, so no field leaves on it.
        """
        return self.seen[version.type_slug].basis if self.consent_only else UseBasis.APPLICATION


def policy_of(deps: Deps, matter: Matter, materials: Sequence[Material]) -> dict[str, tuple[str, ...]]:
    """What the matter may see of each type that its list names; a type it may not see is left out.

    When the register cannot be asked, as the matter was found.
    """
    slugs = dict.fromkeys(slug for material in materials for slug in material.types)
    found: dict[str, tuple[str, ...]] = {}
    try:
        with deps.uow.read() as tx:
            for slug in slugs:
                with suppress(NoLawfulBasis):
                    found[slug] = allowed_keys(deps, tx, matter.code, matter.authority_code, slug)
    except Unavailable:
        return {slug: matter.allows[slug] for slug in slugs if slug in matter.allows}
    return found


def ask_register(
    deps: Deps,
    matter: Matter,
    materials: Sequence[Material],
    holder: HolderCode,
    seen: Mapping[str, Seen],
    now: datetime,
    *,
    consent_only: bool,
) -> Known:
    """Ask once for everything of the list; the same two reads whether the holder is known or not.

    With ``consent_only`` for the very licenses that the holder showed: what else there is, of other types or of these,
    is not this counter's to learn.
    """
    policy = policy_of(deps, matter, materials)
    try:
        with deps.uow.read() as tx:
            if consent_only:
                found = tx.licenses.by_version_ids([one.version_id for slug, one in seen.items() if slug in policy])
                good = _in_force(deps, tx, list(found.values()), now)
            else:
                good = _in_force(deps, tx, _held(tx, holder, policy), now)
    except Unavailable:
        return Known(asked=False, policy=policy, consent_only=consent_only)
    return Known(asked=True, policy=policy, good=good, seen=seen, consent_only=consent_only)


def _held(tx: UnitOfWork, holder: HolderCode, slugs: Collection[str]) -> list[LicenseVersion]:
    whose = Holder(name="", code=holder.value, code_type=holder.type.value)
    held = tx.licenses.held([(whose, slug) for slug in slugs], limit=MAX_SEARCH)
    return [version for several in held.values() for version in several if not version.provisional]


def _in_force(deps: Deps, tx: UnitOfWork, found: Sequence[LicenseVersion], now: datetime) -> dict[str, LicenseVersion]:
    good: dict[str, LicenseVersion] = {}
    for version, standing in zip(found, stands_all(deps, tx, found, now), strict=True):
        if standing.good:
            good.setdefault(version.type_slug, version)
    return good


def answer_rows(
    deps: Deps, materials: Sequence[Material], holder: HolderCode, known: Known
) -> tuple[tuple[SheetRow, ...], tuple[LicenseVersion, ...]]:
    """The rows, and the versions by which some of them are 免提交, each once."""
    rows, used = [], {}
    for material in materials:
        license_ = next((known.good[s] for s in material.licenses if s in known.policy and s in known.good), None)
        datum = _datum(material, known)
        ways = Ways(
            applies=material.applies_to(holder.type),
            electronic=electronic(material, known.policy),
            asked=known.asked,
            license=license_ is not None,
            data=datum is not None,
            promise=material.promise != "",
            later=material.later_days > 0,
        )
        answer = decide(ways)
        version = {RowAnswer.LICENSE: license_, RowAnswer.DATA: datum}.get(answer)
        if version is not None:
            used[version.version_id] = version
        rows.append(_row(deps, material, answer, ways, known))
    return tuple(rows), tuple(used.values())


def electronic(material: Material, policy: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether the matter's policy lets a license or a datum stand for this material."""
    by_license = any(slug in policy for slug in material.licenses)
    return by_license or any(datum.key in policy.get(datum.type_slug, ()) for datum in material.data)


def _datum(material: Material, known: Known) -> LicenseVersion | None:
    for datum in material.data:
        version = known.good.get(datum.type_slug)
        if version is None or datum.key not in known.policy.get(datum.type_slug, ()):
            continue
        if datum.key not in version.data or version.data[datum.key]:
            return version
    return None


def _row(deps: Deps, material: Material, answer: RowAnswer, ways: Ways, known: Known) -> SheetRow:
    why, next_step = _said(deps, material, answer, ways, known)
    outage = answer is RowAnswer.LATER and not ways.asked and ways.electronic
    days = OUTAGE_DAYS if outage else material.later_days
    return SheetRow(
        material=material.id,
        name=material.name,
        paper=material.paper,
        answer=answer,
        why=why,
        next_step=next_step,
        days=days if answer is RowAnswer.LATER else 0,
        promise=material.promise if answer is RowAnswer.PROMISE else "",
    )


def _said(deps: Deps, material: Material, answer: RowAnswer, ways: Ways, known: Known) -> tuple[str, str]:
    """Why, and the next step: words that are the same for whoever holds nothing, and name no content."""
    names = "或".join(deps.catalog.type(slug).name for slug in material.types)
    shown = [f"{deps.catalog.type(slug).name}{known.seen[slug].zh}" for slug in material.types if slug in known.seen]
    nothing = f"持证人出示的{'、'.join(shown)}" if shown else f"没有查到可以使用的{names}"
    if known.consent_only and not shown:
        nothing = f"须凭持证人授权核验，还没有查询：请持证人出示{names}的亮证码或用证码，再核验一次"
    match answer:
        case RowAnswer.NOT_APPLICABLE:
            kind = "单位" if material.applies == "organisation" else "个人"
            return f"只要求{kind}申请人提交", "不必提交"
        case RowAnswer.LICENSE:
            return f"由电子证照满足：{names}", "不收纸质；要看内容的，请持证人出示用证码后调取"
        case RowAnswer.DATA:
            return f"由数据核验满足：{names}", "不收纸质；已按登记簿核验"
        case RowAnswer.PROMISE:
            why = f"可以告知承诺：{material.promise_basis}"
            return (f"{nothing}；{why}" if ways.electronic else why), "请申请人阅读告知承诺书并确认"
        case RowAnswer.LATER if ways.electronic and not ways.asked:
            return (
                "系统故障，暂时不能查询登记簿",
                f"先行受理，不因系统故障收纸质；恢复后重新核验，最迟 {OUTAGE_DAYS} 个工作日",
            )
        case RowAnswer.LATER:
            why = nothing if ways.electronic else "该材料可以容缺"
            return why, f"先行受理，{material.later_days} 个工作日内补齐：{material.paper}"
        case RowAnswer.BRING:
            if not ways.electronic:
                return "没有可以代替的电子证照或数据", f"请提交：{material.paper}"
            return nothing, f"请提交：{material.paper}；持证人认为应当有的，可以提交缺证、错证反馈"
