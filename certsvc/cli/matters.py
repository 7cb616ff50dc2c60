"""What ``certsvc matters`` and ``certsvc clients staff`` do, in the name of the operator of this machine."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from certsvc.cli.callers import person_of, working_service
from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.access.staff import MAX_AT_ONCE, StaffBody, set_staff, staff_of
from certsvc.commands.imports.csv_table import open_csv
from certsvc.commands.matters.import_list import MatterListBody, import_bytes
from certsvc.commands.matters.reading import list_matters, list_orphans, matter_detail, preview_policy
from certsvc.commands.matters.steps import open_policy
from certsvc.commands.ports import Principal
from certsvc.errors import CertsvcError, InvalidInput
from certsvc.license.matters import MATTER_CHANGE_ZH
from certsvc.license.policies import POLICY_ZH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

OPERATOR = Principal(subject="cli", kind="system", roles=frozenset({roles.OPERATOR}))
MAX_CHANGES_SHOWN = 50
"""Changes that an import prints; all are in the change logs of their matters."""
PAGE = 500
STAFF_COLUMNS = ("账号", "姓名", "处室", "停用")


def import_matters(file: Path, source: str, *, dry_run: bool, endings: int | None) -> Iterator[str]:
    """Lines about what changed; the reasons of every bad row when it is refused."""
    data = file.read_bytes()
    form = "toml" if file.suffix == ".toml" else "csv"
    body = MatterListBody.model_construct(source=source, form=form, content="", endings=endings, dry_run=dry_run)
    with working_service() as service:
        try:
            found = import_bytes(service.deps, OPERATOR, body, data)
        except CertsvcError as error:
            yield from (problem.detail for problem in error.problems)
            raise
    version = found.version
    if not found.imported and not dry_run:
        yield f"与第 {version.version} 版相同，未产生新版本"
    for change in found.changes[:MAX_CHANGES_SHOWN]:
        yield f"{MATTER_CHANGE_ZH[change.kind]}\t{change.now.code}\t{change.now.name}"
    if len(found.changes) > MAX_CHANGES_SHOWN:
        yield f"……共 {len(found.changes)} 项变化"
    counts = f"新增 {version.added}、变更 {version.changed}、终止 {version.ended}"
    head = "试导入，未保存" if dry_run else f"第 {version.version} 版"
    yield f"{head}：{version.matters} 项事项，{counts}；需处理的用证策略 {len(found.orphans)} 条"


def describe_matters(authority: str) -> Iterator[str]:
    """One line per matter."""
    with working_service() as service:
        day, behind = local_day(service.deps.clock.now()), ""
        while page := list_matters(service.deps, authority_code=authority, behind=behind, limit=PAGE):
            for one in page:
                state = "" if one.in_force(day) else f"\t已终止（{one.ends_on}）"
                yield f"{one.code}\t{one.name}{state}"
            behind = page[-1].code


def describe_matter(code: str) -> Iterator[str]:
    """What it may ask for, then its changes, newest first."""
    with working_service() as service:
        found = matter_detail(service.deps, code)
    yield f"{found.matter.code}\t{found.matter.name}\t{'办理中' if found.in_force else '已终止'}"
    for slug, one in found.allowed.items():
        yield f"可用\t{slug}\t{'、'.join(one.keys)}\t{'、'.join(one.bases)}\t{one.policy_id}"
    for change in found.changes:
        yield f"第 {change.version} 版\t{MATTER_CHANGE_ZH[change.kind]}\t{change.now.name}"


def preview(matter: str, authority: str, kind: str) -> Iterator[str]:
    """What leaves, or why nothing does."""
    with working_service() as service:
        found = preview_policy(service.deps, OPERATOR, matter_code=matter, authority_code=authority, type_slug=kind)
    yield f"{found.matter_name or matter}　{found.type_name}"
    if found.consent_only:
        yield "该单位只能凭持证人授权用证"
    if found.why_not:
        yield f"看不到任何内容：{found.why_not}"
        return
    quota = f"每日 {found.quota} 次，今日已用 {found.used_today} 次" if found.quota is not None else "不限次数"
    yield f"依据：{'、'.join(found.bases)}；{quota}"
    for key in found.keys:
        yield f"{'可用' if key.allowed else '不可用'}\t{key.key}\t{key.name}"


def describe_orphans() -> Iterator[str]:
    """One line per policy that points to nothing."""
    with working_service() as service:
        found = list_orphans(service.deps, OPERATOR)
    for one in found:
        effect = "已不生效" if one.opens_nothing else "部分不生效"
        reasons = "；".join(one.reasons)
        yield f"{one.policy_id}\t{one.matter_code}\t{one.type_slug}\t{POLICY_ZH[one.state]}\t{effect}\t{reasons}"
    yield f"需处理的用证策略 {len(found)} 条"


def open_one(policy_id: str, *, by: str, on: str) -> str:
    """Open it in the name of a registered operator; what it is now."""
    with working_service() as service:
        caller = person_of(service.deps, by, "请先用 certsvc people bind 绑定系统管理员")
        opened = open_policy(service.deps, caller, policy_id, opened_on=date.fromisoformat(on) if on else None)
    return f"{opened.policy_id}\t{POLICY_ZH[opened.state]}\t自 {opened.opened_on}"


def import_staff(client_id: str, file: Path) -> int:
    """Register a list in parts; how many accounts."""
    members = _read_staff(file)
    with working_service() as service:
        for start in range(0, len(members), MAX_AT_ONCE):
            set_staff(service.deps, OPERATOR, client_id, members[start : start + MAX_AT_ONCE])
    return len(members)


def list_staff(client_id: str) -> list[str]:
    """One line per account."""
    with working_service() as service:
        found = staff_of(service.deps, OPERATOR, client_id)
    return [f"{one.account}\t{one.name}\t{one.division}\t{'在岗' if one.active else '已停用'}" for one in found]


def _read_staff(file: Path) -> Sequence[StaffBody]:
    table = open_csv(file.read_bytes())
    if tuple(table.header[: len(STAFF_COLUMNS)]) != STAFF_COLUMNS:
        raise InvalidInput(f"首行应为：{','.join(STAFF_COLUMNS)}")
    made: list[StaffBody] = []
    for row in table.rows:
        account, name, division, stopped = (*row.cells, "", "", "", "")[: len(STAFF_COLUMNS)]
        try:
            made.append(StaffBody(account=account, name=name, division=division, active=not stopped.strip()))
        except ValueError as error:
            raise InvalidInput(f"第 {row.number} 行：账号、姓名不能为空，各项不能含换行或超长") from error
    return made
