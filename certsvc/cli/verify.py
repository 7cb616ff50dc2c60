"""``certsvc verify``: verdicts over files, for people and for scripts."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from certsvc.api.models import VerdictOut
from certsvc.app import build, standalone_inspector
from certsvc.cli.verify_report import Judged, check_report_path, write_report
from certsvc.cli.verify_sources import Source, sources_of
from certsvc.clock import SystemClock, rfc3339
from certsvc.commands.ports import TrustChoice
from certsvc.commands.verifying.conclusion import conclude_without_register
from certsvc.commands.verifying.receipts import Asked, receipt_of
from certsvc.commands.verifying.register import checked_moment
from certsvc.commands.verifying.verify_file import verify_file
from certsvc.errors import ConfigurationError, InvalidInput, TooLarge
from certsvc.seal.reason_words import WORDS
from certsvc.seal.verdict import Indication, Verdict
from certsvc.settings import is_configured, load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

MOST_IN_FULL = 20
"""Files whose verdicts are printed in full; more have one line each."""

Judge = Callable[[bytes], tuple[Verdict, str]]
"""Gives the verdict over a file, and its receipt where one is wanted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What comes out.

    Attributes:
        report: where a table of all verdicts is written (.csv, .xlsx).
        receipts: a directory for receipts, each named by its file's SHA-256.
    """

    as_json: bool = False
    report: Path | None = None
    receipts: Path | None = None


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


def verify_paths(paths: Sequence[Path], trust: Sequence[Path], at: datetime | None, wanted: Wanted) -> int:
    """Print a verdict per file; the exit code is 1 if any failed, else 2 if any is indeterminate, else 0."""
    missing = [str(path) for path in trust if not path.is_file()]
    if missing:
        raise InvalidInput(f"找不到文件：{'、'.join(missing)}")
    check_report_path(wanted.report)
    sources = sources_of(paths)
    choice = TrustChoice(extra_anchors=tuple(path.read_bytes() for path in trust), at=at)
    judge, close = _judge(choice, receipts=wanted.receipts is not None)
    judged: list[Judged] = []
    try:
        with Progress(console=Console(stderr=True), transient=True, disable=len(sources) == 1) as progress:
            judged.extend(_one(source, judge, wanted) for source in progress.track(sources, description="核验"))
    finally:
        close()
    if wanted.report is not None:
        write_report(wanted.report, judged)
    if not wanted.as_json:
        _print(judged, brief=len(judged) > MOST_IN_FULL)
    codes = {EXIT[one.verdict.indication] if one.verdict else 2 for one in judged}
    return next((code for code in (1, 2) if code in codes), 0)


def _one(source: Source, judge: Judge, wanted: Wanted) -> Judged:
    """Judge one file, print its line where JSON is wanted, and keep its receipt."""
    try:
        data = source.read()
        verdict, receipt = judge(data)
    except (InvalidInput, TooLarge) as error:
        if wanted.as_json:
            print(json.dumps({"file": source.name, "error": str(error)}, ensure_ascii=False), flush=True)
        return Judged(name=source.name, sha256="", verdict=None, trouble=str(error))
    sha256 = hashlib.sha256(data).hexdigest()
    if wanted.as_json:
        body = {"file": source.name, **VerdictOut.of(verdict, receipt).model_dump(mode="json")}
        print(json.dumps(body, ensure_ascii=False), flush=True)
    if wanted.receipts is not None:
        wanted.receipts.mkdir(parents=True, exist_ok=True)
        (wanted.receipts / f"{sha256}.jws").write_text(receipt, encoding="ascii")
    return Judged(name=source.name, sha256=sha256, verdict=verdict)


def _judge(choice: TrustChoice, *, receipts: bool) -> tuple[Judge, Callable[[], None]]:
    """With the register where this machine has one; without it the register is "not checked"."""
    service = None
    # Only a machine that was told nothing has no register: a mistake in the settings must not pass for that.
    with suppress(ConfigurationError) if not is_configured() else nullcontext():
        settings = load_settings()
        service = build(settings) if settings.master_key.exists() and settings.has_database() else None
    if receipts and (service is None or choice.extra_anchors):
        raise InvalidInput("核验回执只能由有登记库的服务按自己的信任列表出具：请去掉 --trust，并在服务所在机器上运行")
    if service is not None:
        deps = service.deps

        def registered(data: bytes) -> tuple[Verdict, str]:
            verdict = verify_file(deps, data, choice, on_record=False)
            return verdict, receipt_of(deps, verdict, Asked.file(data)) if receipts else ""

        return registered, service.close
    inspector = standalone_inspector()
    clock = SystemClock()

    def alone(data: bytes) -> tuple[Verdict, str]:
        now = clock.now()
        asked = replace(choice, at=checked_moment(choice.at, now))
        return conclude_without_register(inspector.inspect(data, asked, now), now, asked.at), ""

    return alone, inspector.close


def _print(judged: Sequence[Judged], *, brief: bool) -> None:
    """One line per fact, so that nothing is cut off on a narrow screen; many files have one line each, and a sum."""
    console = Console()
    for one in judged:
        verdict = one.verdict
        if verdict is None:
            line = f"{escape(one.name)}　{escape(one.trouble)}"
            console.print(f"[yellow]？ 无法读取[/yellow]  {line}", highlight=False, soft_wrap=True)
            continue
        words = WORDS[verdict.reason]
        name = escape(one.name)
        if brief:
            console.print(f"{WORD_ZH[verdict.indication]}  {name}　{words.short_zh}", highlight=False, soft_wrap=True)
            continue
        console.print(f"{WORD_ZH[verdict.indication]}  [bold]{name}[/bold]", highlight=False, soft_wrap=True)
        for label, text in _lines(verdict):
            console.print(f"    {label.ljust(4, '　')}　{text}", highlight=False, soft_wrap=True)
    if brief:
        counts = Counter(one.verdict.indication if one.verdict else Indication.INDETERMINATE for one in judged)
        total = "　".join(f"{WORD_ZH[one]} {counts[one]}" for one in Indication)
        console.print(f"共 {len(judged)} 个文件：{total}", highlight=False)


def _lines(verdict: Verdict) -> list[tuple[str, str]]:
    words = WORDS[verdict.reason]
    lines = [("说明", words.zh), ("下一步", words.next_zh)]
    if verdict.license is not None:
        lines.append(("证照", f"{verdict.license.type_name}　{verdict.license.state_zh}"))
    if verdict.recognition is not None:
        cited = verdict.recognition
        basis = f"{cited.partner_name}（信任列表第 {cited.list_version} 版）"
        lines.append(("互认", f"{basis}　{cited.note}" if cited.note else basis))
    if verdict.as_of is not None:
        lines.append(("截至", rfc3339(verdict.as_of)))
    if verdict.later is not None:
        lines.append(("现在", WORDS[verdict.later].short_zh))
    lines += [(name, CHECK_ZH[getattr(verdict, field).value]) for name, field in CHECKS]
    if verdict.not_checked:
        lines.append(("未核对", "、".join(NOT_CHECKED_ZH.get(item, item) for item in verdict.not_checked)))
    return lines
