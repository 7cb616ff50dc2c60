"""``certsvc receipt``: is this receipt genuine, and is it about this file?"""

from __future__ import annotations

import hashlib
from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING

from rich.markup import escape

from certsvc.app import build
from certsvc.cli.consoles import answers
from certsvc.cli.verify_words import CHECK_ZH, CHECKS, unasked_zh
from certsvc.clock import beijing_time, parse_rfc3339
from certsvc.commands.verifying.receipts import TIME_SOURCE
from certsvc.errors import InvalidInput
from certsvc.seal.families import Family
from certsvc.seal.reason_words import WORDS
from certsvc.seal.verdict import Indication, Reason
from certsvc.settings import load_settings
from certsvc.signing.jws import load_public_keys
from certsvc.signing.receipts import MAX_RECEIPT_CHARS, read_receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

ASKED_ZH = {"file": "文件（已核验）", "digest": "文件摘要（没有看文件）", "code": "二维码", "number": "证照编号"}
FILE_KINDS = frozenset({"file", "digest"})

INDICATION_ZH = {
    Indication.TOTAL_PASSED.value: "通过",
    Indication.TOTAL_FAILED.value: "不通过",
    Indication.INDETERMINATE.value: "无法判定",
}
TIME_SOURCE_ZH = {TIME_SOURCE: "出具机关的系统时钟"}
TIME_BASIS_ZH = {
    "registered": "印章证书按登记时间判断",
    "asked": "印章证书按所问时刻判断",
    "now": "印章证书按核验时判断",
}


class Finding(StrEnum):
    """What a file that should be a receipt is."""

    GENUINE = "[green]✔ 属实[/green]"
    OTHER_FILE = "[yellow]！ 属实，但不是这个文件的[/yellow]"
    FALSE = "[red]✘ 不属实[/red]"


def check_receipts(paths: Sequence[Path], keys: Path | None, of: Path | None) -> int:
    """Print what each receipt states; 1 when one is not genuine or is about another file, else 0.

    Raises:
        InvalidInput: a file that is not there: nothing was looked at.
    """
    missing = [str(one) for one in (*paths, keys, of) if one is not None and not one.is_file()]
    if missing:
        raise InvalidInput(f"找不到文件：{'、'.join(missing)}")
    read, close = _reader(keys)
    wanted = hashlib.sha256(of.read_bytes()).hexdigest() if of is not None else ""
    console, found = answers(), Counter[Finding]()
    try:
        for path in paths:
            finding, lines = _look(path, read, wanted)
            found[finding] += 1
            console.print(f"{finding}  [bold]{escape(path.name)}[/bold]", highlight=False, soft_wrap=True)
            if finding is Finding.OTHER_FILE and len(paths) > 1:
                continue  # of many, the one about the file is looked for
            for label, text in lines:
                console.print(f"    {label.ljust(4, '　')}　{escape(text)}", highlight=False, soft_wrap=True)
    finally:
        close()
    if len(paths) > 1:
        total = "　".join(f"{finding} {found[finding]}" for finding in Finding if found[finding])
        console.print(f"共 {len(paths)} 份回执：{total}", highlight=False, soft_wrap=True)
    return 0 if set(found) == {Finding.GENUINE} else 1


def _reader(keys: Path | None) -> tuple[Callable[[str], Mapping[str, object]], Callable[[], None]]:
    if keys is not None:
        published = load_public_keys(keys.read_text(encoding="utf-8"))
        return lambda text: read_receipt(text, published), lambda: None
    service = build(load_settings())
    return service.deps.verification_receipts.read, service.close


def _look(
    path: Path, read: Callable[[str], Mapping[str, object]], wanted: str
) -> tuple[Finding, list[tuple[str, str]]]:
    """What one file is, and what it states; ``wanted`` is the SHA-256 of the file it should be about, or empty."""
    try:
        claims = read(path.read_text(encoding="ascii")[: MAX_RECEIPT_CHARS + 1].strip())
    except InvalidInput as error:
        return Finding.FALSE, [("原因", str(error))]
    except (OSError, UnicodeDecodeError):
        return Finding.FALSE, [("原因", "不是核验回执：回执是一行字母、数字组成的文本")]
    return _match(claims, wanted), _lines(claims)


def _match(claims: Mapping[str, object], sha256: str) -> Finding:
    """A receipt about a code or a number is none about a file, whatever its digest."""
    asked = claims.get("asked")
    kind, stated = (asked.get("kind"), asked.get("sha256")) if isinstance(asked, dict) else ("", "")
    about_another = sha256 and (kind not in FILE_KINDS or stated != sha256)
    return Finding.OTHER_FILE if about_another else Finding.GENUINE


def _lines(claims: Mapping[str, object]) -> list[tuple[str, str]]:
    """The statement in words; what is not there is left out, and a word that is not known stands as it is."""
    asked = claims.get("asked")
    checks = claims.get("checks")

    def text(name: str) -> str:
        value = claims.get(name)
        return str(value) if value else ""

    lines = [
        ("所问", _named(ASKED_ZH, str(asked.get("kind", "")) if isinstance(asked, dict) else "")),
        ("结论", _conclusion(text("reason"), text("indication"))),
        ("说明", text("text")),
        ("核验时间", _moment(text("checked_at"))),
        ("截至", _moment(text("as_of"))),
        ("出具机关", text("iss")),
        ("时间来源", _named(TIME_SOURCE_ZH, text("time_source"))),
        ("时间依据", _named(TIME_BASIS_ZH, text("time_basis"))),
    ]
    if isinstance(checks, dict):
        lines += [(label, _named(CHECK_ZH, str(checks.get(name) or ""))) for label, name in CHECKS]
    lines.append(("未核对", unasked_zh(_texts(claims, "not_checked"))))
    remarks = claims.get("remarks")
    if isinstance(remarks, list):
        lines += [("留意", str(one.get("text", ""))) for one in remarks if isinstance(one, dict)]
    lines.append(("没有答复", "、".join(_texts(claims, "unreachable"))))
    return [(label, words) for label, words in lines if words]


def _conclusion(reason: str, indication: str) -> str:
    words = WORDS[Reason(reason)] if reason in set(Reason) else None
    return words.short_zh if words and words.family is Family.BROKEN else _named(INDICATION_ZH, indication)


def _named(words: Mapping[str, str], code: str) -> str:
    return words.get(code, code)


def _texts(claims: Mapping[str, object], name: str) -> list[str]:
    found = claims.get(name)
    return [str(one) for one in found] if isinstance(found, list) else []


def _moment(text: str) -> str:
    try:
        return f"{beijing_time(parse_rfc3339(text))}（北京时间）" if text else ""
    except ValueError:
        return text
