"""A license for the authority that issued or registered it, for the approval platform and for auditors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.gone import kept_file, refuse_gone
from certsvc.commands.issuance.authority import issuer_today, supervisor_name
from certsvc.commands.issuance.outputs import face_of
from certsvc.commands.notices.opened import MAX_NOTICES
from certsvc.commands.oversight.results import results_of
from certsvc.commands.verifying.stands import stands
from certsvc.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.issuance.outputs import LicenseFace
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.facts import Fact
    from certsvc.license.model import LicenseVersion, MoveRecord
    from certsvc.license.notices import Notice
    from certsvc.license.oversight import InspectionResult
    from certsvc.license.standing import Standing

LINK_LIFETIME_S = 300
"""A link opens the file for whoever holds it: long enough to begin a download, too short to pass around."""
NO_LICENSE_ZH = "没有这张证照，请核对证照标识"
READERS = (roles.APPROVAL, roles.APPROVAL_ANY, roles.AUDITOR)


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseHistory:
    """A version, how it stands, its moves, what its license was noted for, what is newest today, 送达 and 检查结果.

    Attributes:
        issuer_today: name of the body that acts as its issuer now; the page keeps the issuer of its time.
        supervisor: name of the trade's department (行业主管部门), or empty.
        identifiers: 证照标识 of all versions, by version id; ``names`` those of the bodies that inspected.
    """

    version: LicenseVersion
    standing: Standing
    moves: Sequence[MoveRecord]
    facts: Sequence[Fact]
    newest: Sequence[LicenseVersion]
    notices: Sequence[Notice]
    issuer_today: str
    supervisor: str
    results: Sequence[InspectionResult]
    identifiers: Mapping[str, str]
    names: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class FileLink:
    """Where the PDF can be had until when, and what its SHA-256 (hex) must be."""

    url: str
    expires_at: datetime
    sha256: str


def read_license(deps: Deps, caller: Principal, identifier: str) -> LicenseHistory:
    """The version; NotFound for another authority's, in the same words as for none."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        version = visible(deps, tx, caller, identifier)
        results = results_of(deps, tx, version, to_holder=False)
        return LicenseHistory(
            version=version,
            standing=stands(deps, tx, version, deps.clock.now()),
            moves=tx.licenses.moves_of(version.version_id),
            facts=tx.facts.of(version.license_id),
            newest=tx.licenses.newest(version.version_id),
            notices=tx.notices.of_versions([version.version_id], limit=MAX_NOTICES),
            issuer_today=_name(deps, issuer_today(deps, version)),
            supervisor=supervisor_name(deps, version),
            results=results,
            identifiers={one.version_id: one.identifier for one in tx.licenses.versions_of(version.license_id)},
            names={one.authority_code: _name(deps, one.authority_code) for one in results},
        )


def read_license_file(deps: Deps, caller: Principal, identifier: str) -> tuple[LicenseVersion, bytes]:
    """The PDF of a license, for its issuer."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        version = visible(deps, tx, caller, identifier)
    return version, kept_file(deps, version.artifact.object_name)


def read_license_link(deps: Deps, caller: Principal, identifier: str) -> FileLink:
    """A short-lived address of the PDF at the object store, for its issuer: large pickups need not pass through here.

    Raises:
        NotFound: no such license, or the files of this service have no address of their own.
    """
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        version = visible(deps, tx, caller, identifier)
    name = version.artifact.object_name
    refuse_gone(deps, name)
    url = deps.objects.link(name, file_name=f"{version.identifier}.pdf", lifetime_s=LINK_LIFETIME_S)
    if url is None:
        raise NotFound("本服务的文件没有单独的下载地址，请用 /file 下载")
    expires_at = deps.clock.now() + timedelta(seconds=LINK_LIFETIME_S)
    return FileLink(url=url, expires_at=expires_at, sha256=version.artifact.sha256)


def read_license_face(deps: Deps, caller: Principal, identifier: str) -> LicenseFace:
    """The face of a license as data, for its issuer."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        version = visible(deps, tx, caller, identifier)
        return face_of(deps, version, stands(deps, tx, version, deps.clock.now()))


def visible(deps: Deps, tx: UnitOfWork, caller: Principal, identifier: str) -> LicenseVersion:
    """The version if the caller's authority issued or registered it, or sees all; NotFound otherwise."""
    version = tx.licenses.by_identifier(identifier)
    wide = not caller.roles.isdisjoint({roles.APPROVAL_ANY, roles.AUDITOR})
    own = version is not None and caller.authority_code in {
        issuer_today(deps, version),
        version.registration.authority_code if version.registration else "",
    }
    if version is None or not (wide or (own and caller.authority_code)):
        raise NotFound(NO_LICENSE_ZH)
    return version


def _name(deps: Deps, code: str) -> str:
    return deps.catalog.authority(code).name if deps.catalog.has_authority(code) else ""
