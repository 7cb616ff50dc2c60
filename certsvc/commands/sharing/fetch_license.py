"""用证: a registered system fetches fields or the file of a license for a matter, on a lawful basis.

``who (client) + basis (consent or duty) + purpose (matter + case number) + scope``; every fetch and every refusal is a
row of the ledger, written in the transaction of the answer. Nothing leaves that the policy of the matter does not list.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Line
from certsvc.commands.sharing.policy import COPY, allowed_keys, open_matter, simulation_allows
from certsvc.commands.showing.codes import token_sha256
from certsvc.commands.showing.values import ShownField, shown_fields
from certsvc.commands.verifying.facts import public_facts
from certsvc.commands.verifying.stands import stands
from certsvc.errors import CertsvcError, IntegrityError, NoLawfulBasis, NotFound
from certsvc.events.payloads import LicenseFetched
from certsvc.license.model import Holder
from certsvc.license.standing import PROVISIONAL_ZH, Standing
from certsvc.license.states import State
from certsvc.license.uses import Fetch

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.uses import Grant
    from certsvc.seal.verdict import LicenseFacts

GIVEN = "given"
MAX_SEARCH = 50
"""Versions of one holder that a search looks at."""


class FetchBody(BaseModel):
    """用证申请：为哪个事项、哪个办件、凭什么、要什么."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    matter_code: Line = Field(max_length=33, description="事项实施编码")
    case_no: Line = Field(min_length=1, max_length=64, description="办件编号")
    purpose: Line = Field(min_length=2, max_length=200, description="使用目的")
    operator: Line = Field(min_length=1, max_length=64, description="经办人账号")
    basis: Literal["consent", "duty"] = Field(description="consent 持证人授权（用证码） · duty 依职能")
    type: Line = Field(max_length=64, description="证照类型")
    grant_code: str = Field(default="", max_length=64, description="用证码，basis 为 consent 时必填")
    holder_code: str = Field(default="", max_length=64, description="持证主体代码，basis 为 duty 时必填")
    holder_code_type: str = Field(default="", max_length=3)
    fields: tuple[str, ...] = Field(default=(), max_length=100, description="所需信息项，缺省为事项允许的全部")
    project_code: str = Field(default="", max_length=24, description="项目代码，调用模拟审批意见时必填")


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchAnswer:
    """What left, and the ledger row that says so."""

    fetch: Fetch
    facts: LicenseFacts
    standing: Standing
    fields: tuple[ShownField, ...]
    file: bytes | None
    file_sha256: str


def fetch_license(deps: Deps, caller: Principal, body: FetchBody) -> FetchAnswer:
    """Answer a fetch, or refuse it on record.

    Raises:
        NoLawfulBasis: no open policy, a grant that does not fit, or fields beyond the policy.
        NotFound: no license of this type for this holder.
    """
    roles.require(caller, roles.USING)
    now = deps.clock.sure()
    version: LicenseVersion | None = None
    try:
        with deps.uow() as tx:
            version, grant = _find(deps, tx, caller, body, now)
            keys = _scope(deps, caller, body, grant)
            if grant is not None and not tx.sharing.use_grant(grant.grant_id, now=now):
                raise NoLawfulBasis("用证码已使用、已收回或已过期，请持证人重新授权")
            answer = _give(deps, tx, caller, body, version, grant, keys, now)
    except CertsvcError as error:
        _refuse(deps, caller, body, version, error, now)
        raise
    return answer


def _find(
    deps: Deps, tx: UnitOfWork, caller: Principal, body: FetchBody, now: datetime
) -> tuple[LicenseVersion, Grant | None]:
    matter = open_matter(deps, body.matter_code, caller.authority_code)
    if body.basis not in matter.bases:
        raise NoLawfulBasis("该事项不支持此用证方式；请改用持证人授权")
    allowed_keys(deps, body.matter_code, caller.authority_code, body.type)
    if body.basis == "consent":
        grant = tx.sharing.grant_by_token(token_sha256(body.grant_code))
        version = tx.licenses.by_version_id(grant.version_id) if grant is not None else None
        if grant is None or version is None or not _fits(caller, body, grant, version, now):
            raise NoLawfulBasis("用证码无效：不存在、已过期，或与本系统、本事项、本办件不符；请持证人重新授权")
        if not simulation_allows(deps, body.matter_code, version, body.project_code):
            raise NoLawfulBasis(f"{PROVISIONAL_ZH}；只有该项目的模拟审批事项可以调用")
        return version, grant
    current = _current(deps, tx, body, now)
    if current is None:
        raise NotFound("未查到该持证主体的此类证照；请核对证件类型和号码")
    return current, None


def _wanted(deps: Deps, tx: UnitOfWork, body: FetchBody, now: datetime) -> LicenseVersion | None:
    """The license that a refused fetch was about, if the code or the number leads to one."""
    if body.basis == "consent":
        grant = tx.sharing.grant_by_token(token_sha256(body.grant_code))
        return tx.licenses.by_version_id(grant.version_id) if grant is not None else None
    return _current(deps, tx, body, now)


