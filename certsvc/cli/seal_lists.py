"""``certsvc seals list`` and ``certsvc seals expire``."""

from __future__ import annotations

from certsvc.app import build
from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.ports import Principal
from certsvc.commands.seals.end_versions import destroy_ended_keys
from certsvc.commands.seals.expire_seals import expire_seals
from certsvc.commands.seals.read_seals import list_seals
from certsvc.seal.model import SEAL_STATE_ZH
from certsvc.settings import load_settings

PAGE = 500


def seal_rows() -> list[tuple[str, ...]]:
    """One row per seal, for a table."""
    service = build(load_settings())
    operator = Principal(subject="cli", kind="system", roles=frozenset({roles.AUDITOR}))
    rows: list[tuple[str, ...]] = []
    after = ""
    try:
        while True:
            page = list_seals(service.deps, operator, after=after, limit=PAGE)
            for view in page:
                shown, waiting = view.shown, view.under_way
                rows.append(
                    (
                        view.seal_id,
                        shown.name,
                        SEAL_STATE_ZH[shown.state],
                        str(shown.version),
                        local_day(shown.valid_until).isoformat() if shown.valid_until else "",
                        f"{view.used_today}/{shown.daily_budget}",
                        f"{waiting.version} {SEAL_STATE_ZH[waiting.state]}" if waiting else "",
                    )
                )
            if len(page) < PAGE:
                return rows
            after = page[-1].seal_id
    finally:
        service.close()


def expire() -> tuple[int, int]:
    """Move what has ended, and destroy the keys that ended versions left; how many seals and keys."""
    service = build(load_settings())
    try:
        return expire_seals(service.deps), destroy_ended_keys(service.deps)
    finally:
        service.close()
