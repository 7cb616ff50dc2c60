"""免申即享: one question about many holders on a statutory basis; answers per row, each of them a row of the ledger.

For consent it is refused: nobody consents in lists. All rows are one transaction, and one statement is signed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import rows_of
from certsvc.commands.shapes import Day, Line
from certsvc.commands.sharing.answer_question import (
    QuestionBody,
    check_question,
    count_asks,
    evaluate,
)
from certsvc.commands.sharing.grounds import Ground, check_open, current_of
from certsvc.commands.sharing.held import held_by
from certsvc.commands.sharing.policy import by_own_code, count_use
from certsvc.commands.sharing.question_words import in_words, question_claims
from certsvc.commands.sharing.use_rows import UNKNOWN_TYPE, announce, refusal_row, type_of, use_row
from certsvc.errors import CertsvcError, FieldProblem, IntegrityError, InvalidInput, NoLawfulBasis, Unavailable
from certsvc.identifiers.use_basis import DUTY
from certsvc.license.consents import MAX_COHORT
from certsvc.license.questions import MAX_TERM, Ask, may_ask
from certsvc.license.uses import BEYOND_POLICY, UseBasis

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.sharing.held import Held
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.uses import Fetch


class MemberBody(BaseModel):
    """一个持证主体."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str = Field(min_length=1, max_length=64, description="持证主体代码")
    code_type: str = Field(min_length=3, max_length=3, description="持证主体代码类型代码")


