"""On what a use rests: the client's matter, and the holder's consent or the body's duty; and which license it is about.

Uses that come together are looked up together, with the grants held until the end of the transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from certsvc.clock import local_day
from certsvc.commands.access.staff import check_operator
from certsvc.commands.shapes import Line
from certsvc.commands.sharing.consent_only import check_duty
from certsvc.commands.sharing.held import MAX_SEARCH, Held, held_by
from certsvc.commands.sharing.policy import allowed_bases, allowed_keys, simulation_allows
from certsvc.commands.showing.codes import token_sha256
from certsvc.commands.showing.rights import Grounds, grounds_of
from certsvc.commands.verifying.stands import stands
from certsvc.errors import NoLawfulBasis, NotFound
from certsvc.identifiers.use_basis import CONSENT, DUTY
from certsvc.license.model import Holder
from certsvc.license.standing import PROVISIONAL_ZH
from certsvc.license.uses import CONSENT_OVER, NO_POLICY, NOT_WITHHELD, ShowBasis, UseBasis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.consents import Withholding
    from certsvc.license.model import LicenseVersion
    from certsvc.license.uses import Grant

NO_CONSENT_ZH = "授权无效：不存在、已过期，或与本系统、本事项、本办件不符；请持证人重新授权"
NOT_WITHHELD_ZH = "暂缓告知未经本单位另一人批准、已到期，或与本事项、本办件不符"


class CaseBody(BaseModel):
    """为哪个事项、哪个办件、凭什么：证照和电子材料相同的部分."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    matter_code: Line = Field(max_length=33, description="事项实施编码")
    case_no: Line = Field(min_length=1, max_length=64, description="办件编号")
    purpose: Line = Field(min_length=2, max_length=200, description="使用目的")
    operator: Line = Field(min_length=1, max_length=64, description="经办人账号")
    basis: Literal["consent", "duty"] = Field(description="consent 持证人（当事人）授权 · duty 依职能")
    grant_code: str = Field(default="", max_length=64, description="用证码，basis 为 consent 时填写")
    holder_code: str = Field(default="", max_length=64, description="持证主体（当事人）代码，basis 为 duty 时填写")
    holder_code_type: str = Field(default="", max_length=3)
    withholding_id: str = Field(default="", max_length=64, description="暂缓告知的批准编号；basis 为 duty 时可填")


