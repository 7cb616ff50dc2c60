"""经办人 of client systems; account, name and division are personal."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select

from certsvc.license.staff import StaffMember
from certsvc.store.tables_matters import staff
from certsvc.store.transaction import Insert, insert_into

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import RowMapping

    from certsvc.store.transaction import Transaction

_S = staff.c
_ACCOUNT, _PERSON = "staff.account", "staff.person"
_MEMBER = select(*_S).where(_S.client_id == bindparam("client"), _S.account_blind == bindparam("blind"))
_OF_CLIENT = select(*_S).where(_S.client_id == bindparam("client"))
_COUNT = select(func.count().label("members")).select_from(staff).where(_S.client_id == bindparam("client"))


@cache
def _set(dialect: str) -> Insert:
    made = insert_into(dialect, staff)
    rest = {column.name: made.excluded[column.name] for column in staff.c if not column.primary_key}
    return made.on_conflict_do_update(index_elements=[_S.client_id, _S.account_blind], set_=rest)


class StaffRows:
    """Implements ``matter_ports.Staff``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def set_all(self, members: Sequence[StaffMember]) -> None:
        """Register or replace accounts."""
        rows = []
        for one in members:
            blind = self._blind(one.client_id, one.account)
            person = {"account": one.account, "name": one.name, "division": one.division}
            rows.append(
                {
                    "client_id": one.client_id,
                    "account_blind": blind,
                    "person": self._tx.seal_json(person, _PERSON, blind.hex()),
                    "active": one.active,
                    "from_on": one.from_on,
                    "until_on": one.until_on,
                    "set_by": one.set_by,
                    "set_at": one.set_at,
                }
            )
        self._tx.changed_all(_set(self._tx.dialect), rows)

    def member(self, client_id: str, account: str) -> StaffMember | None:
        """The account."""
        row = self._tx.row(_MEMBER, client=client_id, blind=self._blind(client_id, account))
        return None if row is None else self._staff(row)

    def of_client(self, client_id: str) -> Sequence[StaffMember]:
        """The accounts of a client, by account."""
        found = [self._staff(row) for row in self._tx.rows(_OF_CLIENT, client=client_id)]
        return sorted(found, key=lambda one: one.account)

    def count(self, client_id: str) -> int:
        """How many accounts a client has."""
        row = self._tx.row(_COUNT, client=client_id)
        return 0 if row is None else int(row["members"])

    def _blind(self, client_id: str, account: str) -> bytes:
        return self._tx.blind(f"{len(client_id)}:{client_id}:{account}", _ACCOUNT)

    def _staff(self, row: RowMapping) -> StaffMember:
        person = self._tx.open_json(row["person"], _PERSON, bytes(row["account_blind"]).hex())
        return StaffMember(
            client_id=row["client_id"],
            account=person["account"],
            name=person["name"],
            division=person["division"],
            active=row["active"],
            from_on=row["from_on"],
            until_on=row["until_on"],
            set_by=row["set_by"],
            set_at=row["set_at"],
        )
