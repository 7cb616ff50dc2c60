"""``certsvc care``: tables and bars for people, JSON for machines."""

from __future__ import annotations

import json
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from certsvc.app import build
from certsvc.cli.consoles import answers
from certsvc.commands.care.backfill import backfill
from certsvc.commands.care.breaks import look_at_breaks
from certsvc.commands.care.inventory import DIMENSION_ZH, take_inventory
from certsvc.commands.care.renew import Wish, renew_files, to_renew
from certsvc.seal.care import LOSS_ZH, LossKind
from certsvc.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from certsvc.app import Service
    from certsvc.commands.care.breaks import Breaks

GIVE_WAY_S = 1.0
"""Pause while live requests wait."""
SECONDS_A_MINUTE = 60
BAR_WIDTH = 40
"""Characters of the longest bar."""


@contextmanager
def open_service() -> Iterator[Service]:
    """The service of this machine's settings, closed at the end."""
    service = build(load_settings())
    try:
        yield service
    finally:
        service.close()


def print_inventory(*, as_json: bool) -> None:
    """One table for each dimension, and how much was counted."""
    with open_service() as service:
        found = take_inventory(service.deps)
    if as_json:
        print(_json(asdict(found)))
        return
    console = answers()
    titles = ("", "取值", "名称", "在用文件", "证照有效", "最早签章", "最近签章", "最早失效")
    table = Table(*(Column(title, overflow="fold") for title in titles))
    for row in found.rows:
        days = (row.first, row.last, row.earliest_end)
        cells = (DIMENSION_ZH[row.dimension], row.value, row.name if row.name != row.value else "")
        table.add_row(*map(escape, cells), str(row.files), str(row.in_force), *(day.isoformat() for day in days))
    console.print(table)
    console.print(f"在用文件 {found.files} 件，其中证照有效 {found.in_force} 件", highlight=False)
    _tell_unread(console, found.unread)


def print_breaks(kind: LossKind | None, value: str, on: date | None, *, as_json: bool) -> None:
    """What breaks by type and body, a bar for each year, and what to do."""
    with open_service() as service:
        found = look_at_breaks(service.deps, kind, value, on=on)
    if as_json:
        print(_json(asdict(found)))
        return
    console = answers()
    what = f"{LOSS_ZH[found.loss.kind]} {found.loss.value} 自 {found.on} 起不可再依赖" if found.loss else "自然失效"
    console.print(f"{what}，看至 {found.on}", highlight=False, markup=False)
    titles = ("证照类型", "颁发机构", "证照", "涉及", "不能再验证", "仍可验证", "此前已失效", "其余最早失效")
    table = Table(*(Column(title, overflow="fold") for title in titles))
    for hit in found.hits:
        numbers = (hit.files, hit.broken, hit.standing, hit.failed_before)
        end = hit.next_end.isoformat() if hit.next_end else ""
        names = (hit.type_name, hit.issuer_name, "有效" if hit.in_force else "已失效留存")
        table.add_row(*map(escape, names), *map(str, numbers), end)
    console.print(table)
    for line in year_bars(found):
        console.print(line, highlight=False, markup=False)
    said = f"核算 {found.looked_at} 件：涉及 {found.files}、不能再验证 {found.broken}、仍可验证 {found.standing}"
    console.print(said, highlight=False)
    for line in found.advice:
        console.print(f"· {line}", highlight=False, markup=False)
    _tell_unread(console, found.unread)


def year_bars(found: Breaks) -> list[str]:
    """A bar for each year in which files concerned fail, the longest as long as :data:`BAR_WIDTH`."""
    years: Counter[str] = Counter()
    for one in found.months:
        years[one.month[:4]] += one.in_force + one.ended
    most = max(years.values(), default=1)
    return [f"{year} {'█' * max(1, files * BAR_WIDTH // most)} {files} 件" for year, files in sorted(years.items())]


def run_backfill() -> int:
    """Read older files with a bar; the exit code: 0 all were read, 1 some could not be."""
    console = Console(stderr=True)
    columns = (TextColumn("读取旧文件"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with open_service() as service, Progress(*columns, console=console) as bar:
        with service.deps.uow.read() as tx:
            task = bar.add_task("", total=tx.care.to_read())
        done = backfill(service.deps, lambda count: bar.advance(task, count))
    for artifact_id, reason in done.unreadable.items():
        print(f"{artifact_id}：{reason}")
    print(f"读取 {done.read} 件，未能读取 {len(done.unreadable)} 件")
    return 1 if done.unreadable else 0


def run_renew(before: date, *, bare: bool, dry_run: bool, per_minute: int) -> int:
    """Add archive timestamps with a bar; the exit code: 0 all that were meant have one, 1 some have not."""
    wish = Wish(before=before, bare=bare)
    columns = (TextColumn("追加归档时间戳"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with open_service() as service:
        meant = to_renew(service.deps, wish)
        if dry_run:
            print(f"应追加 {meant} 件，没有改动")
            return 0
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("", total=meant)

            def watch(count: int) -> None:
                bar.advance(task, count)
                time.sleep(SECONDS_A_MINUTE / per_minute)

            done = renew_files(service.deps, wish, watch=watch, give_way=lambda: time.sleep(GIVE_WAY_S))
    for artifact_id, reason in done.failed.items():
        print(f"{artifact_id}：{reason}")
    said = f"追加 {done.renewed} 件，未能追加 {len(done.failed)} 件"
    print(f"{said}，另一进程已办 {done.overtaken} 件" if done.overtaken else said)
    return 1 if done.failed else 0


def _tell_unread(console: Console, unread: int) -> None:
    if unread:
        console.print(f"另有 {unread} 件旧文件尚未读取，请运行 certsvc care backfill", highlight=False)


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
