"""检查结果: what a regulator's own system found about a license, on record once; nothing moves by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.issuance.authority import issuer_today
from certsvc.commands.issuance.body import body_hash
from certsvc.commands.oversight.tell import region_of
from certsvc.commands.shapes import Day, Line
from certsvc.commands.showing.create_show import own_version
from certsvc.errors import BusinessKeyConflict, FieldProblem, InvalidInput, NotFound
from certsvc.events.oversight_payloads import InspectionReported, InspectionSuggested
from certsvc.license.oversight import InspectionResult, OversightState, ResultOutcome, Suggestion

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion

MAX_RESULTS = 100
"""Results in the history of one license."""
MAX_OWN = 100


class ResultBody(BaseModel):
    """检查结果：哪张证照、哪次任务、结果如何、下一步."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    result_no: Line = Field(min_length=1, max_length=64, description="本系统的检查结果编号，重复提交只记一次")
    identifier: str = Field(max_length=128, description="证照标识")
    task: Line = Field(min_length=1, max_length=100, description="检查任务")
    outcome: ResultOutcome = Field(
        description="passed 合格 · correct 责令改正 · corrected 已改正 · failed 不合格 · case 立案查处"
        " · not_found 未找到检查对象"
    )
    checked_on: Day = Field(description="检查日期")
    document_no: Line = Field(default="", max_length=100, description="文书号，责令改正、立案必填")
    next_step: Line = Field(default="", max_length=200, description="下一步，如复查日期")
    restricted: bool = Field(default=False, description="依法暂不告知持证主体")
    disclosed_on: Day | None = Field(default=None, description="自哪天起可以告知，空为不告知")
    suggestion: Suggestion = Field(default=Suggestion.NONE, description="处罚建议：suspend 暂扣 · revoke 吊销")
    basis: Line = Field(default="", max_length=500, description="处罚建议的事实和依据，有建议时必填")

    @model_validator(mode="after")
    def _whole(self) -> ResultBody:
        if self.outcome in {ResultOutcome.CORRECT, ResultOutcome.CASE} and not self.document_no:
            raise PydanticCustomError("missing", "{fault}", {"fault": "责令改正、立案查处须填写文书号（document_no）"})
        if self.suggestion is not Suggestion.NONE and not self.basis:
            raise PydanticCustomError("missing", "{fault}", {"fault": "处罚建议须写明事实和依据（basis）"})
        if self.disclosed_on is not None and not self.restricted:
            raise PydanticCustomError("value", "{fault}", {"fault": "只有暂不告知的结果才填写告知日期（disclosed_on）"})
        return self


@dataclass(frozen=True, kw_only=True, slots=True)
class Reported:
    """The result as stored, its license, and whether this call stored it."""

    result: InspectionResult
    version: LicenseVersion
    created: bool


def report_result(deps: Deps, caller: Principal, body: ResultBody) -> Reported:
    """Put a result on record; the same again changes nothing.

    Raises:
        NotFound: no such license, or none in the charge of the caller's body: alike.
        BusinessKeyConflict: the number came before with other content.
        InvalidInput: a day that is still to come.
    """
    roles.require(caller, roles.REGULATOR)
    now = deps.clock.now()
    if body.checked_on > local_day(now):
        problem = FieldProblem(pointer="/checked_on", code="future", detail="检查日期不能晚于今天")
        raise InvalidInput("检查日期有误", problems=(problem,))
    digest = body_hash(body)
    with deps.uow() as tx:
        version = tx.licenses.by_identifier(body.identifier)
        if version is None or version.provisional or not _in_charge(deps, tx, caller, version):
            raise NotFound("没有这张证照，或不在本单位监管范围；请核对证照标识")
        result = _result(deps, caller, body, digest, version, now)
        if not tx.inspection_results.insert(result):
            return _repeated(tx, caller, body, digest, version)
        _note(deps, tx, caller, result, version, now)
    return Reported(result=result, version=version, created=True)


