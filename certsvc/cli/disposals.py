"""``certsvc archive over``, ``disposals`` and ``dispose``: what is over its term, the lists, and carrying them out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from certsvc.app import build
from certsvc.cli.consoles import answers
from certsvc.clock import local_day
from certsvc.commands.disposing.carry_out import carry_out
from certsvc.commands.disposing.judge import every_over
from certsvc.license.archives import ARCHIVE_ZH
from certsvc.license.disposal import BOUND_ZH, DISPOSAL_ZH, OUTCOME_ZH
from certsvc.settings import load_settings

if TYPE_CHECKING:
    from certsvc.license.disposal import DisposalItem

ACTOR = "operator"
SHOWN = 100
"""Lists that are printed, the newest."""


def list_over(authority: str, *, as_json: bool) -> None:
    """Print what is over its term, as it is found, with what speaks against letting it go."""
    service = build(load_settings())
    console, count, free = answers(), 0, 0
    try:
        for one in every_over(service.deps, authority):
            count += 1
            free += not one.bound
            contents = one.contents
            if as_json:
                said = {
                    "kind": contents.kind.value,
                    "label": contents.label,
                    "authority_code": contents.authority_code,
                    "keeping": one.keeping.value,
                    "over_on": one.over_on.isoformat(),
                    "bound": [word.value for word in one.bound],
                }
                print(json.dumps(said, ensure_ascii=False))
            else:
                why = "；".join(BOUND_ZH[word] for word in one.bound)
                what = f"{ARCHIVE_ZH[contents.kind]}　{contents.label}　{contents.authority_code}"
                line = f"{what}　{one.keeping.zh}　{one.over_on.isoformat()} 到期"
                console.print(f"{line}　不能销毁：{why}" if why else line, soft_wrap=True, highlight=False)
    finally:
        service.close()
    if not as_json:
        total = f"保管期限已满 {count} 项，其中可以列入销毁清册 {free} 项；由档案员提出（docs/archive-disposal.md）"
        console.print(total if count else "没有保管期限已满的", highlight=False)


def list_lists() -> None:
    """Print the newest lists of all bodies."""
    service = build(load_settings())
    console = answers()
    try:
        with service.deps.uow.read() as tx:
            found = tx.disposals.of(None, limit=SHOWN)
    finally:
        service.close()
    for one in found:
        effect = f"　{local_day(one.effect_at).isoformat()} 起执行" if one.effect_at and one.ended_at is None else ""
        line = f"{one.list_id}　{one.authority_code}　{OUTCOME_ZH[one.outcome]}　{DISPOSAL_ZH[one.state]}{effect}"
        console.print(line, soft_wrap=True, highlight=False)
    if not found:
        console.print("没有鉴定清册")


def dispose() -> int:
    """Carry out every list whose window is over; 1 if an item could not be done now."""
    service = build(load_settings())
    columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:.0f}"), TimeElapsedColumn())
    try:
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("销毁", total=None)

            def watch(_item: DisposalItem) -> None:
                bar.advance(task)

            came = carry_out(service.deps, actor=ACTOR, watch=watch)
    finally:
        service.close()
    console = answers()
    console.print(
        f"完成清册 {came.ended} 份：销毁 {came.destroyed} 项，缓销 {came.spared} 项（原因见清册）", highlight=False
    )
    for line in came.trouble:
        console.print(f"[red]没有完成[/]　{line}；再次运行即接续", soft_wrap=True, highlight=False)
    return 1 if came.trouble else 0
