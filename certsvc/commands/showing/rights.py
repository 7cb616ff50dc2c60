"""By what right somebody shows a license: as its holder, one of its holders, guardian, 法定代表人, or by 代亮.

A right is looked for when a code is made, and asked about again when the code is read: what ended in between gives
nothing (DOMAIN.md 3).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from certsvc.catalog.masks import apply_mask
from certsvc.catalog.model import Mask
from certsvc.clock import local_day
from certsvc.errors import Conflict, NotFound
from certsvc.license.delegations import DelegationState
from certsvc.license.model import Holder
from certsvc.license.relations import RelationKind, needs_guardian
from certsvc.license.states import State
from certsvc.license.uses import ShowBasis

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.delegations import Delegation
    from certsvc.license.model import LicenseVersion
    from certsvc.license.relations import CoHolder, Relation

DEAD_ZH = (
    "此账号的当事人已登记死亡，不能再出示、授权。证照的注销、变更请近亲属或继承人持死亡证明到颁发机构办理；"
    "登记有误的，请向登记死亡的机关（民政、公安）申请更正"
)
NO_REPRESENTATIVE_ZH = "该单位法定代表人的任期已满，代亮授权待新任法定代表人登记并确认后才能使用"
NOT_YOURS_ZH = "您名下没有这张证照"
UNDER_14_ZH = "持证人未满14周岁，请由监护人登录本人账号出示、授权"
MAX_OTHERS = 200
"""Licenses of others in one list, and versions read of one holder; bounds a guardian of many and a large company."""

PRESENTER_ZH: dict[str, str] = {
    ShowBasis.CO_HOLDER: "由共有人之一出示本人部分",
    ShowBasis.GUARDIAN: "由监护人出示",
    ShowBasis.REPRESENTATIVE: "由法定代表人出示",
    ShowBasis.DELEGATION: "代亮，经持证人授权出示",
}

_PASSED = frozenset({State.SUPERSEDED, State.VOIDED, State.PROVISIONAL})
"""An opinion is no license, and what was replaced or wrongly made is followed by what counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Right:
    """That somebody may show a license.

    Attributes:
        version: as the right lets it be seen: a co-holder's has the own part in place of the first holder's.
        scenes: codes of the only scenes it is for; None for every one.
        co_holder, delegation, relation: what it rests on, where it rests on one.
    """

    basis: ShowBasis
    version: LicenseVersion
    scenes: tuple[str, ...] | None = None
    co_holder: CoHolder | None = None
    delegation: Delegation | None = None
    relation: Relation | None = None

    @property
    def basis_id(self) -> str:
        """Id of what it rests on, or empty."""
        if self.delegation is not None:
            return self.delegation.delegation_id
        if self.relation is not None:
            return self.relation.relation_id
        return self.co_holder.co_holder_id if self.co_holder is not None else ""

    @property
    def presenter(self) -> str:
        """Name of who shows for the holder; empty when the holder does."""
        if self.delegation is not None:
            return self.delegation.delegate.name
        other = self.relation.other if self.relation is not None else None
        if other is not None:
            return other.name
        return self.co_holder.holder.name if self.co_holder is not None else ""

    def covers(self, scene: str) -> bool:
        """Whether it is for this scene."""
        return self.scenes is None or scene in self.scenes


def holder_of(caller: Principal) -> Holder:
    """The caller as a holder."""
    return Holder(name="", code=caller.holder_code, code_type=caller.holder_code_type)


def same(one: Holder, other: Holder) -> bool:
    """Whether two are the same person or company; names do not count."""
    return one.code != "" and (one.code_type, one.code) == (other.code_type, other.code)


def right_to_show(
    deps: Deps, tx: UnitOfWork, caller: Principal, identifier: str, now: datetime, *, delegation_id: str = ""
) -> Right:
    """The caller's right to show a license.

    One that there is not, and another's, are refused after the same reads, whoever holds the latter beside others
    (Q5): what the caller may do for whom is read, not what others may.

    Raises:
        NotFound: no such license, or none that the caller may show, in the same words.
        Conflict: the caller is too young to show alone or dead by the register, or the delegation is not in force.
    """
    version = tx.licenses.by_identifier(identifier)
    right = None
    if caller.holder_code != "":
        if delegation_id:
            right = _delegated(tx, caller, version, delegation_id, now)
        else:
            right = _own(caller, version, now) or _beside(deps, tx, caller, version, now)
    if right is None:
        raise NotFound(NOT_YOURS_ZH)
    # What the dead did for others ended with them; what is their own did not.
    if right.basis in {ShowBasis.OWN, ShowBasis.CO_HOLDER}:
        require_alive(tx, caller)
    return right