class UseBody(CaseBody):
    """为哪个事项、哪个办件、凭什么用证."""

    type: Line = Field(max_length=64, description="证照类型")
    consent_id: str = Field(
        default="", max_length=64, description="用证申请或现场授权的编号；basis 为 consent 且没有用证码时填写"
    )
    identifier: Line = Field(default="", max_length=128, description="证照标识，持证主体有多张时指明哪一张")
    project_code: str = Field(default="", max_length=24, description="项目代码，调用模拟审批意见时必填")

    @property
    def asked_keys(self) -> tuple[str, ...]:
        """The keys that the client named; none where it asks for all that it may have."""
        return ()

    @property
    def holder(self) -> Holder:
        """Whom the client named; without a name."""
        return Holder(name="", code=self.holder_code, code_type=self.holder_code_type)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """What a use rests on.

    Attributes:
        version: None where a question is about no license that there is.
        withheld: until when and why the holder is not told, or None.
    """

    basis: UseBasis
    version: LicenseVersion | None
    grant: Grant | None = None
    withheld: Withholding | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What the store holds of the consents that uses name; grants are held until the end of the transaction."""

    by_token: Mapping[str, Grant]
    by_consent: Mapping[tuple[str, str], Grant]
    versions: Mapping[str, LicenseVersion]
    rests_on: Grounds
    withheld: Mapping[str, Withholding]
    held: Held
    """what the holders have that uses on duty name"""

    def grant_for(self, body: UseBody) -> Grant | None:
        """The grant that a use names by code or by number."""
        if body.grant_code or not body.consent_id:
            return self.by_token.get(token_sha256(body.grant_code))
        return self.by_consent.get((body.consent_id, body.type))

    def granted(self, body: UseBody) -> LicenseVersion | None:
        """The license that the named grant is about."""
        grant = self.grant_for(body)
        return self.versions.get(grant.version_id) if grant is not None else None


def look_up(
    deps: Deps, tx: UnitOfWork, uses: Sequence[tuple[Principal, UseBody]], now: datetime, *, hold: bool = True
) -> Known:
    """Everything that these uses name, by who asks; without ``hold`` only to look at.

    What somebody holds is not looked for where the body may not ask on duty: the clock would tell it (Q5).
    """
    bodies = [body for _, body in uses]
    asked = [body for body in bodies if body.basis == CONSENT]
    digests = [token_sha256(body.grant_code) for body in asked if body.grant_code]
    consents = [body.consent_id for body in asked if body.consent_id and not body.grant_code]
    if hold:
        by_token, given = tx.sharing.hold_by_tokens(digests), tx.sharing.hold_of_consents(consents)
    else:
        seen = {digest: tx.sharing.grant_by_token(digest) for digest in digests}
        by_token = {digest: grant for digest, grant in seen.items() if grant is not None}
        given = tx.sharing.of_consents(consents)
    grants = [*by_token.values(), *given]
    # A code that nobody gave costs what one costs that was given to somebody else (Q5).
    named = [grant.version_id for grant in grants] or [""]
    versions = tx.licenses.by_version_ids(named) if asked else {}
    return Known(
        by_token=by_token,
        by_consent={(grant.consent_id, versions[grant.version_id].type_slug): grant for grant in given},
        versions=versions,
        rests_on=grounds_of(tx, [(grant.basis, grant.basis_id) for grant in grants]),
        withheld=tx.bases.withholdings([body.withholding_id for body in bodies if body.withholding_id]),
        held=held_by(
            deps,
            tx,
            [
                (body.holder, body.type, body.identifier)
                for caller, body in uses
                if body.basis == DUTY and may_look(deps, tx, caller, body)
            ],
            now,
        ),
    )


def may_look(deps: Deps, tx: UnitOfWork, caller: Principal, body: UseBody) -> bool:
    """Whether what a use is about may be looked for, and its holder be told of a refusal.

    Not on a duty that the body never has, or that no policy opens to the matter: a refusal before any look takes as
    long whoever holds what, and names nobody.
    """
    if body.basis == CONSENT:
        return True
    if deps.catalog.consent_only(caller.authority_code):
        return False
    try:
        return DUTY in allowed_bases(deps, tx, body.matter_code, caller.authority_code, body.type)
    except NoLawfulBasis:
        return False


def check_basis(deps: Deps, caller: Principal, body: UseBody) -> None:
    """ConsentOnly where the body that asks never has this basis: before anything is judged that it could be told."""
    if body.basis == DUTY:
        check_duty(deps, caller.authority_code)


def check_open(deps: Deps, tx: UnitOfWork, caller: Principal, body: UseBody, now: datetime) -> tuple[str, ...]:
    """The keys that the matter may see of the type on this basis.

    Raises:
        NoLawfulBasis: no policy, or none on this basis; ConsentOnly where the body never has this one.
        OperatorUnknown: somebody whom the client's body did not register, where it must.
    """
    check_operator(tx, caller, body.operator, now)
    check_basis(deps, caller, body)
    asked = (body.matter_code, caller.authority_code, body.type)
    if body.basis not in allowed_bases(deps, tx, *asked):
        raise NoLawfulBasis("该事项不支持此用证方式；请改用持证人授权", why=NO_POLICY)
    return allowed_keys(deps, tx, *asked)


def withheld_by(
    withheld: Mapping[str, Withholding], caller: Principal, body: UseBody, now: datetime
) -> Withholding | None:
    """What keeps a use from its holder for a while, if the client named it; NoLawfulBasis when it does not hold."""
    if not body.withholding_id:
        return None
    found = withheld.get(body.withholding_id)
    fits = found is not None and found.authority_code == caller.authority_code and body.basis == DUTY
    if found is None or not fits or not found.covers(body.matter_code, body.case_no, now):
        raise NoLawfulBasis(NOT_WITHHELD_ZH, why=NOT_WITHHELD)
    return found


def consented(
    deps: Deps, known: Known, caller: Principal, body: UseBody, now: datetime, *, data: bool
) -> tuple[LicenseVersion, Grant, UseBasis]:
    """The license and the consent that a use names; with ``data`` the consent must be unused.

    Raises:
        NoLawfulBasis: none, over, withdrawn, for something else, or what it rests on has ended: in the same words.
    """
    grant, version = known.grant_for(body), known.granted(body)
    if (
        grant is None
        or version is None
        or not _fits(caller, body, grant, version, now, data=data)
        or not rests(known.rests_on, grant, now, license_id=version.license_id)
    ):
        raise NoLawfulBasis(NO_CONSENT_ZH, why=_why_not(caller, body, grant, version))
    if not simulation_allows(deps, body.matter_code, version, body.project_code):
        raise NoLawfulBasis(f"{PROVISIONAL_ZH}；只有该项目的模拟审批事项可以调用")
    return version, grant, basis_of(grant)


def basis_of(grant: Grant) -> UseBasis:
    """On what a use of the grant rests."""
    if not grant.holder_subject:
        return UseBasis.COUNTER
    return UseBasis.DELEGATION if grant.basis == ShowBasis.DELEGATION else UseBasis.CONSENT


def on_duty(deps: Deps, known: Known, body: UseBody) -> LicenseVersion:
    """The license that a body asks for by its duty; NotFound when there is none."""
    current = current_of(deps, known.held, body)
    if current is None:
        raise NotFound("未查到该持证主体的此类证照；请核对证件类型和号码")
    return current


def current_of(deps: Deps, held: Held, body: UseBody) -> LicenseVersion | None:
    """The named holder's license of the type that is in force, else the newest that nothing replaced."""
    return held.current(
        deps,
        body.holder,
        body.type,
        identifier=body.identifier,
        matter_code=body.matter_code,
        project_code=body.project_code,
    )


