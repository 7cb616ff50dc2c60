"""``docs/events.md``: every event, what it says, what stands in it and who reads it; a test compares it."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, ClassVar, get_origin, get_type_hints

from certsvc.cli.documents import INCOMING
from certsvc.cli.event_words import EVENT_ZH, FAMILY_ZH
from certsvc.events.addressing import ADDRESSED, REGULATORS_FAMILY, USES
from certsvc.events.envelope import PREFIX
from certsvc.events.payloads import PAYLOADS

if TYPE_CHECKING:
    from certsvc.events.payload import Payload

HEAD = """# 事件目录 · Event catalogue

本页由 `certsvc events catalogue` 从程序中的事件生成，请勿手工修改。每个事件是一条 CloudEvents 1.0；类型的全名是
`{prefix}` 加下表的名字，如 `{prefix}license.issued.v1`。内容（`data`）的 JSON Schema 在
[`openapi/events/`](../openapi/events/)，发布后不再更改；要改就另立 `v2`，两个版本并行。

* 读取方式：逐页、事件流、推送、JetStream，见 [webhooks.md](webhooks.md)；
  同一 `subject` 的事件按次序到达，至少一次，编号不变。
* 事件里没有姓名、证件号码和证照编号，也没有评语、理由等自由文字：收到后凭标识和自己的权限来取。
* “谁能读”一列：**全体**是每个有 `events` 角色的系统（只能凭持证人授权的单位的除外）；
  其余的只给写明的一方，别人在任何一种方式里都收不到；JetStream 只有**全体**的事件。

Generated from the code. Names are prefixed with `{prefix}`; the English summary of each stands in
[`openapi/asyncapi.json`](../openapi/asyncapi.json). 全体: every system with the role `events`,
save those of bodies on consent alone; the others are given to those who are named alone, and never through JetStream.
"""

EVERYONE = "全体"
TABLE = "| 事件 · event | 什么时候 · when | 内容 · data | 谁能读 · readers |\n|---|---|---|---|\n"


def events_markdown() -> str:
    """The whole page."""
    parts = [HEAD.format(prefix=PREFIX)]
    for family, title in FAMILY_ZH.items():
        rows = [_row(payload) for payload in PAYLOADS if payload.NAME.split(".")[0] == family]
        parts.append(f"## {title} · {family}\n\n{TABLE}{''.join(rows)}")
    come = "".join(f"| `{kind}` | {_first_line(body.__doc__)} |\n" for kind, body in INCOMING)
    parts.append(
        "## 收进来的事件 · events that come in\n\n"
        "`POST /v1/events`（结构化、二进制、成批）或 JetStream 主题 `certsvc.in.<系统标识>`；"
        "接法见 [integrators.md](integrators.md)。\n\n"
        f"| 事件 · event | 办什么 · what it asks for |\n|---|---|\n{come}"
    )
    return "\n".join(parts)


def _row(payload: type[Payload]) -> str:
    said = EVENT_ZH[payload.NAME.rpartition(".v")[0]]
    keys = "、".join(f"`{name}`" for name in _keys(payload))
    return f"| [`{payload.NAME}`](../openapi/events/{payload.NAME}.json) | {said} | {keys} | {readers_of(payload)} |\n"


def _keys(payload: type[Payload]) -> list[str]:
    hints = get_type_hints(payload)
    return [one.name for one in fields(payload) if get_origin(hints[one.name]) is not ClassVar]


def _first_line(words: str | None) -> str:
    return (words or "").strip().splitlines()[0].rstrip(".")


def readers_of(payload: type[Payload]) -> str:
    """Who is given it, as ``events/addressing.py`` decides."""
    name = payload.NAME
    if name.split(".")[0] == REGULATORS_FAMILY:
        return "订阅的监管系统"
    if name.startswith(tuple(f"{family}." for family in USES)):
        return "用证、核验的机构，颁发机构，监督人员"
    return "当事方" if PREFIX + name in ADDRESSED else EVERYONE
