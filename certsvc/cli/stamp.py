"""``certsvc stamp``: stamp files on this machine, as one keeper, with the same checks and records as over the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from certsvc.cli.callers import person_of, working_service
from certsvc.commands.stamping.read import stamped_file
from certsvc.commands.stamping.stamp import preview, seal_preview
from certsvc.commands.stamping.uploads import take_upload
from certsvc.errors import CertsvcError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from certsvc.commands.ports import Deps, Principal
    from certsvc.seal.stampings import StampCase, StampWish

ENDING = ".stamped.pdf"


def stamp_files(
    files: Sequence[Path], *, keeper: str, seal_id: str, wish: StampWish, case: StampCase, out: Path | None
) -> int:
    """Stamp every file beside itself, or into ``out``; 0 when all were stamped, else 1."""
    console, refused = Console(stderr=True), 0
    with working_service() as service:
        caller = person_of(service.deps, keeper, "请先用 certsvc people bind 绑定印章保管人")
        columns = (TextColumn("盖章"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=console) as progress:
            task = progress.add_task("", total=len(files))
            for path in files:
                progress.update(task, description=path.name)
                try:
                    made = _stamp(service.deps, caller, path.read_bytes(), seal_id, wish, case)
                except CertsvcError as error:
                    refused += 1
                    told = f"[red]未盖章[/red] {escape(path.name)}：{escape(error.detail)}"
                    progress.console.print(told, highlight=False, soft_wrap=True)  # one line: logs are searched
                    for problem in error.problems:
                        if problem.detail not in error.detail:
                            progress.console.print(f"  {escape(problem.detail)}", highlight=False, soft_wrap=True)
                except OSError as error:
                    refused += 1
                    told = f"[red]未盖章[/red] {escape(path.name)}：无法读取（{error.strerror}）"
                    progress.console.print(told, highlight=False, soft_wrap=True)
                else:
                    target = (out or path.parent) / (path.stem + ENDING)
                    target.write_bytes(made)
                    print(target)
                progress.advance(task)
    return 1 if refused else 0


def _stamp(deps: Deps, caller: Principal, data: bytes, seal_id: str, wish: StampWish, case: StampCase) -> bytes:
    upload = take_upload(deps, caller, data)
    shown = preview(deps, caller, upload.upload_id, seal_id, wish)
    places = [(mark.page, mark.rect) for mark in shown.marks]
    made = seal_preview(deps, caller, shown.preview_id, sha256=shown.sha256, places=places, case=case)
    return stamped_file(deps, caller, made.stamping_id)[1]
