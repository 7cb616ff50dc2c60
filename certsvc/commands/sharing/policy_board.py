"""What counts now: matters and policies of catalog and database as one picture, kept until something changes.

The seed of the catalog counts until somebody says otherwise: all its matters until the first list of matters is
imported, and its policy of one matter and type until a policy of that pair has begun (or was closed) in the database.
A request looks at one small row (the mark); the picture is drawn again when mark, catalog or day is another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from types import MappingProxyType
from typing import TYPE_CHECKING

from certsvc.catalog.answer_keys import fault_of
from certsvc.catalog.material_file import key_fault
from certsvc.catalog.model import Matter
from certsvc.clock import local_day
from certsvc.identifiers.material_kind import is_material
from certsvc.identifiers.matter_code import IMPLEMENTATION_LENGTH
from certsvc.identifiers.use_basis import BASES, DUTY
from certsvc.license.matters import ListedMatter
from certsvc.license.policies import Policy, PolicyState, in_force

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from certsvc.catalog.loader import Catalog
    from certsvc.commands.store_ports import UnitOfWork

_ITEM = re.compile(r"[0-9A-Z]{31}[0-9]{2}")
SEED_DAY = date(1970, 1, 1)
"""A policy of the seed was opened on no day of its own: it counts from before all others."""
SEED = "seed"
"""How the id of a policy of the catalog begins; such a policy is no row of the database."""

NO_MATTER_ZH = "事项不在事项清单中"
ENDED_ZH = "事项已终止"
MOVED_ZH = "事项已由其他单位实施，须由该单位重新申请"
NO_TYPE_ZH = "证照类型不在目录中"
NO_KIND_ZH = "电子材料种类不在目录中"
NO_DUTY_ZH = "该单位只能凭持证人授权用证，策略不能以依职能为依据"


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowed:
    """What one matter may ask for of one type, or of one kind of 电子材料 (``material:<code>``).

    Attributes:
        policy_id: of the database's policy, or ``seed:…``.
        quota: uses a day, or None.
    """

    policy_id: str
    keys: tuple[str, ...]
    bases: tuple[str, ...]
    quota: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Orphan:
    """A policy that points to nothing, or partly so.

    Attributes:
        reasons: in Chinese.
        opens_nothing: whether all of it is shut; else only the keys that are gone.
    """

    policy_id: str
    matter_code: str
    matter_name: str
    authority_code: str
    type_slug: str
    state: PolicyState
    reasons: tuple[str, ...]
    opens_nothing: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyPicture:
    """Everything that counts on one day.

    Attributes:
        matters: code -> matter in force, with what it may ask for of license types (materials stand in ``allowed``).
        listed: code -> every matter that is known, ended ones too.
        allowed: (matter, type) -> what counts.
    """

    matters: Mapping[str, Matter]
    listed: Mapping[str, ListedMatter]
    allowed: Mapping[tuple[str, str], Allowed]
    orphans: tuple[Orphan, ...]

    def find(self, code: str) -> Matter | None:
        """The matter in force, also by its 业务办理项编码, unless that is a matter of its own that has ended."""
        found = self.matters.get(code)
        if found is None and code not in self.listed and _ITEM.fullmatch(code):
            found = self.matters.get(code[:IMPLEMENTATION_LENGTH])
        return found

    def of(self, matter: Matter, type_slug: str) -> Allowed | None:
        """What a matter may ask for of a type."""
        return self.allowed.get((matter.code, type_slug))


class PolicyBoard:
    """One per process; threads share it, each puts in what it drew."""

    def __init__(self) -> None:
        self._drawn: tuple[tuple[str, str, date], PolicyPicture] | None = None

    @property
    def listed(self) -> Mapping[str, ListedMatter] | None:
        """The matters as they were last drawn: good enough for names, and None before the first picture."""
        return self._drawn[1].listed if self._drawn is not None else None

    def look(self, tx: UnitOfWork, catalog: Catalog, now: datetime) -> PolicyPicture:
        """What counts; one query where nothing changed.

        A transaction that changes matters or policies does not look: what it drew could be rolled back.
        """
        key = (tx.policies.mark(), catalog.digest, local_day(now))
        drawn = self._drawn
        if drawn is not None and drawn[0] == key:
            return drawn[1]
        picture = draw(tx, catalog, key[2])
        self._drawn = (key, picture)
        return picture


def draw(tx: UnitOfWork, catalog: Catalog, day: date) -> PolicyPicture:
    """The picture as of ``day``."""
    listed = known_matters(tx, catalog)
    policies = list(tx.policies.standing())
    by_pair: dict[tuple[str, str], list[Policy]] = {}
    for policy in policies:
        by_pair.setdefault(policy.pair, []).append(policy)
    counting = {pair: one for pair, several in by_pair.items() if (one := in_force(several, day)) is not None}
    spoken_for = {pair for pair, several in by_pair.items() if any(one.began(day) for one in several)}
    seeds = {one.pair: one for one in seed_policies(catalog) if one.pair not in spoken_for}
    asked = [one for one in policies if one.state in {PolicyState.REQUESTED, PolicyState.APPROVED}]
    ahead = [one for one in policies if one.state is PolicyState.OPEN and not one.began(day)]
    allowed: dict[tuple[str, str], Allowed] = {}
    orphans: list[Orphan] = []
    for policy in [*seeds.values(), *counting.values(), *asked, *ahead]:
        shut, faults = judge(policy, listed.get(policy.matter_code), catalog, day)
        if shut or faults:
            orphans.append(_orphan(policy, listed, shut or tuple(faults.values()), shut=bool(shut)))
        keys = tuple(key for key in policy.keys if key not in faults)
        if not shut and keys and policy.state is PolicyState.OPEN and policy.began(day):
            allowed[policy.pair] = Allowed(
                policy_id=policy.policy_id, keys=keys, bases=policy.bases, quota=policy.quota
            )
    return PolicyPicture(
        matters=MappingProxyType(_matters(listed, allowed, day)),
        listed=MappingProxyType(listed),
        allowed=MappingProxyType(allowed),
        orphans=tuple(sorted(orphans, key=lambda one: (one.authority_code, one.matter_code, one.type_slug))),
    )


def judge(
    policy: Policy, matter: ListedMatter | None, catalog: Catalog, day: date
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Why a policy opens nothing (none: it opens something), and the keys of it that point to nothing, with reasons."""
    shut: list[str] = []
    if matter is None:
        shut.append(NO_MATTER_ZH)
    elif not matter.in_force(day):
        shut.append(f"{ENDED_ZH}（{matter.ends_on}）")
    elif matter.authority_code != policy.authority_code:
        shut.append(MOVED_ZH)
    if DUTY in policy.bases and catalog.consent_only(policy.authority_code):
        shut.append(NO_DUTY_ZH)  # whole, not its duty alone: nobody agreed to what would be left of it
    if not catalog.has_use(policy.type_slug):
        return (*shut, NO_KIND_ZH if is_material(policy.type_slug) else NO_TYPE_ZH), {}
    faults = {key: fault for key in policy.keys if (fault := fault_in(catalog, policy.type_slug, key))}
    return tuple(shut), faults


