"""How holders want to be told; found by a keyed digest of type and code, encrypted."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from certsvc.license.notices import Contact, HolderContact
from certsvc.store.tables_notices import holder_contacts
from certsvc.store.transaction import Insert, insert_into

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping

    from certsvc.license.model import Holder
    from certsvc.store.transaction import Transaction

_C = holder_contacts.c
_BLIND = "holder_contacts.holder_blind"
_OWN = "holder_contacts.own"
_GIVEN = "holder_contacts.given"
_OF = select(*_C).where(_C.holder_blind.in_(bindparam("blinds", expanding=True)))


@cache
def _set(dialect: str, *columns: str) -> Insert:
    """Insert, or replace these columns."""
    made = insert_into(dialect, holder_contacts)
    return made.on_conflict_do_update(
        index_elements=[_C.holder_blind], set_={name: made.excluded[name] for name in columns}
    )


class ContactRows:
    """Implements ``notice_ports.Contacts``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def of(self, holder: Holder) -> HolderContact | None:
        """What is known."""
        return self.of_all([holder]).get(holder)

    def of_all(self, holders: Sequence[Holder]) -> Mapping[Holder, HolderContact]:
        """What is known of several."""
        blinds = {holder: self._blind(holder) for holder in holders}
        rows = self._tx.rows(_OF, blinds=sorted(set(blinds.values()))) if blinds else ()
        known = {bytes(row["holder_blind"]): row for row in rows}
        return {holder: self._known(known[blind], blind) for holder, blind in blinds.items() if blind in known}

    def _known(self, row: RowMapping, blind: bytes) -> HolderContact:
        return HolderContact(
            own=self._open(row["own"], _OWN, blind),
            given=self._open(row["given"], _GIVEN, blind),
            tell_uses=row["tell_uses"],
            changed_by=row["changed_by"],
            changed_at=row["changed_at"],
        )

    def set_own(self, holder: Holder, contact: Contact, *, tell_uses: bool, by: str, now: datetime) -> None:
        """What the holder wants."""
        blind = self._blind(holder)
        self._tx.changed(
            _set(self._tx.dialect, "own", "tell_uses", "changed_by", "changed_at"),
            holder_blind=blind,
            own=self._seal(contact, _OWN, blind),
            given=None,
            tell_uses=tell_uses,
            changed_by=by,
            changed_at=now,
        )

    def set_given(self, holder: Holder, contact: Contact, *, by: str, now: datetime) -> None:
        """What an approval system passed on."""
        blind = self._blind(holder)
        self._tx.changed(
            _set(self._tx.dialect, "given", "changed_by", "changed_at"),
            holder_blind=blind,
            own=None,
            given=self._seal(contact, _GIVEN, blind),
            tell_uses=False,
            changed_by=by,
            changed_at=now,
        )

    def _blind(self, holder: Holder) -> bytes:
        return self._tx.blind(f"{holder.code_type}\n{holder.code}", _BLIND)

    def _seal(self, contact: Contact, column: str, blind: bytes) -> bytes:
        return self._tx.seal_json({"phone": contact.phone, "mail": contact.mail}, column, blind.hex())

    def _open(self, kept: bytes | None, column: str, blind: bytes) -> Contact | None:
        return None if kept is None else Contact(**self._tx.open_json(kept, column, blind.hex()))
