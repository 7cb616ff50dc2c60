"""材料核验: a counter asks for the list of a case, and every row is answered from the register."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.counter.consent import Consented, Offer, by_grant, by_show, find_offer
from certsvc.commands.counter.rows import Known, answer_rows, ask_register, policy_of
from certsvc.commands.counter.serving import STAFF, matter_at, operator_of
from certsvc.commands.evidence.record import record
from certsvc.commands.shapes import Line
from certsvc.commands.sharing.use_rows import note
from certsvc.commands.showing.codes import TOKEN_FORM, read_code
from certsvc.errors import Conflict, FieldProblem, InvalidInput, NotFound, RateLimited
from certsvc.events.counter_payloads import CounterChecked
from certsvc.identifiers.holder_code import HolderCode
from certsvc.license.counter import EXEMPT, MAX_HOLDER_CHECKS, CounterCase, Sheet, TakingKind
from certsvc.license.uses import GIVEN, Fetch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.catalog.material_file import Material
    from certsvc.catalog.model import Matter
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.counter import SheetRow
    from certsvc.license.model import LicenseVersion
    from certsvc.license.uses import UseBasis

MAX_CODE = 512
"""Characters of what a scan gun typed; our codes have fewer than 120."""
LATEST_SLIP = timedelta(days=30)
"""How old a slip may be that is entered later; an outage is over long before."""
NO_CASE_ZH = "没有这个办件；请核对办件编号"

IME = str.maketrans({"。": ".", "、": "/", "\u2014": "_", "\u2015": "_", "·": "`"})
"""What a Chinese input method types for the keys of a scan gun, beside the full-width forms that NFKC takes back."""


class CheckBody(BaseModel):
    """材料核验：哪个事项、哪个办件、谁申请."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    matter_code: Line = Field(max_length=33, description="事项实施编码")
    case_no: Line = Field(
        min_length=1, max_length=64, pattern=r"^[^/\\?#%\s]+$", description="办件编号，不含空格和 / \\ ? # %"
    )
    holder_code: Line = Field(default="", max_length=64, description="申请人（持证主体）代码；扫亮证码时可以不填")
    holder_code_type: Line = Field(default="", max_length=3, description="001 单位 · 111 个人 …")
    code: str = Field(default="", max_length=MAX_CODE, description="扫到的亮证码，或持证人的用证码")
    operator: Line = Field(default="", max_length=64, description="经办人账号；系统调用时必填")
    outage_at: AwareDatetime | None = Field(
        default=None, description="补录：此前因系统故障开具容缺受理单的时间；先存故障时的清单，再重新核验"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A row that was answered in another way before."""

    material: str
    name: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckAnswer:
    """The case, its new sheet, what the scanned code gave, and what changed since the sheet before."""

    case: CounterCase
    sheet: Sheet
    consented: Consented | None = None
    differences: tuple[Difference, ...] = ()


def plain(text: str) -> str:
    """What a scan gun meant to type: full-width letters and the marks of a Chinese input method taken back."""
    return unicodedata.normalize("NFKC", text.translate(IME)).strip()


def check_materials(deps: Deps, caller: Principal, body: CheckBody) -> CheckAnswer:
    """Answer every row and keep the sheet; a case that was asked for before gets its next version.

    What may refuse the check comes before the fetch, so that no 用证码 is used up for nothing.

    Raises:
        NoLawfulBasis: not a matter of this counter.
        InvalidInput: no holder, a code of a wrong form, or an outage that cannot have been.
        Conflict: the case number belongs to another matter or holder.
        RateLimited: the caller checked for this holder too often today.
    """
    roles.require(caller, *STAFF)
    matter, materials = matter_at(deps, caller, body.matter_code)
    operator = operator_of(deps, caller, body.operator)
    now = deps.clock.sure()
    if body.outage_at is not None:
        _check_moment(body.outage_at, now)
    given, token = _given(body), plain(body.code)
    offer = find_offer(deps, caller, matter, token, given) if TOKEN_FORM.fullmatch(token) else None
    known_before = given or (offer.holder if offer else None)
    if known_before is not None:
        _admit(deps, caller, body, matter, known_before, operator, now)
    consented = _consented(deps, caller, body, matter, offer, operator)
    holder = given or _shown_holder(consented)
    if known_before is None:
        _admit(deps, caller, body, matter, holder, operator, now)
    if body.outage_at is not None:
        slip = Known(asked=False, policy=policy_of(deps, matter, materials))
        _keep(deps, caller, body, matter, materials, holder, slip, operator, now)
    seen = consented.seen if consented else {}
    on_consent = any(deps.catalog.consent_only(code) for code in (matter.authority_code, caller.authority_code))
    known = ask_register(deps, matter, materials, holder, seen, now, consent_only=on_consent)
    answer = _keep(deps, caller, body, matter, materials, holder, known, operator, now)
    return replace(answer, consented=consented)


def reconcile_case(deps: Deps, caller: Principal, case_no: str, operator: str) -> CheckAnswer:
    """Ask again for a case that an outage left unanswered; the differences are listed.

    Raises:
        NotFound: not a case of this counter.
        Conflict: its newest sheet was answered by the register.
    """
    roles.require(caller, *STAFF)
    with deps.uow.read() as tx:
        case = tx.counter.case(caller.authority_code, case_no)
    if case is None:
        raise NotFound(NO_CASE_ZH)
    if not case.outage:
        raise Conflict("这份清单已由登记簿核验，没有待补核的故障行")
    body = CheckBody(
        matter_code=case.matter_code,
        case_no=case.case_no,
        holder_code=case.holder_code,
        holder_code_type=case.holder_code_type,
        operator=operator,
    )
    return check_materials(deps, caller, body)


def differences(before: Sheet | None, after: Sequence[SheetRow]) -> tuple[Difference, ...]:
    """The rows that another answer was given for, and those that came or went."""
    if before is None:
        return ()
    then = {row.material: row for row in before.rows}
    now = {row.material: row for row in after}
    return tuple(
        Difference(
            material=key,
            name=(now.get(key) or then[key]).name,
            before=then[key].answer.value if key in then else "",
            after=now[key].answer.value if key in now else "",
        )
        for key in dict.fromkeys((*then, *now))
        if key not in then or key not in now or then[key].answer is not now[key].answer
    )


def _admit(
    deps: Deps, caller: Principal, body: CheckBody, matter: Matter, holder: HolderCode, operator: str, now: datetime
) -> None:
    """Refuse a case number of somebody else, and a caller whose 经办人 looks again and again what one holder has."""
    with deps.uow() as tx:
        before = tx.counter.case(caller.authority_code, body.case_no)
        if before is not None:
            _check_same(before, matter, holder)
        about = f"check\n{operator}\n{holder.type.value}\n{holder.value}"
        if not tx.bases.count_ask(caller.subject, local_day(now), about, most=MAX_HOLDER_CHECKS):
            raise RateLimited("今日为该申请人核验材料的次数已满，请明日再办或由其他窗口办理", retry_after_s=3600)


def _check_same(before: CounterCase, matter: Matter, holder: HolderCode) -> None:
    same = (before.matter_code, before.holder_code_type, before.holder_code)
    if same != (matter.code, holder.type.value, holder.value):
        raise Conflict("这个办件编号已用于别的事项或申请人，请核对办件编号")


def _consented(
    deps: Deps, caller: Principal, body: CheckBody, matter: Matter, offer: Offer | None, operator: str
) -> Consented | None:
    """What the holder's code gave: a 亮证码 is scanned, a 用证码 is fetched by; each as its own command does it."""
    text = plain(body.code)
    if not text:
        return None
    if TOKEN_FORM.fullmatch(text):
        return by_grant(deps, caller, matter, offer, body.case_no, operator)
    if read_code(text, deps.policy.public_base).kind == "show" and roles.CLERK in caller.roles:
        return by_show(deps, caller, text, _given(body))
    problem = FieldProblem(pointer="/code", code="unknown_code", detail="不是亮证码，也不是用证码")
    raise InvalidInput("没有认出这个码：请扫持证人出示的亮证码，或输入用证码", problems=(problem,))


def _given(body: CheckBody) -> HolderCode | None:
    if not body.holder_code:
        return None
    return HolderCode.parse(body.holder_code_type, plain(body.holder_code))


def _shown_holder(consented: Consented | None) -> HolderCode:
    holder = consented.holder if consented else None
    if holder is None:
        problem = FieldProblem(pointer="/holder_code", code="missing", detail="请填写申请人代码，或扫申请人的亮证码")
        raise InvalidInput("不知道是谁申请：请填写申请人代码，或扫申请人的亮证码", problems=(problem,))
    return holder


def _keep(
    deps: Deps,
    caller: Principal,
    body: CheckBody,
    matter: Matter,
    materials: Sequence[Material],
    holder: HolderCode,
    known: Known,
    operator: str,
    at: datetime,
) -> CheckAnswer:
    rows, used = answer_rows(deps, materials, holder, known)
    with deps.uow() as tx:
        before = tx.counter.case(caller.authority_code, body.case_no)
        case = _case(deps, caller, body, matter, holder, rows, known, before, at)
        taken = tx.counter.open(case) if before is None else tx.counter.turn(case)
        if not taken:
            raise Conflict("这个办件刚刚由别人核验，请刷新后再看")
        earlier = tx.counter.sheets(case.case_id, limit=1)
        slip_no = "" if known.asked else deps.ids.new("slip")
        # A slip bears the time at which it was written; case, event and evidence that at which it was entered.
        made = body.outage_at if body.outage_at is not None and not known.asked else at
        sheet = Sheet(
            case_id=case.case_id, version=case.version, rows=rows, slip_no=slip_no, operator=operator, at=made
        )
        tx.counter.add_sheet(sheet)
        if known.asked and before is not None and before.outage:
            _settle(tx, case, rows, at)
        for version in used:
            row = _ledger_row(deps, caller, case, version, known.basis_of(version), operator, at)
            tx.sharing.insert_fetch(row)
            note(deps, tx, row, version, version.identifier, actor=caller.subject)
        _on_record(deps, tx, caller, case, at)
    return CheckAnswer(case=case, sheet=sheet, differences=differences(earlier[0] if earlier else None, rows))


def _check_moment(outage_at: datetime, now: datetime) -> None:
    if not timedelta() <= now - outage_at <= LATEST_SLIP:
        problem = FieldProblem(pointer="/outage_at", code="invalid", detail="应为过去 30 天内的时间")
        raise InvalidInput("故障受理的时间有误，请核对", problems=(problem,))


def _settle(tx: UnitOfWork, case: CounterCase, rows: Sequence[SheetRow], at: datetime) -> None:
    """What an outage left to come, and the register now answers, is to come no more."""
    answered = {row.material for row in rows if row.answer in EXEMPT}
    for taking in tx.counter.takings(case.case_id):
        if taking.material in answered and taking.kind is TakingKind.LATER:
            tx.counter.done(taking.taking_id, now=at)


def _case(
    deps: Deps,
    caller: Principal,
    body: CheckBody,
    matter: Matter,
    holder: HolderCode,
    rows: Sequence[SheetRow],
    known: Known,
    before: CounterCase | None,
    at: datetime,
) -> CounterCase:
    exempt = sum(row.answer in EXEMPT for row in rows)
    if before is not None:
        _check_same(before, matter, holder)
        return replace(before, version=before.version + 1, exempt=exempt, outage=not known.asked, updated_at=at)
    return CounterCase(
        case_id=deps.ids.new("cas"),
        counter_code=caller.authority_code,
        case_no=body.case_no,
        matter_code=matter.code,
        authority_code=matter.authority_code,
        holder_code=holder.value,
        holder_code_type=holder.type.value,
        version=1,
        exempt=exempt,
        outage=not known.asked,
        opened_at=at,
        updated_at=at,
    )


def _ledger_row(
    deps: Deps,
    caller: Principal,
    case: CounterCase,
    version: LicenseVersion,
    basis: UseBasis,
    operator: str,
    at: datetime,
) -> Fetch:
    """谁用过我的证: a counter relied on the license; no field of it left. A clerk is no client: the body used it."""
    return Fetch(
        fetch_id=deps.ids.new("fch"),
        version_id=version.version_id,
        client_id="" if caller.kind == "person" else caller.subject,
        client_name=f"窗口 {operator}" if caller.kind == "person" else caller.name,
        authority_code=caller.authority_code,
        matter_code=case.matter_code,
        case_no=case.case_no,
        operator=operator,
        purpose="核验申报材料，免于提交纸质",
        basis=basis,
        grant_id="",
        fields=(),
        outcome=GIVEN,
        at=at,
        type_slug=version.type_slug,
    )


def _on_record(deps: Deps, tx: UnitOfWork, caller: Principal, case: CounterCase, at: datetime) -> None:
    payload = CounterChecked(
        case_id=case.case_id,
        counter_code=case.counter_code,
        authority_code=case.authority_code,
        matter_code=case.matter_code,
        version=case.version,
        exempt=case.exempt,
        outage=case.outage,
    )
    event_id, source = deps.ids.new("evt"), deps.policy.event_source
    tx.outbox.add(payload.event(event_id=event_id, source=source, subject=case.case_id, at=at))
    content = {"matter_code": case.matter_code, "version": case.version, "outage": case.outage}
    record(tx, deps, kind="counter.checked", subject=case.case_id, actor=caller.subject, content=content, at=at)
