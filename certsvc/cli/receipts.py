"""``certsvc receipt``: is this receipt genuine, and is it about this file?"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from certsvc.app import build
from certsvc.errors import InvalidInput
from certsvc.settings import load_settings
from certsvc.signing.jws import load_public_keys
from certsvc.signing.receipts import MAX_RECEIPT_CHARS, read_receipt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

ASKED_ZH = {"file": "文件（已核验）", "digest": "文件摘要（没有看文件）", "code": "二维码", "number": "证照编号"}
FILE_KINDS = frozenset({"file", "digest"})

LINES = (
    ("结论", "indication"),
    ("原因", "text"),
    ("核验时间", "checked_at"),
    ("截至", "as_of"),
    ("出具机关", "iss"),
    ("时间来源", "time_source"),
    ("时间依据", "time_basis"),
)


def check_receipts(paths: Sequence[Path], keys: Path | None, of: Path | None) -> int:
    """Print what each receipt states; 1 when one is not genuine or is about another file, else 0."""
    read, close = _reader(keys)
    wanted = hashlib.sha256(of.read_bytes()).hexdigest() if of is not None else ""
    console, bad = Console(), False
    try:
        for path in paths:
            try:
                claims = read(path.read_text(encoding="ascii")[: MAX_RECEIPT_CHARS + 1])
                _match(claims, wanted)
            except (InvalidInput, OSError, UnicodeDecodeError) as error:
                bad = True
                console.print(f"[red]✘ 不属实[/red]  {escape(path.name)}　{error}", highlight=False, soft_wrap=True)
                continue
            console.print(f"[green]✔ 属实[/green]  [bold]{escape(path.name)}[/bold]", highlight=False, soft_wrap=True)
            asked = claims.get("asked")
            kind = str(asked.get("kind")) if isinstance(asked, dict) else ""
            console.print(f"    所问　{ASKED_ZH.get(kind, escape(kind))}", highlight=False, soft_wrap=True)
            for label, name in LINES:
                if claims.get(name):
                    console.print(f"    {label}　{escape(str(claims[name]))}", highlight=False, soft_wrap=True)
            for label, name in (("未核对", "not_checked"), ("没有答复", "unreachable")):
                found = claims.get(name)
                if isinstance(found, list) and found:
                    words = escape("、".join(map(str, found)))
                    console.print(f"    {label}　{words}", highlight=False, soft_wrap=True)
    finally:
        close()
    return 1 if bad else 0


def _reader(keys: Path | None) -> tuple[Callable[[str], Mapping[str, object]], Callable[[], None]]:
    if keys is not None:
        published = load_public_keys(keys.read_text(encoding="utf-8"))
        return lambda text: read_receipt(text, published), lambda: None
    service = build(load_settings())
    return service.deps.verification_receipts.read, service.close


def _match(claims: Mapping[str, object], sha256: str) -> None:
    """A receipt about a code or a number is none about a file, whatever its digest."""
    asked = claims.get("asked")
    kind, stated = (asked.get("kind"), asked.get("sha256")) if isinstance(asked, dict) else ("", "")
    if sha256 and (kind not in FILE_KINDS or stated != sha256):
        raise InvalidInput("回执说的不是这个文件")
