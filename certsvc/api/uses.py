"""谁用过我的证, page by page."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.copies import CopyOut
from certsvc.api.json_body import JsonRoute
from certsvc.api.lists import XLSX
from certsvc.api.models import ENGLISH, Model, ReasonOut
from certsvc.api.show_models import InVisit, in_visit
from certsvc.api.use_requests import key_name
from certsvc.catalog.material_file import FETCHED_KEYS
from certsvc.clock import beijing_time
from certsvc.commands.access import roles
from certsvc.commands.offline.labels import english_of
from certsvc.commands.ports import Deps, Principal
from certsvc.commands.sharing.policy import matter_name
from certsvc.commands.showing.answer_challenge import STATE_ZH
from certsvc.commands.showing.ledger import MAX_CURSOR, MAX_PAGE, LedgerRow, ledger, whole_ledger
from certsvc.commands.showing.reading import presenter_of
from certsvc.commands.showing.values import BUILT_IN
from certsvc.identifiers.material_kind import slug_of
from certsvc.identifiers.policy_key import COPY, is_question
from certsvc.license.challenges import Challenge, ChallengeState
from certsvc.license.model import LicenseVersion
from certsvc.license.notices import Notice
from certsvc.license.questions import ANSWER_ZH
from certsvc.license.uses import GIVEN, USE_BASIS_ZH, Fetch, Scan

router = APIRouter(tags=["show 亮证"], route_class=JsonRoute)

HOLDER = Access(roles.HOLDER)

Cursor = Annotated[str, Query(max_length=MAX_CURSOR, description="上一页答复中的 next；第一页不填")]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
DEFAULT_LIMIT = 50
TITLE = "谁用过我的证"
HEADER = (
    "时间（北京）",
    "证照",
    "证照标识",
    "谁",
    "为什么",
    "依据或出示人",
    "信息项",
    "核验的问题",
    "答复",
    "结果",
    "暂缓告知的依据",
)
GIVEN_ZH, REFUSED_ZH = "已提供", "未提供"
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}


class FieldName(Model):
    """A field that was given, by key and name."""

    key: str
    name: str


class LedgerRowOut(InVisit):
    """One use of one's license: who, when, which fields, why."""

    use_id: str = Field(description="使用记录编号，异议申诉时填写")
    kind: str = Field(description="scan 核验 · fetch 调用 · notice 通知 · challenge 未取走或未同意的核验请求")
    at: datetime
    identifier: str = Field(description="证照标识；电子材料为材料登记号")
    type_name: str
    type_name_en: str = Field(description=ENGLISH)
    who: str
    why: str
    fields: list[FieldName]
    outcome: str
    result: ReasonOut | None = Field(description="核验结果的用语；其他为空")
    basis: str = Field(
        description="出示的依据：own · co_holder · guardian · representative · delegation；没有出示的为空"
    )
    presenter: str = Field(description="不是本人出示时，由谁出示")
    disputable: bool = Field(description="可以提出异议")
    use_basis: str = Field(description="调用的依据：consent · delegation · counter · duty；不是调用的为空")
    use_basis_zh: str
    question: str = Field(description="核验的问题（数据核验）；取信息项的为空")
    answer: str = Field(description="核验的答复：yes · no · unknown；没有的为空")
    withheld_why: str = Field(description="曾依法暂缓告知的，其依据；其他为空")
    copy_given: CopyOut | None = Field(description="给出的加注件：编号、用到何时、能否收回；没有给出的为空")
    code_kind: str = Field(description="核验的是哪种码：show · printed · offline · challenge；不是核验的为空")


class LedgerPageOut(Model):
    """Newest first; ask again with ``next`` as ``cursor``, unless it is empty."""

    uses: list[LedgerRowOut]
    next: str


@router.get("/v1/uses")
def page(
    request: Request,
    caller: Annotated[Principal, Depends(HOLDER)],
    cursor: Cursor = "",
    limit: Limit = DEFAULT_LIMIT,
) -> LedgerPageOut:
    """谁用过我的证: scans, fetches, refusals, notices and answered challenges about licenses that the caller holds.

    Shared licenses, those of wards and of a represented company are among them.
    """
    deps = deps_of(request)
    found = ledger(deps, caller, cursor=cursor, limit=limit)
    return LedgerPageOut(uses=[_row(deps, row) for row in found.rows], next=found.next)


@router.get(
    "/v1/uses/export",
    response_class=Response,
    responses={
        200: {
            "description": "文件；有更早的记录时，末行和 Link（rel=next）给出下一份的网址",
            "content": {XLSX: _BINARY},
        }
    },
)
def export(
    request: Request,
    caller: Annotated[Principal, Depends(HOLDER)],
    cursor: Annotated[str, Query(max_length=MAX_CURSOR, description="上一份末行的网址里的 cursor；第一份不填")] = "",
) -> Response:
    """The same as a spreadsheet, answers and refusals included; one that is not all says where the rest is."""
    deps = deps_of(request)
    found = whole_ledger(deps, caller, cursor=cursor)
    lines = [_line(_row(deps, row)) for row in found.rows]
    named = f"attachment; filename=\"uses.xlsx\"; filename*=UTF-8''{quote(TITLE)}.xlsx"
    headers = {"Content-Disposition": named}
    if found.next:
        rest = f"{request.url.path}?cursor={found.next}"
        lines.append(_rest_line(len(lines), f"{deps.policy.public_base}{rest}"))
        headers["Link"] = f'<{rest}>; rel="next"'
    return Response(deps.renderer.table_xlsx(TITLE, HEADER, tuple(lines)), media_type=XLSX, headers=headers)


