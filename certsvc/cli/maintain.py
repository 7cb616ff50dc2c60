"""What operators run by hand: keys, schema, seals, orphans, catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.app import build, prepare
from certsvc.catalog.loader import load_catalog
from certsvc.clock import SystemClock
from certsvc.commands.access import roles
from certsvc.commands.evidence.sweep import orphans, remove_orphans
from certsvc.commands.issuance.list_dues import list_dues
from certsvc.commands.issuance.remind import remind
from certsvc.commands.ports import Principal
from certsvc.commands.seals.use_seal import unanswered_uses
from certsvc.errors import ConfigurationError
from certsvc.ids import SystemIds
from certsvc.license.dues import DueKind
from certsvc.settings import load_settings
from certsvc.signing.devpki import init_dev_keys
from certsvc.signing.master_key import create_master_key, load_master_key
from certsvc.store.migrate import current, upgrade

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.seal.model import SealReservation


def init_keys() -> tuple[str, ...]:
    """Make the development PKI; the ids of the keys that are new."""
    settings = load_settings()
    if not settings.sandbox:
        raise ConfigurationError("开发用密钥只能用于沙箱；请设置 CERTSVC_PROFILE=sandbox，正式密钥按密钥仪式办理")
    ids = SystemIds()
    if not settings.master_key.exists():
        create_master_key(settings.master_key, ids)
    master = load_master_key(settings.master_key)
    return init_dev_keys(settings.keys_file, settings.keys, master, SystemClock(), ids).made


def upgrade_database() -> str:
    """Bring the schema to the newest revision; which one it is."""
    settings = load_settings()
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    upgrade(settings.database)
    return current(settings.database)


def unanswered(older_than_s: int) -> Sequence[SealReservation]:
    """Seal reservations without an answer."""
    settings = load_settings()
    prepare(settings)
    service = build(settings)
    try:
        return unanswered_uses(service.deps, older_than_s=older_than_s)
    finally:
        service.close()


def sweep(*, delete: bool) -> Sequence[str]:
    """Names of license files that no artifact registers; removed when asked."""
    settings = load_settings()
    service = build(settings)
    try:
        return remove_orphans(service.deps) if delete else orphans(service.deps)
    finally:
        service.close()


def check_catalog() -> int:
    """Load and check the whole catalog; how many types it has."""
    try:
        directory = load_settings().catalog_dir
    except ConfigurationError:
        directory = None  # the catalog can be checked without a configured service
    return len(load_catalog(directory).types)


def sweep_dues() -> str:
    """Finish today's sweep of what falls due; a sentence on what it did."""
    service = build(load_settings())
    try:
        done = remind(service.deps)
    finally:
        service.close()
    return f"本次检查证照 {done.looked_at} 件，新提醒 {done.announced} 条；今日检查已完成"


def awaiting_cancellation(authority_code: str) -> list[str]:
    """待注销: identifier and last day of each license of an authority that expired and has no renewal pending."""
    service = build(load_settings())
    operator = Principal(subject="cli", kind="system", roles=frozenset({roles.APPROVAL_ANY}))
    lines: list[str] = []
    after = ""
    try:
        while True:
            page = list_dues(service.deps, operator, authority_code=authority_code, kind=DueKind.EXPIRED, after=after)
            lines += [f"{item.version.identifier}\t{item.due.due_on.isoformat()}" for item in page.items]
            after = page.next
            if not after:
                return lines
    finally:
        service.close()
