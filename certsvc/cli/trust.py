"""What ``certsvc trust`` does, in the name of registered people."""

from __future__ import annotations

import base64
import json
import re
import tomllib
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from certsvc.app import build
from certsvc.clock import beijing_time, rfc3339
from certsvc.commands.access import roles
from certsvc.commands.access.principals import of_person
from certsvc.commands.ports import Principal
from certsvc.commands.trust.change import confirm_change, propose_change, trust_record
from certsvc.commands.trust.end import reject_change, withdraw_change
from certsvc.commands.trust.exchange import CHANGED, NEW, ONLY_HERE, export_list, propose_import, read_import
from certsvc.errors import InvalidInput, NotFound
from certsvc.seal.trust_entries import ANCHOR_FIELDS, MAX_ENTRY_BYTES, anchor_of, recognition_of
from certsvc.seal.trust_list import (
    ANCHOR,
    ENDING_ZH,
    FILE,
    LISTED,
    PARTNER_PREFIX,
    PERSON,
    RECOGNITION,
    SEAL,
    TIMESTAMP,
)
from certsvc.settings import load_settings
from certsvc.signing.trust import read_anchors
from certsvc.signing.trust_documents import MAX_EXPORT_CHARS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from certsvc.commands.ports import Deps
    from certsvc.seal.trust_list import Anchor, EndedProposal, Recognition

OPERATOR = Principal(subject="cli", kind="system", roles=frozenset({roles.OPERATOR}))

ORIGIN_ZH = {FILE: "随配置文件", LISTED: "经两人变更"}
KIND_ZH = {ANCHOR: "信任证书", RECOGNITION: "互认"}
PURPOSE_ZH = {SEAL: "机构印章", PERSON: "个人签名", TIMESTAMP: "时间戳"}
DIFFERENCE_ZH = {NEW: "新增", CHANGED: "变更", ONLY_HERE: "仅本地有"}


def describe_list() -> list[str]:
    """Version, anchors and recognitions in force."""
    with _deps() as deps:
        listed = deps.trust.current
        now = deps.clock.now()
    lines = [f"第 {listed.version} 版\t信任证书 {len(listed.anchors)} 张\t互认城市 {len(listed.recognitions)} 个"]
    for one in listed.anchors:
        state = "有效" if one.covers(now) else "不在有效期"
        purposes = "、".join(_purpose_zh(purpose) for purpose in sorted(one.purposes))
        lines.append(
            f"信任证书\t{one.anchor_id}\t{one.name}\t{purposes}\t{state}\t{ORIGIN_ZH.get(one.origin, one.origin)}"
        )
    for row in listed.recognitions:
        state = "生效中" if row.in_effect(now) else "不在有效期"
        types = "、".join(kind.code for kind in row.types)
        lines.append(f"互认\t{row.partner}\t{row.name}\t{row.channel}\t{types}\t{state}")
    return lines


def propose_file(path: Path, *, by: str) -> list[str]:
    """Propose every entry of a file; one line each.

    Raises:
        InvalidInput: the file cannot be read, or an entry cannot be used.
    """
    reason, entries = _read(path)
    with _deps() as deps:
        caller = _person(deps, by)
        proposals = [propose_change(deps, caller, entry, reason) for entry in entries]
    return [f"{one.proposal_id}\t{_kind_zh(one.kind)}\t{one.entry_id}" for one in proposals]


def confirm_proposals(proposal_ids: Sequence[str], *, by: str) -> list[str]:
    """Confirm proposals in their order; one line each."""
    with _deps() as deps:
        caller = _person(deps, by)
        changes = [confirm_change(deps, caller, proposal_id) for proposal_id in proposal_ids]
    return [f"第 {one.number} 次变更\t{_kind_zh(one.kind)}\t{one.entry_id}\t{one.digest}" for one in changes]


def reject_proposals(proposal_ids: Sequence[str], *, by: str, reason: str) -> list[str]:
    """Refuse proposals in their order; one line each."""
    with _deps() as deps:
        caller = _person(deps, by)
        return [_ended_line(reject_change(deps, caller, proposal_id, reason)) for proposal_id in proposal_ids]


def withdraw_proposals(proposal_ids: Sequence[str], *, by: str, reason: str) -> list[str]:
    """Take proposals back in their order; one line each."""
    with _deps() as deps:
        caller = _person(deps, by)
        return [_ended_line(withdraw_change(deps, caller, proposal_id, reason)) for proposal_id in proposal_ids]


def _ended_line(ended: EndedProposal) -> str:
    one = ended.proposal
    return (
        f"{ENDING_ZH[ended.how]}\t{one.proposal_id}\t{beijing_time(ended.ended_at)}\t{_kind_zh(one.kind)}\t"
        f"{one.entry_id}\t{ended.ended_by}\t{ended.end_reason}"
    )


def describe_log() -> list[str]:
    """The numbered changes, then what waits, then what came to nothing."""
    with _deps() as deps:
        found = trust_record(deps, OPERATOR)
    lines = [
        f"{one.number}\t{beijing_time(one.confirmed_at)}\t{_kind_zh(one.kind)}\t{one.entry_id}\t"
        f"提案 {one.proposed_by}\t确认 {one.confirmed_by}\t{one.reason}"
        for one in found.changes
    ]
    lines += [
        f"待确认\t{one.proposal_id}\t{_kind_zh(one.kind)}\t{one.entry_id}\t提案 {one.proposed_by}\t{one.reason}\t"
        f"{beijing_time(one.expires_at)} 过期"
        for one in found.waiting
    ]
    lines += [_ended_line(one) for one in found.ended]
    return lines or ["没有变更，也没有待确认的提案"]


