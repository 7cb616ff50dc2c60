"""``certsvc code check``: what an officer's device would say, from a bundle's files and the texts that were scanned."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from rich.markup import escape

from certsvc.app import build
from certsvc.cli.consoles import answers
from certsvc.clock import SystemClock, beijing_time, rfc3339
from certsvc.errors import InvalidInput
from certsvc.seal.reason_words import WORDS
from certsvc.settings import load_settings
from certsvc.signing.offline_bundles import BundleState, read_bundle
from certsvc.signing.offline_check import AMBER, GREEN, RED, SeenCodes, check_code

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from certsvc.signing.offline_check import OfflineFinding

MAX_KEYS_BYTES = 64 * 1024
EXIT = {GREEN: 0, RED: 1, AMBER: 2}
MARK = {GREEN: "[green]✔ 绿[/green]", RED: "[red]✘ 红[/red]", AMBER: "[yellow]！ 黄[/yellow]"}
_MINUTE_S = 60


def check_texts(
    texts: Sequence[str],
    bundles: Sequence[Path],
    keys: Path | None,
    at: datetime | None,
    *,
    identity: bool,
    as_json: bool,
) -> int:
    """Print what each text is; the worst exit code of :data:`EXIT`.

    Raises:
        InvalidInput: keys or a bundle that cannot be read.
    """
    jwks = _keys(keys)
    state = BundleState()
    for path in bundles:
        state.apply(read_bundle(path.read_bytes(), jwks))
    now, seen = at or SystemClock().now(), SeenCodes()
    worst = GREEN
    for text in texts:
        found = check_code(text.strip("\r\n\t"), state, at=now, identity_compared=identity)
        if found.code is not None and seen.again(found.code, now):
            found = check_code(text, state, at=now, identity_compared=identity, repeated=True)
        worst = max(worst, found.light, key=(GREEN, AMBER, RED).index)
        said = _said(found, state)
        print(json.dumps(said, ensure_ascii=False)) if as_json else _show(found, said)
    return EXIT[worst]


def _keys(path: Path | None) -> list[Mapping[str, Any]]:
    if path is None:
        service = build(load_settings())
        try:
            return cast("list[Mapping[str, Any]]", service.deps.offline.bundle_keys()["keys"])
        finally:
            service.close()
    try:
        found = json.loads(path.read_bytes()[: MAX_KEYS_BYTES + 1])["keys"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidInput("公钥文件无法读取：应为 JWKS（/v1/offline-bundle/keys 的内容）") from error
    return cast("list[Mapping[str, Any]]", found)


def _said(found: OfflineFinding, state: BundleState) -> dict[str, Any]:
    core = found.code.core if found.code else None
    types = {one["type"]: one["zh"] for one in state.part("types") or ()}
    return {
        "light": found.light,
        "reason": found.reasons[0].value,
        "reasons": [reason.value for reason in found.reasons],
        "text": WORDS[found.reasons[0]].zh,
        "type": core.type_slug if core else "",
        "type_name": types.get(core.type_slug, core.type_slug) if core else "",
        "holder_masked": core.holder_masked if core else "",
        "valid_until": core.last_day.isoformat() if core and core.last_day else "",
        "status_as_of": rfc3339(found.status_as_of) if found.status_as_of else "",
        "status_age_s": int(found.status_age.total_seconds()) if found.status_age is not None else None,
        "checked_at": rfc3339(found.at),
    }


def _show(found: OfflineFinding, said: Mapping[str, Any]) -> None:
    console = answers()
    words = WORDS[found.reasons[0]]
    console.print(f"{MARK[found.light]}  [bold]{words.short_zh}[/bold]　{words.zh}", highlight=False, soft_wrap=True)
    if found.code is not None:
        line = f"    {said['type_name']}　{said['holder_masked']}　有效期至 {said['valid_until'] or '长期'}"
        console.print(escape(line), highlight=False, soft_wrap=True)
    if found.status_as_of is not None and found.status_age is not None:
        minutes = max(0, int(found.status_age.total_seconds()) // _MINUTE_S)
        age = f"{minutes // 60} 小时 {minutes % 60} 分钟前" if minutes >= 60 else f"{minutes} 分钟前"  # noqa: PLR2004
        console.print(f"    状态截至 {beijing_time(found.status_as_of)}，{age}", highlight=False, soft_wrap=True)
    console.print(f"    {words.next_zh}", highlight=False, soft_wrap=True)
