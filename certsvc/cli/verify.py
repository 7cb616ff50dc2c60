"""``certsvc verify``: verdicts over files, for people and for scripts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from certsvc.api.verdict_models import VerdictOut
from certsvc.app import build, standalone_inspector
from certsvc.cli.verify_report import Judged, check_report_path, write_report
from certsvc.cli.verify_sources import Source, sources_of
from certsvc.cli.verify_words import print_skipped, print_verdicts, what_it_is
from certsvc.clock import SystemClock
from certsvc.commands.ports import TrustChoice
from certsvc.commands.verifying.conclusion import conclude_without_register
from certsvc.commands.verifying.receipts import Asked, receipt_of
from certsvc.commands.verifying.register import checked_moment
from certsvc.commands.verifying.verify_file import verify_file
from certsvc.errors import ConfigurationError, InvalidInput, TooLarge
from certsvc.seal.verdict import Indication
from certsvc.settings import is_configured, load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.app import Service
    from certsvc.seal.verdict import Verdict

Judge = Callable[[bytes], "tuple[Verdict, str]"]
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


NOT_CONFIGURED = (
    "没有指明登记库。有登记库的机器请先说明，例如 CERTSVC_PROFILE=sandbox CERTSVC_VAR_DIR=var/demo，或 CERTSVC_CONFIG"
)

EXIT = {Indication.TOTAL_PASSED: 0, Indication.TOTAL_FAILED: 1, Indication.INDETERMINATE: 2}


def verify_paths(paths: Sequence[Path], trust: Sequence[Path], at: datetime | None, wanted: Wanted) -> int:
    """Print a verdict per file; the exit code is 1 if any failed, else 2 if any is indeterminate, else 0.

    Raises:
        InvalidInput: what was asked for cannot be done: nothing was judged.
    """
    missing = [str(path) for path in trust if not path.is_file()]
    if missing:
        raise InvalidInput(f"找不到文件：{'、'.join(missing)}")
    check_report_path(wanted.report)
    checked_moment(at, SystemClock().now())
    sources = sources_of(paths)
    choice = TrustChoice(extra_anchors=tuple(path.read_bytes() for path in trust), at=at)
    judging = _judging(choice, receipts=wanted.receipts is not None)
    judged: list[Judged] = []
    try:
        with Progress(console=Console(stderr=True), transient=True, disable=len(sources.taken) == 1) as progress:
            tracked = progress.track(sources.taken, description="核验")
            judged.extend(_one(source, judging.judge, wanted) for source in tracked)
    finally:
        judging.close()
    if wanted.report is not None:
        write_report(wanted.report, judged)
    # Where every line of the output is JSON, what is said to people goes beside it.
    console = Console(stderr=wanted.as_json)
    if not wanted.as_json:
        print_verdicts(console, judged)
    print_skipped(console, sources.skipped)
    if judging.note:
        console.print(judging.note, highlight=False, soft_wrap=True)
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
    kept = ""
    if wanted.receipts is not None:
        kept = f"{sha256}.jws"
        wanted.receipts.mkdir(parents=True, exist_ok=True)
        (wanted.receipts / kept).write_text(receipt, encoding="ascii")
    return Judged(name=source.name, sha256=sha256, verdict=verdict, hint=what_it_is(source.name, data), receipt=kept)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Judging:
    """How files are judged here; ``note`` says why no register is asked, where none is."""

    judge: Judge
    close: Callable[[], None]
    note: str = ""


def _judging(choice: TrustChoice, *, receipts: bool) -> _Judging:
    """With the register where this machine has one; without it the register is "not checked"."""
    if receipts and choice.extra_anchors:
        raise InvalidInput("核验回执只按本服务自己的信任列表出具：请去掉 --trust")
    service, why = None, NOT_CONFIGURED
    # Only a machine that was told nothing has no register: a mistake in the settings must not pass for that.
    with suppress(ConfigurationError) if not is_configured() else nullcontext():
        settings = load_settings()
        if settings.master_key.exists() and settings.has_database():
            service = build(settings)
        elif is_configured():
            why = f"{settings.var_dir} 中没有登记库：请检查 CERTSVC_VAR_DIR 或 CERTSVC_DATABASE_URL"
    if service is not None:
        return _registered(service, choice, receipts=receipts)
    if receipts:
        raise InvalidInput(f"核验回执只能由有登记库的服务出具。{why}")
    inspector = standalone_inspector()
    clock = SystemClock()

    def alone(data: bytes) -> tuple[Verdict, str]:
        now = clock.now()
        asked = replace(choice, at=checked_moment(choice.at, now))
        return conclude_without_register(inspector.inspect(data, asked, now), now, asked.at), ""

    return _Judging(judge=alone, close=inspector.close, note=f"没有与登记比对：{why}")


def _registered(service: Service, choice: TrustChoice, *, receipts: bool) -> _Judging:
    deps = service.deps

    def registered(data: bytes) -> tuple[Verdict, str]:
        verdict = verify_file(deps, data, choice, on_record=False)
        return verdict, receipt_of(deps, verdict, Asked.file(data)) if receipts else ""

    return _Judging(judge=registered, close=service.close)