def write_export(out: Path, keys: Path | None) -> str:
    """Write the signed list, and the public keys where they are wanted."""
    with _deps() as deps:
        text = export_list(deps, OPERATOR)
        version = deps.trust.current.version
        published = deps.trust_lists.keys()
    out.write_text(text, encoding="ascii")
    if keys is not None:
        keys.write_text(json.dumps(published, indent=2), encoding="ascii")
    return f"{out}\t第 {version} 版"


def import_file(path: Path, keys: Path, *, by: str, reason: str, partner: str) -> list[str]:
    """Show how an export differs, and propose the differences when somebody is named."""
    text = path.read_bytes()[: MAX_EXPORT_CHARS + 1].decode("ascii", errors="replace")
    with _deps() as deps:
        imported = read_import(deps, text, keys.read_text(encoding="utf-8"), partner=partner)
        lines = [f"{imported.issuer}\t第 {imported.version} 版\t差异 {len(imported.differences)} 项"]
        lines += [
            f"{DIFFERENCE_ZH[one.what]}\t{_kind_zh(one.kind)}\t{one.entry_id}\t{one.name}"
            for one in imported.differences
        ]
        if by:
            why = reason or f"导入 {imported.issuer} 第 {imported.version} 版"
            proposals = propose_import(deps, _person(deps, by), imported, why)
            lines += [f"待确认\t{one.proposal_id}\t{_kind_zh(one.kind)}\t{one.entry_id}" for one in proposals]
    return lines


def _kind_zh(kind: str) -> str:
    return KIND_ZH.get(kind, kind)


def _purpose_zh(purpose: str) -> str:
    code = purpose.removeprefix(PARTNER_PREFIX)
    return PURPOSE_ZH.get(purpose, purpose) if code == purpose else f"互认方 {code}"


def _toml_place(error: tomllib.TOMLDecodeError) -> str:
    """Where the fault is, in words; the parser says it in English."""
    found = re.search(r"at line (\d+), column (\d+)", str(error))
    where = f"第 {found[1]} 行第 {found[2]} 列有误" if found else "文件末尾不完整"
    return f"{where}（{error}）"


def _read(path: Path) -> tuple[str, list[Anchor | Recognition]]:
    try:
        if path.stat().st_size > MAX_ENTRY_BYTES:
            raise InvalidInput(f"变更文件超过 {MAX_ENTRY_BYTES // 1024} KiB")
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"变更文件 {path} 不是正确的 TOML：{_toml_place(error)}") from error
    except (OSError, ValueError) as error:
        raise InvalidInput(f"变更文件 {path} 无法读取：应为 UTF-8 编码的 TOML") from error
    if unknown := set(content) - {"reason", "anchor", "recognition"}:
        raise InvalidInput(f"变更文件有不认识的项：{'、'.join(sorted(unknown))}")
    anchors, recognitions = content.get("anchor", []), content.get("recognition", [])
    if not isinstance(anchors, list) or not isinstance(recognitions, list) or not (anchors or recognitions):
        raise InvalidInput("变更文件应有 [[anchor]] 或 [[recognition]]")
    entries: list[Anchor | Recognition] = [anchor_of(_anchor(one, path.parent)) for one in anchors]
    entries += [recognition_of(_plain(one)) for one in recognitions]
    return str(content.get("reason", "")), entries


def _anchor(row: object, beside: Path) -> object:
    """The row with the certificates of the PEM files that it names."""
    if not isinstance(row, dict):
        raise InvalidInput("anchor 应写成 [[anchor]]，其下每行一项")
    # Before any file is opened: a misspelt key is told by its name, not as something that is missing.
    if unknown := sorted(set(row) - ANCHOR_FIELDS):
        raise InvalidInput(f"[[anchor]] 有不认识的项：{'、'.join(unknown)}；可用：{'、'.join(sorted(ANCHOR_FIELDS))}")
    if not row.get("certificate"):
        raise InvalidInput("[[anchor]] 缺少 certificate：请写上与本文件同目录的 PEM 文件名")
    plain = {key: _plain(value) for key, value in row.items()}
    certificates = _pem(beside, plain.get("certificate"))
    if len(certificates) != 1:
        raise InvalidInput("certificate 应为一个只含一张证书的 PEM 文件")
    plain["certificate"] = certificates[0]
    plain["intermediates"] = [der for name in plain.get("intermediates", []) for der in _pem(beside, name)]
    return plain


def _pem(beside: Path, name: object) -> list[str]:
    path = beside / str(name)
    if not path.is_file():
        raise InvalidInput(f"找不到证书文件 {path}")
    return [base64.b64encode(der).decode("ascii") for der in read_anchors(path.read_bytes())]


def _plain(value: Any) -> Any:
    """TOML has times of its own; entries are JSON."""
    if isinstance(value, datetime):
        return rfc3339(value) if value.tzinfo is not None else value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list) else value


@contextmanager
def _deps() -> Iterator[Deps]:
    service = build(load_settings())
    try:
        yield service.deps
    finally:
        service.close()


def _person(deps: Deps, subject: str) -> Principal:
    with deps.uow.read() as tx:
        person = tx.access.person(subject)
    if person is None:
        raise NotFound(f"没有账号为 {subject} 的人员：请填账号，不是姓名；certsvc people list 列出账号")
    return of_person(person)
