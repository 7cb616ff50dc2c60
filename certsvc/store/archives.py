"""归档信息包 on record, and what may be due."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, text, update

from certsvc.license.archives import Archive, ArchiveKind
from certsvc.store.newest import newest_of_any
from certsvc.store.tables import OF_A_CASE, licenses, requests
from certsvc.store.tables_archives import archives
from certsvc.store.transaction import Insert, as_word, from_json, insert_into, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import RowMapping

    from certsvc.store.transaction import Transaction

_A = archives.c
_L = licenses.c
_BY_ID = select(*_A).where(_A.archive_id == bindparam("which"))
_OF_STATE = select(*_A).where(
    _A.kind == bindparam("what"),
    _A.subject == bindparam("about"),
    _A.authority_code == bindparam("body"),
    _A.state_digest == bindparam("state"),
)
_OF_STATE_OF_ANY = select(*_A).where(
    _A.kind == bindparam("what"), _A.subject == bindparam("about"), _A.state_digest == bindparam("state")
)
_STATES = select(_A.authority_code, _A.subject, _A.state_digest).where(
    _A.kind == bindparam("what"), _A.subject.in_(bindparam("about", expanding=True))
)
_OF = newest_of_any(archives, _A.authority_code, _A.made_at, _A.archive_id)
_RECEIPT = ("handed_to", "receipt_no", "received_on", "receipt_by", "receipt_at")
_HAND_OVER = (
    update(archives)
    .where(_A.archive_id == bindparam("which"), _A.receipt_at.is_(None))
    .values(**{name: bindparam(f"to_{name}") for name in _RECEIPT})
)
_LICENSES = (
    select(_L.license_id)
    .where(_L.license_id > bindparam("behind"))
    .distinct()
    .order_by(_L.license_id)
    .limit(bindparam("most"))
)
_CASES = (
    select(requests.c.case_no)
    .where(text(OF_A_CASE), requests.c.case_no > bindparam("behind"))
    .distinct()
    .order_by(requests.c.case_no)
    .limit(bindparam("most"))
)

_BODIES = (
    select(requests.c.case_no, requests.c.authority_code)
    .where(text(OF_A_CASE), requests.c.case_no.in_(bindparam("numbers", expanding=True)))
    .distinct()
    .order_by(requests.c.case_no, requests.c.authority_code)
)


@cache
def _insert_once(dialect: str) -> Insert:
    return insert_into(dialect, archives).on_conflict_do_nothing()


class ArchiveRows:
    """Implements ``archive_ports.Archives``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def insert(self, archive: Archive) -> bool:
        """Store; False when this state of this subject has a package."""
        return self._tx.changed(_insert_once(self._tx.dialect), **_values(archive)) == 1

    def by_id(self, archive_id: str) -> Archive | None:
        """The package."""
        row = self._tx.row(_BY_ID, which=archive_id)
        return None if row is None else archive_of(row)

    def of_state(self, kind: ArchiveKind, authority_code: str, subject: str, state_digest: str) -> Archive | None:
        """The package of this very state: of one body, or the first of any where that is empty."""
        named = {"what": kind.value, "about": subject, "state": state_digest}
        if authority_code:
            row = self._tx.row(_OF_STATE, **named, body=authority_code)
        else:
            # More than one only where two bodies made it before one became the other.
            rows = self._tx.rows(_OF_STATE_OF_ANY, **named)
            row = min(rows, key=lambda one: (one["made_at"], one["archive_id"]), default=None)
        return None if row is None else archive_of(row)

    def states(self, kind: ArchiveKind, subjects: Sequence[str]) -> Mapping[tuple[str, str], frozenset[str]]:
        """State digests that have a package, by body and subject, of these subjects."""
        found: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for row in self._tx.rows(_STATES, what=kind.value, about=sorted(set(subjects))) if subjects else ():
            found[(row["authority_code"], row["subject"])].add(row["state_digest"])
        return {key: frozenset(several) for key, several in found.items()}

    def of(
        self, authority_codes: Sequence[str] | None, *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Archive]:
        """Packages of these bodies, newest first; None: of all."""
        return [archive_of(row) for row in _OF.rows(self._tx, authority_codes, limit=limit, behind=behind)]

    def hand_over(self, archive: Archive) -> bool:
        """Note the receipt of ``archive``, if it has none."""
        values = {f"to_{name}": getattr(archive, name) for name in _RECEIPT}
        return self._tx.changed(_HAND_OVER, which=archive.archive_id, **values) == 1

    def licenses_after(self, license_id: str, *, limit: int) -> Sequence[str]:
        """License ids behind one, in order."""
        return [row["license_id"] for row in self._tx.rows(_LICENSES, behind=license_id, most=limit)]

    def cases_after(self, case_no: str, *, limit: int) -> Sequence[str]:
        """办件编号 of requests behind one, in order."""
        return [row["case_no"] for row in self._tx.rows(_CASES, behind=case_no, most=limit)]

    def bodies_of_cases(self, case_nos: Sequence[str]) -> Sequence[tuple[str, str]]:
        """办件编号 and USCC of every body with requests under one of these numbers, in order."""
        rows = self._tx.rows(_BODIES, numbers=sorted(set(case_nos))) if case_nos else ()
        return [(row["case_no"], row["authority_code"]) for row in rows]


def _values(archive: Archive) -> dict[str, Any]:
    values = asdict(archive)
    values["kind"] = archive.kind.value
    values["members"] = to_json(list(archive.members))
    values["materials"] = to_json(list(archive.materials))
    return values


def archive_of(row: RowMapping) -> Archive:
    """A package from a row of its table."""
    values: dict[str, Any] = dict(row)
    values["kind"] = as_word(ArchiveKind, row["kind"])
    values["members"] = tuple(from_json(row["members"]))
    values["materials"] = tuple(from_json(row["materials"]))
    return Archive(**values)
