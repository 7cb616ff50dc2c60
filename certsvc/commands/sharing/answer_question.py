"""数据核验: a signed yes, no or unknown about a license, for a matter and on a basis; nothing else leaves.

The smallest thing that helps is asked for first. What is answered stands in the ledger as a fetch does. Whether there
is no such license, or one that may not be told of, is the same ``unknown``.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import Field

from certsvc.clock import end_of_day, local_day
from certsvc.commands.access import roles
from certsvc.commands.shapes import Day, Line
from certsvc.commands.sharing.grounds import (
    Ground,
    UseBody,
    check_basis,
    check_open,
    consented,
    current_of,
    look_up,
    may_look,
    withheld_by,
)
from certsvc.commands.sharing.policy import by_own_code, count_use, simulation_allows
from certsvc.commands.sharing.question_words import in_words, is_field, question_claims
from certsvc.commands.sharing.use_rows import note, refusal_row, subject_of, use_row
from certsvc.commands.verifying.receipts import Asked
from certsvc.commands.verifying.stands import rules_for, stands
from certsvc.errors import (
    CertsvcError,
    FieldProblem,
    IntegrityError,
    InvalidInput,
    NoLawfulBasis,
    RateLimited,
    Unavailable,
)
from certsvc.identifiers.use_basis import CONSENT
from certsvc.license.consents import MAX_ANSWERS_PER_GRANT, MAX_HOLDER_ASKS
from certsvc.license.history import as_known, facts_known
from certsvc.license.model import Holder
from certsvc.license.questions import MAX_TERM, MIN_TERM, Answer, Ask, contains, may_ask, normal, question_key
from certsvc.license.standing import standing
from certsvc.license.uses import BEYOND_POLICY, CONSENT_OVER, UseBasis

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.sharing.grounds import Known
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.consents import Withholding
    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Standing
    from certsvc.license.uses import Fetch

TOO_OFTEN_ZH = "今日对同一证照或同一人的核验次数已满，请明日再试；批量核验请走免申即享"
STOPPED = "stopped"
"""Under this the first question of the day beyond a limit is counted: no license and no person is named so."""
DAY_S = 24 * 3600
_A_SECOND = timedelta(seconds=1)


class QuestionBody(UseBody):
    """问什么：在某日是否有效、某字段是否包含某内容."""

    ask: Ask = Field(description="valid 在某日是否有效 · scope 信息项是否包含某内容 · holder 是否为持证人")
    on: Day | None = Field(default=None, description="ask 为 valid：哪一天，缺省为今天")
    field: Line = Field(default="", max_length=64, description="ask 为 scope：信息项")
    term: Line = Field(default="", max_length=MAX_TERM, description="ask 为 scope：内容，例如 热食")

    @property
    def key(self) -> str:
        """The key of the question."""
        return question_key(self.ask, self.field)

    @property
    def asked_keys(self) -> tuple[str, ...]:
        """The key of the question."""
        return (self.key,)


class AnswerBody(QuestionBody):
    """数据核验：为哪个事项、哪个办件、凭什么、问什么."""

    number: Line = Field(default="", max_length=128, description="证照编号；basis 为 duty 时可代替持证主体代码")
    asked_name: Line = Field(default="", max_length=200, description="ask 为 holder：姓名或名称；与代码合用")
    asked_code: str = Field(default="", max_length=64, description="ask 为 holder：证件号码")
    asked_code_type: str = Field(default="", max_length=3, description="ask 为 holder：证件类型；不填则须填姓名")


@dataclass(frozen=True, kw_only=True, slots=True)
class AnswerGiven:
    """The answer, the ledger row that says so, and the statement to keep.

    Attributes:
        salt: proves together with what was asked that the statement is about it; the statement alone tells nobody.
    """

    row: Fetch
    answer: Answer
    state: str
    statement: str
    salt: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """What a question rests on and is about; an answer needs no more."""

    ground: Ground
    allowed: tuple[str, ...]


def answer_question(deps: Deps, caller: Principal, body: AnswerBody) -> AnswerGiven:
    """Answer a question, or refuse it on record.

    Raises:
        InvalidInput: a question that is none.
        NoLawfulBasis: no open policy, no consent that fits, or a question that the policy does not list.
        RateLimited: asked about the same license or person too often today.
    """
    roles.require(caller, roles.USING)
    body = by_own_code(deps, body)
    check_question(deps, body)
    _check_named(body)
    now = deps.clock.sure()
    _count(deps, caller, body, now)
    with deps.uow() as tx:
        known = look_up(deps, tx, [(caller, body)], now)
        withheld: Withholding | None = None
        told = False
        try:
            check_basis(deps, caller, body)
            withheld = withheld_by(known.withheld, caller, body, now)
            told = True
            found = _find(deps, tx, known, caller, body, withheld, now)
        except (Unavailable, IntegrityError):
            raise  # the transaction is over, and nobody was refused
        except CertsvcError as error:
            about = _about(deps, tx, known, body) if told and may_look(deps, tx, caller, body) else None
            row = refusal_row(deps, caller, body, about, error, now, said=in_words(deps, body), withheld=withheld)
            tx.sharing.insert_fetch(row)
            note(deps, tx, row, about, subject_of(deps, body, about))
            refused: CertsvcError | None = error
        else:
            refused = None
            version = found.ground.version
            answer, how = evaluate(deps, tx, body, version, now)
            if body.ask is Ask.HOLDER:
                answer = _is_holder(body, version)
            row = use_row(
                deps, caller, body, found.ground, (body.key,), now, said=in_words(deps, body), answer=answer.value
            )
            tx.sharing.insert_fetch(row)
            note(deps, tx, row, version, subject_of(deps, body, version))
            asked = Asked.about(deps.ids, body.ask.value, *_asked_about(body, version))
            statement = _statement(deps, caller, body, found, row, how, asked, now)
    if refused is not None:
        raise refused
    return AnswerGiven(row=row, answer=answer, state=how.code if how else "", statement=statement, salt=asked.salt)


def check_question(deps: Deps, body: QuestionBody) -> None:
    """Whether the question is one; InvalidInput otherwise."""
    pointer, detail = "", ""
    scope = body.ask is Ask.SCOPE
    if scope and len(normal(body.term)) < MIN_TERM:
        pointer, detail = "/term", f"所问内容至少 {MIN_TERM} 个字"
    elif scope and not is_field(deps, body):
        pointer, detail = "/field", "该类证照没有这个信息项"
    elif not scope and (body.term or body.field):
        pointer, detail = "/ask", "只有 ask 为 scope 时填写 field 和 term"
    elif body.on is not None and body.ask is not Ask.VALID:
        pointer, detail = "/on", "只有 ask 为 valid 时填写日期"
    if detail:
        raise InvalidInput(detail, problems=(FieldProblem(pointer=pointer, code="not_a_question", detail=detail),))


def evaluate(
    deps: Deps, tx: UnitOfWork, body: QuestionBody, version: LicenseVersion | None, now: datetime
) -> tuple[Answer, Standing | None]:
    """The answer to ``valid`` and ``scope``, and how the license stands on the day, or now."""
    if version is None:
        return Answer.UNKNOWN, None
    if body.ask is Ask.VALID:
        how = _on_day(deps, tx, version, body.on or local_day(now), now)
        if how is None:
            return Answer.UNKNOWN, None
        return (Answer.YES if how.good else Answer.NO), how
    if body.ask is Ask.SCOPE:
        value = _value(version, body.field)
        # What a license says and whether it is in force are two things: the state goes along, as with fields.
        return (Answer.YES if contains(value, body.term) else Answer.NO), stands(deps, tx, version, now)
    return Answer.UNKNOWN, None


def _find(
    deps: Deps,
    tx: UnitOfWork,
    known: Known,
    caller: Principal,
    body: AnswerBody,
    withheld: Withholding | None,
    now: datetime,
) -> _Found:
    allowed = check_open(deps, tx, caller, body, now)
    if not may_ask(body.key, allowed):
        not_open = f"该事项未开通这项核验（{body.key}）；如确需使用，请向证照颁发机构申请开通"
        raise NoLawfulBasis(not_open, why=BEYOND_POLICY)
    if body.basis == CONSENT:
        version, grant, basis = consented(deps, known, caller, body, now, data=False)
        if not may_ask(body.key, grant.fields):
            raise NoLawfulBasis(f"持证人没有授权这项核验（{body.key}）", why=BEYOND_POLICY)
        if grant.answers >= MAX_ANSWERS_PER_GRANT:
            raise NoLawfulBasis(f"一次授权最多核验 {MAX_ANSWERS_PER_GRANT} 次；请持证人重新授权", why=CONSENT_OVER)
        # Last of all that may refuse: nothing is counted, neither of the day nor of the grant, for who gets no answer.
        count_use(deps, tx, body.matter_code, caller.authority_code, body.type, now=now)
        if not tx.sharing.answer_under(grant.grant_id, most=MAX_ANSWERS_PER_GRANT, now=now, case_no=body.case_no):
            msg = "a grant that is held was used up, withdrawn or is over"
            raise RuntimeError(msg)
        allowed = tuple(key for key in allowed if key in grant.fields)
        return _Found(ground=Ground(basis=basis, version=version, grant=grant), allowed=allowed)
    about = _about(deps, tx, known, body)
    count_use(deps, tx, body.matter_code, caller.authority_code, body.type, now=now)
    return _Found(ground=Ground(basis=UseBasis.DUTY, version=about, withheld=withheld), allowed=allowed)


def _about(deps: Deps, tx: UnitOfWork, known: Known, body: AnswerBody) -> LicenseVersion | None:
    """The license that the question is about, if there is one that may be told of."""
    if body.basis == CONSENT:
        return known.granted(body)
    if not body.number:
        return current_of(deps, known.held, body)
    found = tx.licenses.by_number(body.type, body.number)
    if found is None or not simulation_allows(deps, body.matter_code, found, body.project_code):
        return None
    return found


def _check_named(body: AnswerBody) -> None:
    pointer, detail = "", ""
    duty = body.basis != CONSENT
    if duty and not body.number and not body.holder_code:
        pointer, detail = "/number", "依职能核验须填证照编号，或持证主体代码"
    elif body.ask is Ask.HOLDER and duty and not body.number:
        pointer, detail = "/number", "核验持证人须填证照编号"
    elif body.ask is Ask.HOLDER and not (body.asked_code and (body.asked_code_type or body.asked_name)):
        pointer, detail = "/asked_code", "须填证件类型和号码，或姓名和号码"
    elif body.ask is not Ask.HOLDER and (body.asked_code or body.asked_name or body.asked_code_type):
        pointer, detail = "/ask", "只有 ask 为 holder 时填写所报的人"
    if detail:
        raise InvalidInput(detail, problems=(FieldProblem(pointer=pointer, code="not_a_question", detail=detail),))


def _count(deps: Deps, caller: Principal, body: AnswerBody, now: datetime) -> None:
    """Questions by which one could try persons, numbers or terms are counted before anything is looked up.

    In a transaction of its own, so that a refused question counts as well.
    """
    subjects = []
    license_named = f"license\n{body.type}\n{body.number or body.holder_code or body.grant_code or body.consent_id}"
    if body.ask is Ask.HOLDER:
        subjects = [license_named, f"person\n{normal(body.asked_code)}"]
    elif body.ask is Ask.SCOPE and body.basis != CONSENT:
        subjects = [license_named]
    count_asks(deps, caller, body, subjects, now)


def count_asks(deps: Deps, caller: Principal, body: QuestionBody, subjects: Sequence[str], now: datetime) -> None:
    """Count questions about each of these, all or none; RateLimited when one was asked about too often today."""
    if not subjects:
        return
    day = local_day(now)
    try:
        with deps.uow() as tx:
            for one in sorted(subjects):
                if not tx.bases.count_ask(caller.subject, day, one, most=MAX_HOLDER_ASKS):
                    left = int((end_of_day(day) - now).total_seconds())
                    raise RateLimited(TOO_OFTEN_ZH, retry_after_s=min(DAY_S, max(1, left)))  # noqa: TRY301
    except RateLimited as error:
        _on_record(deps, caller, body, error, now)
        raise


def _on_record(deps: Deps, caller: Principal, body: QuestionBody, error: RateLimited, now: datetime) -> None:
    """One row per client and day: a client that goes on trying must not fill ledger and evidence."""
    with deps.uow() as tx:
        if tx.bases.count_ask(caller.subject, local_day(now), STOPPED, most=1):
            row = refusal_row(deps, caller, body, None, error, now, said=in_words(deps, body))
            tx.sharing.insert_fetch(row)
            note(deps, tx, row, None, subject_of(deps, body, None))


def _is_holder(body: AnswerBody, version: LicenseVersion | None) -> Answer:
    """Compared as a whole and in constant time, with somebody who cannot be where there is no license."""
    holder = version.holder if version is not None else Holder(name="", code="", code_type="")
    same_code = hmac.compare_digest(normal(body.asked_code).encode(), normal(holder.code).encode())
    same_type = hmac.compare_digest(body.asked_code_type.encode(), holder.code_type.encode())
    same_name = hmac.compare_digest(normal(body.asked_name).encode(), normal(holder.name).encode())
    same = same_code & (same_type | (not body.asked_code_type)) & (same_name | (not body.asked_name))
    if version is None:
        return Answer.UNKNOWN
    return Answer.YES if same else Answer.NO


def _on_day(deps: Deps, tx: UnitOfWork, version: LicenseVersion, day: date, now: datetime) -> Standing | None:
    """How the license stood at the end of a day by what the register knew, or will stand by what it knows now.

    Of the license's versions the one that counts then; None for a day before it was registered.
    """
    if day == local_day(now):
        return stands(deps, tx, version, now)
    facts = tx.facts.of(version.license_id)
    if day > local_day(now):
        return standing(version, facts, rules_for(deps, version), _last_moment(day))
    at = _last_moment(day)
    found: Standing | None = None
    for one in tx.licenses.versions_of(version.license_id):
        then = as_known(one, tx.licenses.moves_of(one.version_id), at)
        if then is not None:
            found = standing(then, facts_known(facts, at), rules_for(deps, then), at)
            if found.good:
                return found
    return found


def _last_moment(day: date) -> datetime:
    return end_of_day(day).replace(microsecond=0) - _A_SECOND


def _statement(
    deps: Deps,
    caller: Principal,
    body: AnswerBody,
    found: _Found,
    row: Fetch,
    how: Standing | None,
    asked: Asked,
    now: datetime,
) -> str:
    """A JWS that anybody can check with the published keys; of the person or number asked about it has a digest."""
    version = found.ground.version
    claims: dict[str, object] = {
        **question_claims(deps, caller, body, now, salt=asked.salt),
        "answer": row.answer,
        "fetch_id": row.fetch_id,
        "basis": row.basis,
        "asked": {"kind": asked.kind, "sha256": asked.sha256},
        "license": _license(version, body, found.allowed),
    }
    if how is not None:
        claims["state"] = how.code
    return deps.verification_receipts.sign_answer(claims, now=now)


def _license(version: LicenseVersion | None, body: AnswerBody, allowed: Collection[str]) -> dict[str, str] | None:
    """The 证照标识 where the client named the license by its number, or may read that by policy and consent."""
    named = body.basis != CONSENT and body.number != ""
    if version is None or not (named or "number" in allowed):
        return None
    return {"identifier": version.identifier}


def _asked_about(body: AnswerBody, version: LicenseVersion | None) -> tuple[str, ...]:
    """What a digest is made over: number or holder, and the person of ``holder``."""
    if body.basis == CONSENT:
        named: tuple[str, ...] = (CONSENT, body.consent_id or (version.version_id if version else ""))
    elif body.number:
        named = ("number", body.number)
    else:
        named = ("holder", body.holder_code_type, body.holder_code)
    if body.ask is Ask.HOLDER:
        return (*named, body.asked_code_type, body.asked_code, body.asked_name)
    return named


def _value(version: LicenseVersion, field: str) -> str:
    built_in = {
        "holder_name": version.holder.name,
        "holder_code": version.holder.code,
        "number": version.number,
        "issuer_name": version.issuer_name,
        "issued_on": version.issued_on.isoformat(),
        "valid_from": version.valid_from.isoformat(),
        "valid_until": version.valid_until.isoformat() if version.valid_until else "",
    }
    return built_in[field] if field in built_in else version.data.get(field, "")
