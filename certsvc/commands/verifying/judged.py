"""A file judged with all that can be known of revocation: steps 3 and 4 of ``verify_file``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps, FileInspector, TrustChoice
    from certsvc.seal.verdict import FileFindings


def judged(
    deps: Deps, inspector: FileInspector, data: bytes, choice: TrustChoice, now: datetime
) -> tuple[FileFindings, tuple[str, ...]]:
    """Findings, and the hosts that should have told a revocation status and did not."""
    findings = inspector.inspect(data, choice, now)
    if not findings.wanted:
        return findings, ()
    answers = deps.revocations.ask(findings.wanted, now)
    if answers.crls or answers.ocsps:
        more = replace(choice, crls=(*choice.crls, *answers.crls), ocsps=(*choice.ocsps, *answers.ocsps))
        findings = inspector.inspect(data, more, now)
    return findings, answers.unreachable if findings.wanted else ()
