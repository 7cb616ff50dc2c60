"""Guardians, 法定代表人, deaths, and further holders of a license."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, update

from certsvc.license.relations import CoHolder, Relation, RelationKind
from certsvc.store.people import blind_of, person, plain
from certsvc.store.tables_consents import co_holders, relations
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Table

    from certsvc.license.model import Holder
    from certsvc.store.transaction import Transaction

_R = relations.c
_C = co_holders.c
_PEOPLE = "relations.people"
_SUBJECT, _OTHER = "relations.subject_blind", "relations.other_blind"
_PERSON, _CO_HOLDER = "co_holders.person", "co_holders.holder_blind"
_BY_ID = select(*_R).where(_R.relation_id == bindparam("which"))
_BY_IDS = select(*_R).where(_R.relation_id.in_(bindparam("which", expanding=True)))
_OPEN = select(*_R).where(_R.kind == bindparam("what"), _R.ended_at.is_(None)).order_by(_R.created_at, _R.relation_id)
_OF_SUBJECT = _OPEN.where(_R.subject_blind == bindparam("who"))
_OF_OTHER = _OPEN.where(_R.other_blind == bindparam("who"))
_NOT_ENDED = (_R.relation_id == bindparam("which"), _R.ended_at.is_(None))
# Writes the row, so that on PostgreSQL its lock is held until the commit.
_HOLD = update(relations).where(*_NOT_ENDED).values(ended_at=None)
_END = update(relations).where(*_NOT_ENDED).values(ended_at=bindparam("now"))
_CO_BY_ID = select(*_C).where(_C.co_holder_id == bindparam("which"))
_CO_BY_IDS = select(*_C).where(_C.co_holder_id.in_(bindparam("which", expanding=True)))
_HELD = select(*_C).where(_C.removed_at.is_(None)).order_by(_C.added_at, _C.co_holder_id)
_OF_LICENSE = _HELD.where(_C.license_id == bindparam("which"))
_HELD_BY = _HELD.where(_C.holder_blind == bindparam("who"))
_REMOVE = (
    update(co_holders)
    .where(_C.co_holder_id == bindparam("which"), _C.removed_at.is_(None))
    .values(removed_at=bindparam("now"))
)


@cache
def _insert(dialect: str, table: Table) -> Insert:
    """What stands already is no error: the caller says so."""
    return insert_into(dialect, table).on_conflict_do_nothing()


class RelationRows:
    """Implements ``consent_ports.Relations``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, relation: Relation) -> bool:
        """Store; False when it stands already, or the company has a 法定代表人 whose fact has not ended."""
        other = relation.other
        people = [plain(relation.subject), plain(other) if other else None]
        done = self._tx.changed(
            _insert(self._tx.dialect, relations),
            relation_id=relation.relation_id,
            kind=relation.kind.value,
            subject_blind=blind_of(self._tx, relation.subject, _SUBJECT),
            other_blind=blind_of(self._tx, other, _OTHER) if other else None,
            people=self._tx.seal_json(people, _PEOPLE, relation.relation_id),
            authority_code=relation.authority_code,
            client_id=relation.client_id,
            document_no=relation.document_no,
            from_on=relation.from_on,
            until_on=relation.until_on,
            created_at=relation.created_at,
            ended_at=relation.ended_at,
        )
        return done == 1

    def by_id(self, relation_id: str) -> Relation | None:
        """The fact."""
        row = self._tx.row(_BY_ID, which=relation_id)
        return None if row is None else self._relation(row)

    def by_ids(self, relation_ids: Collection[str]) -> Mapping[str, Relation]:
        """Those of these facts that there are, by id."""
        rows = self._tx.rows(_BY_IDS, which=sorted(set(relation_ids))) if relation_ids else ()
        return {row["relation_id"]: self._relation(row) for row in rows}

    def of_subject(self, subject: Holder, kind: RelationKind) -> Sequence[Relation]:
        """Facts about this person or company that have not ended."""
        blind = blind_of(self._tx, subject, _SUBJECT)
        return [self._relation(row) for row in self._tx.rows(_OF_SUBJECT, who=blind, what=kind.value)]

    def of_other(self, other: Holder, kind: RelationKind) -> Sequence[Relation]:
        """Facts by which this person may act for others, and that have not ended."""
        blind = blind_of(self._tx, other, _OTHER)
        return [self._relation(row) for row in self._tx.rows(_OF_OTHER, who=blind, what=kind.value)]

    def hold(self, relation_id: str) -> bool:
        """Let nobody end it until the end of the transaction; False when it has ended."""
        return self._tx.changed(_HOLD, which=relation_id) == 1

    def end(self, relation_id: str, *, now: datetime) -> bool:
        """End it, once."""
        return self._tx.changed(_END, which=relation_id, now=now) == 1

    def _relation(self, row: RowMapping) -> Relation:
        return relation_of_row(self._tx, row)


