"""What happened to a license, in one list: decisions, facts, notices, inspections, and every other leaf about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from certsvc.commands.notices.opened import MAX_NOTICES
from certsvc.commands.oversight.results import results_of
from certsvc.license import notices
from certsvc.license.facts import FACT_RULES
from certsvc.license.oversight import OUTCOME_ZH
from certsvc.license.states import MOVE_BY_NAME

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.evidence import EvidenceRow
    from certsvc.license.model import LicenseVersion, MoveRecord

KINDS: Mapping[str, tuple[str, str]] = {
    "license.issued": ("制发", "Issued"),
    "license.simulated": ("登记模拟审批意见", "Opinion registered"),
    "license.registered": ("登记", "Registered"),
    "license.noted": ("记载事实", "Fact noted"),
    "license.due": ("期限提醒", "Something is due"),
    "scan.answered": ("扫码核验", "Scanned"),
    "show.made": ("亮证", "Shown"),
    "show.offline": ("取离线码", "Offline code"),
    "fetch.given": ("用证", "Used"),
    "fetch.refused": ("用证被拒绝", "Use refused"),
    "fetch.answered": ("核验答复", "Question answered"),
    "copy.given": ("给出加注件", "Annotated copy given"),
    "copy.withdrawn": ("收回加注件", "Annotated copy withdrawn"),
    "grant.made": ("授权用证", "Use allowed"),
    "alert.raised": ("状态变更通报", "Users alerted"),
    "alert.reminded": ("催办状态变更通报", "Users reminded"),
    "co_holder.added": ("增加共有人", "Co-holder added"),
    "co_holder.removed": ("移除共有人", "Co-holder removed"),
    "delegation.offered": ("委托代亮", "Showing delegated"),
    "inspection.recorded": ("登记处理结果", "Outcome of an inspection"),
    "inspection.pictured": ("添加检查照片", "Picture of an inspection"),
    "inspection.reported": ("推送检查结果", "Inspection reported"),
    "oversight.read": ("监管部门读取", "Read by a regulator"),
    "notice.served": ("登记送达", "Service recorded"),
    "notice.resent": ("重新发送通知", "Notice sent again"),
    "notice.read": ("查阅通知", "Notice read"),
    "evidence.exported": ("导出证据包", "Evidence exported"),
    "verify.answered": ("核验", "Verified"),
    "challenge.answered": ("答复核验请求", "Challenge answered"),
    "console.read": ("在管理台查看", "Looked at in the console"),
}
"""Chinese and English of kinds of leaves; others are called by their kind, so that nothing is hidden."""
_OF_STAFF = (
    "license.",
    "registration.",
    "scan.",
    "fetch.",
    "copy.",
    "alert.",
    "inspection.",
    "oversight.",
    "notice.served",
    "notice.resent",
    "console.",
)
"""Beginnings of kinds whose actor is an official or a system. The actor of any other leaf may be the holder, whose
account is told to those alone who read content."""
_TOLD_BESIDE = ("license.noted", "inspection.reported")
"""Kinds whose rows are told with more words from their own tables."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One line.

    Attributes:
        kind: what it is; the kind of the leaf, or ``move.…``, ``fact.…``, ``notice.…``, ``inspection``.
        who: account, system or body, in the words that the row has; a holder's account only for who reads content.
        why: 文书号, basis, reason; what may name people only for who reads content.
        evidence_id, position: of the leaf that proves it; empty and 0 where the row is told from its own table.
    """

    at: datetime
    kind: str
    zh: str
    en: str
    who: str
    why: str = ""
    evidence_id: str = ""
    position: int = 0


def timeline(
    deps: Deps, tx: UnitOfWork, version: LicenseVersion, leaves: Sequence[EvidenceRow], *, content: bool
) -> Sequence[Entry]:
    """Newest first."""
    moves = tx.licenses.moves_of(version.version_id)
    # The leaf of a move was written with it, at the same moment: the line of the move carries its place.
    proofs = {(row.kind, row.at): row for row in leaves}
    pairs = [(one, proofs.get((f"license.{MOVE_BY_NAME[one.name].event}", one.at))) for one in moves]
    entries = [_move(deps, one, proof, content=content) for one, proof in pairs]
    told = {proof.evidence_id for _, proof in pairs if proof is not None}
    entries += [
        _leaf(row, content=content) for row in leaves if row.kind not in _TOLD_BESIDE and row.evidence_id not in told
    ]
    entries += [
        Entry(
            at=one.at,
            kind=f"fact.{one.kind.value}",
            zh=FACT_RULES[one.kind].name_zh,
            en=one.kind.value.replace("_", " ").capitalize(),
            who=_body(deps, one.authority_code) or one.actor,
            why=_joined(one.document_no, one.text if content else ""),
        )
        for one in tx.facts.of(version.license_id)
    ]
    entries += [
        Entry(
            at=one.at,
            kind=f"notice.{one.state.value}",
            zh=f"通知：{notices.STATE_ZH[one.state]}",
            en=f"Notice: {one.state.value}",
            who=_body(deps, one.authority_code),
            why=_joined(notices.WAY_ZH[one.way], notices.REASON_ZH.get(one.reason, one.reason)),
        )
        for one in tx.notices.of_versions([version.version_id], limit=MAX_NOTICES)
    ]
    entries += [
        Entry(
            at=one.at,
            kind="inspection",
            zh=f"检查结果：{OUTCOME_ZH[one.outcome]}",
            en=f"Inspection: {one.outcome.value}",
            who=_body(deps, one.authority_code),
            why=_joined(one.document_no, one.next_step) if content else "",
        )
        for one in results_of(deps, tx, version, to_holder=not content)
    ]
    return sorted(entries, key=lambda one: (one.at, one.position), reverse=True)


def _move(deps: Deps, one: MoveRecord, proof: EvidenceRow | None, *, content: bool) -> Entry:
    decision = one.decision
    return Entry(
        at=one.at,
        kind=f"move.{one.name}",
        zh=MOVE_BY_NAME[one.name].name_zh,
        en=one.name.replace("_", " ").capitalize(),
        who=_body(deps, decision.authority_code) if decision else one.actor,
        why=_joined(decision.document_no, decision.basis if content else "") if decision else "",
        evidence_id=proof.evidence_id if proof else "",
        position=proof.position if proof else 0,
    )


def _leaf(row: EvidenceRow, *, content: bool) -> Entry:
    zh, en = KINDS.get(row.kind, (row.kind, row.kind))
    return Entry(
        at=row.at,
        kind=row.kind,
        zh=zh,
        en=en,
        who=str(orjson.loads(row.details).get("actor", "")) if content or row.kind.startswith(_OF_STAFF) else "",
        evidence_id=row.evidence_id,
        position=row.position,
    )


def _body(deps: Deps, code: str) -> str:
    return deps.catalog.authority(code).name if code and deps.catalog.has_authority(code) else code


def _joined(*parts: str) -> str:
    return "；".join(part for part in parts if part)
