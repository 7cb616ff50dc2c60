"""The register against outbox, evidence and uses of seals.

Every version has one event and one evidence row of its making, each with the digest of its file, and one of either for
each move; every use of a seal has a reservation and an evidence row. Keys of the ledger are an identifier with what
happened to it, so that a digest that was changed on one side shows on both.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from certsvc.commands.reconciling.findings import Difference, Finding
from certsvc.commands.reconciling.pages import PAGE, pages, uneven
from certsvc.events.envelope import PREFIX
from certsvc.events.evidence import make_evidence
from certsvc.events.payloads import MOVED, LicenseIssued, LicenseRegistered, LicenseSimulated
from certsvc.license.states import MOVE_BY_NAME
from certsvc.seal.model import ReservationResult

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.reconcile_ports import Books, Ledger
    from certsvc.commands.reconciling.findings import Report
    from certsvc.events.envelope import Event
    from certsvc.events.evidence import EvidenceRow
    from certsvc.license.books import ReadEvidence, VersionRow
    from certsvc.seal.model import SealReservation

EVENTS, EVIDENCE, USES, SEALED = "events", "evidence", "uses", "sealed"
"""Topics of the ledger; the last holds what files say sealed them: the purpose or the id of a reservation."""
VERSIONS, RESERVED, SENT, PROVEN = "证照", "用印预留", "事件", "留痕"

MADE = "made"
SEAL_USED = "seal.used"
_NAMES = {
    **{cls.NAME: MADE for cls in (LicenseIssued, LicenseRegistered, LicenseSimulated)},
    **{cls.NAME: action for action, cls in MOVED.items()},
}
EVENT_TYPES: Mapping[str, str] = {PREFIX + name: action for name, action in _NAMES.items()}
EVIDENCE_KINDS: Mapping[str, str] = {name.rpartition(".")[0]: action for name, action in _NAMES.items()}
ISSUE = "issue:"
"""How the purpose of a use for a license begins; the id of its request follows."""


class RowBooks:
    """One comparison of rows with rows; the steps follow each other."""

    def __init__(self, books: Books, ledger: Ledger, report: Report, look: Callable[[str, int], None]) -> None:
        """Compare ``books``; what is found goes to ``report``, what was looked at to ``look``."""
        self._books = books
        self._ledger = ledger
        self._report = report
        self._look = look

    def expect_versions(self) -> None:
        """Note what every version must have beside it."""
        read = pages(
            self._books,
            lambda tx, at: tx.reconciling.versions_after(at, limit=PAGE),
            lambda row: row.version_id,
            "",
        )
        for rows in read:
            keys = [key for row in rows for key in _keys(row)]
            self._ledger.expect(EVENTS, keys)
            self._ledger.expect(EVIDENCE, keys)
            self._ledger.expect(SEALED, [ISSUE + row.request_id for row in rows if row.issued_here])
            self._look(VERSIONS, len(rows))

    def compare_uses(self, *, before: datetime) -> None:
        """Uses of seals against the files that they sealed; uses without an answer since ``before`` are told."""
        read = pages(
            self._books,
            lambda tx, at: tx.reconciling.reservations_after(at, limit=PAGE),
            lambda row: row.reservation_id,
            "",
        )
        for rows in read:
            used = [row for row in rows if row.result is ReservationResult.USED]
            self._ledger.expect(USES, [row.reservation_id for row in used])
            # One key for each use: the purpose leads to a license, the id to what was stamped by hand.
            self._ledger.see(
                SEALED, [row.purpose if row.purpose.startswith(ISSUE) else row.reservation_id for row in used]
            )
            for row in rows:
                self._unanswered(row, before)
            self._look(RESERVED, len(rows))
        for key, _ in uneven(self._ledger.short, SEALED):
            self._tell(Difference.UNSEALED_FILE, key)

    def compare_events(self) -> None:
        """The outbox against the register."""
        read = pages(
            self._books,
            lambda tx, at: tx.reconciling.events_after(at, types=tuple(EVENT_TYPES), limit=PAGE),
            lambda row: row[0],
            0,
        )
        for rows in read:
            self._ledger.see(EVENTS, [_event_key(event) for _, event in rows])
            self._look(SENT, len(rows))
        self._versions(EVENTS, Difference.MISSING_EVENT, Difference.STRAY_EVENT)

    def compare_evidence(self) -> None:
        """Evidence against register and reservations, and each row against its own leaf."""
        kinds = (*EVIDENCE_KINDS, SEAL_USED)
        read = pages(
            self._books,
            lambda tx, at: tx.reconciling.evidence_after(at, kinds=kinds, limit=PAGE),
            lambda row: row.row_no,
            0,
        )
        for rows in read:
            self._see_evidence(rows)
            self._look(PROVEN, len(rows))
        self._versions(EVIDENCE, Difference.MISSING_EVIDENCE, Difference.STRAY_EVIDENCE)
        for key, _ in uneven(self._ledger.short, USES):
            self._tell(Difference.UNRECORDED_USE, key)
        for key, seen in uneven(self._ledger.over, USES):
            with self._books.uow.read() as tx:
                reserved = tx.reconciling.reservation(key)
            # One that was reserved or answered after the reservations were read is known by now.
            if seen > 1 or reserved is None or reserved.result is not ReservationResult.USED:
                self._tell(Difference.UNRESERVED_USE, key)

    def _see_evidence(self, rows: Sequence[ReadEvidence]) -> None:
        licenses: list[str] = []
        uses: list[str] = []
        for one in rows:
            said = _details(one.row)
            if one.row is None or said is None:
                self._tell(Difference.CHANGED_EVIDENCE, one.evidence_id)
            elif one.row.kind == SEAL_USED:
                uses.append(str(said["content"]["reservation_id"]))
            else:
                action = EVIDENCE_KINDS[one.row.kind]
                licenses.append(_key(said["subject"], action, str(said["content"].get("sha256", ""))))
        self._ledger.see(EVIDENCE, licenses)
        self._ledger.see(USES, uses)

    def _versions(self, topic: str, missing: Difference, stray: Difference) -> None:
        for key, _ in uneven(self._ledger.short, topic):
            self._tell(missing, key)
        for key, seen in uneven(self._ledger.over, topic):
            if seen > self._happened(key):
                self._tell(stray, key)

    def _happened(self, key: str) -> int:
        """How often it happened by now: what was registered after the versions were read is no stranger."""
        identifier, action, sha256 = key.split(" ")
        with self._books.uow.read() as tx:
            version = tx.licenses.by_identifier(identifier)
            if version is None:
                return 0
            if action == MADE:
                of = tx.licenses.by_sha256(sha256) if sha256 else None
                return int(of is not None and of.identifier == identifier)
            moves = tx.licenses.moves_of(version.version_id)
        return sum(MOVE_BY_NAME[one.name].event == action for one in moves)

    def _unanswered(self, row: SealReservation, before: datetime) -> None:
        if row.result is ReservationResult.UNKNOWN:
            self._tell(Difference.UNKNOWN_USE, row.reservation_id)
        elif row.result is ReservationResult.OPEN and row.reserved_at < before:
            self._tell(Difference.UNANSWERED_USE, row.reservation_id)

    def _tell(self, kind: Difference, key: str) -> None:
        about, _, detail = key.partition(" ")
        self._report.add(Finding(kind=kind, about=about, detail=detail.strip()))


def _key(identifier: str, action: str, sha256: str) -> str:
    return f"{identifier} {action} {sha256 if action == MADE else ''}"


def _keys(row: VersionRow) -> list[str]:
    moved = [_key(row.identifier, MOVE_BY_NAME[name].event, "") for name in row.moves]
    return [_key(row.identifier, MADE, row.sha256), *moved]


def _sealed(row: SealReservation) -> str:
    """What a file says that it was sealed by: the purpose leads to a license, the id to what was stamped by hand."""
    return row.purpose if row.purpose.startswith(ISSUE) else row.reservation_id


def _event_key(event: Event) -> str:
    return _key(event.subject, EVENT_TYPES[event.type], str(event.data.get("sha256", "")))


def _details(row: EvidenceRow | None) -> dict[str, Any] | None:
    """What an evidence row says; None when its leaf proves something else."""
    if row is None:
        return None
    try:
        said: dict[str, Any] = json.loads(row.details)
        again = make_evidence(
            evidence_id=row.evidence_id,
            kind=row.kind,
            at=row.at,
            salt=row.salt,
            subject=said["subject"],
            actor=said["actor"],
            content=said["content"],
        )
    except (ValueError, KeyError, TypeError):
        return None
    return said if again.leaf == row.leaf else None
