"""鉴定销毁: lists, their items, and holds."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, text, update

from certsvc.license.archives import ArchiveKind
from certsvc.license.disposal import Disposal, DisposalItem, DisposalOutcome, DisposalState, Hold, ItemState
from certsvc.license.disputes import UNDECIDED
from certsvc.store.archives import archive_of
from certsvc.store.newest import newest_of, newest_of_any
from certsvc.store.tables_archives import archives
from certsvc.store.tables_consents import disputes
from certsvc.store.tables_disposals import PLACED, disposal_holds, disposal_items, disposals
from certsvc.store.transaction import Insert, as_word, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping, Table

    from certsvc.license.archives import Archive
    from certsvc.store.transaction import Transaction

_D = disposals.c
_I = disposal_items.c
_H = disposal_holds.c
_A = archives.c
_REASON, _OPINION, _WHY = "disposals.reason", "disposals.opinion", "disposal_holds.reason"
_BY_ID = select(*_D).where(_D.list_id == bindparam("which"))
_ITEMS = select(*_I).where(_I.list_id == bindparam("which")).order_by(_I.place)
_OF = newest_of_any(disposals, _D.authority_code, _D.proposed_at, _D.list_id)
_IN_STATE = select(*_D).where(_D.state == bindparam("stands")).order_by(_D.list_id).limit(bindparam("most"))
_MOVED = ("decided_by", "decided_at", "effect_at", "ended_by", "ended_at")
_MOVE = (
    update(disposals)
    .where(_D.list_id == bindparam("which"), _D.state == bindparam("source"))
    .values(
        state=bindparam("target"),
        opinion=bindparam("said"),
        **{name: bindparam(f"to_{name}") for name in _MOVED},
    )
)
_MOVE_ITEM = (
    update(disposal_items)
    .where(_I.list_id == bindparam("which"), _I.place == bindparam("number"), _I.state == bindparam("source"))
    .values(
        state=bindparam("target"),
        why=bindparam("reason"),
        moved_at=bindparam("now"),
        extended_until=bindparam("until"),
    )
)
_ABOUT = (
    select(*_I, _D.state.label("list_state"))
    .join_from(disposal_items, disposals, _D.list_id == _I.list_id)
    .where(_I.kind == bindparam("what"), _I.subject.in_(bindparam("about", expanding=True)))
)
_HOLD = select(*_H).where(_H.hold_id == bindparam("which"))
_LIFT = (
    update(disposal_holds)
    .where(_H.hold_id == bindparam("which"), _H.lifted_at.is_(None))
    .values(lifted_by=bindparam("by"), lifted_at=bindparam("now"))
)
_PLACED = select(*_H).where(
    _H.kind == bindparam("what"), _H.subject.in_(bindparam("about", expanding=True)), text(f"disposal_holds.{PLACED}")
)
_HOLDS_OF = newest_of(disposal_holds, _H.authority_code, _H.placed_at, _H.hold_id)
_PACKAGES = select(*_A).where(_A.kind == bindparam("what"), _A.subject.in_(bindparam("about", expanding=True)))
_CASES = (
    select(_A.subject)
    .where(_A.kind == ArchiveKind.CASE.value, _A.subject > bindparam("behind"))
    .distinct()
    .order_by(_A.subject)
    .limit(bindparam("most"))
)
_DISPUTED = select(disputes.c.version_id).where(
    disputes.c.version_id.in_(bindparam("which", expanding=True)),
    disputes.c.state.in_(sorted(one.value for one in UNDECIDED)),
)


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table)


class DisposalRows:
    """Implements ``disposal_ports.Disposals``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, disposal: Disposal, items: Sequence[DisposalItem]) -> None:
        """Store a list."""
        values = asdict(disposal)
        values["outcome"], values["state"] = disposal.outcome.value, disposal.state.value
        values["reason"] = self._tx.seal(disposal.reason, _REASON, disposal.list_id)
        values["opinion"] = self._tx.seal(disposal.opinion, _OPINION, disposal.list_id)
        self._tx.changed(_insert(self._tx.dialect, disposals), **values)
        rows = [
            {
                **asdict(one),
                "kind": one.kind.value,
                "state": one.state.value,
                "packages": to_json(list(one.packages)),
            }
            for one in items
        ]
        self._tx.changed_all(_insert(self._tx.dialect, disposal_items), rows)

    def by_id(self, list_id: str) -> Disposal | None:
        """The list."""
        row = self._tx.row(_BY_ID, which=list_id)
        return None if row is None else self._disposal(row)

    def items_of(self, list_id: str) -> Sequence[DisposalItem]:
        """Its items in their order."""
        return [_item(row) for row in self._tx.rows(_ITEMS, which=list_id)]

    def of(
        self, authority_codes: Sequence[str] | None, *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Disposal]:
        """Lists of these bodies, newest first; None: of all."""
        return [self._disposal(row) for row in _OF.rows(self._tx, authority_codes, limit=limit, behind=behind)]

    def in_state(self, state: DisposalState, *, limit: int) -> Sequence[Disposal]:
        """Lists in a state, in the order of their ids."""
        return [self._disposal(row) for row in self._tx.rows(_IN_STATE, stands=state.value, most=limit)]

    def move(self, disposal: Disposal, *, source: DisposalState) -> bool:
        """Set state, opinion, decision, effect and end, if it stands in ``source``."""
        values = {f"to_{name}": getattr(disposal, name) for name in _MOVED}
        said = self._tx.seal(disposal.opinion, _OPINION, disposal.list_id)
        done = self._tx.changed(
            _MOVE,
            which=disposal.list_id,
            source=source.value,
            target=disposal.state.value,
            said=said,
            **values,
        )
        return done == 1

    def move_item(self, item: DisposalItem, *, source: ItemState) -> bool:
        """Set state, reason, moment and new term, if it stands in ``source``."""
        done = self._tx.changed(
            _MOVE_ITEM,
            which=item.list_id,
            number=item.place,
            source=source.value,
            target=item.state.value,
            reason=item.why,
            now=item.moved_at,
            until=item.extended_until,
        )
        return done == 1

    def about(self, kind: ArchiveKind, subjects: Collection[str]) -> Sequence[tuple[DisposalItem, DisposalState]]:
        """Every item about these subjects, with the state of its list, oldest first."""
        rows = self._tx.rows(_ABOUT, what=kind.value, about=sorted(set(subjects))) if subjects else ()
        ordered = sorted(rows, key=lambda row: (row["list_id"], row["place"]))
        return [(_item(row), as_word(DisposalState, row["list_state"])) for row in ordered]

    def place(self, hold: Hold) -> None:
        """Store a hold."""
        values = asdict(hold)
        values["kind"] = hold.kind.value
        values["reason"] = self._tx.seal(hold.reason, _WHY, hold.hold_id)
        self._tx.changed(_insert(self._tx.dialect, disposal_holds), **values)

    def hold(self, hold_id: str) -> Hold | None:
        """The hold."""
        row = self._tx.row(_HOLD, which=hold_id)
        return None if row is None else self._hold(row)

    def lift(self, hold_id: str, *, by: str, now: datetime) -> bool:
        """Lift one that is placed."""
        return self._tx.changed(_LIFT, which=hold_id, by=by, now=now) == 1

    def placed(self, kind: ArchiveKind, subjects: Collection[str]) -> Sequence[Hold]:
        """Holds of these subjects that were not lifted."""
        rows = self._tx.rows(_PLACED, what=kind.value, about=sorted(set(subjects))) if subjects else ()
        return [self._hold(row) for row in rows]

    def holds_of(
        self, authority_codes: Sequence[str], *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Hold]:
        """Holds of these bodies, newest first, lifted ones too."""
        return [self._hold(row) for row in _HOLDS_OF.rows(self._tx, authority_codes, limit=limit, behind=behind)]

    def packages_of(self, kind: ArchiveKind, subjects: Collection[str]) -> Sequence[Archive]:
        """Packages of these subjects, oldest first."""
        rows = self._tx.rows(_PACKAGES, what=kind.value, about=sorted(set(subjects))) if subjects else ()
        return sorted(map(archive_of, rows), key=lambda one: (one.made_at, one.archive_id))

    def cases_after(self, case_no: str, *, limit: int) -> Sequence[str]:
        """办件编号 that have packages, behind one, in order."""
        return [row["subject"] for row in self._tx.rows(_CASES, behind=case_no, most=limit)]

    def disputed(self, version_ids: Collection[str]) -> Collection[str]:
        """Those of these versions about which a dispute is undecided."""
        rows = self._tx.rows(_DISPUTED, which=sorted(set(version_ids))) if version_ids else ()
        return {row["version_id"] for row in rows}

    def _disposal(self, row: RowMapping) -> Disposal:
        values: dict[str, Any] = dict(row)
        values["outcome"] = as_word(DisposalOutcome, row["outcome"])
        values["state"] = as_word(DisposalState, row["state"])
        values["reason"] = self._tx.open(row["reason"], _REASON, row["list_id"])
        values["opinion"] = self._tx.open(row["opinion"], _OPINION, row["list_id"])
        return Disposal(**values)

    def _hold(self, row: RowMapping) -> Hold:
        values: dict[str, Any] = dict(row)
        values["kind"] = as_word(ArchiveKind, row["kind"])
        values["reason"] = self._tx.open(row["reason"], _WHY, row["hold_id"])
        return Hold(**values)


def _item(row: RowMapping) -> DisposalItem:
    values: dict[str, Any] = {name: row[name] for name in _I.keys()}  # noqa: SIM118  (a collection of columns)
    values["kind"] = as_word(ArchiveKind, row["kind"])
    values["state"] = as_word(ItemState, row["state"])
    values["packages"] = tuple(from_json(row["packages"]))
    return DisposalItem(**values)
