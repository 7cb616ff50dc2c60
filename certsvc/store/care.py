"""What signatures of files stand on, and how many files stand on the same."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, case, func, or_, select, text, update

from certsvc.license.model import LATER_FORMS, Artifact
from certsvc.seal.care import FileGroup, SignatureFacts, SignatureKind, profile_of
from certsvc.store.tables import IN_FORCE, artifacts, licenses
from certsvc.store.tables_care import FIRST_OF_FILE, artifact_signatures
from certsvc.store.tables_disposals import gone_files
from certsvc.store.tables_life import registered_licenses
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from sqlalchemy import RowMapping, Table

    from certsvc.store.transaction import Transaction

CHUNK = 500
"""Files whose signatures are read by one statement; SQLite takes a limited number of values."""

_S = artifact_signatures.c
_A = artifacts.c
_L = licenses.c
_R = registered_licenses.c
FIRST = text(f"artifact_signatures.{FIRST_OF_FILE}")
"""As the partial index has it, word by word."""

_HOLDS = and_(text(f"licenses.{IN_FORCE}"), or_(_L.valid_until.is_(None), _L.valid_until >= bindparam("today")))
_STANDS = case((_HOLDS, 1), else_=0)
_GROUPS = (
    select(
        _S.profile,
        _L.type_slug,
        _L.issuer_code,
        _STANDS.label("in_force"),
        func.count().label("files"),
        func.min(_S.signed_at).label("first"),
        func.max(_S.signed_at).label("last"),
        func.min(_S.artifact_id).label("sample"),
    )
    .join_from(licenses, artifact_signatures, _S.artifact_id == _L.artifact_id)
    .where(_S.place == 0)
    .group_by(_S.profile, _L.type_slug, _L.issuer_code, _STANDS)
)
_OF = (
    select(artifact_signatures).where(_S.artifact_id.in_(bindparam("which", expanding=True))).order_by(_S.artifact_id)
).order_by(_S.place)
_WITHOUT = (
    select(artifacts)
    .outerjoin(artifact_signatures, and_(_S.artifact_id == _A.artifact_id, _S.place == 0))
    .outerjoin(registered_licenses, _R.version_id == _A.version_id)
    .outerjoin(gone_files, gone_files.c.object_name == _A.object_name)
    .where(_S.artifact_id.is_(None), _R.version_id.is_(None), gone_files.c.object_name.is_(None))
)
_UNREAD = _WITHOUT.where(_A.artifact_id > bindparam("behind")).order_by(_A.artifact_id).limit(bindparam("most"))
_TO_READ = _WITHOUT.with_only_columns(func.count().label("files"), maintain_column_froms=True)


_FORM = select(artifacts).where(_A.sha256 == bindparam("digest"))
_FORMS_OF = (
    select(artifacts)
    .where(_A.version_id.in_(bindparam("which", expanding=True)))
    .order_by(_A.version_id, _A.created_at, _A.artifact_id)
)
_NEXT_FORM = (
    update(licenses)
    .where(_L.version_id == bindparam("which"), _L.artifact_id == bindparam("former"))
    .values(artifact_id=bindparam("newest"))
)
_NEWEST_FORMS = (
    select(artifacts)
    .join(artifact_signatures, and_(_S.artifact_id == _A.artifact_id, _S.place == 0))
    .join(licenses, and_(_L.version_id == _A.version_id, _L.artifact_id == _A.artifact_id))
    .where(_S.profile == bindparam("that"), _S.artifact_id > bindparam("behind"), FIRST)
    .order_by(_S.artifact_id)
    .limit(bindparam("most"))
)


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


class CareRows:
    """Implements ``care_ports.Care``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def add(self, made: Sequence[tuple[Artifact, Sequence[SignatureFacts]]]) -> None:
        """Store what the signatures of new files stand on; IntegrityError when a file has some."""
        rows = [row for artifact, signatures in made for row in _rows(artifact, signatures)]
        self._tx.changed_all(_insert(self._tx.dialect, artifact_signatures), rows)

    def groups(self, today: date) -> Sequence[FileGroup]:
        """Every file in use, in groups; reads all of them."""
        return [FileGroup(**{**row, "in_force": bool(row["in_force"])}) for row in self._tx.rows(_GROUPS, today=today)]

    def of(self, artifact_ids: Sequence[str]) -> Mapping[str, tuple[SignatureFacts, ...]]:
        """The signatures of these files in their order, by id of the artifact."""
        found: dict[str, list[SignatureFacts]] = {}
        for start in range(0, len(artifact_ids), CHUNK):
            for row in self._tx.rows(_OF, which=list(artifact_ids[start : start + CHUNK])):
                found.setdefault(row["artifact_id"], []).append(_facts(row))
        return {artifact_id: tuple(signatures) for artifact_id, signatures in found.items()}

    def form(self, sha256: str) -> Artifact | None:
        """The file of a license with this digest."""
        row = self._tx.row(_FORM, digest=sha256)
        return Artifact(**row) if row is not None else None

    def forms_of(self, version_ids: Sequence[str]) -> Mapping[str, Sequence[Artifact]]:
        """Every file of these versions, the oldest form first."""
        found: dict[str, list[Artifact]] = {}
        for row in self._tx.rows(_FORMS_OF, which=list(version_ids)) if version_ids else ():
            found.setdefault(row["version_id"], []).append(Artifact(**row))
        return found

    def add_form(self, artifact: Artifact, signatures: Sequence[SignatureFacts], *, before: str) -> bool:
        """Register a later form of a file, if ``before`` is still the newest; else False."""
        if artifact.kind not in LATER_FORMS:
            msg = f"{artifact.kind} is no later form of a file"
            raise RuntimeError(msg)
        values = {"which": artifact.version_id, "former": before, "newest": artifact.artifact_id}
        if self._tx.changed(_NEXT_FORM, **values) == 0:
            return False
        row = {field.name: getattr(artifact, field.name) for field in fields(artifact)}
        self._tx.changed(_insert(self._tx.dialect, artifacts), **row)
        self.add([(artifact, signatures)])
        return True

    def newest_forms(self, profile: str, *, after: str, limit: int) -> Sequence[Artifact]:
        """Files in use with this profile, behind an id."""
        rows = self._tx.rows(_NEWEST_FORMS, that=profile, behind=after, most=limit)
        return [Artifact(**row) for row in rows]

    def unread(self, after: str, *, limit: int) -> Sequence[Artifact]:
        """Files made here of which nothing is known yet, behind an id."""
        return [Artifact(**row) for row in self._tx.rows(_UNREAD, behind=after, most=limit)]

    def to_read(self) -> int:
        """How many there are."""
        row = self._tx.row(_TO_READ)
        return int(row["files"]) if row is not None else 0