class CohortBody(BaseModel):
    """免申即享核验：为哪个事项、哪一批、问什么、问哪些持证主体."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    matter_code: Line = Field(max_length=33, description="事项实施编码；须可依职能用证")
    case_no: Line = Field(min_length=1, max_length=64, description="批次编号")
    purpose: Line = Field(min_length=2, max_length=200, description="使用目的")
    operator: Line = Field(min_length=1, max_length=64, description="经办人账号")
    type: Line = Field(max_length=64, description="证照类型")
    ask: Ask = Field(description="valid 在某日是否有效 · scope 信息项是否包含某内容；不能批量核验持证人")
    on: Day | None = Field(default=None, description="ask 为 valid：哪一天，缺省为今天")
    field: Line = Field(default="", max_length=64, description="ask 为 scope：信息项")
    term: Line = Field(default="", max_length=MAX_TERM, description="ask 为 scope：内容")
    holders: tuple[MemberBody, ...] = Field(min_length=1, max_length=MAX_COHORT)

    def of(self, member: MemberBody | None) -> QuestionBody:
        """The question about one of them."""
        return QuestionBody(
            matter_code=self.matter_code,
            case_no=self.case_no,
            purpose=self.purpose,
            operator=self.operator,
            basis=DUTY,
            type=self.type,
            ask=self.ask,
            on=self.on,
            field=self.field,
            term=self.term,
            holder_code=member.code if member else "",
            holder_code_type=member.code_type if member else "",
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class CohortAnswer:
    """Answers in the order of the question, and the statement over all of them."""

    cohort_id: str
    rows: Sequence[Fetch]
    states: Sequence[str]
    """how each license stands; empty where there is none"""
    statement: str
    salt: str


def ask_cohort(deps: Deps, caller: Principal, body: CohortBody) -> CohortAnswer:
    """Answer one question about many holders.

    Raises:
        InvalidInput: a question that is none, about persons, or a holder named twice.
        NoLawfulBasis: no open policy, or not one of duty; the refusal is on record.
    """
    roles.require(caller, roles.USING)
    body = by_own_code(deps, body)
    question = body.of(None)
    check_question(deps, question)
    _check_members(body)
    now = deps.clock.sure()
    if body.ask is Ask.SCOPE:
        # As one by one: a cohort must not spell out what a field says, term by term.
        count_asks(deps, caller, question, [f"license\n{body.type}\n{one.code}" for one in body.holders], now)
    refused: CertsvcError | None = None
    answered: list[tuple[str, Fetch]] = []
    statement, salt, cohort_id = "", deps.ids.token(), deps.ids.new("coh")
    with deps.uow() as tx:
        try:
            allowed = check_open(deps, tx, caller, question, now)
            if not may_ask(question.key, allowed):
                not_open = f"该事项未开通这项核验（{question.key}）；如确需使用，请向证照颁发机构申请开通"
                raise NoLawfulBasis(not_open, why=BEYOND_POLICY)
            asked = (body.matter_code, caller.authority_code, body.type)
            count_use(deps, tx, *asked, now=now, uses=len(body.holders))
        except (Unavailable, IntegrityError):
            raise  # the transaction is over, and nobody was refused
        except CertsvcError as error:
            refused = error
            rows = [refusal_row(deps, caller, question, None, error, now, said=in_words(deps, question))]
            tx.sharing.insert_fetches(rows)
        else:
            questions = [body.of(member) for member in body.holders]
            held = held_by(deps, tx, [(one.holder, one.type, "") for one in questions], now)
            answered = [_answer(deps, tx, caller, one, held, now) for one in questions]
            rows = [row for _, row in answered]
            tx.sharing.insert_fetches(rows)
            deps.faults.reach("cohort.answered")
            statement = _statement(deps, caller, body, cohort_id, answered, salt, now)
        _on_record(deps, tx, caller, body, cohort_id, rows, refused, now)
    if refused is not None:
        raise refused
    return CohortAnswer(
        cohort_id=cohort_id,
        rows=rows,
        states=[state for state, _ in answered],
        statement=statement,
        salt=salt,
    )


def _answer(
    deps: Deps, tx: UnitOfWork, caller: Principal, question: QuestionBody, held: Held, now: datetime
) -> tuple[str, Fetch]:
    version = current_of(deps, held, question)
    answer, how = evaluate(deps, tx, question, version, now)
    ground = Ground(basis=UseBasis.DUTY, version=version)
    said = in_words(deps, question)
    row = use_row(deps, caller, question, ground, (question.key,), now, said=said, answer=answer.value)
    if version is not None:
        announce(deps, tx, row, version, now)
    return (how.code if how else ""), row


def _check_members(body: CohortBody) -> None:
    detail, pointer = "", ""
    if body.ask is Ask.HOLDER:
        detail, pointer = "不能批量核验持证人", "/ask"
    elif len({(one.code_type, one.code) for one in body.holders}) != len(body.holders):
        detail, pointer = "同一持证主体只写一次", "/holders"
    if detail:
        raise InvalidInput(detail, problems=(FieldProblem(pointer=pointer, code="not_a_cohort", detail=detail),))


def _statement(
    deps: Deps,
    caller: Principal,
    body: CohortBody,
    cohort_id: str,
    answered: Sequence[tuple[str, Fetch]],
    salt: str,
    now: datetime,
) -> str:
    """One JWS over the answers in their order; whom they are about is a digest over salt and codes, in that order."""
    listed = "\x1f".join((salt, *(f"{one.code_type}:{one.code}" for one in body.holders)))
    claims: dict[str, object] = {
        **question_claims(deps, caller, body.of(None), now, salt=salt),
        "cohort_id": cohort_id,
        "basis": DUTY,
        "asked": {"kind": "cohort", "sha256": hashlib.sha256(listed.encode()).hexdigest()},
        "answers": [row.answer for _, row in answered],
        "states": [state for state, _ in answered],
    }
    return deps.verification_receipts.sign_answer(claims, now=now)


def _on_record(
    deps: Deps,
    tx: UnitOfWork,
    caller: Principal,
    body: CohortBody,
    cohort_id: str,
    rows: Sequence[Fetch],
    refused: CertsvcError | None,
    now: datetime,
) -> None:
    content = {
        "matter_code": body.matter_code,
        "case_no": body.case_no,
        "type": type_of(deps, body.type) or UNKNOWN_TYPE,
        "ask": body.ask.value,
        "holders": len(body.holders),
        "rows": rows_of(rows),
        **({"reason": rows[0].outcome} if refused else {}),
    }
    kind = "cohort.refused" if refused else "cohort.answered"
    record(tx, deps, kind=kind, subject=cohort_id, actor=caller.subject, content=content, at=now)
