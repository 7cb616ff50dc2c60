"""What is archived of a license or a case, read from the register in one unit of work."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from certsvc.catalog.bodies import heir
from certsvc.catalog.entry import ArchiveWhen, Keeping
from certsvc.clock import local_day
from certsvc.commands.archiving.package import TOO_LARGE_ZH, TOP, fits
from certsvc.commands.issuance.authority import issuer_today
from certsvc.commands.issuance.read_license import NO_LICENSE_ZH
from certsvc.errors import Conflict, NotFound, TooLarge
from certsvc.events.canonical import canonical
from certsvc.license.archives import ArchiveKind, MaterialState
from certsvc.license.case_clocks import CaseState
from certsvc.license.disposal import GONE
from certsvc.license.model import LATER_FORMS, as_registered
from certsvc.license.origin import LicenseOrigin
from certsvc.license.request import Action, RequestState
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
NOTHING_ZH = "办件中没有应当归档的证照和材料"
TOO_MANY_ZH = (
    f"这个办件的申请或材料超过 {MAX_REQUESTS} 件，不能制成一个归档信息包，请联系运维，与审批系统核对后分开编号归档"
)
_ORDER = (Keeping.YEARS_10, Keeping.YEARS_30, Keeping.PERMANENT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Contents:
    """What goes into one package.

    Attributes:
        subject: license id, or 办件编号; ``label`` is what people look for.
        versions: oldest first, each with the file that it was registered with; those of a case as they were made,
            because what became of them later belongs to the package of the license.
        moves: of each by version id; ``identifiers`` of all of their licenses by version id.
        as_of: when the last of it happened.
        under_way: why it cannot be archived yet, in Chinese; empty when it can.
        too_many: the case has more than was read of it; never a package then.
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
    too_many: bool = False

    @property
    def too_large(self) -> str:
        """Why one package cannot hold it, in Chinese; empty when one can. Told from the rows, before a file is read."""
        if self.too_many:
            return TOO_MANY_ZH
        # A license is in its package twice: as it is, and in its evidence bundle.
        count = 2 * len(self.versions) + len(self.materials) + len(TOP)
        size = 2 * sum(one.artifact.size for one in self.versions) + sum(one.size for one in self.materials)
        return "" if fits(count, size) else TOO_LARGE_ZH

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
            "keeping": self.keeping.value,
            "finished": bool(self.clock and self.clock.state is CaseState.FINISHED),
        }
        return hashlib.sha256(canonical(stands)).hexdigest()


def license_contents(deps: Deps, tx: UnitOfWork, identifier: str) -> Contents:
    """Every version under one license, whatever became of it; NotFound where there is none."""
    version = tx.licenses.by_identifier(identifier)
    if version is None:
        raise NotFound(NO_LICENSE_ZH)
    [contents] = contents_of(deps, tx, [tx.licenses.versions_of(version.license_id)])
    return contents


def contents_of(deps: Deps, tx: UnitOfWork, several: Sequence[Sequence[LicenseVersion]]) -> list[Contents]:
    """The same for the versions of several licenses that were read, each oldest first."""
    flat = [one for versions in several for one in versions]
    moves = tx.licenses.moves_of_all([one.version_id for one in flat]) if flat else {}
    first = {one.version_id: one for one in _first_forms(tx, flat)}
    return [_of_license(deps, [first[one.version_id] for one in versions], moves) for versions in several]


def _of_license(deps: Deps, versions: Sequence[LicenseVersion], moves: Mapping[str, Sequence[MoveRecord]]) -> Contents:
    newest = versions[-1]
    own = {one.version_id: moves.get(one.version_id, ()) for one in versions}
    rule = deps.catalog.type(newest.type_slug).archive
    ended = all(one.state in ENDED for one in versions)
    times = [one.created_at for one in versions] + [one.at for some in own.values() for one in some]
    # What was made elsewhere is its maker's to archive; whoever asks for a package of it gets one.
    here = newest.origin is LicenseOrigin.ISSUED
    return Contents(
        kind=ArchiveKind.LICENSE,
        authority_code=issuer_today(deps, newest),
        subject=newest.license_id,
        label=newest.identifier,
        versions=versions,
        moves=own,
        keeping=rule.keeping,
        as_of=max(times),
        due=here and is_kept(deps, newest) and (rule.when is ArchiveWhen.ISSUED or ended),
        identifiers={one.version_id: one.identifier for one in versions},
    )


def is_kept(deps: Deps, version: LicenseVersion) -> bool:
    """Whether a version is archived by itself: no 模拟审批 opinion, and none of a type that never is."""
    return not version.provisional and deps.catalog.type(version.type_slug).archive.when is not ArchiveWhen.NEVER