def _rows(artifact: Artifact, signatures: Sequence[SignatureFacts]) -> list[dict[str, Any]]:
    profile = profile_of(signatures)
    return [
        {
            "artifact_id": artifact.artifact_id,
            "place": place,
            "version_id": artifact.version_id,
            "profile": profile,
            "kind": one.kind.value,
            "format": one.format,
            "key": one.key,
            "signature_algorithm": one.signature_algorithm,
            "digest_algorithm": one.digest_algorithm,
            "certificate_sha256": one.certificate_sha256,
            "serial": one.serial,
            "issuer_key": one.issuer_key,
            "issuer": one.issuer,
            "seal_id": one.seal_id,
            "tsa": one.tsa,
            "signed_at": one.signed_at,
            "certificate_until": one.certificate_until,
            "revocation": one.revocation,
            "revocation_at": one.revocation_at,
            "imprint": one.imprint,
        }
        for place, one in enumerate(signatures)
    ]


def _facts(row: RowMapping) -> SignatureFacts:
    return SignatureFacts(
        kind=as_word(SignatureKind, row["kind"]),
        format=row["format"],
        key=row["key"],
        signature_algorithm=row["signature_algorithm"],
        digest_algorithm=row["digest_algorithm"],
        certificate_sha256=row["certificate_sha256"],
        serial=row["serial"],
        issuer_key=row["issuer_key"],
        issuer=row["issuer"],
        seal_id=row["seal_id"],
        tsa=row["tsa"],
        signed_at=row["signed_at"],
        certificate_until=row["certificate_until"],
        revocation_at=row["revocation_at"],
        imprint=row["imprint"],
    )