def alive(tx: UnitOfWork, *people: Holder) -> bool:
    """Whether no death of any of these is on record."""
    return not any(tx.relations.of_subject(person, RelationKind.DECEASED) for person in people)


def require_alive(tx: UnitOfWork, caller: Principal) -> None:
    """Let the caller through whose death is not on record; Conflict otherwise."""
    if not alive(tx, holder_of(caller)):
        raise Conflict(DEAD_ZH)


def right_to_consent(
    deps: Deps,
    tx: UnitOfWork,
    caller: Principal,
    identifier: str,
    now: datetime,
    *,
    matter_code: str,
    delegation_id: str = "",
) -> Right:
    """By what right the caller decides over the use of a license for a matter; a delegate within what was given.

    Raises:
        NotFound: none, in the same words; a co-holder speaks for the own part alone.
        Conflict: the caller is too young to decide alone, or the delegation is over or is for showing only.
    """
    right = right_to_show(deps, tx, caller, identifier, now, delegation_id=delegation_id)
    if right.co_holder is not None:
        raise NotFound(NOT_YOURS_ZH)
    given = right.delegation
    if given is not None and not given.consents(right.version.license_id, matter_code, now):
        raise Conflict("这份委托只用于亮证，或不包括该事项，不能代为授权用证")
    return right


def _own(caller: Principal, version: LicenseVersion | None, now: datetime) -> Right | None:
    if version is None or not same(version.holder, holder_of(caller)):
        return None
    if needs_guardian(version.holder, local_day(now)):
        raise Conflict(UNDER_14_ZH)
    return Right(basis=ShowBasis.OWN, version=version)


def _beside(
    deps: Deps, tx: UnitOfWork, caller: Principal, version: LicenseVersion | None, now: datetime
) -> Right | None:
    """As one of its holders, or acting for one; the same reads whether there is such a license or not."""
    me = holder_of(caller)
    co_holders = tx.co_holders.of_license(version.license_id if version is not None else "")
    found = next((one for one in co_holders if same(one.holder, me)), None)
    if found is not None and needs_guardian(found.holder, local_day(now)):
        raise Conflict(UNDER_14_ZH)
    if found is not None and version is not None:
        return own_part(deps, found, version)
    acting = acting_of(tx, caller, now)
    return _acting(deps, acting, version, co_holders) if version is not None else None


def own_part(
    deps: Deps,
    co_holder: CoHolder,
    version: LicenseVersion,
    *,
    basis: ShowBasis = ShowBasis.CO_HOLDER,
    relation: Relation | None = None,
) -> Right:
    """The license with one co-holder's part in the place of the first holder's.

    ``basis`` and ``relation`` where another shows it for the co-holder: the guardian of a child sees and shows the
    child's part and no more.

    What the type masks of its holder is masked for good where the co-holder has no value of the own, whatever the
    scene would show: it is another person's. So is a number that holds the first holder's ID number, and the photo.
    """
    kind = deps.catalog.type(version.type_slug)
    data = {
        spec.key: co_holder.data.get(spec.key) or apply_mask(spec.mask("show"), version.data.get(spec.key, ""))
        for spec in kind.fields
    }
    number = apply_mask(Mask.CODE_TAIL, version.number) if kind.number_embeds_id else version.number
    view = replace(version, holder=co_holder.holder, number=number, data=data, photo_id="")
    return Right(basis=basis, version=view, co_holder=co_holder, relation=relation)


def acting_of(tx: UnitOfWork, caller: Principal, now: datetime) -> list[tuple[ShowBasis, Relation]]:
    """For whom the caller acts, guardians before representatives."""
    me, day = holder_of(caller), local_day(now)
    return [(basis, one) for kind, basis in _ACTING for one in tx.relations.of_other(me, kind) if one.holds(day)]


