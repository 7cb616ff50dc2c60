"""Subcommands of ``certsvc care plan``."""

from __future__ import annotations

from typing import Annotated

import typer

from certsvc.cli.program import Program
from certsvc.license.reseal import PlanMove
from certsvc.seal.care import LossKind

By = Annotated[str, typer.Option(help="办理人账号")]
PlanId = Annotated[str, typer.Argument(help="计划编号")]

plan_app = Program(help="成批换章计划 · plans of re-sealing")


@plan_app.callback()
def group() -> None:
    """成批换章计划 · plans of re-sealing."""


@plan_app.command("propose")
def plan_propose(
    kind: Annotated[LossKind, typer.Argument(help="要换掉的一项：algorithm、ca、seal、tsa")],
    value: Annotated[str, typer.Argument(help="取值见 certsvc care inventory，如 rsa")],
    reason: Annotated[str, typer.Option(help="理由和依据")],
    by: By,
    types: Annotated[list[str] | None, typer.Option("--type", help="证照类型，可重复；缺省为全部")] = None,
    bodies: Annotated[list[str] | None, typer.Option("--body", help="颁发机构代码，可重复；缺省为全部")] = None,
) -> None:
    """提出计划并看预览；由安全保密管理员审批 · propose and preview."""
    from certsvc.cli.care_plans import propose
    from certsvc.commands.resealing.plan import ResealPlanBody

    body = ResealPlanBody(kind=kind, value=value, types=tuple(types or ()), bodies=tuple(bodies or ()), reason=reason)
    propose(body, by=by)


@plan_app.command("approve")
def plan_approve(plan_id: PlanId, by: By, opinion: Annotated[str, typer.Option(help="审批意见")] = "") -> None:
    """批准，由提出人以外的安全保密管理员 · approve."""
    from certsvc.cli.care_plans import decide

    print(decide(plan_id, by=by, approve=True, opinion=opinion))


@plan_app.command("decline")
def plan_decline(plan_id: PlanId, by: By, opinion: Annotated[str, typer.Option(help="审批意见")]) -> None:
    """不批准，写明意见 · decline."""
    from certsvc.cli.care_plans import decide

    print(decide(plan_id, by=by, approve=False, opinion=opinion))


@plan_app.command("list")
def plan_list(by: By) -> None:
    """列出计划，新的在前 · list plans."""
    from certsvc.cli.care_plans import print_plans

    print_plans(by=by)


@plan_app.command("show")
def plan_show(
    plan_id: PlanId, by: By, as_json: Annotated[bool, typer.Option("--json", help="输出 JSON")] = False
) -> None:
    """预览、进度，没有换的证照和原因 · preview, progress and reasons."""
    from certsvc.cli.care_plans import show

    show(plan_id, by=by, as_json=as_json)


@plan_app.command("run")
def plan_run(plan_id: PlanId, by: By) -> None:
    """在本机接着办理并显示进度（工作进程也会自动办理）· carry on here with a progress bar."""
    from certsvc.cli.care_plans import run

    raise typer.Exit(run(plan_id, by=by))


@plan_app.command("pause")
def plan_pause(plan_id: PlanId, by: By) -> None:
    """暂停 · pause."""
    _moved(plan_id, PlanMove.PAUSE, by)


@plan_app.command("resume")
def plan_resume(plan_id: PlanId, by: By) -> None:
    """继续 · resume."""
    _moved(plan_id, PlanMove.RESUME, by)


@plan_app.command("cancel")
def plan_cancel(plan_id: PlanId, by: By) -> None:
    """取消；已换的不退回 · cancel."""
    _moved(plan_id, PlanMove.CANCEL, by)


def _moved(plan_id: str, name: PlanMove, by: str) -> None:
    from certsvc.cli.care_plans import move

    print(move(plan_id, name, by=by))