class CoHolderRows:
    """Implements ``consent_ports.CoHolders``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, co_holder: CoHolder) -> bool:
        """Store; False when this person holds it already."""
        kept = {**plain(co_holder.holder), "data": co_holder.data}
        done = self._tx.changed(
            _insert(self._tx.dialect, co_holders),
            co_holder_id=co_holder.co_holder_id,
            license_id=co_holder.license_id,
            holder_blind=blind_of(self._tx, co_holder.holder, _CO_HOLDER),
            person=self._tx.seal_json(kept, _PERSON, co_holder.co_holder_id),
            added_at=co_holder.added_at,
            removed_at=co_holder.removed_at,
        )
        return done == 1

    def by_id(self, co_holder_id: str) -> CoHolder | None:
        """The co-holder."""
        row = self._tx.row(_CO_BY_ID, which=co_holder_id)
        return None if row is None else self._co_holder(row)

    def by_ids(self, co_holder_ids: Collection[str]) -> Mapping[str, CoHolder]:
        """Those of these co-holders that there are, by id."""
        rows = self._tx.rows(_CO_BY_IDS, which=sorted(set(co_holder_ids))) if co_holder_ids else ()
        return {row["co_holder_id"]: self._co_holder(row) for row in rows}

    def of_license(self, license_id: str) -> Sequence[CoHolder]:
        """Those who still hold it."""
        return [self._co_holder(row) for row in self._tx.rows(_OF_LICENSE, which=license_id)]

    def held_by(self, holder: Holder) -> Sequence[CoHolder]:
        """What this person holds beside others."""
        blind = blind_of(self._tx, holder, _CO_HOLDER)
        return [self._co_holder(row) for row in self._tx.rows(_HELD_BY, who=blind)]

    def remove(self, co_holder_id: str, *, now: datetime) -> bool:
        """Remove, once."""
        return self._tx.changed(_REMOVE, which=co_holder_id, now=now) == 1

    def _co_holder(self, row: RowMapping) -> CoHolder:
        return co_holder_of_row(self._tx, row)


def relation_of_row(tx: Transaction, row: RowMapping) -> Relation:
    """A row of its table."""
    subject, other = tx.open_json(row["people"], _PEOPLE, row["relation_id"])
    return Relation(
        relation_id=row["relation_id"],
        kind=as_word(RelationKind, row["kind"]),
        subject=person(subject),
        other=person(other) if other else None,
        authority_code=row["authority_code"],
        client_id=row["client_id"],
        document_no=row["document_no"],
        from_on=row["from_on"],
        until_on=row["until_on"],
        created_at=row["created_at"],
        ended_at=row["ended_at"],
    )


def co_holder_of_row(tx: Transaction, row: RowMapping) -> CoHolder:
    """A row of its table."""
    kept = tx.open_json(row["person"], _PERSON, row["co_holder_id"])
    return CoHolder(
        co_holder_id=row["co_holder_id"],
        license_id=row["license_id"],
        holder=person(kept),
        data=kept["data"],
        added_at=row["added_at"],
        removed_at=row["removed_at"],
    )