def _acting(
    deps: Deps,
    acting: Sequence[tuple[ShowBasis, Relation]],
    version: LicenseVersion,
    co_holders: Sequence[CoHolder],
) -> Right | None:
    """For the first holder, or for one of the others: then of that one's part alone."""
    for basis, relation in acting:
        if same(relation.subject, version.holder):
            return Right(basis=basis, version=version, relation=relation)
    for co_holder in co_holders:
        for basis, relation in acting:
            if same(relation.subject, co_holder.holder):
                return own_part(deps, co_holder, version, basis=basis, relation=relation)
    return None


def acting_by(tx: UnitOfWork, caller: Principal, subject: Holder, now: datetime) -> tuple[ShowBasis, Relation]:
    """By what right the caller acts for somebody; NotFound where by none (any more)."""
    for kind, basis in _ACTING:
        relation = _relation_to(tx, caller, subject, kind, now)
        if relation is not None:
            return basis, relation
    raise NotFound(NOT_YOURS_ZH)


def _relation_to(
    tx: UnitOfWork, caller: Principal, subject: Holder, kind: RelationKind, now: datetime
) -> Relation | None:
    me, day = holder_of(caller), local_day(now)
    found = (one for one in tx.relations.of_subject(subject, kind) if one.other is not None and same(one.other, me))
    return next((one for one in found if one.holds(day)), None)


_ACTING = (
    (RelationKind.GUARDIAN, ShowBasis.GUARDIAN),
    (RelationKind.REPRESENTATIVE, ShowBasis.REPRESENTATIVE),
)


def _delegated(
    tx: UnitOfWork, caller: Principal, version: LicenseVersion | None, delegation_id: str, now: datetime
) -> Right | None:
    found = tx.delegations.by_id(delegation_id)  # whether there is such a license or not
    if found is None or not same(found.delegate, holder_of(caller)):
        return None
    if version is None or version.license_id not in found.scope:
        return None
    if not same(found.holder, version.holder):
        return None
    if found.stands(now) is not DelegationState.ACTIVE:
        raise Conflict("代亮授权现在不能使用：尚未接受、已结束、次数用完，或待新任法定代表人确认")
    if not _led(tx, found.holder, now):
        raise Conflict(NO_REPRESENTATIVE_ZH)
    return Right(basis=ShowBasis.DELEGATION, version=version, scenes=found.scope[version.license_id], delegation=found)


