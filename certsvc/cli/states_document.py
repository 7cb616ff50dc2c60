"""``docs/states.md``: the tables of states, links and facts as diagrams and explanations; a test compares it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.cli.seal_life_document import seal_life_parts
from certsvc.license.dues import DUE_ZH, DueKind
from certsvc.license.facts import FACT_RULES
from certsvc.license.links import LINKS
from certsvc.license.states import ENDED, MOVE_BY_NAME, MOVES, STATE_ZH, WHO_ZH, Paper, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HEAD = """# 证照的状态与办理

本页由 `certsvc states` 从程序中的表生成（`license/` 的 states、links、facts、dues，`seal/` 的 life、odd），
请勿手工修改。
法律依据只列名称，以公布的文本为准。

* 没有任何期限会自动终止证照：有效期届满、暂扣期满、承诺逾期、检查逾期都只作提示，终止须由机关作出决定。
* “已过有效期”和“延续办理中”由日期和登记事项推算，从不存储。日期以北京时间的一天为准，截止日期含当日。
* 换发和作废不能恢复；其他终止可以因复议决定或判决恢复效力。
* 除随新版本登记的办理外，每次办理都须写明决定机关、文书号、日期和依据。
* 一张证照任何时候至多有一个未终止的版本，数据库以唯一索引保证。
"""


def states_markdown() -> str:
    """The whole page."""
    parts = [
        HEAD,
        "## 正式证照\n",
        _diagram(Paper.FORMAL),
        "## 模拟审批意见\n",
        "不具有行政审批文件的法律效力，不能亮证，只有同一项目的模拟审批事项可以调用；转为正式时收回。\n",
        _diagram(Paper.PROVISIONAL),
        "## 每一种办理\n",
        *_moves(),
        "## 版本之间的承接\n",
        _table(("承接", "代码", "原版本", "同一证照", "沿用编号", "沿用起始", "沿用截止", "说明"), _links()),
        "旧证照的二维码、编号和文件都会沿着承接关系指到现行版本；分立后指到全部各件。\n",
        "## 登记事项\n",
        "登记事项只追加，不改变状态；影响证照是否提示（绿、黄）。\n",
        _table(("事项", "代码", "由谁登记", "须写明", "说明"), _facts()),
        "## 到期提醒\n",
        "每日检查一次，每个版本的每种提醒、每个期限只发一次（`license.due.v1`），不改变状态。\n",
        _table(("提醒", "代码"), ((DUE_ZH[kind], f"`{kind.value}`") for kind in DueKind)),
        *seal_life_parts(),
    ]
    return "\n".join(parts)


def _diagram(paper: Paper) -> str:
    """A mermaid state diagram of one kind of paper."""
    moves = [move for move in MOVES if paper in move.papers]
    own = {State.PROVISIONAL} if paper is Paper.PROVISIONAL else set(State) - {State.PROVISIONAL}
    edges = [
        (source, move)
        for move in moves
        for source in sorted(move.sources & (own | ENDED), key=list(State).index)
        if paper is Paper.PROVISIONAL or source is not State.PROVISIONAL
    ]
    used = {state for source, move in edges for state in (source, move.target)}
    first = State.PROVISIONAL if paper is Paper.PROVISIONAL else State.VALID
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f"    {state.value}: {STATE_ZH[state]}" for state in State if state in used]
    lines.append(f"    [*] --> {first.value}")
    lines += [f"    {source.value} --> {move.target.value}: {move.name_zh}" for source, move in edges]
    lines += ["```", ""]
    return "\n".join(lines)


def _moves() -> Iterator[str]:
    """One section per name; rows of one name follow each other."""
    for name in dict.fromkeys(move.name for move in MOVES):
        rows = [move for move in MOVES if move.name == name]
        first = MOVE_BY_NAME[name]
        lines = [f"### {first.name_zh}（`{name}`）", ""]
        for move in rows:
            sources = "、".join(STATE_ZH[state] for state in State if state in move.sources)
            papers = "模拟审批意见" if move.papers == {Paper.PROVISIONAL} else "证照"
            lines.append(f"* {papers}：{sources} → {STATE_ZH[move.target]}。{move.why}")
        until = "；须写明截止日期" if first.needs_until else ""
        lines += [f"* 由谁决定：{WHO_ZH[first.who]}{until}。", f"* 依据：{first.law}。"]
        lines += [f"* 事件：`license.{first.event}.v1`。", ""]
        yield "\n".join(lines)


def _links() -> Iterator[tuple[str, ...]]:
    for rule in LINKS.values():
        kept = (rule.keeps_license, rule.keeps_number, rule.keeps_start, rule.keeps_end)
        ends = MOVE_BY_NAME[rule.move]
        yield (
            rule.name_zh,
            f"`{rule.kind.value}`",
            STATE_ZH[ends.target],
            *("是" if value else "否" for value in kept),
            rule.why,
        )


def _facts() -> Iterator[tuple[str, ...]]:
    for rule in FACT_RULES.values():
        needs = [
            *([rule.code_zh] if rule.needs_code else []),
            *(["文书号"] if rule.needs_document else []),
            *(["期限"] if rule.needs_due else []),
        ]
        yield rule.name_zh, f"`{rule.kind.value}`", WHO_ZH[rule.who], "、".join(needs) or "—", rule.why


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [" | ".join(("", *head, "")).strip(), " | ".join(("", *("---" for _ in head), "")).strip()]
    lines += [" | ".join(("", *row, "")).strip() for row in rows]
    return "\n".join([*lines, ""])
