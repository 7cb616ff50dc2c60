"""``certsvc care plan``: re-sealing on this machine, with the same checks as over the API."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from certsvc.cli.callers import person_of, working_service
from certsvc.cli.consoles import answers
from certsvc.commands.resealing.advance import advance_plan
from certsvc.commands.resealing.plan import (
    ResealDecisionBody,
    ResealPlanBody,
    decide_plan,
    list_plans,
    move_plan,
    propose_plan,
    read_outcomes,
    read_plan,
)
from certsvc.delivery.loops import IMPORT_LEASE_S
from certsvc.license.reseal import OUTCOME_ZH, PLAN_ZH, PlanMove, PlanState, ResealOutcome
from certsvc.seal.care import LOSS_ZH

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.resealing.plan import Preview
    from certsvc.license.reseal import PlanProgress, ResealPlan

HINT = "请用 certsvc people list 查看登记的人员"
LOOK_S = 1.0
"""Between two looks at a plan that others carry on, or that waits."""


def propose(body: ResealPlanBody, *, by: str) -> None:
    """Propose a plan and print what it would do."""
    with working_service() as service:
        plan, preview = propose_plan(service.deps, person_of(service.deps, by, HINT), body)
    console = answers()
    _print_preview(console, preview)
    console.print(f"{plan.plan_id}　{PLAN_ZH[plan.state]}：须由安全保密管理员审批", highlight=False)


def decide(plan_id: str, *, by: str, approve: bool, opinion: str) -> str:
    """Approve or decline; the state afterwards."""
    body = ResealDecisionBody(approve=approve, opinion=opinion)
    with working_service() as service:
        plan = decide_plan(service.deps, person_of(service.deps, by, HINT), plan_id, body)
    return PLAN_ZH[plan.state]


def move(plan_id: str, name: PlanMove, *, by: str) -> str:
    """Pause, resume or cancel; the state afterwards."""
    with working_service() as service:
        plan = move_plan(service.deps, person_of(service.deps, by, HINT), plan_id, name)
    return PLAN_ZH[plan.state]


def print_plans(*, by: str) -> None:
    """The newest plans, one a line."""
    with working_service() as service:
        for plan in list_plans(service.deps, person_of(service.deps, by, HINT)):
            print(_line(plan))


def show(plan_id: str, *, by: str, as_json: bool) -> None:
    """A plan, its preview while it is proposed, its progress, and licenses that were not sealed anew."""
    with working_service() as service:
        caller = person_of(service.deps, by, HINT)
        progress, preview = read_plan(service.deps, caller, plan_id)
        others = [
            item
            for outcome in (ResealOutcome.FAILED, ResealOutcome.SKIPPED)
            for item in read_outcomes(service.deps, caller, plan_id, outcome)
        ]
    if as_json:
        said = {"plan": asdict(progress.plan), "counts": progress.counts, "others": [asdict(item) for item in others]}
        print(json.dumps(said, ensure_ascii=False, default=str))
        return
    console = answers()
    console.print(_line(progress.plan), highlight=False, markup=False, soft_wrap=True)
    if preview is not None:
        _print_preview(console, preview)
    console.print(_counts(progress), highlight=False)
    if progress.plan.waits_for and progress.plan.state is PlanState.RUNNING:
        console.print(f"等待：{progress.plan.waits_for}", highlight=False, markup=False)
    for item in others:
        said_zh = f"{item.identifier}　{OUTCOME_ZH[item.outcome]}：{item.detail}"
        console.print(said_zh, highlight=False, markup=False, soft_wrap=True)


def run(plan_id: str, *, by: str) -> int:
    """Carry a plan on here, beside the workers, with a bar, until it stands; 0 when all were sealed or skipped."""
    columns = (TextColumn("换章"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with working_service() as service:
        deps = service.deps
        caller = person_of(deps, by, HINT)
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("", total=read_plan(deps, caller, plan_id)[0].plan.total)
            while True:
                came_on = advance_plan(deps, lease_s=IMPORT_LEASE_S)
                progress = _progress(deps, caller, plan_id)
                bar.update(task, completed=sum(progress.counts.values()))
                if progress.plan.state is not PlanState.RUNNING:
                    break
                if not came_on:
                    time.sleep(LOOK_S)
    print(f"{PLAN_ZH[progress.plan.state]}：{_counts(progress)}")
    failed = progress.counts[ResealOutcome.FAILED]
    return 0 if progress.plan.state is PlanState.DONE and not failed else 1


def _progress(deps: Deps, caller: Principal, plan_id: str) -> PlanProgress:
    return read_plan(deps, caller, plan_id)[0]


def _counts(progress: PlanProgress) -> str:
    return "、".join(f"{OUTCOME_ZH[outcome]} {progress.counts[outcome]} 张" for outcome in ResealOutcome)


def _line(plan: ResealPlan) -> str:
    what = f"{LOSS_ZH[plan.kind]} {plan.value}"
    return f"{plan.plan_id}　{PLAN_ZH[plan.state]}　{what}　{plan.total} 张　{plan.proposed_by} 提出"


def _print_preview(console: Console, preview: Preview) -> None:
    table = Table(*(Column(title, overflow="fold") for title in ("证照类型", "颁发机构", "张数", "用印次数", "说明")))
    for row in preview.rows:
        said = row.problem or "、".join(row.seals)
        names = (row.type_name, row.issuer_name, str(row.licenses), str(row.operations), said)
        table.add_row(*map(escape, names))
    console.print(table)
    for one in preview.costs:
        line = f"{one.name}：用印 {one.operations} 次，每日上限 {one.daily_budget} 次，约需 {one.days} 天"
        console.print(line, highlight=False, markup=False)