def _led(tx: UnitOfWork, holder: Holder, now: datetime) -> bool:
    """False for a company whose 法定代表人 is past the last day: as if that fact had been ended, its chain waits."""
    day = local_day(now)
    facts = tx.relations.of_subject(holder, RelationKind.REPRESENTATIVE)
    return all(one.until_on is None or day <= one.until_on for one in facts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Grounds:
    """What rights rest on, by id, as it stands now."""

    co_holders: Mapping[str, CoHolder]
    relations: Mapping[str, Relation]
    delegations: Mapping[str, Delegation]
    parts: Mapping[tuple[str, str], CoHolder]
    """what wards and represented companies hold beside others, by relation and license"""


def grounds_of(tx: UnitOfWork, bases: Iterable[tuple[str, str]]) -> Grounds:
    """What these rights rest on, each a basis and an id; reads nothing where everyone shows the own license."""
    ids: dict[str, set[str]] = {}
    for basis, basis_id in bases:
        ids.setdefault(basis, set()).add(basis_id)
    related = ids.get(ShowBasis.GUARDIAN, set()) | ids.get(ShowBasis.REPRESENTATIVE, set())
    relations = tx.relations.by_ids(related)
    parts = {
        (relation_id, one.license_id): one
        for relation_id, relation in relations.items()
        for one in tx.co_holders.held_by(relation.subject)
    }
    return Grounds(
        co_holders=tx.co_holders.by_ids(ids.get(ShowBasis.CO_HOLDER, set())),
        relations=relations,
        parts=parts,
        delegations=tx.delegations.by_ids(ids.get(ShowBasis.DELEGATION, set())),
    )


def still_right(
    deps: Deps, grounds: Grounds, version: LicenseVersion, basis: str, basis_id: str, scene: str, now: datetime
) -> LicenseVersion | None:
    """The license as it may be seen by a code that was made by a right; None when the right has ended.

    The last use of a delegation was counted when its code was made, so a number that is used up ends no code.
    """
    day = local_day(now)
    if basis == ShowBasis.CO_HOLDER:
        co_holder = grounds.co_holders.get(basis_id)
        held = co_holder is not None and co_holder.removed_at is None
        return own_part(deps, co_holder, version).version if co_holder is not None and held else None
    if basis in {ShowBasis.GUARDIAN, ShowBasis.REPRESENTATIVE}:
        relation = grounds.relations.get(basis_id)
        if relation is None or not relation.holds(day):
            return None
        if same(relation.subject, version.holder):
            return version
        part = grounds.parts.get((basis_id, version.license_id))
        return own_part(deps, part, version).version if part is not None else None
    if basis == ShowBasis.DELEGATION:
        found = grounds.delegations.get(basis_id)
        inside = found is not None and scene in found.scope.get(version.license_id, ()) and day <= found.until
        return version if found is not None and inside and found.state is DelegationState.ACTIVE else None
    return version


def rights_over_others(deps: Deps, tx: UnitOfWork, caller: Principal, now: datetime) -> Sequence[Right]:
    """What the caller may show beside the own licenses: of each license the version that counts."""
    me, day = holder_of(caller), local_day(now)
    if not caller.holder_code:
        return ()
    co_holders = () if needs_guardian(me, day) else tx.co_holders.held_by(me)
    given = tx.delegations.active_of_delegate(me, day=day, limit=MAX_OTHERS)
    acting = acting_of(tx, caller, now)
    parts = [(basis, one, part) for basis, one in acting for part in tx.co_holders.held_by(one.subject)]
    shared = [*co_holders, *(part for _, _, part in parts)]
    wanted = [one.license_id for one in shared] + [license_id for one in given for license_id in one.scope]
    by_license = {version.license_id: version for version in _counting(tx.licenses.of_licenses(wanted))}
    rights = [own_part(deps, one, by_license[one.license_id]) for one in co_holders if one.license_id in by_license]
    for one in given:
        if one.stands(now) is not DelegationState.ACTIVE:
            continue  # used up
        for license_id, scenes in one.scope.items():
            version = by_license.get(license_id)
            if version is not None and same(version.holder, one.holder):
                rights.append(Right(basis=ShowBasis.DELEGATION, version=version, scenes=tuple(scenes), delegation=one))
    for basis, relation in acting:
        versions = _counting(tx.licenses.of_holder(relation.subject, limit=MAX_OTHERS))
        rights += [Right(basis=basis, version=version, relation=relation) for version in versions]
    known = {right.version.identifier for right in rights}
    for basis, relation, part in parts:
        version = by_license.get(part.license_id)
        # Who holds it too, or shows it by a wider right, is offered it once: as it would be shown.
        if version is None or version.identifier in known or same(version.holder, me):
            continue
        rights.append(own_part(deps, part, version, basis=basis, relation=relation))
        known.add(version.identifier)
    return rights[:MAX_OTHERS]


def all_rights(deps: Deps, tx: UnitOfWork, caller: Principal, now: datetime) -> Sequence[Right]:
    """The same with the own licenses first, unless the caller is too young to show them, or dead."""
    me = holder_of(caller)
    if not caller.holder_code:
        return ()
    silent = needs_guardian(me, local_day(now)) or not alive(tx, me)
    mine = () if silent else _counting(tx.licenses.of_holder(me, limit=MAX_OTHERS))
    return [*(Right(basis=ShowBasis.OWN, version=one) for one in mine), *rights_over_others(deps, tx, caller, now)]


def _counting(versions: Iterable[LicenseVersion]) -> Sequence[LicenseVersion]:
    """Of each license the newest version that counts, in the order given."""
    newest: dict[str, LicenseVersion] = {}
    for version in versions:
        if version.state in _PASSED:
            continue
        known = newest.get(version.license_id)
        if known is None or known.version < version.version:
            newest[version.license_id] = version
    return list(newest.values())
