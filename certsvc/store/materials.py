"""电子材料 of cases."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, func, select, text, update

from certsvc.license.archives import Material, MaterialState
from certsvc.store.newest import newest_of
from certsvc.store.people import blind_of, person, plain
from certsvc.store.tables_archives import WITH_HOLDER, materials
from certsvc.store.transaction import Insert, as_word, insert_into

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping

    from certsvc.license.model import Holder
    from certsvc.store.transaction import Transaction

_M = materials.c
_NAME, _HOLDER = "materials.name", "materials.holder"
HOLDER_BLIND = "materials.holder_blind"
_BY_ID = select(*_M).where(_M.material_id == bindparam("which"))
_OF_CASE = (
    select(*_M)
    .where(_M.authority_code == bindparam("body"), _M.case_no == bindparam("number"))
    .order_by(_M.material_id)
    .limit(bindparam("most"))
)
_OF_CASE_IN = _OF_CASE.where(_M.state == bindparam("only"))
_HOLD = (
    select(_M.material_id)
    .where(_M.authority_code == bindparam("body"), _M.case_no == bindparam("number"))
    .order_by(_M.material_id)
    .limit(1)
    .with_for_update()
)
_COUNT = select(func.count().label("value")).where(
    _M.authority_code == bindparam("body"),
    _M.case_no == bindparam("number"),
    _M.state == MaterialState.REGISTERED.value,
)
_BY_FILE = select(*_M).where(
    _M.authority_code == bindparam("body"), _M.case_no == bindparam("number"), _M.sha256 == bindparam("digest")
)
_OF_HOLDER = newest_of(materials, _M.holder_blind, _M.registered_at, _M.material_id, text(f"materials.{WITH_HOLDER}"))
_OF_KIND = newest_of(
    materials,
    _M.holder_blind,
    _M.registered_at,
    _M.material_id,
    and_(
        text(f"materials.{WITH_HOLDER}"),
        _M.code == bindparam("code"),
        _M.state == MaterialState.REGISTERED.value,
    ),
)
_BY_IDS = select(*_M).where(_M.material_id.in_(bindparam("which", expanding=True)))
_MOVE = (
    update(materials)
    .where(_M.material_id == bindparam("which"), _M.state == bindparam("source"))
    .values(state=bindparam("target"), moved_at=bindparam("now"))
)


@cache
def _insert_once(dialect: str) -> Insert:
    return insert_into(dialect, materials).on_conflict_do_nothing()


class MaterialRows:
    """Implements ``archive_ports.Materials``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, material: Material) -> bool:
        """Store; False when the case of this body has this file."""
        values: dict[str, Any] = {field.name: getattr(material, field.name) for field in fields(material)}
        holder = material.holder
        values["holder"] = self._tx.seal_json(plain(holder), _HOLDER, material.material_id) if holder else None
        values["holder_blind"] = blind_of(self._tx, holder, HOLDER_BLIND) if holder else None
        values["name"] = self._tx.seal(material.name, _NAME, material.material_id)
        values["state"] = material.state.value
        return self._tx.changed(_insert_once(self._tx.dialect), **values) == 1

    def by_id(self, material_id: str) -> Material | None:
        """The material."""
        row = self._tx.row(_BY_ID, which=material_id)
        return None if row is None else self._material(row)

    def by_ids(self, material_ids: Sequence[str]) -> Mapping[str, Material]:
        """Those of these materials that there are, by id."""
        rows = self._tx.rows(_BY_IDS, which=sorted(set(material_ids))) if material_ids else ()
        return {row["material_id"]: self._material(row) for row in rows}

    def of_holders(self, holders: Sequence[Holder], *, limit: int) -> Sequence[Material]:
        """Materials about these people and organisations, in whatever state, newest first."""
        blinds = [blind_of(self._tx, holder, HOLDER_BLIND) for holder in holders]
        return [self._material(row) for row in _OF_HOLDER.rows(self._tx, blinds, limit=limit)]

    def of_kind(self, holder: Holder, code: str, *, limit: int) -> Sequence[Material]:
        """Materials under this code about somebody that count, newest first."""
        blind = blind_of(self._tx, holder, HOLDER_BLIND)
        return [self._material(row) for row in _OF_KIND.rows(self._tx, [blind], limit=limit, code=code)]

    def of_case(
        self, authority_code: str, case_no: str, *, limit: int, only: MaterialState | None = None
    ) -> Sequence[Material]:
        """Materials of a case of one body, oldest first; those in one state, if given."""
        place = {"body": authority_code, "number": case_no, "most": limit}
        rows = self._tx.rows(_OF_CASE_IN, **place, only=only.value) if only else self._tx.rows(_OF_CASE, **place)
        return [self._material(row) for row in rows]

    def count_held(self, authority_code: str, case_no: str) -> int:
        """How many a case has that were not withdrawn; until the transaction ends, nobody else counts those."""
        # The first row stands for the case: whoever counts waits here, and then counts what the one before inserted.
        self._tx.row(_HOLD, body=authority_code, number=case_no)
        row = self._tx.row(_COUNT, body=authority_code, number=case_no)
        return int(row["value"]) if row is not None else 0

    def by_file(self, authority_code: str, case_no: str, sha256: str) -> Material | None:
        """The material that this file is in this case."""
        row = self._tx.row(_BY_FILE, body=authority_code, number=case_no, digest=sha256)
        return None if row is None else self._material(row)

    def move(self, material_id: str, *, source: MaterialState, target: MaterialState, now: datetime) -> bool:
        """Set the state, if it stands in ``source``."""
        done = self._tx.changed(_MOVE, which=material_id, source=source.value, target=target.value, now=now)
        return done == 1

    def _material(self, row: RowMapping) -> Material:
        return material_of_row(self._tx, row)


def material_of_row(tx: Transaction, row: RowMapping) -> Material:
    """A row of the materials."""
    values: dict[str, Any] = dict(row)
    del values["holder_blind"]
    values["name"] = tx.open(row["name"], _NAME, row["material_id"])
    kept = row["holder"]
    values["holder"] = person(tx.open_json(kept, _HOLDER, row["material_id"])) if kept else None
    values["state"] = as_word(MaterialState, row["state"])
    return Material(**values)
