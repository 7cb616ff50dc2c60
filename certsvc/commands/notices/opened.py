"""Electronic service: a holder who opens a license, in the page or by the API, has read what it was noticed for."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from certsvc.commands.evidence.record import record
from certsvc.errors import Unavailable
from certsvc.license.notices import UNREAD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.notices import Notice

MAX_NOTICES = 200
"""Notices about one license that are looked at; bounds a transaction."""


def opened(deps: Deps, caller: Principal, notices: Sequence[Notice], identifiers: Mapping[str, str]) -> None:
    """Mark as read what was shown and not read before; ``identifiers`` by version id are the subjects of evidence.

    A database that cannot write now keeps nobody from looking: it is read when the license is opened again.
    """
    # What somebody else is told is not read by the holder, and must still reach that one.
    mine = [notice for notice in notices if notice.recipient is None]
    unread = {notice.notice_id: notice for notice in mine if notice.state in UNREAD}
    if not unread:
        return
    now = deps.clock.now()
    with suppress(Unavailable), deps.uow() as tx:
        for notice_id in tx.notices.read(list(unread), now=now):
            record(
                tx,
                deps,
                kind="notice.read",
                subject=identifiers[unread[notice_id].version_id],
                actor=caller.subject,
                content={"notice_id": notice_id, "about": unread[notice_id].about},
                at=now,
            )
