"""What is archived of a license or a case, read from the register in one unit of work."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from certsvc.catalog.entry import ArchiveWhen, Keeping
from certsvc.commands.issuance.authority import issuer_today
from certsvc.commands.issuance.read_license import NO_LICENSE_ZH
from certsvc.errors import Conflict, NotFound, TooLarge
from certsvc.events.canonical import canonical
from certsvc.license.archives import ArchiveKind, MaterialState
from certsvc.license.case_clocks import CaseState
from certsvc.license.request import RequestState
from certsvc.license.states import ENDED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.archives import Material
    from certsvc.license.case_clocks import CaseClock
    from certsvc.license.model import LicenseVersion, MoveRecord
    from certsvc.license.request import IssuanceRequest

MAX_REQUESTS = 500
MAX_MATERIALS = 500
"""Of one case; a larger one is many cases under one number, and its package would not pass the doors."""
NO_CASE_ZH = "本机关没有这个办件，请核对办件编号（case_no）"
_ORDER = (Keeping.YEARS_10, Keeping.YEARS_30, Keeping.PERMANENT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """What goes into one package.

    Attributes:
        subject: license id, or 办件编号; ``label`` is what people look for.
        versions: oldest first; ``moves`` of each by version id; ``identifiers`` of all of their licenses by version id.
        as_of: when the last of it happened.
        under_way: why it cannot be archived yet, in Chinese; empty when it can.
    """

    kind: ArchiveKind
    authority_code: str
    subject: str
    label: str
    versions: Sequence[LicenseVersion]
    moves: Mapping[str, Sequence[MoveRecord]]
    keeping: Keeping
    as_of: datetime
    due: bool
    identifiers: Mapping[str, str] = field(default_factory=dict)
    requests: Sequence[IssuanceRequest] = ()
    materials: Sequence[Material] = ()
    clock: CaseClock | None = None
    matter_code: str = ""
    under_way: str = ""

    @property
    def state_digest(self) -> str:
        """Hex SHA-256 over what is archived: another state, another package.

        What became of a license after its case was closed belongs to the license's package, not to that of the case.
        """
        versions = [
            [one.identifier, one.artifact.sha256, one.revision if self.kind is ArchiveKind.LICENSE else 0]
            for one in self.versions
        ]
        stands = {
            "versions": versions,
            "requests": [[one.request_id, one.state.value] for one in self.requests],
            "materials": [[one.material_id, one.sha256] for one in self.materials],
            "finished": bool(self.clock and self.clock.state is CaseState.FINISHED),
        }
        return hashlib.sha256(canonical(stands)).hexdigest()


def license_contents(deps: Deps, tx: UnitOfWork, identifier: str) -> Contents:
    """Every version under one license, whatever became of it; NotFound where there is none."""
    version = tx.licenses.by_identifier(identifier)
    if version is None:
        raise NotFound(NO_LICENSE_ZH)
    return contents_of(deps, tx, tx.licenses.versions_of(version.license_id))


def contents_of(deps: Deps, tx: UnitOfWork, versions: Sequence[LicenseVersion]) -> Contents:
    """The same for versions that were read."""
    newest = versions[-1]
    moves = tx.licenses.moves_of_all([one.version_id for one in versions])
    rule = deps.catalog.type(newest.type_slug).archive
    ended = all(one.state in ENDED for one in versions)
    times = [one.created_at for one in versions] + [one.at for several in moves.values() for one in several]
    return Contents(
        kind=ArchiveKind.LICENSE,
        authority_code=issuer_today(deps, newest),
        subject=newest.license_id,
        label=newest.identifier,
        versions=versions,
        moves={one.version_id: moves.get(one.version_id, ()) for one in versions},
        keeping=rule.keeping,
        as_of=max(times),
        due=not newest.provisional and (rule.when is ArchiveWhen.ISSUED or (rule.when is ArchiveWhen.ENDED and ended)),
        identifiers={one.version_id: one.identifier for one in versions},
    )


def case_contents(deps: Deps, tx: UnitOfWork, authority_code: str, case_no: str) -> Contents:
    """What one case of one body led to: its licenses and its 电子材料; NotFound where it has neither.

    Raises:
        TooLarge: more than a package may hold.
    """
    several = tx.requests.of_case(case_no, caller="", behind="", limit=MAX_REQUESTS + 1)
    requests = [one for one in several if one.payload.authority_code == authority_code]
    given = tx.materials.of_case(authority_code, case_no, limit=MAX_MATERIALS + 1)
    if len(several) > MAX_REQUESTS or len(given) > MAX_MATERIALS:
        raise TooLarge("这个办件的申请或材料过多，不能装进一个归档信息包，请分开归档")
    materials = [one for one in given if one.state is MaterialState.REGISTERED]
    if not requests and not materials:
        raise NotFound(NO_CASE_ZH)
    found = tx.licenses.by_version_ids([one.version_id for one in requests if one.version_id])
    versions = sorted(found.values(), key=lambda one: (one.created_at, one.identifier))
    moves = tx.licenses.moves_of_all([one.version_id for one in versions])
    clock = tx.case_clocks.of(authority_code, case_no)
    waiting = any(one.state not in (RequestState.ISSUED, RequestState.REFUSED) for one in requests)
    running = clock is not None and clock.state is not CaseState.FINISHED
    rules = [deps.catalog.type(one.payload.type_slug).archive for one in requests]
    keeping = max((one.keeping for one in rules), key=_ORDER.index, default=Keeping.YEARS_30)
    times = [one.created_at for one in versions] + [one.created_at for one in requests]
    times += [one.registered_at for one in materials]
    times += [clock.last_at] if clock else []
    return Contents(
        kind=ArchiveKind.CASE,
        authority_code=authority_code,
        subject=case_no,
        label=case_no,
        versions=versions,
        moves={one.version_id: moves.get(one.version_id, ()) for one in versions},
        keeping=keeping,
        as_of=max(times),
        due=not (waiting or running) and (not rules or any(one.when is not ArchiveWhen.NEVER for one in rules)),
        identifiers={one.version_id: one.identifier for one in versions},
        requests=requests,
        materials=materials,
        clock=clock,
        matter_code=materials[0].matter_code if materials else "",
        under_way="还有申请没有办完" if waiting else "办件还没有办结（finished）" if running else "",
    )


def require_closed(contents: Contents) -> None:
    """Conflict for a case that is still under way: what is archived does not grow."""
    if contents.under_way:
        raise Conflict(f"办件不能归档：{contents.under_way}，办结后再归档")
