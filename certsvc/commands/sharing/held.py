"""The licenses that holders have of the types which uses on duty ask for, looked up together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from certsvc.commands.sharing.policy import simulation_allows
from certsvc.commands.verifying.stands import stands_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import Holder, LicenseVersion
    from certsvc.license.standing import Standing

MAX_SEARCH = 50
"""Versions of one holder that a search looks at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """What holders have, by code type, code and license type: what nothing replaced, newest first; how each stands."""

    versions: Mapping[tuple[str, str, str], Sequence[LicenseVersion]] = field(default_factory=dict)
    standings: Mapping[str, Standing] = field(default_factory=dict)

    def current(
        self,
        deps: Deps,
        holder: Holder,
        type_slug: str,
        *,
        identifier: str,
        matter_code: str,
        project_code: str,
    ) -> LicenseVersion | None:
        """The holder's license of the type that is in force, else the newest that nothing replaced.

        Of those that the matter may see, and of this ``identifier`` unless that is empty.
        """
        found = [
            version
            for version in self.versions.get((holder.code_type, holder.code, type_slug), ())
            if identifier in {"", version.identifier} and simulation_allows(deps, matter_code, version, project_code)
        ]
        good = (version for version in found if self.standings[version.version_id].good)
        return next(good, found[0] if found else None)


def held_by(deps: Deps, tx: UnitOfWork, asked: Sequence[tuple[Holder, str]], now: datetime) -> Held:
    """What these holders have of these types, at two statements for all of them."""
    named = {(holder.code_type, holder.code): holder for holder, _ in asked if holder.code}
    if not named:
        return Held()
    wanted = {(holder.code_type, holder.code, slug) for holder, slug in asked}
    versions: dict[tuple[str, str, str], list[LicenseVersion]] = {}
    for (code_type, code), several in tx.licenses.of_holders(list(named.values()), limit=MAX_SEARCH).items():
        for version in several:
            key = (code_type, code, version.type_slug)
            if key in wanted and not version.replaced_by_version_id:
                versions.setdefault(key, []).append(version)
    found = [version for several in versions.values() for version in several]
    how = stands_all(deps, tx, found, now) if found else ()
    standings = {version.version_id: one for version, one in zip(found, how, strict=True)}
    return Held(versions=versions, standings=standings)
