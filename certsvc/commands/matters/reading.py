"""Matters and policies as people look at them: lists, change logs, orphans, and the preview."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.catalog.material_file import FETCHED_KEYS
from certsvc.catalog.model import Mask
from certsvc.catalog.type_file import STANDARD_KEYS
from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.matters.who import OVERSEERS, READERS, USERS, mine, own_types, seen_policy
from certsvc.commands.sharing.policy_board import draw, seed_matters
from certsvc.commands.showing.values import BUILT_IN
from certsvc.errors import NotFound
from certsvc.identifiers.policy_key import ANSWER, COPY, HOLDER, SCOPE, VALID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.catalog.model import LicenseType
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.sharing.policy_board import Allowed, Orphan
    from certsvc.license.matters import ListedMatter, MatterChange, MatterListVersion
    from certsvc.license.policies import Policy

MAX_CHANGES = 200
"""Changes of one matter in one answer; older ones are in the evidence."""
MAX_VERSIONS = 200
PLACES = ("face", "show", "log", "print")
"""Where a mask of the catalog stands."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MatterDetail:
    """A matter, what it may ask for, and what became of it."""

    matter: ListedMatter
    in_force: bool
    allowed: dict[str, Allowed]
    changes: Sequence[MatterChange]


@dataclass(frozen=True, kw_only=True, slots=True)
class PreviewKey:
    """One key of a type as a matter would get it.

    Attributes:
        allowed: whether it leaves at all.
        masks: mask by place, for elsewhere: what a fetch gives is not masked.
    """

    key: str
    name: str
    allowed: bool
    masks: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Preview:
    """What a matter of a body would see of a type.

    Attributes:
        why_not: why nothing, in Chinese; empty when something.
        consent_only: whether the body acts on the holder's consent alone, so that no policy of it is on duty.
        used_today: uses counted today, where there is a quota and it is the caller's.
    """

    matter_name: str
    type_name: str
    why_not: str
    policy_id: str
    bases: tuple[str, ...]
    quota: int | None
    used_today: int
    consent_only: bool
    keys: tuple[PreviewKey, ...]


def list_matters(deps: Deps, *, authority_code: str, behind: str, limit: int) -> Sequence[ListedMatter]:
    """Matters by code, ended ones too; of one body unless ``authority_code`` is empty."""
    with deps.uow.read() as tx:
        if tx.matters.newest_version() is not None:
            return tx.matters.page(authority_code=authority_code, behind=behind, limit=limit)
    seeds = sorted(seed_matters(deps.catalog).values(), key=lambda one: one.code)
    fitting = [one for one in seeds if one.code > behind and authority_code in {"", one.authority_code}]
    return fitting[:limit]


def matter_detail(deps: Deps, code: str) -> MatterDetail:
    """One matter; NotFound."""
    now = deps.clock.now()
    with deps.uow.read() as tx:
        picture = deps.policies.look(tx, deps.catalog, now)
        matter = picture.listed.get(code)
        if matter is None:
            raise NotFound("没有这个事项，请核对事项实施编码")
        allowed = {slug: one for (of, slug), one in picture.allowed.items() if of == code}
        changes = tx.matters.changes_of(code, limit=MAX_CHANGES)
    return MatterDetail(
        matter=matter, in_force=matter.in_force(local_day(now)), allowed=dict(sorted(allowed.items())), changes=changes
    )


def list_versions(deps: Deps, caller: Principal) -> Sequence[MatterListVersion]:
    """Imports, newest first."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        return tx.matters.versions(limit=MAX_VERSIONS)


def list_policies(
    deps: Deps, caller: Principal, *, limit: int, behind: tuple[datetime, str] | None
) -> Sequence[Policy]:
    """Newest first: all for who looks after all, those of the own types for who decides, else those of the own body."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        if not caller.roles.isdisjoint(OVERSEERS):
            return tx.policies.page(limit=limit, behind=behind)
        if not caller.roles.isdisjoint(USERS):
            return tx.policies.page(authority_code=caller.authority_code, limit=limit, behind=behind)
        slugs = own_types(deps, caller)
        return tx.policies.page(type_slugs=slugs, limit=limit, behind=behind) if slugs else ()


