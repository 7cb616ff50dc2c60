"""Note a fact about a license: renewal, periodic check, obligation, 歇业, paper twin, dependence. No state changes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.issuance.authority import NOT_FOR_THIS_BODY, require_decider
from certsvc.commands.issuance.body import Code
from certsvc.commands.issuance.dependants import announce_fact, note_parent
from certsvc.commands.issuance.fact_rules import check_against_license, check_shape
from certsvc.commands.shapes import Day, Line
from certsvc.commands.verifying.stands import stands
from certsvc.errors import Conflict, Forbidden, NotFound
from certsvc.license.facts import FACT_RULES, Fact, FactKind
from certsvc.license.states import ENDED, STATE_ZH

if TYPE_CHECKING:
    from datetime import date, datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Standing


class FactBody(BaseModel):
    """登记事项：谁、何事、何时、凭什么文书."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fact: FactKind = Field(
        description="、".join(f"{rule.kind.value} {rule.name_zh}" for rule in FACT_RULES.values()),
        examples=["renewal_applied"],
    )
    authority_code: Code = Field(description="登记机关统一社会信用代码", examples=["11990000MB0000019F"])
    happened_on: Day = Field(description="发生日期", examples=["2026-01-15"])
    code: Line = Field(default="", max_length=128, description="检查名称、承诺事项编号、印制流水号或所依附证照的标识")
    due_on: Day | None = Field(default=None, description="期限（含当日），仅用于设定期限的事项")
    document_no: Line = Field(default="", max_length=100, description="文书号", examples=["示市监延受〔2026〕1号"])
    text: Line = Field(default="", max_length=500, description="内容；印制纸质证照时写正本、副本1或附页")


@dataclass(frozen=True, kw_only=True, slots=True)
class Noted:
    """The fact, the version it is about, how that stands now, and whether this call noted it."""

    fact: Fact
    version: LicenseVersion
    standing: Standing
    created: bool


def record_fact(deps: Deps, caller: Principal, identifier: str, body: FactBody) -> Noted:
    """Note a fact, once: the same fact sent again returns what is there.

    Raises:
        NotFound: no such license, or the caller may not note this about it.
        StateOfSource: it was made elsewhere.
        InvalidInput: what the kind of fact needs and lacks, or lacks and has.
        Conflict: the license has ended, or the fact contradicts what was noted before.
    """
    roles.require(caller, roles.APPROVAL, roles.APPROVAL_ANY)
    if roles.APPROVAL_ANY not in caller.roles and body.authority_code != caller.authority_code:
        raise Forbidden("该系统不能以此机关的名义登记（authority_code）")
    now = deps.clock.now()
    rule = FACT_RULES[body.fact]
    check_shape(body, rule, local_day(now))
    with deps.uow() as tx:
        version = tx.licenses.by_identifier(identifier)
        if version is None:
            raise NotFound(NOT_FOR_THIS_BODY)
        require_decider(deps, tx, version, rule.who, body.authority_code)
        tx.facts.hold(version.license_id)
        version = tx.licenses.by_version_id(version.version_id) or version  # it may have moved while we waited
        due = version.valid_until if rule.of_period else body.due_on
        key = _key(version, body, due)
        known = fact = tx.facts.by_key(key)
        if fact is None:
            if version.provisional or (version.state in ENDED and not rule.after_end):
                raise Conflict(f"证照当前状态为“{STATE_ZH[version.state]}”，不能登记“{rule.name_zh}”")
            parent = check_against_license(deps, tx, version, body, rule)
            fact = append_fact(deps, tx, version, body, actor=caller.subject, due=due, parent=parent, now=now)
            if parent is not None:
                note_parent(deps, tx, version, parent, now)
        how = stands(deps, tx, version, now)
        return Noted(fact=fact, version=version, standing=how, created=known is None)


def append_fact(
    deps: Deps,
    tx: UnitOfWork,
    version: LicenseVersion,
    body: FactBody,
    *,
    actor: str,
    now: datetime,
    due: date | None = None,
    parent: LicenseVersion | None = None,
) -> Fact:
    """Store a fact that is known to be lawful and new, with its event and its evidence."""
    fact = Fact(
        fact_id=deps.ids.new("fct"),
        license_id=version.license_id,
        version_id=version.version_id,
        kind=body.fact,
        code=body.code,
        on=body.happened_on,
        due=due,
        reference=parent.license_id if parent is not None else "",
        text=body.text,
        authority_code=body.authority_code,
        document_no=body.document_no,
        actor=actor,
        at=now,
    )
    tx.facts.append(fact, key=_key(version, body, due))
    announce_fact(deps, tx, version, fact)
    return fact


def _key(version: LicenseVersion, body: FactBody, due: date | None) -> str:
    """Digest of what makes two facts the same; lengths keep the parts apart."""
    parts = (
        version.license_id,
        body.fact.value,
        body.authority_code,
        body.code,
        body.happened_on.isoformat(),
        due.isoformat() if due else "",
        body.document_no,
        body.text,
    )
    return hashlib.sha256("".join(f"{len(part)}:{part}" for part in parts).encode()).hexdigest()