def _first_forms(tx: UnitOfWork, versions: Sequence[LicenseVersion]) -> list[LicenseVersion]:
    """Versions with the files that they were registered with: those are what their evidence names (docs/evidence.md).

    Else every renewal of a timestamp would make another state, and a package whose bundle is of another file.
    """
    later = [one.version_id for one in versions if one.artifact.kind in LATER_FORMS]
    forms = tx.care.forms_of(later) if later else {}
    return [as_registered(one, forms) for one in versions]


def codes_of(deps: Deps, authority_code: str) -> tuple[str, ...]:
    """Codes of the bodies whose archives are this body's today: its own, and those merged into it; none once it was."""
    day, catalog = local_day(deps.clock.now()), deps.catalog
    if not authority_code or heir(catalog, authority_code, day) != authority_code:
        return ()
    merged = [one.code for one in catalog.authorities if one.code != authority_code]
    return (authority_code, *(one for one in sorted(merged) if heir(catalog, one, day) == authority_code))


def case_contents(deps: Deps, tx: UnitOfWork, authority_code: str, case_no: str) -> Contents:
    """What one case of one body led to: its licenses and its 电子材料; NotFound where it has neither.

    ``authority_code`` is that of the time of the case; a case that is too large is told as such, not raised.
    """
    every = tx.requests.of_case(case_no, caller="", body=authority_code, behind="", limit=MAX_REQUESTS + 1)
    materials = tx.materials.of_case(authority_code, case_no, limit=MAX_MATERIALS + 1, only=MaterialState.REGISTERED)
    if not every and not materials:
        raise NotFound(NO_CASE_ZH)
    read = tx.licenses.by_version_ids([one.version_id for one in every if one.version_id])
    found = sorted(_first_forms(tx, list(read.values())), key=lambda one: (one.created_at, one.identifier))
    history = tx.licenses.moves_of_all([one.version_id for one in found]) if found else {}
    versions = [_as_made(one, history.get(one.version_id, ())) for one in found if is_kept(deps, one)]
    requests = [one for one in every if _is_kept_request(deps, one)]
    clock = tx.case_clocks.of(authority_code, case_no)
    waiting = any(one.state not in (RequestState.ISSUED, RequestState.REFUSED) for one in every)
    running = clock is not None and clock.state is not CaseState.FINISHED
    nothing = not requests and not materials
    keeping = max(
        (deps.catalog.type(one.payload.type_slug).archive.keeping for one in requests),
        key=_ORDER.index,
        default=Keeping.YEARS_30,
    )
    times = [one.created_at for one in versions] + [one.created_at for one in every]
    times += [one.registered_at for one in materials]
    times += [clock.last_at] if clock else []
    matters = [clock.matter_code if clock else "", *(one.payload.matter_code for one in requests)]
    return Contents(
        kind=ArchiveKind.CASE,
        authority_code=authority_code,
        subject=case_no,
        label=case_no,
        versions=versions,
        moves={one.version_id: () for one in versions},
        keeping=keeping,
        as_of=max(times),
        due=not (waiting or running or nothing),
        identifiers={one.version_id: one.identifier for one in versions},
        requests=requests,
        materials=materials,
        clock=clock,
        matter_code=next(filter(None, [*matters, *(one.matter_code for one in materials)]), ""),
        under_way=_under_way(waiting=waiting, running=running, nothing=nothing),
        too_many=len(every) > MAX_REQUESTS or len(materials) > MAX_MATERIALS,
    )


def _is_kept_request(deps: Deps, request: IssuanceRequest) -> bool:
    never = deps.catalog.type(request.payload.type_slug).archive.when is ArchiveWhen.NEVER
    return not never and request.payload.action is not Action.PROVISIONAL


def _as_made(version: LicenseVersion, moves: Sequence[MoveRecord]) -> LicenseVersion:
    return replace(version, state=moves[0].from_state) if moves else version


def _under_way(*, waiting: bool, running: bool, nothing: bool) -> str:
    if waiting:
        return "还有申请没有办完，办结后再归档"
    if running:
        return "办件还没有办结（finished），办结后再归档"
    return NOTHING_ZH if nothing else ""


def gone_of(tx: UnitOfWork, kind: ArchiveKind, subjects: Sequence[str]) -> frozenset[tuple[str, str]]:
    """Body and subject of what went by decision (鉴定销毁); of a license the body is empty: it is one in all."""
    items = [item for item, _ in tx.disposals.about(kind, subjects) if item.state in GONE]
    return frozenset(("" if kind is ArchiveKind.LICENSE else one.authority_code, one.subject) for one in items)


def require_closed(contents: Contents) -> None:
    """That one package can hold what was read, as it stands.

    Raises:
        Conflict: a case that is still under way: what is archived does not grow.
        TooLarge: more than a package may hold.
    """
    if contents.under_way:
        raise Conflict(f"办件不能归档：{contents.under_way}")
    if contents.too_large:
        raise TooLarge(contents.too_large)
