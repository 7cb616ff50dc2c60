"""销毁清册 and 延长保管清册, as offices circulate them: one row an item, and who proposed, approved and carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.catalog.entry import Keeping
from certsvc.clock import local_day
from certsvc.commands.disposing.propose import listed_sha256, read_disposal
from certsvc.commands.evidence.record import record
from certsvc.commands.page_ports import TextSheet
from certsvc.license.archives import ARCHIVE_ZH
from certsvc.license.disposal import BOUND_ZH, DISPOSAL_ZH, ITEM_ZH, Bound, DisposalOutcome

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.disposal import Disposal, DisposalItem

TITLES = {DisposalOutcome.DESTROY: "档案销毁清册", DisposalOutcome.EXTEND: "档案延长保管清册"}
HEADER = (
    "序号",
    "门类",
    "档号（证照标识、办件编号）",
    "题名",
    "最后形成日期",
    "保管期限",
    "到期日期",
    "文件数",
    "归档信息包 SHA-256",
    "鉴定意见",
    "处理结果",
    "处理日期",
    "备注",
)
FACTS = ("项目", "内容")
SIGNED = ("鉴定人签字", "审批人签字", "销毁人签字", "监销人签字")
"""Left empty: the paper is signed by hand, by two who watch the destruction (监销)."""


def disposal_sheet(deps: Deps, caller: Principal, list_id: str) -> tuple[str, bytes]:
    """The name and the bytes (XLSX) of a list as it stands; that it was taken is on record. NotFound as reading it."""
    disposal, items = read_disposal(deps, caller, list_id)
    title = TITLES[disposal.outcome]
    sheets = [
        TextSheet(title=title, header=HEADER, rows=tuple(_row(disposal, one) for one in items)),
        TextSheet(title="审批与执行", header=FACTS, rows=tuple(_facts(deps, disposal, items))),
    ]
    data = deps.renderer.book_xlsx(sheets)
    with deps.uow() as tx:
        now, content = deps.clock.now(), {"state": disposal.state.value, "items_sha256": listed_sha256(items)}
        record(tx, deps, kind="disposal.exported", subject=list_id, actor=caller.subject, content=content, at=now)
    return f"{title}-{list_id}.xlsx", data


def _row(disposal: Disposal, item: DisposalItem) -> tuple[str, ...]:
    opinion = "销毁" if disposal.outcome is DisposalOutcome.DESTROY else f"延长保管 {disposal.years} 年"
    return (
        str(item.place),
        ARCHIVE_ZH[item.kind],
        item.label,
        item.title,
        item.formed_on.isoformat(),
        Keeping(item.keeping).zh,
        item.over_on.isoformat(),
        str(item.files),
        "\n".join(item.packages),
        opinion,
        ITEM_ZH[item.state],
        _day(item.moved_at),
        remark(item),
    )


def remark(item: DisposalItem) -> str:
    """Why it was spared, or until when it is kept; empty otherwise."""
    if item.extended_until is not None:
        return f"保管至 {item.extended_until.isoformat()}"
    if not item.why:
        return ""
    return BOUND_ZH[Bound(item.why)] if item.why in set(Bound) else "已不在到期之列"


def _facts(deps: Deps, disposal: Disposal, items: Sequence[DisposalItem]) -> list[tuple[str, str]]:
    code = disposal.authority_code
    name = deps.catalog.authority(code).name if deps.catalog.has_authority(code) else ""
    return [
        ("清册编号", disposal.list_id),
        ("机关", f"{name}（{code}）"),
        ("状态", DISPOSAL_ZH[disposal.state]),
        ("项数", str(len(items))),
        ("清册内容 SHA-256（与留痕所记相同）", listed_sha256(items)),
        ("鉴定意见和依据", disposal.reason),
        ("提出人", disposal.proposed_by),
        ("提出日期", _day(disposal.proposed_at)),
        ("审批意见", disposal.opinion),
        ("审批人", disposal.decided_by),
        ("审批日期", _day(disposal.decided_at)),
        ("可以执行之日", _day(disposal.effect_at)),
        ("执行或撤回", disposal.ended_by),
        ("完成日期", _day(disposal.ended_at)),
        *((what, "") for what in SIGNED),
    ]


def _day(at: datetime | None) -> str:
    day: date | None = None if at is None else local_day(at)
    return "" if day is None else day.isoformat()
