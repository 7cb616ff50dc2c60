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
"""Versions of one holder and type, which nothing replaced, that a search looks at; a named one is always found."""


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


def held_by(deps: Deps, tx: UnitOfWork, asked: Sequence[tuple[Holder, str, str]], now: datetime) -> Held:
    """What these holders have of these types, at two statements for all of them.

    With an identifier, also the license of that name, however many the holder has beside it.
    """
    wanted = {(holder.code_type, holder.code, slug): holder for holder, slug, _ in asked if holder.code}
    if not wanted:
        return Held()
    listed = tx.licenses.held([(holder, slug) for (_, _, slug), holder in wanted.items()], limit=MAX_SEARCH)
    versions = {key: list(several) for key, several in listed.items()}
    identifiers = sorted({identifier for _, _, identifier in asked} - {""})
    for version in tx.licenses.by_identifiers(identifiers).values() if identifiers else ():
        key = (version.holder.code_type, version.holder.code, version.type_slug)
        if key in wanted and not version.replaced_by_version_id and version not in versions.setdefault(key, []):
            versions[key].append(version)
    found = [version for several in versions.values() for version in several]
    how = stands_all(deps, tx, found, now) if found else ()
    standings = {version.version_id: one for version, one in zip(found, how, strict=True)}
    return Held(versions=versions, standings=standings)
