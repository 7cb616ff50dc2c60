"""The register."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, case, func, select, text, update

from certsvc.license.model import Artifact, Holder, LicenseVersion, MoveRecord
from certsvc.license.origin import Registration
from certsvc.license.states import State
from certsvc.license.stock import StockEntry, Trust
from certsvc.store.decisions import decision_in, decision_out
from certsvc.store.intents import NUMBER_BLIND
from certsvc.store.license_inserts import DATA, HOLDER, NUMBER, holder_blind, insert_versions
from certsvc.store.one_of import one_of
from certsvc.store.statuses import entry_of
from certsvc.store.tables import IN_FORCE, NOT_REPLACED, artifacts, licenses, moves
from certsvc.store.tables_imports import stock_licenses
from certsvc.store.tables_life import provisional_papers, registered_licenses, version_links
from certsvc.store.tallies import Noun, Tallies
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from sqlalchemy import RowMapping

    from certsvc.license.model import Decision
    from certsvc.store.transaction import Transaction

_C = licenses.c
_A = artifacts.c
_R = registered_licenses.c
_S = stock_licenses.c
_DECISION = "moves.decision"

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

_BY_VERSION_IDS = VERSION.where(one_of(_C.version_id, "which"))
_BY_IDENTIFIERS = VERSION.where(_C.identifier.in_(bindparam("which", expanding=True)))
_BY_PRINTED_TOKENS = VERSION.where(one_of(_C.printed_token, "which"))
_BY_NUMBER = (
    VERSION.where(_C.type_slug == bindparam("slug"), _C.number_blind == bindparam("blind"))
    .order_by(_C.created_at.desc(), _C.version.desc())
    .limit(1)
)
_BY_NUMBERS = VERSION.where(
    _C.type_slug == bindparam("slug"), _C.number_blind.in_(bindparam("blinds", expanding=True))
).order_by(_C.created_at, _C.version)
_FOUND = artifacts.alias("found")
_BY_SHA256 = VERSION.where(
    _C.version_id == select(_FOUND.c.version_id).where(_FOUND.c.sha256 == bindparam("digest")).scalar_subquery()
)
_OF_HOLDER = (
    VERSION.where(_C.holder_blind == bindparam("blind"))
    .order_by(_C.created_at.desc(), _C.version_id.desc())
    .limit(bindparam("most"))
)
_HELD = (
    VERSION.where(
        _C.holder_blind == bindparam("blind"), _C.type_slug == bindparam("slug"), text(f"licenses.{NOT_REPLACED}")
    )
    .order_by(_C.created_at.desc(), _C.version_id.desc())
    .limit(bindparam("most"))
)
_RANKED = (
    select(
        _C.version_id,
        func.row_number()
        .over(partition_by=(_C.holder_blind, _C.type_slug), order_by=(_C.created_at.desc(), _C.version_id.desc()))
        .label("place"),
    )
    .where(
        _C.holder_blind.in_(bindparam("blinds", expanding=True)),
        _C.type_slug.in_(bindparam("slugs", expanding=True)),
        text(f"licenses.{NOT_REPLACED}"),
    )
    .subquery("ranked")
)
_HELD_OF_SEVERAL = VERSION.where(
    _C.version_id.in_(select(_RANKED.c.version_id).where(_RANKED.c.place <= bindparam("most")))
)
_VERSIONS_OF = VERSION.where(_C.license_id == bindparam("which")).order_by(_C.version)
_OF_LICENSES = VERSION.where(_C.license_id.in_(bindparam("which", expanding=True))).order_by(_C.license_id, _C.version)
_MOVES_OF = select(*moves.c).where(moves.c.version_id == bindparam("which")).order_by(moves.c.row_no)
_MOVES_OF_ALL = (
    select(*moves.c).where(moves.c.version_id.in_(bindparam("these", expanding=True))).order_by(moves.c.row_no)
)
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
def _insert(dialect: str) -> Insert:
    return insert_into(dialect, moves)


class LicenseRows:
    """Implements ``license_ports.Licenses``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, version: LicenseVersion) -> None:
        """Register a version with its artifact, and give it its entry in a status list.

        IntegrityError when the identifier or digest is taken, or the number or the license is in force already.
        """
        insert_versions(self._tx, [version])

    def insert_all(self, versions: Sequence[LicenseVersion]) -> None:
        """Register versions that follow none of each other; as :meth:`insert`."""
        insert_versions(self._tx, versions)

    def by_version_id(self, version_id: str) -> LicenseVersion | None:
        """The version."""
        return self.by_version_ids([version_id]).get(version_id)

    def by_version_ids(self, version_ids: Sequence[str]) -> Mapping[str, LicenseVersion]:
        """Those of these versions that there are, by id."""
        rows = self._tx.rows(_BY_VERSION_IDS, which=list(version_ids)) if version_ids else ()
        return {row["version_id"]: self.version(row) for row in rows}

    def by_identifier(self, identifier: str) -> LicenseVersion | None:
        """The version with this 证照标识."""
        return self.by_identifiers([identifier]).get(identifier)

    def by_identifiers(self, identifiers: Sequence[str]) -> Mapping[str, LicenseVersion]:
        """The versions with these 证照标识, by identifier."""
        rows = self._tx.rows(_BY_IDENTIFIERS, which=list(identifiers)) if identifiers else ()
        return {row["identifier"]: self.version(row) for row in rows}

    def by_number(self, type_slug: str, number: str) -> LicenseVersion | None:
        """The newest version with this 证照编号 of this type."""
        return self._first(self._tx.row(_BY_NUMBER, slug=type_slug, blind=self._tx.blind(number, NUMBER_BLIND)))

    def by_numbers(self, type_slug: str, numbers: Sequence[str]) -> Mapping[str, LicenseVersion]:
        """The newest version with each of these 证照编号 of this type, where there is one."""
        blinds = [self._tx.blind(number, NUMBER_BLIND) for number in numbers]
        rows = self._tx.rows(_BY_NUMBERS, slug=type_slug, blinds=blinds) if numbers else ()
        return {version.number: version for version in map(self.version, rows)}

    def by_sha256(self, sha256: str) -> LicenseVersion | None:
        """The version one of whose artifacts has this digest (hex)."""
        return self._first(self._tx.row(_BY_SHA256, digest=sha256))

    def by_printed_token(self, token: str) -> LicenseVersion | None:
        """The version whose page carries this printed code."""
        return self.by_printed_tokens([token]).get(token)

    def by_printed_tokens(self, tokens: Sequence[str]) -> Mapping[str, LicenseVersion]:
        """The versions whose pages carry these printed codes, by code."""
        rows = self._tx.rows(_BY_PRINTED_TOKENS, which=sorted(set(tokens))) if tokens else ()
        return {row["printed_token"]: self.version(row) for row in rows}

    def of_holder(self, holder: Holder, *, limit: int) -> Sequence[LicenseVersion]:
        """The holder's versions, newest first, found by the blind index of type and code."""
        return [
            self.version(row) for row in self._tx.rows(_OF_HOLDER, blind=holder_blind(self._tx, holder), most=limit)
        ]

    def held(
        self, asked: Sequence[tuple[Holder, str]], *, limit: int
    ) -> Mapping[tuple[str, str, str], Sequence[LicenseVersion]]:
        """What holders have of types and nothing replaced, newest first, at most ``limit`` of each holder and type.

        By code type, code and license type; whoever has none is out.
        """
        wanted = {(holder.code_type, holder.code, slug): holder for holder, slug in asked}
        if len(wanted) == 1:  # the cheaper statement, and by far the most frequent
            [(key, holder)] = wanted.items()
            rows = self._tx.rows(_HELD, blind=holder_blind(self._tx, holder), slug=key[2], most=limit)
            return {key: [self.version(row) for row in rows]} if rows else {}
        blinds = {holder_blind(self._tx, one): (one.code_type, one.code) for one in wanted.values()}
        slugs = sorted({slug for _, _, slug in wanted})
        rows = self._tx.rows(_HELD_OF_SEVERAL, blinds=sorted(blinds), slugs=slugs, most=limit) if wanted else ()
        several: dict[tuple[str, str, str], list[LicenseVersion]] = {}
        for row in rows:
            key = (*blinds[bytes(row["holder_blind"])], row["type_slug"])
            if key in wanted:
                several.setdefault(key, []).append(self.version(row))
        for found in several.values():  # at most ``limit`` of each: the database need not sort all of them
            found.sort(key=lambda version: (version.created_at, version.version_id), reverse=True)
        return several

    def versions_of(self, license_id: str) -> Sequence[LicenseVersion]:
        """All versions of a license, oldest first."""
        return [self.version(row) for row in self._tx.rows(_VERSIONS_OF, which=license_id)]

    def of_licenses(self, license_ids: Sequence[str]) -> Sequence[LicenseVersion]:
        """All versions of these licenses, each license's oldest first."""
        rows = self._tx.rows(_OF_LICENSES, which=sorted(set(license_ids))) if license_ids else ()
        return [self.version(row) for row in rows]

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
            _insert(self._tx.dialect),
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
        return [self.record(row) for row in self._tx.rows(_MOVES_OF, which=version_id)]

    def moves_of_all(self, version_ids: Sequence[str]) -> Mapping[str, Sequence[MoveRecord]]:
        """The moves of each of these versions, oldest first."""
        found: dict[str, list[MoveRecord]] = {version_id: [] for version_id in version_ids}
        for row in self._tx.rows(_MOVES_OF_ALL, these=list(found)):
            found[row["version_id"]].append(self.record(row))
        return found

    def count_by_state(self) -> dict[State, int]:
        """How many versions stand in each state; a state without versions has 0."""
        found = Tallies(self._tx).of(Noun.LICENSE)
        return {state: found.get(state.value, 0) for state in State}

    def record(self, row: RowMapping) -> MoveRecord:
        """A move from a row of its table."""
        return MoveRecord(
            move_id=row["move_id"],
            version_id=row["version_id"],
            name=row["name"],
            from_state=as_word(State, row["from_state"]),
            to_state=as_word(State, row["to_state"]),
            decision=self._decision_in(row),
            actor=row["actor"],
            at=row["at"],
        )

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
            number=self._tx.open(row["number"], NUMBER, row_id),
            issuer_code=row["issuer_code"],
            issuer_name=row["issuer_name"],
            holder=Holder(**self._tx.open_json(row["holder"], HOLDER, row_id)),
            data=self._tx.open_json(row["data"], DATA, row_id),
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
            status_no=row["status_no"],
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
