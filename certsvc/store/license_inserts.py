"""What registering versions writes: each table of theirs once, however many versions there are."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, bindparam, func, update

from certsvc.errors import IntegrityError
from certsvc.store.intents import NUMBER_BLIND
from certsvc.store.statuses import next_number
from certsvc.store.tables import artifacts, intents, licenses
from certsvc.store.tables_imports import stock_licenses
from certsvc.store.tables_life import provisional_papers, registered_licenses
from certsvc.store.tallies import Noun, Tallies
from certsvc.store.transaction import Insert, insert_into

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Table

    from certsvc.license.model import Holder, LicenseVersion
    from certsvc.store.transaction import Transaction

NUMBER = "licenses.number"
HOLDER = "licenses.holder"
DATA = "licenses.data"
HOLDER_BLIND = "licenses.holder_blind"

_REGISTERED = (
    update(intents).where(intents.c.version_id.in_(bindparam("which", expanding=True))).values(registered=True)
)


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


@cache
def _register(dialect: str) -> Insert:
    own = bindparam("own_number", type_=BigInteger)
    return insert_into(dialect, licenses).values(status_no=func.coalesce(own, next_number(dialect)))


def insert_versions(tx: Transaction, versions: Sequence[LicenseVersion]) -> None:
    """Register versions with their artifacts, and give those an entry in a status list that have taken none.

    IntegrityError when an identifier or digest is taken, or a number or a license is in force already.
    """
    if not versions:
        return
    tx.changed_all(_register(tx.dialect), [_version(tx, version) for version in versions])
    for table, rows in _origins(versions):
        tx.changed_all(_insert(tx.dialect, table), rows)
    tx.changed_all(_insert(tx.dialect, artifacts), [_artifact(version) for version in versions])
    tx.changed(_REGISTERED, which=[version.version_id for version in versions])
    Tallies(tx).add(Noun.LICENSE, Counter(version.state.value for version in versions))


def holder_blind(tx: Transaction, holder: Holder) -> bytes:
    """By which the licenses of a holder are found."""
    return tx.blind(f"{holder.code_type}\n{holder.code}", HOLDER_BLIND)


def _version(tx: Transaction, version: LicenseVersion) -> dict[str, Any]:
    row_id = version.version_id
    holder = {"name": version.holder.name, "code": version.holder.code, "code_type": version.holder.code_type}
    return {
        "version_id": row_id,
        "license_id": version.license_id,
        "identifier": version.identifier,
        "root": version.root,
        "version": version.version,
        "type_slug": version.type_slug,
        "number": tx.seal(version.number, NUMBER, row_id),
        "number_blind": tx.blind(version.number, NUMBER_BLIND),
        "issuer_code": version.issuer_code,
        "issuer_name": version.issuer_name,
        "holder": tx.seal_json(holder, HOLDER, row_id),
        "holder_blind": holder_blind(tx, version.holder),
        "data": tx.seal_json(dict(version.data), DATA, row_id),
        "photo_id": version.photo_id,
        "issued_on": version.issued_on,
        "first_issued_on": version.first_issued_on,
        "valid_from": version.valid_from,
        "valid_until": version.valid_until,
        "state": version.state.value,
        "suspended_until": version.suspended_until,
        "previous_version_id": version.previous_version_id,
        "replaced_by_version_id": version.replaced_by_version_id,
        "request_id": version.request_id,
        "printed_token": version.printed_token,
        "created_at": version.created_at,
        "revision": version.revision,
        "artifact_id": version.artifact.artifact_id,
        "own_number": version.status_no,
    }


def _origins(versions: Sequence[LicenseVersion]) -> Sequence[tuple[Table, list[dict[str, Any]]]]:
    """What only some versions have: a project, a source, a row of an import."""
    papers = [
        {"version_id": version.version_id, "project_code": version.project_code}
        for version in versions
        if version.project_code
    ]
    registered = [
        {
            "version_id": version.version_id,
            "source_id": version.registration.source_id,
            "source_name": version.registration.source_name,
            "authority_code": version.registration.authority_code,
            "body_sha256": version.registration.body_sha256,
        }
        for version in versions
        if version.registration is not None
    ]
    stock = [
        {
            "version_id": version.version_id,
            "import_id": version.stock.import_id,
            "row_no": version.stock.row_no,
            "trust": version.stock.trust.value,
        }
        for version in versions
        if version.stock is not None
    ]
    return (provisional_papers, papers), (registered_licenses, registered), (stock_licenses, stock)


def _artifact(version: LicenseVersion) -> dict[str, Any]:
    artifact = version.artifact
    if artifact.version_id != version.version_id:
        raise IntegrityError("证照文件属于另一证照版本，未登记")
    return {
        "artifact_id": artifact.artifact_id,
        "version_id": artifact.version_id,
        "kind": artifact.kind,
        "sha256": artifact.sha256,
        "size": artifact.size,
        "object_name": artifact.object_name,
        "created_at": artifact.created_at,
    }
