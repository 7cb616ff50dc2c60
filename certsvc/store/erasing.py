"""Takes personal columns away by decision, and keeps on record what the rows were called in the evidence before."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, select, text, update

from certsvc.license.disposal import ErasedRow, GoneFile, erased_material, erased_move, erased_version
from certsvc.store.decisions import decision_out
from certsvc.store.erasing_words import erase_words
from certsvc.store.intents import NUMBER_BLIND
from certsvc.store.license_inserts import DATA, HOLDER, NUMBER, holder_blind
from certsvc.store.relations import co_holder_of_row
from certsvc.store.tables import OPEN_REQUEST, artifacts, intents, licenses, moves, photos, requests
from certsvc.store.tables_archives import materials
from certsvc.store.tables_care import artifact_signatures
from certsvc.store.tables_consents import co_holders
from certsvc.store.tables_copies import WAS_SEALED, copies
from certsvc.store.tables_disposals import HAS_PHOTO, erased_rows, gone_files
from certsvc.store.tables_imports import import_rows
from certsvc.store.transaction import Insert, insert_into

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import RowMapping, Table

    from certsvc.license.archives import Material
    from certsvc.license.model import LicenseVersion, MoveRecord
    from certsvc.license.relations import CoHolder
    from certsvc.store.transaction import Transaction

_L = licenses.c
_R = requests.c
_C = copies.c
_E = erased_rows.c
_M = materials.c
_LICENSE = (
    update(licenses)
    .where(_L.version_id == bindparam("which"))
    .values(
        number=bindparam("no_number"),
        number_blind=bindparam("no_number_blind"),
        holder=bindparam("nobody"),
        holder_blind=bindparam("nobody_blind"),
        data=bindparam("nothing"),
        photo_id="",
    )
)
_MOVE = update(moves).where(moves.c.move_id == bindparam("which")).values(decision=bindparam("what_stays"))
_PAYLOAD = select(_R.payload).where(_R.request_id == bindparam("which"))
_REQUEST = (
    update(requests)
    .where(_R.request_id == bindparam("which"))
    .values(payload=bindparam("what_stays"), photo_id="", reason_detail=None)
)
_INTENT = (
    update(intents)
    .where(intents.c.request_id == bindparam("which"))
    .values(number=bindparam("no_number"), number_blind=bindparam("no_number_blind"))
)
_IMPORTED = (
    update(import_rows)
    .where(import_rows.c.import_id == bindparam("which"), import_rows.c.row_no == bindparam("number"))
    .values(content=None, photo=None, faults=None, number_blind=None)
)
_PHOTO_OF_LICENSE = select(_L.version_id).where(_L.photo_id == bindparam("which"), text(f"licenses.{HAS_PHOTO}"))
_PHOTO_AWAITED = select(_R.request_id).where(_R.photo_id == bindparam("which"), text(OPEN_REQUEST))
_PHOTO = delete(photos).where(photos.c.photo_id == bindparam("which"))
_STOOD_ON = delete(artifact_signatures).where(
    artifact_signatures.c.artifact_id.in_(
        select(artifacts.c.artifact_id).where(artifacts.c.version_id == bindparam("of"))
    )
)
_MATERIAL = (
    update(materials)
    .where(_M.material_id == bindparam("which"))
    .values(name=bindparam("no_name"), holder=None, holder_blind=None, state=bindparam("gone"))
)
_CO_HOLDERS_OF = select(*co_holders.c).where(co_holders.c.license_id == bindparam("which"))
_CO_HOLDERS = delete(co_holders).where(co_holders.c.license_id == bindparam("which"))
_COPIES = select(_C.copy_id, _C.circumstances, _C.object_name, _C.sha256).where(
    _C.version_id.in_(bindparam("which", expanding=True)), text(WAS_SEALED)
)
_COPY = update(copies).where(_C.copy_id == bindparam("which")).values(circumstances=bindparam("what_stays"))
_ROWS = select(*_E).where(_E.noun == bindparam("what"), _E.row_id.in_(bindparam("which", expanding=True)))
_FILE = select(*gone_files.c).where(gone_files.c.object_name == bindparam("which"))
_GONE = select(gone_files.c.object_name).where(gone_files.c.object_name.in_(bindparam("those", expanding=True)))
_FILES_OF = select(*gone_files.c).where(
    gone_files.c.list_id == bindparam("which"), gone_files.c.place == bindparam("number")
)
_CIRCUMSTANCES, _DECISION, _NAME = "copies.circumstances", "moves.decision", "materials.name"
_OF_REQUEST, _OF_INTENT = "requests.payload", "intents.number"


@cache
def _insert_once(dialect: str, table: Table) -> Insert:
    return insert_into(dialect, table).on_conflict_do_nothing()


class ErasedRows:
    """Implements ``disposal_ports.Erased``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def version(self, version: LicenseVersion, row: ErasedRow) -> bool:
        """Take away number, holder, data and photo of a version and of its request and import; False: already gone."""
        if not self._note(row):
            return False
        tx, bare, row_id = self._tx, erased_version(version), version.version_id
        tx.changed(
            _LICENSE,
            which=row_id,
            no_number=tx.seal(bare.number, NUMBER, row_id),
            no_number_blind=tx.blind(bare.number, NUMBER_BLIND),
            nobody=tx.seal_json(asdict(bare.holder), HOLDER, row_id),
            nobody_blind=holder_blind(tx, bare.holder),
            nothing=tx.seal_json({}, DATA, row_id),
        )
        tx.changed(_STOOD_ON, of=row_id)
        if version.request_id:
            self.request(version.request_id)
        if version.stock is not None:
            tx.changed(_IMPORTED, which=version.stock.import_id, number=version.stock.row_no)
        photo = version.photo_id
        if photo and tx.row(_PHOTO_OF_LICENSE, which=photo) is None and tx.row(_PHOTO_AWAITED, which=photo) is None:
            tx.changed(_PHOTO, which=photo)
        return True

    def move(self, move: MoveRecord, row: ErasedRow) -> bool:
        """Take the basis out of the decision of a move; False: already gone."""
        bare = erased_move(move).decision
        if bare is None or not self._note(row):
            return False
        self._tx.changed(
            _MOVE,
            which=move.move_id,
            what_stays=self._tx.seal_json(decision_out(bare), _DECISION, move.move_id),
        )
        return True

    def request(self, request_id: str) -> None:
        """Take the personal part out of a request and its intent."""
        row = self._tx.row(_PAYLOAD, which=request_id)
        if row is None:
            return
        said: dict[str, Any] = self._tx.open_json(row["payload"], _OF_REQUEST, request_id)
        said["holder"] = {**said["holder"], "name": "", "code": ""}
        said["data"], said["number"] = {}, ""
        if said.get("decision"):
            said["decision"] = {**said["decision"], "basis": ""}
        if said.get("stock") and said["stock"].get("suspension"):
            said["stock"]["suspension"] = {**said["stock"]["suspension"], "basis": ""}
        self._tx.changed(_REQUEST, which=request_id, what_stays=self._tx.seal_json(said, _OF_REQUEST, request_id))
        self._tx.changed(
            _INTENT,
            which=request_id,
            no_number=self._tx.seal("", _OF_INTENT, request_id),
            no_number_blind=self._tx.blind("", NUMBER_BLIND),
        )

    def material(self, material: Material, row: ErasedRow) -> bool:
        """Take name and holder of a 电子材料 away, and let it count as destroyed; False: already gone."""
        if not self._note(row):
            return False
        bare, row_id = erased_material(material), material.material_id
        no_name = self._tx.seal(bare.name, _NAME, row_id)
        return self._tx.changed(_MATERIAL, which=row_id, no_name=no_name, gone=bare.state.value) == 1

    def co_holders(self, license_id: str) -> Sequence[CoHolder]:
        """Take the co-holders of a license away, those of before too; who they were."""
        rows = self._tx.rows(_CO_HOLDERS_OF, which=license_id)
        if rows:
            self._tx.changed(_CO_HOLDERS, which=license_id)
        return [co_holder_of_row(self._tx, row) for row in rows]

    def copies(self, version_ids: Collection[str]) -> Sequence[tuple[str, str]]:
        """Object names and digests of the annotated copies of versions; what they were made for is taken away."""
        rows = self._tx.rows(_COPIES, which=sorted(set(version_ids))) if version_ids else ()
        for row in rows:
            said = self._tx.open_json(row["circumstances"], _CIRCUMSTANCES, row["copy_id"])
            bare = self._tx.seal_json({**said, "purpose": ""}, _CIRCUMSTANCES, row["copy_id"])
            self._tx.changed(_COPY, which=row["copy_id"], what_stays=bare)
        return [(row["object_name"], row["sha256"]) for row in rows]

    def words(self, version_ids: Sequence[str]) -> None:
        """Take away what notices, disputes, inspections and visits say about versions that were erased."""
        erase_words(self._tx, version_ids)

    def files(self, files: Sequence[GoneFile]) -> None:
        """Put on record that these objects go."""
        self._tx.changed_all(_insert_once(self._tx.dialect, gone_files), [asdict(one) for one in files])

    def file(self, object_name: str) -> GoneFile | None:
        """The record of an object that went, or is on its way."""
        row = self._tx.row(_FILE, which=object_name)
        return None if row is None else GoneFile(**row)

    def gone_among(self, object_names: Collection[str]) -> frozenset[str]:
        """Those of these objects that went, or are on their way."""
        rows = self._tx.rows(_GONE, those=sorted(object_names)) if object_names else ()
        return frozenset(row["object_name"] for row in rows)

    def files_of(self, list_id: str, place: int) -> Sequence[GoneFile]:
        """Those of one item."""
        found = [GoneFile(**row) for row in self._tx.rows(_FILES_OF, which=list_id, number=place)]
        return sorted(found, key=lambda one: one.object_name)

    def rows(self, noun: str, row_ids: Collection[str]) -> Mapping[str, ErasedRow]:
        """Those of these rows that were erased, by id."""
        rows: Sequence[RowMapping] = self._tx.rows(_ROWS, what=noun, which=sorted(set(row_ids))) if row_ids else ()
        return {row["row_id"]: ErasedRow(**row) for row in rows}

    def _note(self, row: ErasedRow) -> bool:
        return self._tx.changed(_insert_once(self._tx.dialect, erased_rows), **asdict(row)) == 1
