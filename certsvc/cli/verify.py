"""``certsvc verify``: verdicts over files, for people and for scripts."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from certsvc.api.models import VerdictOut
from certsvc.app import build, standalone_inspector
from certsvc.clock import SystemClock
from certsvc.commands.ports import TrustChoice
from certsvc.commands.verifying.verify_file import conclude_without_register, verify_file
from certsvc.errors import ConfigurationError, InvalidInput
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

CHECKS = (
    ("与登记", "registry_match"),
    ("内容", "integrity"),
    ("覆盖", "coverage"),
    ("改动", "modification"),
    ("信任", "trust"),
    ("状态", "status"),
)

CHECK_ZH = {
    "good": "通过",
    "bad": "不通过",
    "unknown": "无法判定",
    "not_checked": "未核对",
    "exact": "与登记的原件一致",
    "other_bytes": "印章属实，不是登记的原件",
    "none": "没有登记",
}

NOT_CHECKED_ZH = {
    "revocation": "印章证书是否被吊销",
    "register": "与登记比对",
    "license_state": "证照现在的状态",
    "signatures": "印章与签名",
    "certificate_period": "签章时证书是否在有效期内",
    "unlisted_byte_range": "无法归属的签名区段",
}


def verify_files(files: Sequence[Path], trust: Sequence[Path], at: datetime | None, *, as_json: bool) -> int:
    """Print a verdict per file; the exit code is 1 if any failed, else 2 if any is indeterminate, else 0."""
    missing = [str(path) for path in (*files, *trust) if not path.is_file()]
    if missing:
        raise InvalidInput(f"找不到文件：{'、'.join(missing)}")
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
    service = None
    with suppress(ConfigurationError):
        settings = load_settings()
        try:
            service = build(settings) if settings.master_key.exists() and settings.has_database() else None
        except ConfigurationError as error:
            # There is a register and it cannot be asked: whoever reads the verdict must know why.
            Console(stderr=True).print(f"未与登记比对：{error}", highlight=False, soft_wrap=True)
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
    """One line per fact, so that nothing is cut off on a narrow screen."""
    console = Console()
    for path, verdict in verdicts:
        console.print(f"{WORD_ZH[verdict.indication]}  [bold]{path.name}[/bold]", highlight=False, soft_wrap=True)
        lines = [("说明", verdict.text_zh)]
        if verdict.license is not None:
            lines.append(("证照", f"{verdict.license.type_name}　{verdict.license.state_zh}"))
        lines += [(name, CHECK_ZH[getattr(verdict, field).value]) for name, field in CHECKS]
        if verdict.not_checked:
            lines.append(("未核对", "、".join(NOT_CHECKED_ZH.get(item, item) for item in verdict.not_checked)))
        for name, text in lines:
            console.print(f"    {name.ljust(4, '　')}　{text}", highlight=False, soft_wrap=True)
