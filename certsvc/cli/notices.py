"""What operators do about notices by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.app import build
from certsvc.cli.maintain import OPERATOR
from certsvc.commands.access import roles
from certsvc.commands.notices.serve_by_hand import MAX_PAGE, list_notices, resend_notice
from certsvc.commands.ports import Principal
from certsvc.errors import Conflict
from certsvc.license.notices import NoticeState
from certsvc.settings import load_settings

if TYPE_CHECKING:
    from certsvc.commands.notices.serve_by_hand import Told
    from certsvc.commands.ports import Deps

BY_HAND = Principal(subject=OPERATOR, kind="system", roles=frozenset({roles.OPERATOR}))


def open_notices(state: str) -> list[Told]:
    """Every waiting or failed notice, oldest first."""
    service = build(load_settings())
    try:
        return _all(service.deps, NoticeState(state))
    finally:
        service.close()


def resend(notice_ids: list[str]) -> tuple[int, int]:
    """Queue failed notices again, all of them when none is named; how many, and how many have no way still."""
    service = build(load_settings())
    try:
        which = notice_ids or [told.notice.notice_id for told in _all(service.deps, NoticeState.FAILED)]
        done = 0
        for notice_id in which:
            try:
                resend_notice(service.deps, BY_HAND, notice_id)
            except Conflict:
                continue
            done += 1
        return done, len(which) - done
    finally:
        service.close()


def _all(deps: Deps, state: NoticeState) -> list[Told]:
    found: list[Told] = []
    while page := list_notices(
        deps, BY_HAND, state=state, behind=found[-1].notice.notice_id if found else "", limit=MAX_PAGE
    ):
        found += page
    return found
