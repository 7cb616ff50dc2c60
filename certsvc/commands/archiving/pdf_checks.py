"""What the checks want to know of one PDF of a package; nothing of it is parsed in this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.commands.archiving.metadata import agree
from certsvc.errors import TooLarge, UploadRefused
from certsvc.seal.reason_words import WORDS
from certsvc.seal.verdict import Check, Indication

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.commands.archiving.tools import Tools
    from certsvc.license.archives import PdfFacts
    from certsvc.seal.verdict import Verdict

OWN_ATTACHMENT = "metadata.json"
"""The elements of GB/T 36903, which the issuer's seal covers; any other attachment is somebody else's."""
ACTIVE_ZH = {
    "scripts": "含有脚本",
    "actions": "含有自动执行的动作",
    "xfa": "是动态表单（XFA）",
    "external_content": "引用了文件之外的内容",
    "optional_content": "含有可隐藏的图层",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Looked:
    """One PDF.

    Attributes:
        facts: None where it cannot be read; ``unreadable`` says so.
        signature_fault: why its signatures do not hold, in Chinese; empty when they do.
        trusted: whether their certificates lead to an authority that is trusted here; else they are only unbroken.
        signers: who signed, as the certificates name them.
        active_faults: what acts in it, or came along.
    """

    facts: PdfFacts | None
    unreadable: str
    signature_fault: str
    signers: tuple[str, ...]
    active_faults: tuple[str, ...]
    trusted: bool = False


def look(data: bytes, tools: Tools) -> Looked:
    """Everything that the checks ask of one file; Unavailable when the workers are busy."""
    try:
        facts: PdfFacts | None = tools.facts(data)
        unreadable = ""
    except UploadRefused as error:
        facts, unreadable = None, error.detail
    try:
        verdict = tools.judge(data)
    except TooLarge as error:
        return Looked(
            facts=facts, unreadable=unreadable, signature_fault=error.detail, signers=(), active_faults=_active(facts)
        )
    return Looked(
        facts=facts,
        unreadable=unreadable,
        signature_fault=_fault(verdict),
        signers=tuple(one.signer for one in verdict.signatures if one.signer),
        active_faults=_active(facts),
        trusted=verdict.trust is Check.GOOD or verdict.indication is Indication.TOTAL_PASSED,
    )


def _fault(verdict: Verdict) -> str:
    """Signatures only: a license that has ended is archived all the same, and is no fault."""
    signed = bool(verdict.signatures)
    holds = verdict.integrity is Check.GOOD and verdict.modification is Check.GOOD
    if signed and holds and verdict.trust is not Check.BAD:
        return ""
    if verdict.indication is Indication.TOTAL_PASSED:
        return ""
    return f"签章不成立（{WORDS[verdict.reason].short_zh}）" if signed else "没有签章，或文件不可核验"


def _active(facts: PdfFacts | None) -> tuple[str, ...]:
    if facts is None:
        return ()
    found = [ACTIVE_ZH.get(code, code) for code in facts.active]
    found += [f"带有附件 {name}" for name in facts.attachments if name != OWN_ATTACHMENT]
    return tuple(found)


def differing(stated: Mapping[str, str], in_file: Mapping[str, str]) -> list[str]:
    """Names of elements in which the metadata of the package and the file differ."""
    return agree({key: value for key, value in stated.items() if key.startswith("certificate")}, in_file)
