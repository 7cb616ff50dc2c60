"""The part of ``docs/states.md`` about seals, from the table of moves and the rules of odd use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.seal.life import NEEDS_ZH, SEAL_MOVES, SEAL_WHO_ZH
from certsvc.seal.model import SEAL_STATE_ZH, SealState
from certsvc.seal.odd import ODD_ZH

if TYPE_CHECKING:
    from collections.abc import Iterator

LAWS = """\
申请、批准、制作、启用由不同的人办理，角色分开，同一份申请上也逐人核对；三员（系统管理员、安全保密管理员、审计管理员）不办印章。
一枚印章有若干版本，换制即新增一个版本：换新密钥、新证书，印章编号不变。同一时间至多一个版本在用、一个版本在办，数据库以唯一索引保证。
不予制发、终止办理、注销、过期、换制退出的版本不再恢复，此前所盖的印章仍可核验。
"""


def seal_life_parts() -> Iterator[str]:
    """The sections about the life of a seal."""
    yield "## 印章\n"
    yield LAWS
    yield _diagram()
    yield "| 办理 | 代码 | 由谁 | 从 | 到 | 须写明 | 事件 | 说明 |\n| --- | --- | --- | --- | --- | --- | --- | --- |"
    for move in SEAL_MOVES:
        sources = "、".join(SEAL_STATE_ZH[state] for state in SealState if state in move.sources) or "—"
        needs = "、".join(NEEDS_ZH[need] for need in move.needs) or "—"
        cells = (
            move.name_zh,
            f"`{move.name}`",
            SEAL_WHO_ZH[move.who],
            sources,
            SEAL_STATE_ZH[move.target],
            needs,
            f"`seal.{move.event}.v1`",
            move.why,
        )
        yield f"| {' | '.join(cells)} |"
    yield "\n### 异常用印\n"
    yield "出现下列情形时印章自动停用，发出 `seal.odd_use.v1` 和 `seal.stopped.v1`，只有保管人写明原因后可以恢复：\n"
    yield "\n".join(f"* {text}" for text in ODD_ZH.values()) + "\n"


def _diagram() -> str:
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f"    {state.value}: {SEAL_STATE_ZH[state]}" for state in SealState]
    for move in SEAL_MOVES:
        for source in [state.value for state in SealState if state in move.sources] or ["[*]"]:
            lines.append(f"    {source} --> {move.target.value}: {move.name_zh}")
    return "\n".join([*lines, "```", ""])
