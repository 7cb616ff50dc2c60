"""A license for the authority that issued it, for the approval platform and for auditors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion, MoveRecord

READERS = (roles.APPROVAL, roles.APPROVAL_ANY, roles.AUDITOR)


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseHistory:
    """A version and its moves."""

    version: LicenseVersion
    moves: Sequence[MoveRecord]


def read_license(deps: Deps, caller: Principal, identifier: str) -> LicenseHistory:
    """The version; NotFound for another authority's, in the same words as for none."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        version = _visible(tx, caller, identifier)
        return LicenseHistory(version=version, moves=tx.licenses.moves_of(version.version_id))


def read_license_file(deps: Deps, caller: Principal, identifier: str) -> tuple[LicenseVersion, bytes]:
    """The PDF of a license, for its issuer."""
    roles.require(caller, *READERS)
    with deps.uow.read() as tx:
        version = _visible(tx, caller, identifier)
    return version, deps.objects.get(version.artifact.object_name)


def _visible(tx: UnitOfWork, caller: Principal, identifier: str) -> LicenseVersion:
    version = tx.licenses.by_identifier(identifier)
    wide = not caller.roles.isdisjoint({roles.APPROVAL_ANY, roles.AUDITOR})
    if version is None or not (wide or version.issuer_code == caller.authority_code):
        raise NotFound("没有这张证照，请核对证照标识")
    return version
