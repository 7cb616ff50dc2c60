"""What a matter may see: policies of catalog and database (免证办事项), asked in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from certsvc.clock import local_day
from certsvc.errors import NoLawfulBasis
from certsvc.identifiers.matter_code import IMPLEMENTATION_LENGTH
from certsvc.identifiers.policy_key import readable
from certsvc.identifiers.use_basis import CONSENT
from certsvc.license.questions import may_ask
from certsvc.license.uses import BEYOND_POLICY, NO_POLICY, QUOTA_USED_UP

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.catalog.model import Matter
    from certsvc.commands.ports import Deps
    from certsvc.commands.sharing.policy_board import Allowed
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion

BodyT = TypeVar("BodyT", bound="MatterBody")


class MatterBody(Protocol):
    """A request for a matter."""

    @property
    def matter_code(self) -> str:
        """实施编码, or 业务办理项编码."""
        ...

    def model_copy(self, *, update: Mapping[str, Any] | None = None) -> Self:
        """As pydantic's."""
        ...


def find_matter(deps: Deps, tx: UnitOfWork, matter_code: str) -> Matter | None:
    """The matter in force, whoever handles it, or None."""
    return deps.policies.look(tx, deps.catalog, deps.clock.now()).find(matter_code)


def own_code(deps: Deps, matter_code: str) -> str:
    """The code that a matter in force goes by: found by its 业务办理项编码 too, it is kept and compared by this one.

    As it was written where no matter is found; the database is asked for codes of 33 characters only.
    """
    if len(matter_code) <= IMPLEMENTATION_LENGTH:
        return matter_code
    with deps.uow.read() as tx:
        matter = find_matter(deps, tx, matter_code)
    return matter.code if matter is not None else matter_code


def by_own_code(deps: Deps, body: BodyT) -> BodyT:
    """What was sent, with the matter by its own code: at the door of every command that stores or compares one."""
    code = own_code(deps, body.matter_code)
    return body if code == body.matter_code else body.model_copy(update={"matter_code": code})


def matter_name(deps: Deps, matter_code: str) -> str:
    """What a matter is called, ended ones too; its code when nobody knows it."""
    listed = deps.policies.listed
    if listed is None:
        with deps.uow.read() as tx:
            listed = deps.policies.look(tx, deps.catalog, deps.clock.now()).listed
    one = listed.get(matter_code) or listed.get(matter_code[:IMPLEMENTATION_LENGTH])
    return one.name if one is not None else matter_code


def open_matter(deps: Deps, tx: UnitOfWork, matter_code: str, authority_code: str) -> Matter:
    """The matter, if it is one of this authority.

    Raises:
        NoLawfulBasis: unknown, ended or another authority's: alike.
    """
    matter = find_matter(deps, tx, matter_code)
    if matter is None or matter.authority_code != authority_code:
        raise NoLawfulBasis("该事项未开通免证办，或不属于本单位；请核对事项实施编码（matter_code）", why=NO_POLICY)
    return matter


def allowed_keys(deps: Deps, tx: UnitOfWork, matter_code: str, authority_code: str, type_slug: str) -> tuple[str, ...]:
    """Keys that the matter may ask for of the type: fields, ``*copy``, answers (``catalog/answer_keys.py``).

    Raises:
        NoLawfulBasis: the matter may not see this type at all.
    """
    return _allowed(deps, tx, matter_code, authority_code, type_slug).keys


def allowed_bases(deps: Deps, tx: UnitOfWork, matter_code: str, authority_code: str, type_slug: str) -> tuple[str, ...]:
    """Bases on which the matter may ask for the type; NoLawfulBasis as above."""
    return _allowed(deps, tx, matter_code, authority_code, type_slug).bases


def keys_on_consent(
    deps: Deps, tx: UnitOfWork, matter_code: str, authority_code: str, type_slug: str
) -> tuple[str, ...]:
    """As :func:`allowed_keys`, for a holder to consent to; NoLawfulBasis too where the matter works on duty alone."""
    allowed = _allowed(deps, tx, matter_code, authority_code, type_slug)
    if CONSENT not in allowed.bases:
        raise NoLawfulBasis("该事项不以持证人授权用证", why=NO_POLICY)
    return allowed.keys


