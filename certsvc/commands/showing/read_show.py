"""Where a show code stands, for who made it: waits to be scanned, was scanned, or is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.errors import NotFound
from certsvc.license.uses import ShowState

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps, Principal
    from certsvc.license.uses import Show

NO_SHOW_ZH = "没有这次亮证"
STATE_ZH: dict[ShowState, str] = {
    ShowState.WAITING: "等待对方扫码",
    ShowState.SCANNED: "已被扫码，核验信息已给出",
    ShowState.OVER: "已过期，请重新出示",
}


def read_show(deps: Deps, caller: Principal, show_id: str) -> tuple[Show, ShowState]:
    """The show and where it stands by the service's own clock; looking changes nothing.

    Who scanned it stands in the ledger of the license (谁用过我的证), which is the holder's and no delegate's.

    Raises:
        NotFound: no such show, or one that somebody else made, in the same words.
    """
    roles.require(caller, roles.HOLDER)
    with deps.uow.read() as tx:
        show = tx.showing.shows([show_id]).get(show_id)
    if show is None or show.holder_subject != caller.subject:
        raise NotFound(NO_SHOW_ZH)
    return show, show.stands(deps.clock.now())
