"""Rows of rights for an audit: show codes, grants, reservations of seals, and what consents and shows rest on.

What such a row says of its use is held against the scans and fetches of its license, in the snapshot of the page.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import and_, exists, func, select

from certsvc.errors import IntegrityError
from certsvc.license.audited import ReadGrant, ReadMaterial, ReadShow
from certsvc.license.uses import GIVEN
from certsvc.store.archives import archive_of
from certsvc.store.audit_pages import paged, read_row
from certsvc.store.delegations import delegation_of_row
from certsvc.store.erasing import ErasedRows
from certsvc.store.materials import material_of_row
from certsvc.store.people import blind_of
from certsvc.store.relations import co_holder_of_row, relation_of_row
from certsvc.store.seals import reservation_of
from certsvc.store.sharing import grant_of_row
from certsvc.store.showing import show_of_row
from certsvc.store.tables import reservations
from certsvc.store.tables_archives import archives, materials
from certsvc.store.tables_consents import co_holders, delegations, relations
from certsvc.store.tables_uses import fetches, grants, scans, shows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import RowMapping

    from certsvc.license.archives import Archive
    from certsvc.license.audited import Read
    from certsvc.license.delegations import Delegation
    from certsvc.license.disposal import ErasedRow
    from certsvc.license.model import Holder
    from certsvc.license.relations import CoHolder, Relation
    from certsvc.seal.model import SealReservation
    from certsvc.store.transaction import Transaction

MATERIAL = "material"
"""The noun of a row whose name may have gone by decision."""

_H, _G, _F, _S = shows.c, grants.c, fetches.c, scans.c
# By license and moment, as the indexes are: a code or a grant is used after it was made.
_SCANNED = and_(_S.version_id == _H.version_id, _S.at >= _H.created_at, _S.show_id == _H.show_id)
_USED = and_(
    _F.version_id == _G.version_id,
    _F.at >= _G.created_at,
    _F.at < _G.expires_at,
    _F.grant_id == _G.grant_id,
    _F.outcome == GIVEN,
)
_SHOWS = paged(
    select(
        *_H,
        exists().where(_SCANNED, _S.at == _H.redeemed_at, _S.officer == _H.redeemed_by).label("taken"),
        exists().where(_SCANNED, _S.fields != "[]").label("gave"),
    ),
    _H.show_id,
)
_GRANTS = paged(
    select(
        *_G,
        select(func.max(_F.at)).where(_USED, _F.answer == "").correlate(grants).scalar_subquery().label("fetched_at"),
        select(func.count())
        .select_from(fetches)
        .where(_USED, _F.answer != "")
        .correlate(grants)
        .scalar_subquery()
        .label("answered"),
        exists().where(_USED, _F.case_no == _G.case_no).label("of_case"),
        exists().where(_USED, _F.case_no != "").label("named_case"),
    ),
    _G.grant_id,
)
_RESERVATIONS = paged(select(*reservations.c), reservations.c.reservation_id)
_DELEGATIONS = paged(select(*delegations.c), delegations.c.delegation_id)
_RELATIONS = paged(select(*relations.c), relations.c.relation_id)
_CO_HOLDERS = paged(select(*co_holders.c), co_holders.c.co_holder_id)

_ARCHIVES = paged(select(*archives.c), archives.c.archive_id)
_MATERIALS = paged(select(*materials.c), materials.c.material_id)


class AuditRightRows:
    """Implements the part of ``log_ports.Audited`` that is about rights."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def shows_after(self, place: str, *, limit: int) -> Sequence[Read[ReadShow]]:
        """Show codes."""
        rows = self._tx.rows(_SHOWS, behind=place, most=limit)
        return [read_row(row, "show_id", "show_id", self._show) for row in rows]

    def grants_after(self, place: str, *, limit: int) -> Sequence[Read[ReadGrant]]:
        """Grants."""
        rows = self._tx.rows(_GRANTS, behind=place, most=limit)
        return [read_row(row, "grant_id", "grant_id", self._grant) for row in rows]

    def reservations_after(self, place: str, *, limit: int) -> Sequence[Read[SealReservation]]:
        """Reservations of seal uses."""
        rows = self._tx.rows(_RESERVATIONS, behind=place, most=limit)
        return [read_row(row, "reservation_id", "reservation_id", reservation_of) for row in rows]

    def delegations_after(self, place: str, *, limit: int) -> Sequence[Read[Delegation]]:
        """Delegations."""
        rows = self._tx.rows(_DELEGATIONS, behind=place, most=limit)
        return [read_row(row, "delegation_id", "delegation_id", self._delegation) for row in rows]

    def relations_after(self, place: str, *, limit: int) -> Sequence[Read[Relation]]:
        """Guardians, 法定代表人 and deaths."""
        rows = self._tx.rows(_RELATIONS, behind=place, most=limit)
        return [read_row(row, "relation_id", "relation_id", self._relation) for row in rows]

    def co_holders_after(self, place: str, *, limit: int) -> Sequence[Read[CoHolder]]:
        """Further holders."""
        rows = self._tx.rows(_CO_HOLDERS, behind=place, most=limit)
        return [read_row(row, "co_holder_id", "co_holder_id", self._co_holder) for row in rows]

    def archives_after(self, place: str, *, limit: int) -> Sequence[Read[Archive]]:
        """归档信息包."""
        rows = self._tx.rows(_ARCHIVES, behind=place, most=limit)
        return [read_row(row, "archive_id", "archive_id", archive_of) for row in rows]

    def materials_after(self, place: str, *, limit: int) -> Sequence[Read[ReadMaterial]]:
        """电子材料."""
        rows = self._tx.rows(_MATERIALS, behind=place, most=limit)
        gone = ErasedRows(self._tx).rows(MATERIAL, [row["material_id"] for row in rows])
        return [read_row(row, "material_id", "material_id", partial(self._material, gone=gone)) for row in rows]

    def _material(self, row: RowMapping, *, gone: Mapping[str, ErasedRow]) -> ReadMaterial:
        one = material_of_row(self._tx, row)
        self._searchable(row, "materials", holder=one.holder)
        return ReadMaterial(material=one, erased=gone.get(row["material_id"]))

    def _delegation(self, row: RowMapping) -> Delegation:
        one = delegation_of_row(self._tx, row)
        self._searchable(row, "delegations", holder=one.holder, grantor=one.grantor, delegate=one.delegate)
        return one

    def _relation(self, row: RowMapping) -> Relation:
        one = relation_of_row(self._tx, row)
        self._searchable(row, "relations", subject=one.subject, other=one.other)
        return one

    def _co_holder(self, row: RowMapping) -> CoHolder:
        one = co_holder_of_row(self._tx, row)
        self._searchable(row, "co_holders", holder=one.holder)
        return one

    def _searchable(self, row: RowMapping, table: str, **people: Holder | None) -> None:
        """The columns by which people are found are theirs."""
        for name, one in people.items():
            column, kept = f"{name}_blind", row[f"{name}_blind"]
            if (bytes(kept) if kept else None) != (blind_of(self._tx, one, f"{table}.{column}") if one else None):
                raise IntegrityError("检索字段与内容不符")

    def _show(self, row: RowMapping) -> ReadShow:
        return ReadShow(show=show_of_row(self._tx, row), taken=bool(row["taken"]), gave=bool(row["gave"]))

    def _grant(self, row: RowMapping) -> ReadGrant:
        return ReadGrant(
            grant=grant_of_row(self._tx, row),
            fetched_at=row["fetched_at"],
            answers=row["answered"],
            of_case=bool(row["of_case"]),
            named_case=bool(row["named_case"]),
        )
