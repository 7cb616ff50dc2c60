"""``certsvc verify``: verdicts over files, for people and for scripts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from certsvc.api.models import VerdictOut
from certsvc.app import build, standalone_inspector
from certsvc.clock import SystemClock
from certsvc.commands.ports import TrustChoice
from certsvc.commands.verifying.verify_file import conclude_without_register, verify_file
from certsvc.errors import ConfigurationError
from certsvc.seal.verdict import Indication
from certsvc.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from certsvc.seal.verdict import Verdict

EXIT = {Indication.TOTAL_PASSED: 0, Indication.TOTAL_FAILED: 1, Indication.INDETERMINATE: 2}

WORD_ZH = {
    Indication.TOTAL_PASSED: "[green]✔ 通过[/green]",
    Indication.TOTAL_FAILED: "[red]✘ 不通过[/red]",
    Indication.INDETERMINATE: "[yellow]？ 无法判定[/yellow]",
}


def verify_files(files: Sequence[Path], trust: Sequence[Path], at: datetime | None, *, as_json: bool) -> int:
    """Print a verdict per file; the exit code is 1 if any failed, else 2 if any is indeterminate, else 0."""
    choice = TrustChoice(extra_anchors=tuple(path.read_bytes() for path in trust), at=at)
    judge, close = _judge(choice)
    verdicts: list[tuple[Path, Verdict]] = []
    try:
        with Progress(console=Console(stderr=True), transient=True, disable=len(files) == 1) as progress:
            for path in progress.track(files, description="核验"):
                verdict = judge(path.read_bytes())
                verdicts.append((path, verdict))
                if as_json:
                    body = {"file": str(path), **VerdictOut.of(verdict).model_dump(mode="json")}
                    print(json.dumps(body, ensure_ascii=False), flush=True)
    finally:
        close()
    if not as_json:
        _print(verdicts)
    codes = {EXIT[verdict.indication] for _, verdict in verdicts}
    return next((code for code in (1, 2) if code in codes), 0)


def _judge(choice: TrustChoice) -> tuple[Callable[[bytes], Verdict], Callable[[], None]]:
    """With the register where this machine has one; without it the register is "not checked"."""
    try:
        settings = load_settings()
        service = build(settings) if settings.master_key.exists() and settings.has_database() else None
    except ConfigurationError:
        service = None
    if service is not None:
        deps = service.deps
        return lambda data: verify_file(deps, data, choice, on_record=False), service.close
    inspector = standalone_inspector()
    clock = SystemClock()

    def alone(data: bytes) -> Verdict:
        now = clock.now()
        return conclude_without_register(inspector.inspect(data, choice, now), now)

    return alone, inspector.close


def _print(verdicts: Sequence[tuple[Path, Verdict]]) -> None:
    table = Table("文件", "结论", "说明", "登记", "完整性", "覆盖", "改动", "信任", "证照状态")
    for path, verdict in verdicts:
        table.add_row(
            path.name,
            WORD_ZH[verdict.indication],
            verdict.text_zh,
            verdict.registry_match.value,
            verdict.integrity.value,
            verdict.coverage.value,
            verdict.modification.value,
            verdict.trust.value,
            verdict.status.value,
        )
    console = Console()
    console.print(table)
    for path, verdict in verdicts:
        if verdict.not_checked:
            console.print(f"{path.name} 未核验的项目：{'、'.join(verdict.not_checked)}", highlight=False)
