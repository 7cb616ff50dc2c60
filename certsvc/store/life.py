"""Links between versions, facts about licenses, and reminders."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, text

from certsvc.license.dues import Due, DueKind, DueRow
from certsvc.license.facts import Fact, FactKind
from certsvc.license.links import LinkKind, VersionLink
from certsvc.store.one_of import one_of
from certsvc.store.tables import licenses
from certsvc.store.tables_life import HAS_REFERENCE, dues, sweeps, version_facts, version_links
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date

    from sqlalchemy import RowMapping, Table

    from certsvc.store.transaction import Transaction

_L = version_links.c
_F = version_facts.c
_D = dues.c
_S = sweeps.c
_REMARK = "version_facts.remark"

_AFTER = select(*_L).where(_L.predecessor_id == bindparam("which")).order_by(_L.successor_id)
_BEFORE = select(*_L).where(_L.successor_id == bindparam("which")).order_by(_L.predecessor_id)
_FOLLOWED = select(_L.predecessor_id).where(one_of(_L.predecessor_id, "which")).distinct()
_FACTS_OF = select(*_F).where(one_of(_F.license_id, "which")).order_by(_F.license_id, _F.row_no)
_FACT_BY_KEY = select(*_F).where(_F.fact_key == bindparam("which"))
_REFERRING = (
    select(_F.license_id)
    .where(text(HAS_REFERENCE), _F.reference == bindparam("which"), _F.kind == FactKind.DEPENDS_ON.value)
    .distinct()
    .order_by(_F.license_id)
)
_DUES = (
    select(*_D)
    .where(_D.issuer_code == bindparam("issuer"), _D.kind == bindparam("what"), _D.version_id > bindparam("behind"))
    .order_by(_D.version_id)
    .limit(bindparam("most"))
)
_HOLD = select(licenses.c.version_id).where(licenses.c.license_id == bindparam("which")).with_for_update()
_SWEEP = select(*_S).where(_S.name == bindparam("which"))
_LOCKED_SWEEP = _SWEEP.with_for_update()


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


@cache
def _once(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table).on_conflict_do_nothing()


@cache
def _keep(dialect: str) -> Insert:
    made = insert_into(dialect, sweeps)
    rest = {name: made.excluded[name] for name in ("day", "behind", "finished")}
    return made.on_conflict_do_update(index_elements=[_S.name], set_=rest)


class LinkRows:
    """Implements ``life_ports.Links``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, link: VersionLink) -> None:
        """Store; IntegrityError when the two are linked already or one of them is unknown."""
        self._tx.changed(
            _insert(self._tx.dialect, version_links),
            predecessor_id=link.predecessor_id,
            successor_id=link.successor_id,
            kind=link.kind.value,
            case_no=link.case_no,
            at=link.at,
        )

    def after(self, version_id: str) -> Sequence[VersionLink]:
        """What follows a version."""
        return [_link(row) for row in self._tx.rows(_AFTER, which=version_id)]

    def before(self, version_id: str) -> Sequence[VersionLink]:
        """What a version follows."""
        return [_link(row) for row in self._tx.rows(_BEFORE, which=version_id)]

    def followed(self, version_ids: Sequence[str]) -> Collection[str]:
        """Those of these versions that something follows."""
        rows = self._tx.rows(_FOLLOWED, which=sorted(set(version_ids))) if version_ids else ()
        return {row["predecessor_id"] for row in rows}