def one_policy(deps: Deps, caller: Principal, policy_id: str) -> Policy:
    """One policy; NotFound when it does not concern the caller."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        return seen_policy(deps, tx, caller, policy_id)


def list_orphans(deps: Deps, caller: Principal) -> Sequence[Orphan]:
    """Policies that point to nothing, or partly so: of everybody, of the own body, or about the own types."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        found = draw(tx, deps.catalog, local_day(deps.clock.now())).orphans
    if not caller.roles.isdisjoint(OVERSEERS):
        return found
    using = not caller.roles.isdisjoint(USERS)
    return [
        one
        for one in found
        if (using and one.authority_code == caller.authority_code)
        or (roles.POLICY_APPROVER in caller.roles and mine(deps, caller, one.type_slug))
    ]


def preview_policy(deps: Deps, caller: Principal, *, matter_code: str, authority_code: str, type_slug: str) -> Preview:
    """What would this matter of this body see of this type? UnknownLicenseType when there is none."""
    roles.require(caller, *READERS)
    now = deps.clock.now()
    material = deps.catalog.material_kind(type_slug)
    name = material.name if material is not None else deps.catalog.type(type_slug).name
    with deps.uow.read() as tx:
        picture = deps.policies.look(tx, deps.catalog, now)
        matter = picture.find(matter_code)
        listed = picture.listed.get(matter_code) or (picture.listed[matter.code] if matter is not None else None)
        allowed = picture.of(matter, type_slug) if matter is not None else None
        used = 0
        own = authority_code == caller.authority_code or not caller.roles.isdisjoint(OVERSEERS)
        if own and allowed is not None and allowed.quota is not None:
            used = tx.policies.used(allowed.policy_id, day=local_day(now))
    why_not = _why_not(listed, matter is not None, authority_code, allowed)
    counts = None if why_not else allowed
    return Preview(
        matter_name=listed.name if listed is not None else "",
        type_name=name,
        why_not=why_not,
        policy_id=counts.policy_id if counts else "",
        bases=counts.bases if counts else (),
        quota=counts.quota if counts else None,
        used_today=used if counts else 0,
        consent_only=deps.catalog.consent_only(authority_code),
        keys=_keys_of(deps, type_slug, counts.keys if counts else ()),
    )


def _why_not(listed: ListedMatter | None, open_now: bool, authority_code: str, allowed: Allowed | None) -> str:
    if listed is None:
        return "事项不在事项清单中"
    if not open_now:
        return f"事项已终止（{listed.ends_on}）"
    if listed.authority_code != authority_code:
        return "事项不由该单位实施"
    return "" if allowed is not None else "该事项没有开通此类证照的用证策略"


def _keys_of(deps: Deps, slug: str, allowed: tuple[str, ...]) -> tuple[PreviewKey, ...]:
    if deps.catalog.material_kind(slug) is None:
        return _keys(deps.catalog.type(slug), allowed)
    names = {**FETCHED_KEYS, COPY: "材料文件"}
    return tuple(PreviewKey(key=key, name=name, allowed=key in allowed, masks={}) for key, name in names.items())


def _keys(kind: LicenseType, allowed: tuple[str, ...]) -> tuple[PreviewKey, ...]:
    """All that could leave, whether it does, and the answers that are open."""
    plain = [*STANDARD_KEYS, *(spec.key for spec in kind.fields), COPY]
    implied = [VALID] if allowed else []
    answers = list(dict.fromkeys([*implied, *(key for key in allowed if key.startswith(ANSWER))]))
    return tuple(
        PreviewKey(key=key, name=key_name(kind, key), allowed=key in allowed or key in answers, masks=_masks(kind, key))
        for key in (*plain, *answers)
    )


def key_name(kind: LicenseType, key: str) -> str:
    """What a key is called."""
    if key.startswith(SCOPE):
        return f"是否包含：{key_name(kind, key.removeprefix(SCOPE))}"
    spec = kind.field(key)
    if spec is not None:
        return spec.name
    return {COPY: "证照文件（加注件）", VALID: "是否有效", HOLDER: "持证主体是否为本人", **BUILT_IN}.get(key, key)


def _masks(kind: LicenseType, key: str) -> dict[str, str]:
    spec = kind.field(key)
    if spec is not None:
        return {place: spec.mask(place).value for place in PLACES}
    if key == "holder_name":
        return {place: kind.holder_masks.get(place, Mask.NONE).value for place in PLACES}
    if key == "holder_code":
        return {place: kind.holder_code_masks.get(place, Mask.CODE_TAIL).value for place in PLACES}
    return {}
