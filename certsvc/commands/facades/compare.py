"""信息验证: whether what somebody holds is what the register says, over fields that the matter may see alone."""

from __future__ import annotations

import re
import unicodedata
from enum import IntEnum
from typing import TYPE_CHECKING

from certsvc.commands.facades.ask import fetch_body, give
from certsvc.commands.verifying.verify_file import verify_file
from certsvc.errors import NotFound
from certsvc.license.standing import CODE_ZH
from certsvc.license.states import State
from certsvc.seal.verdict import Indication, Reason, RegistryMatch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.commands.facades.accounts import Call
    from certsvc.commands.facades.ask import Which, Why
    from certsvc.commands.ports import Deps
    from certsvc.commands.sharing.fetch_license import FetchAnswer
    from certsvc.seal.verdict import Verdict

_DAY = re.compile(r"([0-9]{4})\s*[年./-]\s*([0-9]{1,2})\s*[月./-]\s*([0-9]{1,2})\s*日?")
_OPEN_ENDED = frozenset({"", "长期", "9999-12-30", "99991230", "99991231"})


class InfoResult(IntEnum):
    """Codes of 信息验证 (STANDARDS.md 2.4 A)."""

    VALID = 0
    NOT_ACTIVE = 1
    SUSPENDED = 2
    ENDED = 3
    INCOMPLETE = 4
    UNKNOWN = 5
    DIFFERENT = 6


INFO_ZH: dict[InfoResult, str] = {
    InfoResult.VALID: "信息正确且有效",
    InfoResult.NOT_ACTIVE: "信息正确且未激活",
    InfoResult.SUSPENDED: "信息正确且暂时失效",
    InfoResult.ENDED: "信息正确且已失效",
    InfoResult.INCOMPLETE: "信息不全无法验证",
    InfoResult.UNKNOWN: "查无此信息",
    InfoResult.DIFFERENT: "信息错误参数不一致",
}


class FileResult(IntEnum):
    """Codes of 文件验证."""

    PASSED = 0
    SEAL_FAILED = 1
    FILE_FAILED = 2


FILE_ZH: dict[FileResult, str] = {
    FileResult.PASSED: "通过",
    FileResult.SEAL_FAILED: "签章校验失败",
    FileResult.FILE_FAILED: "文件校验失败",
}


LICENSE = "license_"
"""How reasons begin that speak against the license and not against its file."""

_FILE_FAULTS = frozenset(
    {
        Reason.NOT_A_PDF,
        Reason.MALFORMED,
        Reason.ENCRYPTED,
        Reason.NO_SIGNATURE,
        Reason.ONLY_TIMESTAMPS,
        Reason.CHANGED_AFTER_SEALING,
        Reason.NOT_FULLY_COVERED,
        Reason.DIGEST_MISMATCH,
        Reason.NOT_OUR_BYTES,
    }
)


def compare_info(
    deps: Deps, call: Call, which: Which, why: Why, said: Mapping[str, str]
) -> tuple[InfoResult, FetchAnswer | None]:
    """Compare ``said`` (field key -> value) with the register; reading the fields is a fetch on the ledger.

    Raises:
        NoLawfulBasis: a field that the matter may not see: nobody learns by guessing what may not be read.
    """
    if not said or not (which.identifier or which.holder_code):
        return InfoResult.INCOMPLETE, None
    try:
        answer = give(deps, call, fetch_body(which, why, fields=tuple(said)))
    except NotFound:
        return InfoResult.UNKNOWN, None
    held = {field.key: field.value for field in answer.fields}
    if any(plain(held.get(key, "")) != plain(value) for key, value in said.items()):
        return InfoResult.DIFFERENT, answer
    return info_of(answer.standing.code, good=answer.standing.good), answer


def info_of(state: str, *, good: bool) -> InfoResult:
    """The code for a standing."""
    if good:
        return InfoResult.VALID
    if state == State.SUSPENDED.value:
        return InfoResult.SUSPENDED
    return InfoResult.NOT_ACTIVE if state == "not_yet_valid" else InfoResult.ENDED


def plain(value: str) -> str:
    """A value as it is compared: one width, no blanks, days as ``YYYYMMDD``, one spelling of 长期."""
    text = unicodedata.normalize("NFKC", value).replace("~", "至")
    text = _DAY.sub(lambda found: f"{found[1]}{int(found[2]):02d}{int(found[3]):02d}", text)
    text = "".join(text.split())
    return "长期" if text in _OPEN_ENDED - {""} else text


def compare_file(deps: Deps, data: bytes) -> tuple[FileResult, Verdict]:
    """Verify a file (the one verifier) and say it in three codes.

    A license that ended is a good file: its state is asked by 信息验证. 签章校验失败 is a seal that does not hold or is
    not trusted; 文件校验失败 is other bytes than the registered ones, or no file of ours.
    """
    verdict = verify_file(deps, data)
    of_license = verdict.reason.value.startswith(LICENSE) and verdict.registry_match is RegistryMatch.EXACT
    if verdict.indication is Indication.TOTAL_PASSED or of_license:
        return FileResult.PASSED, verdict
    return (FileResult.FILE_FAILED if verdict.reason in _FILE_FAULTS else FileResult.SEAL_FAILED), verdict


def state_zh(code: str) -> str:
    """The word for a standing."""
    return CODE_ZH.get(code, code)
