"""The trust list in force in this process: the directory's anchors and the confirmed changes, followed by number."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

from certsvc.errors import IntegrityError, InvalidInput
from certsvc.seal.trust_entries import entry_id_of, read_body
from certsvc.seal.trust_list import Step, TrustLog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.store_ports import UnitOfWorkFactory
    from certsvc.seal.trust_list import Anchor, TrustChange, TrustList

log = structlog.get_logger("certsvc.trust")


class LiveTrust:
    """Implements ``trust_ports.TrustSource``; one per process, safe between threads."""

    def __init__(self, uow: UnitOfWorkFactory, files: Sequence[Anchor]) -> None:
        """Take up what is confirmed.

        Raises:
            IntegrityError: the log of changes does not follow from itself: it was edited.
        """
        self._uow = uow
        self._files = tuple(files)
        self._lock = threading.Lock()
        self._seen, self._log = self._load()

    @property
    def log(self) -> TrustLog:
        """Every version."""
        return self._log

    @property
    def current(self) -> TrustList:
        """The version in force."""
        return self._log.current

    def follow(self) -> bool:
        """Look at the number of changes, one row, and take up newer ones; True when there were some."""
        with self._uow.read() as tx:
            version = tx.trust.version()
        if version == self._seen:
            return False
        with self._lock:
            if version == self._seen:
                return False
            try:
                self._seen, self._log = self._load()
            except IntegrityError as error:
                # The last good one stays; this number is not looked at again, the next one is.
                self._seen = version
                log.warning("trust list refused", action="trust.refused", version=version, reason=error.detail)
                return False
        log.info("trust list taken up", action="trust.swapped", version=self._seen, digest=self._log.current.digest)
        return True

    def _load(self) -> tuple[int, TrustLog]:
        with self._uow.read() as tx:
            changes = tx.trust.changes()
        return len(changes), TrustLog(self._files, [_step(change) for change in changes])


def _step(change: TrustChange) -> Step:
    try:
        entry = read_body(change.kind, change.body)
    except InvalidInput as error:
        raise IntegrityError(f"信任列表的第 {change.number} 次变更无法读取：{error.detail}") from error
    if entry_id_of(entry) != change.entry_id:
        raise IntegrityError(f"信任列表的第 {change.number} 次变更与其条目不符：变更记录可能被改动")
    return Step(change=change, entry=entry)
