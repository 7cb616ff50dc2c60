"""Whose uses and grants somebody reads: all versions of the own licenses, of wards, the company led and shared ones.

To show, the version that counts is enough (``rights.py``); what was done with those before it, also with one that was
made wrongly, is read as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.commands.showing.rights import MAX_OTHERS, acting_of, holder_of, own_part, same
from certsvc.license.relations import needs_guardian
from certsvc.license.uses import ShowBasis

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.relations import CoHolder, Relation

Part = tuple["CoHolder", ShowBasis, "Relation | None"]

MAX_SEEN_OF_OTHERS = 2 * MAX_OTHERS
"""Versions of others whose uses one reads: every page asks for each of them, so a guardian of many cannot make one
request cost without end."""


def seen_versions(deps: Deps, tx: UnitOfWork, caller: Principal) -> Mapping[str, LicenseVersion]:
    """By id the versions whose uses and grants the caller sees, the newest :data:`MAX_OTHERS` of each holder.

    A delegate does not see what else the holder does.
    """
    if not caller.holder_code:
        return {}
    own = tx.licenses.of_holder(holder_of(caller), limit=MAX_OTHERS)
    return {version.version_id: version for version in (*_of_others(deps, tx, caller), *own)}


def _of_others(deps: Deps, tx: UnitOfWork, caller: Principal) -> Sequence[LicenseVersion]:
    me, now = holder_of(caller), deps.clock.now()
    acting = acting_of(tx, caller, now)
    mine = () if needs_guardian(me, local_day(now)) else tx.co_holders.held_by(me)
    parts: list[Part] = [
        *((part, basis, one) for basis, one in acting for part in tx.co_holders.held_by(one.subject)),
        *((part, ShowBasis.CO_HOLDER, None) for part in mine),
    ]
    whole = [version for _, one in acting for version in tx.licenses.of_holder(one.subject, limit=MAX_OTHERS)]
    known = {version.version_id: version for version in whole}
    shared = {version.version_id: version for version in _shared(deps, tx, parts) if version.version_id not in known}
    found = sorted((*known.values(), *shared.values()), key=lambda one: (one.created_at, one.version_id))
    return found[-MAX_SEEN_OF_OTHERS:]


def _shared(deps: Deps, tx: UnitOfWork, parts: Sequence[Part]) -> Iterator[LicenseVersion]:
    """Of a shared license the versions of the first holder that it has now: not what a former owner did with it."""
    several: dict[str, list[LicenseVersion]] = {}
    for version in tx.licenses.of_licenses([part.license_id for part, _, _ in parts]):
        several.setdefault(version.license_id, []).append(version)
    for part, basis, relation in parts:
        versions = several.get(part.license_id, [])
        for version in versions:
            if same(version.holder, versions[-1].holder):
                yield own_part(deps, part, version, basis=basis, relation=relation).version