def _current(deps: Deps, tx: UnitOfWork, body: FetchBody, now: datetime) -> LicenseVersion | None:
    """The holder's newest license of the type that is in force, else the newest that nothing replaced."""
    holder = Holder(name="", code=body.holder_code, code_type=body.holder_code_type)
    found = [
        version
        for version in tx.licenses.of_holder(holder, limit=MAX_SEARCH)
        if version.type_slug == body.type
        and not version.replaced_by_version_id
        and simulation_allows(deps, body.matter_code, version, body.project_code)
    ]
    good = (version for version in found if stands(deps, tx, version, now).good)
    return next(good, found[0] if found else None)


def _fits(caller: Principal, body: FetchBody, grant: Grant, version: LicenseVersion, now: datetime) -> bool:
    return (
        grant.client_id == caller.subject
        and grant.matter_code == body.matter_code
        and grant.case_no in {"", body.case_no}
        and version.type_slug == body.type
        and grant.used_at is None
        and grant.withdrawn_at is None
        and now < grant.expires_at
    )


def _scope(deps: Deps, caller: Principal, body: FetchBody, grant: Grant | None) -> tuple[str, ...]:
    allowed = allowed_keys(deps, body.matter_code, caller.authority_code, body.type)
    if grant is not None:
        allowed = tuple(key for key in allowed if key in grant.fields)
    wanted = body.fields or allowed
    beyond = [key for key in wanted if key not in allowed]
    if beyond:
        raise NoLawfulBasis(f"超出该事项的用证范围：{'、'.join(beyond)}；可用：{'、'.join(allowed)}")
    return tuple(wanted)


def _give(
    deps: Deps,
    tx: UnitOfWork,
    caller: Principal,
    body: FetchBody,
    version: LicenseVersion,
    grant: Grant | None,
    keys: tuple[str, ...],
    now: datetime,
) -> FetchAnswer:
    kind = deps.catalog.type(version.type_slug)
    fields = shown_fields(kind, version, keys, unmasked=keys)
    # What is asked for in a simulation is the opinion itself, which says on its page that it is none of a license.
    simulated = version.state is State.PROVISIONAL
    if COPY in keys and not simulated and not stands(deps, tx, version, now).good:
        raise NoLawfulBasis("证照不在有效状态，不提供证照文件；可改为只取信息项核对状态")
    file = _file(deps, version) if COPY in keys else None
    row = _row(deps, caller, body, version, grant, keys, GIVEN, now)
    tx.sharing.insert_fetch(row)
    payload = LicenseFetched(
        identifier=version.identifier,
        license_type=version.type_slug,
        client_id=caller.subject,
        matter_code=body.matter_code,
        case_no=body.case_no,
        basis=body.basis,
        fields=list(keys),
        origin=version.origin.value,
    )
    tx.outbox.add(
        payload.event(event_id=deps.ids.new("evt"), source=deps.policy.event_source, subject=version.identifier, at=now)
    )
    record(
        tx,
        deps,
        kind="fetch.given",
        subject=version.identifier,
        actor=caller.subject,
        content={
            "fetch_id": row.fetch_id,
            "matter_code": body.matter_code,
            "case_no": body.case_no,
            "basis": body.basis,
        },
        at=now,
    )
    return FetchAnswer(
        fetch=row,
        facts=public_facts(deps, tx, version, now),
        standing=stands(deps, tx, version, now),
        fields=fields,
        file=file,
        file_sha256=version.artifact.sha256 if file else "",
    )


def _file(deps: Deps, version: LicenseVersion) -> bytes:
    data = deps.objects.get(version.artifact.object_name)
    if hashlib.sha256(data).hexdigest() != version.artifact.sha256:
        raise IntegrityError("证照文件与登记的摘要不一致，已停止提供，请联系运维")
    return data


def _row(
    deps: Deps,
    caller: Principal,
    body: FetchBody,
    version: LicenseVersion | None,
    grant: Grant | None,
    keys: tuple[str, ...],
    outcome: str,
    now: datetime,
) -> Fetch:
    return Fetch(
        fetch_id=deps.ids.new("fch"),
        version_id=version.version_id if version else "",
        client_id=caller.subject,
        client_name=caller.name,
        authority_code=caller.authority_code,
        matter_code=body.matter_code,
        case_no=body.case_no,
        operator=body.operator,
        purpose=body.purpose,
        basis=body.basis,
        grant_id=grant.grant_id if grant else "",
        fields=keys,
        outcome=outcome,
        at=now,
    )


def _refuse(
    deps: Deps, caller: Principal, body: FetchBody, version: LicenseVersion | None, error: CertsvcError, now: datetime
) -> None:
    """Keep the refusal on record, in a transaction of its own: that of the answer was rolled back.

    The holder sees it too, whatever it was refused for: it is the holder's license that somebody wanted.
    """
    with deps.uow() as tx:
        version = version or _wanted(deps, tx, body, now)
        row = _row(deps, caller, body, version, None, (), error.code, now)
        tx.sharing.insert_fetch(row)
        record(
            tx,
            deps,
            kind="fetch.refused",
            subject=version.identifier if version else body.type,
            actor=caller.subject,
            content={"fetch_id": row.fetch_id, "matter_code": body.matter_code, "reason": error.code},
            at=now,
        )
