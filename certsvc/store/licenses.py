"""The register."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, case, func, select, text, update

from certsvc.errors import IntegrityError
from certsvc.license.model import Artifact, Holder, LicenseVersion, MoveRecord
from certsvc.license.origin import Registration
from certsvc.license.states import State
from certsvc.license.stock import StockEntry, Trust
from certsvc.store.decisions import decision_in, decision_out
from certsvc.store.intents import NUMBER_BLIND
from certsvc.store.statuses import entry_of, next_number
from certsvc.store.tables import IN_FORCE, artifacts, intents, licenses, moves
from certsvc.store.tables_imports import stock_licenses
from certsvc.store.tables_life import provisional_papers, registered_licenses, version_links
from certsvc.store.tallies import Noun, Tallies
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import RowMapping, Table

    from certsvc.license.model import Decision
    from certsvc.store.transaction import Transaction

_C = licenses.c
_A = artifacts.c
_R = registered_licenses.c
_S = stock_licenses.c
_NUMBER = "licenses.number"
_HOLDER = "licenses.holder"
_DATA = "licenses.data"
_DECISION = "moves.decision"
HOLDER_BLIND = "licenses.holder_blind"

# The version comes with its main artifact; names of the two tables are kept apart by a prefix.
VERSION = (
    select(
        *_C,
        _A.kind.label("artifact_kind"),
        _A.sha256.label("artifact_sha256"),
        _A.size.label("artifact_size"),
        _A.object_name.label("artifact_object_name"),
        _A.created_at.label("artifact_created_at"),
        func.coalesce(provisional_papers.c.project_code, "").label("project_code"),
        _R.source_id,
        _R.source_name,
        _R.authority_code.label("registered_by"),
        _R.body_sha256,
        _S.import_id.label("stock_import"),
        _S.row_no.label("stock_row"),
        _S.trust,
    )
    .join_from(licenses, artifacts, _A.artifact_id == _C.artifact_id)
    .outerjoin(provisional_papers, provisional_papers.c.version_id == _C.version_id)
    .outerjoin(registered_licenses, _R.version_id == _C.version_id)
    .outerjoin(stock_licenses, _S.version_id == _C.version_id)
)

_BY_VERSION_ID = VERSION.where(_C.version_id == bindparam("which"))
_BY_IDENTIFIER = VERSION.where(_C.identifier == bindparam("which"))
_BY_PRINTED_TOKEN = VERSION.where(_C.printed_token == bindparam("which"))
_BY_NUMBER = (
    VERSION.where(_C.type_slug == bindparam("slug"), _C.number_blind == bindparam("blind"))
    .order_by(_C.created_at.desc(), _C.version.desc())
    .limit(1)
)
_FOUND = artifacts.alias("found")
_BY_SHA256 = VERSION.where(
    _C.version_id == select(_FOUND.c.version_id).where(_FOUND.c.sha256 == bindparam("digest")).scalar_subquery()
)
_OF_HOLDER = (
    VERSION.where(_C.holder_blind == bindparam("blind"))
    .order_by(_C.created_at.desc(), _C.version_id.desc())
    .limit(bindparam("most"))
)
_VERSIONS_OF = VERSION.where(_C.license_id == bindparam("which")).order_by(_C.version)
_MOVES_OF = select(*moves.c).where(moves.c.version_id == bindparam("which")).order_by(moves.c.row_no)
_NOT_ENDED_AFTER = (
    VERSION.where(text(f"licenses.{IN_FORCE}"), _C.license_id > bindparam("behind"))
    .order_by(_C.license_id)
    .limit(bindparam("most"))
)

# Everything that follows a version, step by step; UNION keeps each once, so that even a circle would end.
_CHAIN = select(bindparam("which", type_=_C.version_id.type).label("version_id")).cte("chain", recursive=True)
_CHAIN = _CHAIN.union(
    select(version_links.c.successor_id).join(_CHAIN, version_links.c.predecessor_id == _CHAIN.c.version_id)
)
_NEWEST = VERSION.where(
    _C.version_id.in_(select(_CHAIN.c.version_id)),
    ~select(1).where(version_links.c.predecessor_id == _C.version_id).exists(),
)

_REGISTERED = update(intents).where(intents.c.version_id == bindparam("which")).values(registered=True)
_MOVE = (
    update(licenses)
    .where(_C.version_id == bindparam("which"), _C.revision == bindparam("seen"), _C.state == bindparam("source"))
    .values(
        state=bindparam("target"),
        suspended_until=bindparam("until"),
        replaced_by_version_id=case(
            (bindparam("successor") == "", _C.replaced_by_version_id), else_=bindparam("successor")
        ),
        revision=_C.revision + 1,
    )
)


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


@cache
def _register(dialect: str) -> Insert:
    return insert_into(dialect, licenses).values(status_no=next_number(dialect))


class LicenseRows:
    """Implements ``store_ports.Licenses``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, version: LicenseVersion) -> None:
        """Register a version with its artifact, and give it its entry in a status list.

        IntegrityError when the identifier or digest is taken, or the number or the license is in force already.
        """
        row_id = version.version_id
        self._tx.changed(
            _register(self._tx.dialect),
            version_id=row_id,
            license_id=version.license_id,
            identifier=version.identifier,
            root=version.root,
            version=version.version,
            type_slug=version.type_slug,
            number=self._tx.seal(version.number, _NUMBER, row_id),
            number_blind=self._tx.blind(version.number, NUMBER_BLIND),
            issuer_code=version.issuer_code,
            issuer_name=version.issuer_name,
            holder=self._tx.seal_json(
                {"name": version.holder.name, "code": version.holder.code, "code_type": version.holder.code_type},
                _HOLDER,
                row_id,
            ),
            holder_blind=self._holder_blind(version.holder),
            data=self._tx.seal_json(dict(version.data), _DATA, row_id),
            photo_id=version.photo_id,
            issued_on=version.issued_on,
            first_issued_on=version.first_issued_on,
            valid_from=version.valid_from,
            valid_until=version.valid_until,
            state=version.state.value,
            suspended_until=version.suspended_until,
            previous_version_id=version.previous_version_id,
            replaced_by_version_id=version.replaced_by_version_id,
            request_id=version.request_id,
            printed_token=version.printed_token,
            created_at=version.created_at,
            revision=version.revision,
            artifact_id=version.artifact.artifact_id,
        )
        self._insert_origin(version)
        self._insert_artifact(version)
        self._tx.changed(_REGISTERED, which=row_id)
        Tallies(self._tx).add(Noun.LICENSE, {version.state.value: 1})

    def by_version_id(self, version_id: str) -> LicenseVersion | None:
        """The version."""
        return self._first(self._tx.row(_BY_VERSION_ID, which=version_id))

    def by_identifier(self, identifier: str) -> LicenseVersion | None:
        """The version with this 证照标识."""
        return self._first(self._tx.row(_BY_IDENTIFIER, which=identifier))

    def by_number(self, type_slug: str, number: str) -> LicenseVersion | None:
        """The newest version with this 证照编号 of this type."""
        return self._first(self._tx.row(_BY_NUMBER, slug=type_slug, blind=self._tx.blind(number, NUMBER_BLIND)))

    def by_sha256(self, sha256: str) -> LicenseVersion | None:
        """The version one of whose artifacts has this digest (hex)."""
        return self._first(self._tx.row(_BY_SHA256, digest=sha256))

    def by_printed_token(self, token: str) -> LicenseVersion | None:
        """The version whose page carries this printed code."""
        return self._first(self._tx.row(_BY_PRINTED_TOKEN, which=token))

    def of_holder(self, holder: Holder, *, limit: int) -> Sequence[LicenseVersion]:
        """The holder's versions, newest first, found by the blind index of type and code."""
        return [self.version(row) for row in self._tx.rows(_OF_HOLDER, blind=self._holder_blind(holder), most=limit)]

    def versions_of(self, license_id: str) -> Sequence[LicenseVersion]:
        """All versions of a license, oldest first."""
        return [self.version(row) for row in self._tx.rows(_VERSIONS_OF, which=license_id)]

    def newest(self, version_id: str) -> Sequence[LicenseVersion]:
        """The ends of every chain of links that begins at a version, oldest first; itself when nothing follows it."""
        ends = [self.version(row) for row in self._tx.rows(_NEWEST, which=version_id)]
        return sorted(ends, key=lambda version: (version.created_at, version.version_id))

    def not_ended_after(self, license_id: str, *, limit: int) -> Sequence[LicenseVersion]:
        """The versions that have not ended, of licenses behind ``license_id`` in the order of their ids."""
        return [self.version(row) for row in self._tx.rows(_NOT_ENDED_AFTER, behind=license_id, most=limit)]

    def move(self, record: MoveRecord, *, revision: int, suspended_until: date | None, replaced_by: str = "") -> bool:
        """Set the state and append the record, if the version still stands at ``revision``; else False.

        An empty ``replaced_by`` keeps the link that is there.
        """
        changed = self._tx.changed(
            _MOVE,
            which=record.version_id,
            seen=revision,
            source=record.from_state.value,
            target=record.to_state.value,
            until=suspended_until,
            successor=replaced_by,
        )
        if changed == 0:
            return False
        self._tx.changed(
            _insert(self._tx.dialect, moves),
            move_id=record.move_id,
            version_id=record.version_id,
            name=record.name,
            from_state=record.from_state.value,
            to_state=record.to_state.value,
            decision=self._decision_out(record),
            actor=record.actor,
            at=record.at,
        )
        if record.from_state is not record.to_state:
            Tallies(self._tx).add(Noun.LICENSE, {record.from_state.value: -1, record.to_state.value: 1})
        return True

    def moves_of(self, version_id: str) -> Sequence[MoveRecord]:
        """The moves of a version, oldest first."""
        return [
            MoveRecord(
                move_id=row["move_id"],
                version_id=row["version_id"],
                name=row["name"],
                from_state=as_word(State, row["from_state"]),
                to_state=as_word(State, row["to_state"]),
                decision=self._decision_in(row),
                actor=row["actor"],
                at=row["at"],
            )
            for row in self._tx.rows(_MOVES_OF, which=version_id)
        ]

    def count_by_state(self) -> dict[State, int]:
        """How many versions stand in each state; a state without versions has 0."""
        found = Tallies(self._tx).of(Noun.LICENSE)
        return {state: found.get(state.value, 0) for state in State}

    def _insert_origin(self, version: LicenseVersion) -> None:
        """What only some versions have: a project, a source, a row of an import."""
        row_id = version.version_id
        if version.project_code:
            self._tx.changed(
                _insert(self._tx.dialect, provisional_papers), version_id=row_id, project_code=version.project_code
            )
        if version.registration is not None:
            self._tx.changed(
                _insert(self._tx.dialect, registered_licenses),
                version_id=row_id,
                source_id=version.registration.source_id,
                source_name=version.registration.source_name,
                authority_code=version.registration.authority_code,
                body_sha256=version.registration.body_sha256,
            )
        if version.stock is not None:
            self._tx.changed(
                _insert(self._tx.dialect, stock_licenses),
                version_id=row_id,
                import_id=version.stock.import_id,
                row_no=version.stock.row_no,
                trust=version.stock.trust.value,
            )

    def _insert_artifact(self, version: LicenseVersion) -> None:
        artifact = version.artifact
        if artifact.version_id != version.version_id:
            raise IntegrityError("证照文件属于另一证照版本，未登记")
        self._tx.changed(
            _insert(self._tx.dialect, artifacts),
            artifact_id=artifact.artifact_id,
            version_id=artifact.version_id,
            kind=artifact.kind,
            sha256=artifact.sha256,
            size=artifact.size,
            object_name=artifact.object_name,
            created_at=artifact.created_at,
        )

    def _holder_blind(self, holder: Holder) -> bytes:
        return self._tx.blind(f"{holder.code_type}\n{holder.code}", HOLDER_BLIND)

    def _decision_out(self, record: MoveRecord) -> bytes | None:
        if record.decision is None:
            return None
        return self._tx.seal_json(decision_out(record.decision), _DECISION, record.move_id)

    def _decision_in(self, row: RowMapping) -> Decision | None:
        if row["decision"] is None:
            return None
        return decision_in(self._tx.open_json(row["decision"], _DECISION, row["move_id"]))

    def _first(self, row: RowMapping | None) -> LicenseVersion | None:
        return None if row is None else self.version(row)

    def version(self, row: RowMapping) -> LicenseVersion:
        """A version from a row of :data:`VERSION`."""
        row_id: str = row["version_id"]
        return LicenseVersion(
            version_id=row_id,
            license_id=row["license_id"],
            identifier=row["identifier"],
            root=row["root"],
            version=row["version"],
            type_slug=row["type_slug"],
            number=self._tx.open(row["number"], _NUMBER, row_id),
            issuer_code=row["issuer_code"],
            issuer_name=row["issuer_name"],
            holder=Holder(**self._tx.open_json(row["holder"], _HOLDER, row_id)),
            data=self._tx.open_json(row["data"], _DATA, row_id),
            photo_id=row["photo_id"],
            issued_on=row["issued_on"],
            first_issued_on=row["first_issued_on"],
            valid_from=row["valid_from"],
            valid_until=row["valid_until"],
            state=as_word(State, row["state"]),
            suspended_until=row["suspended_until"],
            previous_version_id=row["previous_version_id"],
            replaced_by_version_id=row["replaced_by_version_id"],
            request_id=row["request_id"],
            printed_token=row["printed_token"],
            created_at=row["created_at"],
            revision=row["revision"],
            project_code=row["project_code"],
            registration=_registration(row),
            stock=_stock(row),
            status_entry=entry_of(self._tx, row["status_no"]),
            artifact=Artifact(
                artifact_id=row["artifact_id"],
                version_id=row_id,
                kind=row["artifact_kind"],
                sha256=row["artifact_sha256"],
                size=row["artifact_size"],
                object_name=row["artifact_object_name"],
                created_at=row["artifact_created_at"],
            ),
        )


def _stock(row: RowMapping) -> StockEntry | None:
    if row["stock_import"] is None:
        return None
    trust = as_word(Trust, row["trust"])
    return StockEntry(import_id=row["stock_import"], row_no=row["stock_row"], trust=trust)


def _registration(row: RowMapping) -> Registration | None:
    if row["source_id"] is None:
        return None
    return Registration(
        source_id=row["source_id"],
        source_name=row["source_name"],
        authority_code=row["registered_by"],
        body_sha256=row["body_sha256"],
    )