class FactRows:
    """Implements ``life_ports.Facts``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def hold(self, license_id: str) -> None:
        """Let nobody else note a fact about this license, or move it, until the end of the transaction.

        SQLite has one writer, who holds everything.
        """
        self._tx.rows(_HOLD, which=license_id)

    def append(self, fact: Fact, *, key: str) -> bool:
        """Store; False when a fact with this key is there."""
        remark = {"text": fact.text, "document_no": fact.document_no}
        added = self._tx.changed(
            _once(self._tx.dialect, version_facts),
            fact_id=fact.fact_id,
            fact_key=key,
            license_id=fact.license_id,
            version_id=fact.version_id,
            kind=fact.kind.value,
            code=fact.code,
            happened_on=fact.on,
            due_on=fact.due,
            reference=fact.reference,
            remark=self._tx.seal_json(remark, _REMARK, fact.fact_id),
            authority_code=fact.authority_code,
            actor=fact.actor,
            at=fact.at,
        )
        return added == 1

    def by_key(self, key: str) -> Fact | None:
        """The fact with this key."""
        row = self._tx.row(_FACT_BY_KEY, which=key)
        return None if row is None else self._fact(row)

    def of(self, license_id: str) -> Sequence[Fact]:
        """The facts of a license, oldest first."""
        return self.of_many([license_id])[license_id]

    def of_many(self, license_ids: Sequence[str]) -> Mapping[str, Sequence[Fact]]:
        """The facts of several licenses, each oldest first; a license without facts has an empty sequence."""
        found: dict[str, list[Fact]] = {license_id: [] for license_id in license_ids}
        for row in self._tx.rows(_FACTS_OF, which=sorted(found)) if found else ():
            found[row["license_id"]].append(self._fact(row))
        return found

    def dependants(self, license_id: str) -> Sequence[str]:
        """Ids of the licenses that were noted to depend on this one."""
        return [row["license_id"] for row in self._tx.rows(_REFERRING, which=license_id)]

    def _fact(self, row: RowMapping) -> Fact:
        remark = self._tx.open_json(row["remark"], _REMARK, row["fact_id"])
        return Fact(
            fact_id=row["fact_id"],
            license_id=row["license_id"],
            version_id=row["version_id"],
            kind=as_word(FactKind, row["kind"]),
            code=row["code"],
            on=row["happened_on"],
            due=row["due_on"],
            reference=row["reference"],
            text=remark["text"],
            authority_code=row["authority_code"],
            document_no=remark["document_no"],
            actor=row["actor"],
            at=row["at"],
        )


class DueRows:
    """Implements ``life_ports.Dues``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def announce(self, row: DueRow) -> bool:
        """Remember; True the first time this version has this reminder."""
        added = self._tx.changed(
            _once(self._tx.dialect, dues),
            version_id=row.version_id,
            kind=row.due.kind.value,
            ref=row.due.ref,
            due_on=row.due.due_on,
            issuer_code=row.issuer_code,
            at=row.at,
        )
        return added == 1

    def announced(self, issuer_code: str, kind: DueKind, *, behind: str, limit: int) -> Sequence[DueRow]:
        """Reminders of one kind of one issuer about versions behind ``behind``, in the order of their ids."""
        return [
            DueRow(
                version_id=row["version_id"],
                issuer_code=row["issuer_code"],
                due=Due(kind=as_word(DueKind, row["kind"]), ref=row["ref"], due_on=row["due_on"]),
                at=row["at"],
            )
            for row in self._tx.rows(_DUES, issuer=issuer_code, what=kind.value, behind=behind, most=limit)
        ]

    def finished(self, sweep: str, day: date) -> bool:
        """Whether the sweep of this day, or of a later one, is finished; takes no lock."""
        row = self._tx.row(_SWEEP, which=sweep)
        return row is not None and (row["day"] > day or (row["day"] == day and row["finished"]))

    def place(self, sweep: str, day: date) -> str | None:
        """Where the sweep of this day goes on (empty at first), or None when it is finished.

        The row stays locked until the end of the transaction, so that two sweepers take turns.
        """
        self._tx.changed(_once(self._tx.dialect, sweeps), name=sweep, day=day, behind="", finished=False)
        row = self._tx.row(_LOCKED_SWEEP, which=sweep)
        if row is None or row["day"] > day or (row["day"] == day and row["finished"]):
            return None
        behind: str = row["behind"]
        return behind if row["day"] == day else ""

    def keep_place(self, sweep: str, day: date, *, behind: str, finished: bool) -> None:
        """Remember how far the sweep of this day came, in the transaction of what it did."""
        self._tx.changed(_keep(self._tx.dialect), name=sweep, day=day, behind=behind, finished=finished)


def _link(row: RowMapping) -> VersionLink:
    return VersionLink(
        predecessor_id=row["predecessor_id"],
        successor_id=row["successor_id"],
        kind=as_word(LinkKind, row["kind"]),
        case_no=row["case_no"],
        at=row["at"],
    )