def fault_in(catalog: Catalog, slug: str, key: str) -> str:
    """What is wrong with ``key`` as one of a policy over a type, or a kind of 电子材料, that there is; else empty."""
    kind = catalog.material_kind(slug)
    return key_fault(kind, key) if kind is not None else fault_of(catalog.type(slug), key)


def known_matters(tx: UnitOfWork, catalog: Catalog) -> dict[str, ListedMatter]:
    """The imported list; the seed of the catalog where nothing was imported yet."""
    if tx.matters.newest_version() is None:
        return seed_matters(catalog)
    return {one.code: one for one in tx.matters.all()}


def seed_matters(catalog: Catalog) -> dict[str, ListedMatter]:
    """The matters of the catalog's file."""
    return {
        one.code: ListedMatter(code=one.code, name=one.name, authority_code=one.authority_code, ends_on=None)
        for one in catalog.matters
    }


def seed_policies(catalog: Catalog) -> Iterable[Policy]:
    """The policies of the catalog's file, which count as open."""
    return (seed_policy(matter, slug) for matter in catalog.matters for slug in matter.allows)


def seed_policy(matter: Matter, slug: str) -> Policy:
    """One of them."""
    began = datetime.combine(SEED_DAY, time(), UTC)
    return Policy(
        policy_id=f"{SEED}:{matter.code}:{slug}",
        matter_code=matter.code,
        authority_code=matter.authority_code,
        type_slug=slug,
        keys=matter.allows[slug],
        bases=matter.bases,
        quota=None,
        purpose=matter.name,
        state=PolicyState.OPEN,
        requested_by=SEED,
        requested_at=began,
        opened_by=SEED,
        opened_at=began,
        opened_on=SEED_DAY,
    )


def _matters(
    listed: Mapping[str, ListedMatter], allowed: Mapping[tuple[str, str], Allowed], day: date
) -> dict[str, Matter]:
    """The matters in force with what they may ask for; their bases are those of any type."""
    of_matter: dict[str, dict[str, Allowed]] = {}
    for (code, slug), each in allowed.items():
        of_matter.setdefault(code, {})[slug] = each
    made: dict[str, Matter] = {}
    for code, one in listed.items():
        if one.in_force(day):
            types = of_matter.get(code, {})
            bases = dict.fromkeys(basis for each in types.values() for basis in each.bases)
            made[code] = Matter(
                code=code,
                name=one.name,
                authority_code=one.authority_code,
                allows=MappingProxyType(
                    {slug: each.keys for slug, each in sorted(types.items()) if not is_material(slug)}
                ),
                bases=tuple(basis for basis in BASES if basis in bases),
            )
    return made


def _orphan(policy: Policy, listed: Mapping[str, ListedMatter], reasons: tuple[str, ...], *, shut: bool) -> Orphan:
    matter = listed.get(policy.matter_code)
    return Orphan(
        policy_id=policy.policy_id,
        matter_code=policy.matter_code,
        matter_name=matter.name if matter else "",
        authority_code=policy.authority_code,
        type_slug=policy.type_slug,
        state=policy.state,
        reasons=reasons,
        opens_nothing=shut,
    )
