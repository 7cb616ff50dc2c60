"""The holder's own licenses, and who used them (谁用过我的证)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.gone import kept_file
from certsvc.commands.issuance.outputs import face_of
from certsvc.commands.notices.opened import MAX_NOTICES, opened
from certsvc.commands.showing.create_show import own_version
from certsvc.commands.showing.rights import rights_over_others
from certsvc.commands.verifying.stands import stands, stands_all
from certsvc.license.model import Holder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certsvc.commands.issuance.outputs import LicenseFace
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.showing.rights import Right
    from certsvc.license.model import LicenseVersion, MoveRecord
    from certsvc.license.notices import Notice
    from certsvc.license.standing import Standing
    from certsvc.license.uses import Fetch, Scan
    from certsvc.license.visits import Outcome, Visit

MAX_CARDS = 200
"""Licenses in one wallet answer; bounds a company with thousands of branches."""

MAX_USES = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Uses:
    """Everything that was done with the holder's licenses, newest first.

    Attributes:
        visits: those in which the scans were made, by id.
        outcomes: what stands on record of a scan at last, by scan id.
    """

    versions: Sequence[LicenseVersion]
    scans: Sequence[Scan]
    fetches: Sequence[Fetch]
    notices: Sequence[Notice]
    visits: Mapping[str, Visit]
    outcomes: Mapping[str, Outcome]


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """A license of the holder's and how it stands."""

    version: LicenseVersion
    standing: Standing


def wallet(deps: Deps, caller: Principal) -> Sequence[Card]:
    """The caller's license versions, newest first."""
    roles.require(caller, roles.HOLDER)
    holder = Holder(name="", code=caller.holder_code, code_type=caller.holder_code_type)
    with deps.uow.read() as tx:
        versions = tx.licenses.of_holder(holder, limit=MAX_CARDS)
        found = stands_all(deps, tx, versions, deps.clock.now())
    return [Card(version=version, standing=how) for version, how in zip(versions, found, strict=True)]


@dataclass(frozen=True, kw_only=True, slots=True)
class OtherCard:
    """A license of somebody else that the caller may show, by what right, and how it stands."""

    right: Right
    standing: Standing


def others_wallet(deps: Deps, caller: Principal) -> Sequence[OtherCard]:
    """Shared licenses, those of wards and of the represented company, and those that others let the caller show."""
    roles.require(caller, roles.HOLDER)
    now = deps.clock.now()
    with deps.uow.read() as tx:
        rights = rights_over_others(deps, tx, caller, now)
        found = stands_all(deps, tx, [right.version for right in rights], now)
    return [OtherCard(right=right, standing=how) for right, how in zip(rights, found, strict=True)]


def uses(deps: Deps, caller: Principal) -> Uses:
    """Scans, fetches (refused ones too) and notices about the caller's licenses."""
    roles.require(caller, roles.HOLDER)
    holder = Holder(name="", code=caller.holder_code, code_type=caller.holder_code_type)
    with deps.uow.read() as tx:
        versions = tx.licenses.of_holder(holder, limit=MAX_CARDS)
        ids = [version.version_id for version in versions]
        scans = tx.showing.scans_of(ids, limit=MAX_USES)
        records = tx.inspections.of_scans([scan.scan_id for scan in scans])
        found = Uses(
            versions=versions,
            scans=scans,
            visits=tx.visits.by_ids(sorted({scan.visit_id for scan in scans} - {""})),
            outcomes={scan_id: several[-1].outcome for scan_id, several in records.items()},
            fetches=[one.as_told() for one in tx.sharing.fetches_of(ids, limit=MAX_USES, now=deps.clock.now())],
            notices=tx.notices.of_versions(ids, limit=MAX_USES),
        )
    opened(deps, caller, found.notices, {version.version_id: version.identifier for version in versions})
    return found


def own_file(deps: Deps, caller: Principal, identifier: str) -> tuple[LicenseVersion, bytes]:
    """The PDF of the caller's own license."""
    roles.require(caller, roles.HOLDER)
    with deps.uow.read() as tx:
        version = own_version(tx, caller, identifier)
        notices = tx.notices.of_versions([version.version_id], limit=MAX_NOTICES)
    data = kept_file(deps, version.artifact.object_name)
    opened(deps, caller, notices, {version.version_id: identifier})
    return version, data


def own_face(deps: Deps, caller: Principal, identifier: str) -> LicenseFace:
    """The face of the caller's own license as data, masked as it is on the page."""
    roles.require(caller, roles.HOLDER)
    with deps.uow.read() as tx:
        version = own_version(tx, caller, identifier)
        notices = tx.notices.of_versions([version.version_id], limit=MAX_NOTICES)
        face = face_of(deps, version, stands(deps, tx, version, deps.clock.now()))
    opened(deps, caller, notices, {version.version_id: identifier})
    return face


def history(deps: Deps, caller: Principal, identifier: str) -> tuple[LicenseVersion, Sequence[MoveRecord]]:
    """The caller's own license and its moves."""
    roles.require(caller, roles.HOLDER)
    with deps.uow.read() as tx:
        version = own_version(tx, caller, identifier)
        moves = tx.licenses.moves_of(version.version_id)
        notices = tx.notices.of_versions([version.version_id], limit=MAX_NOTICES)
    opened(deps, caller, notices, {version.version_id: identifier})
    return version, moves
