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

LINES = (
    ("结论", "indication"),
    ("原因", "text"),
    ("核验时间", "checked_at"),
    ("截至", "as_of"),
    ("出具机关", "iss"),
    ("时间来源", "time_source"),
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
            for label, name in LINES:
                if claims.get(name):
                    console.print(f"    {label}　{escape(str(claims[name]))}", highlight=False, soft_wrap=True)
            not_checked = claims.get("not_checked")
            if isinstance(not_checked, list) and not_checked:
                console.print(
                    f"    未核对　{escape('、'.join(map(str, not_checked)))}", highlight=False, soft_wrap=True
                )
    finally:
        close()
    return 1 if bad else 0


def _reader(keys: Path | None) -> tuple[Callable[[str], Mapping[str, object]], Callable[[], None]]:
    if keys is not None:
        published = load_public_keys(keys.read_text(encoding="utf-8"))
        return lambda text: read_receipt(text, published), lambda: None
    service = build(load_settings())
    return service.deps.receipts.read, service.close


def _match(claims: Mapping[str, object], sha256: str) -> None:
    asked = claims.get("asked")
    stated = asked.get("sha256") if isinstance(asked, dict) else ""
    if sha256 and stated != sha256:
        raise InvalidInput("回执说的是另一个文件")
