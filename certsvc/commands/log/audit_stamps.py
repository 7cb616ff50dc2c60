"""Timestamps over checkpoints against what leaves say of them, and against their authorities."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from certsvc.clock import rfc3339
from certsvc.commands.log.findings import Found
from certsvc.errors import SigningError

if TYPE_CHECKING:
    from certsvc.commands.log.audit_since import Since
    from certsvc.commands.log.findings import AuditReport
    from certsvc.commands.ports import Deps
    from certsvc.commands.reconcile_ports import Ledger
    from certsvc.events.checkpoint import Checkpoint, Stamp

PAGE = 500
CLOCKS_APART = timedelta(minutes=5)
"""How far the clock of an authority may be from ours."""
STAMP = "stamp"
"""The noun of timestamps in the ledger."""


class StampAudit:
    """One comparison of all timestamps."""

    def __init__(self, deps: Deps, ledger: Ledger, report: AuditReport, since: Since, *, settled: datetime) -> None:
        """Timestamps at or after ``settled`` may have their leaves on the way."""
        self._deps = deps
        self._ledger = ledger
        self._report = report
        self._since = since
        self._settled = settled

    def compare(self) -> None:
        """All of them, in the order of the checkpoints they stand over."""
        size, before, unheld = 0, datetime.min.replace(tzinfo=UTC), 0
        while True:
            with self._deps.uow.read() as tx:
                page = tx.log.stamps_after(size, limit=PAGE)
                notes = {one.size: tx.log.at_size(one.size) for one in page}
            if not page:
                break
            for stamp in page:
                key = f"{STAMP} {stamp.size} {hashlib.sha256(stamp.token).hexdigest()}"
                self._ledger.expect(STAMP, [key])
                if stamp.at >= self._settled:
                    self._since.young.add(key)
                over = notes[stamp.size]
                if over is not None:
                    before, held = self._stamp(stamp, over, before)
                    unheld += not held
            self._report.stamped += len(page)
            size = page[-1].size
        if unheld:
            self._report.not_checked.append(f"{unheld} 个时间戳的签发机构（没有配置时间戳用途的信任锚）")

    def _stamp(self, stamp: Stamp, over: Checkpoint, before: datetime) -> tuple[datetime, bool]:
        """One timestamp: over its checkpoint, of a trusted authority, and of its time; that time, and if it was held.

        It states a time between the checkpoint's and that at which we had it, and none before an earlier timestamp's.
        """
        signer, note = self._deps.log_signer, over.note.encode()
        try:
            at, trusted = signer.stamped_at(stamp.token, note), signer.is_trusted(stamp.token, note)
        except SigningError as error:
            self._report.tell(Found.STAMP_CHANGED, stamp.size, error.detail)
            return before, True
        if trusted is False:
            detail = "签发机构不通向时间戳用途的信任锚：核实机构后把其根证书放入信任目录"
            self._report.tell(Found.STAMP_CHANGED, stamp.size, detail)
        if not max(over.at, before) - CLOCKS_APART <= at <= stamp.at + CLOCKS_APART:
            self._report.tell(Found.STAMP_CHANGED, stamp.size, f"时间 {rfc3339(at)} 与前后的检查点不符")
        return max(at, before), trusted is not None