def of_type(tx: UnitOfWork, holder: Holder, type_slug: str) -> list[LicenseVersion]:
    """The holder's versions of the type that nothing replaced, newest first."""
    if not holder.code:
        return []
    held = tx.licenses.held([(holder, type_slug)], limit=MAX_SEARCH)
    return list(held.get((holder.code_type, holder.code, type_slug), ()))


def best_of(deps: Deps, tx: UnitOfWork, found: Sequence[LicenseVersion], now: datetime) -> LicenseVersion | None:
    """The first that is in force, else the first."""
    good = (version for version in found if stands(deps, tx, version, now).good)
    return next(good, found[0] if found else None)


def _fits(
    caller: Principal, body: UseBody, grant: Grant, version: LicenseVersion, now: datetime, *, data: bool
) -> bool:
    return (
        grant.client_id == caller.subject
        and grant.matter_code == body.matter_code
        and grant.case_no in {"", body.case_no}
        and grant.operator in {"", body.operator}
        and version.type_slug == body.type
        and body.identifier in {"", version.identifier}
        and (grant.used_at is None or not data)
        and grant.withdrawn_at is None
        and now < grant.expires_at
    )


def _why_not(caller: Principal, body: UseBody, grant: Grant | None, version: LicenseVersion | None) -> str:
    """What the caller's own body may know beyond the answer: that a consent which it was given is over.

    Of a consent that is another's, or that there is not, it learns nothing, not even here.
    """
    if grant is None or version is None:
        return ""
    own = replace(grant, used_at=None, withdrawn_at=None)
    return CONSENT_OVER if _fits(caller, body, own, version, grant.created_at, data=True) else ""


def rests(rests_on: Grounds, grant: Grant, now: datetime, *, license_id: str = "") -> bool:
    """Whether the right by which somebody consented still stands; nobody consents by delegation but over a license."""
    if grant.basis in {ShowBasis.GUARDIAN, ShowBasis.REPRESENTATIVE}:
        relation = rests_on.relations.get(grant.basis_id)
        return relation is not None and relation.holds(local_day(now))
    if grant.basis == ShowBasis.DELEGATION:
        given = rests_on.delegations.get(grant.basis_id)
        return given is not None and given.consents(license_id, grant.matter_code, now)
    return True