def _rest_line(count: int, address: str) -> tuple[str, ...]:
    said = f"本表到此 {count} 条，还有更早的记录没有列出；下一份（须登录）：GET {address}"
    return (said, *[""] * (len(HEADER) - 1))


def _line(row: LedgerRowOut) -> tuple[str, ...]:
    return (
        beijing_time(row.at),
        row.type_name,
        row.identifier,
        row.who,
        row.why,
        row.use_basis_zh or row.presenter,
        "、".join(field.name for field in row.fields),
        row.question,
        ANSWER_ZH.get(row.answer, ""),
        _result(row),
        row.withheld_why,
    )


def _result(row: LedgerRowOut) -> str:
    """What came of a use, in the words of the holder's page; nothing for a notice, which has no result."""
    match row.kind:
        case "notice":
            return ""
        case "challenge":
            return STATE_ZH[ChallengeState(row.outcome)]
    if row.outcome == GIVEN:
        return GIVEN_ZH
    return row.result.word if row.result is not None else REFUSED_ZH


def _row(deps: Deps, row: LedgerRow) -> LedgerRowOut:
    use = row.use
    who, why, outcome, kind = _said(deps, row)
    keys = use.fields if isinstance(use, Scan | Fetch) else ()
    presenter = presenter_of(row.basis, row.presenter) if row.presenter else None
    return LedgerRowOut(
        use_id=row.use_id,
        kind=kind,
        at=row.at,
        identifier=row.version.identifier if row.version else row.material.material_id if row.material else "",
        type_name=_used_name(deps, row),
        type_name_en=_used_english(row),
        who=who,
        why=why,
        fields=[FieldName(key=key, name=_field_name(deps, row, key)) for key in keys],
        outcome=outcome,
        result=ReasonOut.named(outcome) if isinstance(use, Scan) else None,
        basis=row.basis,
        presenter=f"{presenter.relation_zh}：{row.presenter}" if presenter else "",
        copy_given=CopyOut.of(row.copy, deps.clock.now()) if row.copy else None,
        disputable=isinstance(use, Scan | Fetch),
        use_basis=use.basis if isinstance(use, Fetch) else "",
        use_basis_zh=USE_BASIS_ZH.get(use.basis, use.basis) if isinstance(use, Fetch) else "",
        question=use.said if isinstance(use, Fetch) else "",
        answer=use.answer if isinstance(use, Fetch) else "",
        withheld_why=use.withheld_why if isinstance(use, Fetch) else "",
        code_kind=use.code_kind if isinstance(use, Scan) else "",
        **(in_visit(use, row.visit, row.outcome) if isinstance(use, Scan) else {}),
    )


def _said(deps: Deps, row: LedgerRow) -> tuple[str, str, str, str]:
    """Who, why, outcome and kind."""
    use = row.use
    match use:
        case Scan():
            who = _authority(deps, use.authority_code) + (f"（{use.badge}）" if use.badge else "")
            return who, _asked(deps, row.challenge) or _scene(deps, row.version, use), use.outcome, "scan"
        case Fetch():
            who = f"{_authority(deps, use.authority_code)}（{use.client_name}）"
            return who, f"{matter_name(deps, use.matter_code)}　办件 {use.case_no}", use.outcome, "fetch"
        case Notice():
            return row.version.issuer_name if row.version else "", use.text, use.kind.value, "notice"
        case Challenge():
            who = _authority(deps, use.authority_code) + (f"（{use.badge}）" if use.badge else "")
            why = f"{_asked(deps, use)}（{STATE_ZH[use.state]}）"
            return who, why, use.state.value, "challenge"


def _asked(deps: Deps, challenge: Challenge | None) -> str:
    if challenge is None:
        return ""
    matter = f"　{matter_name(deps, challenge.matter_code)}" if challenge.matter_code else ""
    case = f"　办件 {challenge.case_no}" if challenge.case_no else ""
    return f"{challenge.purpose}{matter}{case}"


def _scene(deps: Deps, version: LicenseVersion | None, scan: Scan) -> str:
    scene = deps.catalog.type(version.type_slug).scene(scan.scene) if version else None
    return scene.name if scene is not None else "现场核验"


def _used_name(deps: Deps, row: LedgerRow) -> str:
    """Of a license its type, of a 电子材料 its kind and the name that the case gave it."""
    if row.version is not None:
        return deps.catalog.type(row.version.type_slug).name
    if row.material is None:
        return ""
    slug = slug_of(row.material.code)
    kind = deps.catalog.used_name(slug) if deps.catalog.has_use(slug) else "电子材料"
    return f"{kind}（{row.material.name}）" if row.material.name else kind


def _used_english(row: LedgerRow) -> str:
    if row.version is not None:
        return english_of(row.version.type_slug)
    return f"Document of a case: {english_of(row.material.code)}" if row.material is not None else ""


def _field_name(deps: Deps, row: LedgerRow, key: str) -> str:
    version = row.version
    if row.material is not None:
        return "材料文件" if key == COPY else FETCHED_KEYS.get(key, key)
    if version is not None and is_question(key):
        return key_name(deps, version.type_slug, key)
    spec = deps.catalog.type(version.type_slug).field(key) if version else None
    return spec.name if spec is not None else BUILT_IN.get(key, "加注件" if key == COPY else key)


def _authority(deps: Deps, code: str) -> str:
    return deps.catalog.authority(code).name if deps.catalog.has_authority(code) else code