def results_of(deps: Deps, tx: UnitOfWork, version: LicenseVersion, *, to_holder: bool) -> Sequence[InspectionResult]:
    """Results in the history of a license, of all its versions, newest first; without what is kept from its holder."""
    ids = [one.version_id for one in tx.licenses.versions_of(version.license_id)]
    found = tx.inspection_results.of_versions(ids, limit=MAX_RESULTS)
    today = local_day(deps.clock.now())
    return [one for one in found if not to_holder or one.open_to_holder(today)]


def _repeated(tx: UnitOfWork, caller: Principal, body: ResultBody, digest: str, version: LicenseVersion) -> Reported:
    known = tx.inspection_results.by_number(caller.subject, body.result_no)
    if known is None or known.body_hash != digest:
        raise BusinessKeyConflict("该检查结果编号已用于另一份结果；内容有变请使用新的编号（result_no）")
    return Reported(result=known, version=version, created=False)


def _in_charge(deps: Deps, tx: UnitOfWork, caller: Principal, version: LicenseVersion) -> bool:
    """Its body issues or penalises in the trade, or its system has an active subscription that covers the license."""
    kind = next((one for one in deps.catalog.types if one.slug == version.type_slug), None)
    if kind is not None and caller.authority_code in (*kind.issuers, *kind.penalisers):
        return True
    region = region_of(deps, version)
    own = tx.oversights.of_client(caller.subject, behind="", limit=MAX_OWN)
    return any(one.state is OversightState.ACTIVE and one.covers(version.type_slug, region) for one in own)


def _result(
    deps: Deps, caller: Principal, body: ResultBody, digest: str, version: LicenseVersion, now: datetime
) -> InspectionResult:
    return InspectionResult(
        result_id=deps.ids.new("ins"),
        client_id=caller.subject,
        result_no=body.result_no,
        body_hash=digest,
        version_id=version.version_id,
        authority_code=caller.authority_code,
        outcome=body.outcome,
        checked_on=body.checked_on,
        restricted=body.restricted,
        disclosed_on=body.disclosed_on,
        suggestion=body.suggestion,
        task=body.task,
        document_no=body.document_no,
        next_step=body.next_step,
        basis=body.basis,
        at=now,
    )


def _note(
    deps: Deps, tx: UnitOfWork, caller: Principal, result: InspectionResult, version: LicenseVersion, now: datetime
) -> None:
    source, subject = deps.policy.event_source, version.identifier
    told = InspectionReported(
        result_id=result.result_id,
        identifier=version.identifier,
        license_type=version.type_slug,
        authority_code=result.authority_code,
        checked_on=result.checked_on.isoformat(),
        outcome="" if result.restricted else result.outcome.value,
        restricted=result.restricted,
    )
    tx.outbox.add(told.event(event_id=deps.ids.new("evt"), source=source, subject=subject, at=now))
    if result.suggestion is not Suggestion.NONE:
        suggested = InspectionSuggested(
            result_id=result.result_id,
            identifier=version.identifier,
            license_type=version.type_slug,
            authority_code=result.authority_code,
            issuer_code=issuer_today(deps, version),
            suggestion="" if result.restricted else result.suggestion.value,
        )
        tx.outbox.add(suggested.event(event_id=deps.ids.new("evt"), source=source, subject=subject, at=now))
    content = {"result_id": result.result_id, "result_no": result.result_no, "outcome": result.outcome.value}
    record(tx, deps, kind="inspection.reported", subject=subject, actor=caller.subject, content=content, at=now)


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnResults:
    """What a holder may see of the inspections of one license."""

    results: Sequence[InspectionResult]
    identifiers: dict[str, str]
    names: dict[str, str]


def own_results(deps: Deps, caller: Principal, identifier: str) -> OwnResults:
    """Results about the caller's own license; NotFound when it is not."""
    roles.require(caller, roles.HOLDER)
    with deps.uow.read() as tx:
        version = own_version(tx, caller, identifier)
        found = results_of(deps, tx, version, to_holder=True)
        identifiers = {one.version_id: one.identifier for one in tx.licenses.versions_of(version.license_id)}
    codes = {one.authority_code for one in found if deps.catalog.has_authority(one.authority_code)}
    names = {code: deps.catalog.authority(code).name for code in codes}
    return OwnResults(results=found, identifiers=identifiers, names=names)