def chosen(allowed: Sequence[str], asked: Sequence[str]) -> tuple[str, ...]:
    """The keys that are asked for, each once; all that are allowed where none is named. NoLawfulBasis beyond these."""
    wanted = tuple(dict.fromkeys(asked or allowed))
    beyond = [key for key in wanted if not may_ask(key, allowed)]
    if beyond:
        detail = f"超出该事项的用证范围：{'、'.join(beyond)}；可用：{'、'.join(allowed)}"
        raise NoLawfulBasis(detail, why=BEYOND_POLICY)
    return wanted


def consented_keys(deps: Deps, tx: UnitOfWork, matter: Matter, type_slug: str) -> tuple[str, ...]:
    """Fields and ``*copy`` that a holder's consent opens to the matter; none where it works on duty alone."""
    allowed = deps.policies.look(tx, deps.catalog, deps.clock.now()).of(matter, type_slug)
    return readable(allowed.keys) if allowed is not None and CONSENT in allowed.bases else ()


def matters_in_force(deps: Deps) -> Sequence[Matter]:
    """Every matter in force with what it may ask for, by code."""
    with deps.uow.read() as tx:
        found = deps.policies.look(tx, deps.catalog, deps.clock.now()).matters
    return [found[code] for code in sorted(found)]


def count_use(
    deps: Deps, tx: UnitOfWork, matter_code: str, authority_code: str, type_slug: str, *, now: datetime, uses: int = 1
) -> None:
    """Count uses in the transaction of the answer, where the policy has a quota for the day: all of them or none.

    Raises:
        NoLawfulBasis: as above, or the quota of the day is used up.
    """
    allowed = _allowed(deps, tx, matter_code, authority_code, type_slug)
    if allowed.quota is None:
        return
    if not tx.policies.count_use(allowed.policy_id, day=local_day(now), quota=allowed.quota, uses=uses):
        raise _used_up(allowed.quota)


def count_order(deps: Deps, tx: UnitOfWork, matter_code: str, authority_code: str, type_slug: str) -> tuple[str, str]:
    """By what uses are sorted that are counted in one transaction: the row that counts them; NoLawfulBasis as above.

    Not by what the client wrote: a matter goes by two codes, and two transactions would wait for each other.
    """
    return _allowed(deps, tx, matter_code, authority_code, type_slug).policy_id, type_slug


def check_quota(
    deps: Deps, tx: UnitOfWork, matter_code: str, authority_code: str, type_slug: str, *, now: datetime
) -> None:
    """NoLawfulBasis when the policy's quota leaves no use for the day; nothing is counted."""
    allowed = _allowed(deps, tx, matter_code, authority_code, type_slug)
    if allowed.quota is None:
        return
    if tx.policies.used(allowed.policy_id, day=local_day(now)) >= allowed.quota:
        raise _used_up(allowed.quota)


def _used_up(quota: int) -> NoLawfulBasis:
    detail = f"该事项今日调用此类证照已达 {quota} 次的上限；请明日再试，或申请提高用量"
    return NoLawfulBasis(detail, why=QUOTA_USED_UP)


def _allowed(deps: Deps, tx: UnitOfWork, matter_code: str, authority_code: str, type_slug: str) -> Allowed:
    matter = open_matter(deps, tx, matter_code, authority_code)
    allowed = deps.policies.look(tx, deps.catalog, deps.clock.now()).of(matter, type_slug)
    if allowed is None:
        not_open = "该事项不需要此类证照，不能调用；如确需使用，请向证照颁发机构申请开通"
        raise NoLawfulBasis(not_open, why=NO_POLICY)
    return allowed


def simulation_allows(deps: Deps, matter_code: str, version: LicenseVersion, project_code: str) -> bool:
    """Whether a matter may see this paper: a provisional opinion only for 模拟 matters of its project (DOMAIN.md 1.6).

    A formal license is not kept back here. The setting may name a matter by either of its codes.
    """
    if not version.provisional:
        return True
    opened = {code for one in deps.policy.simulation_matters for code in (one, one[:IMPLEMENTATION_LENGTH])}
    return matter_code in opened and project_code == version.project_code
