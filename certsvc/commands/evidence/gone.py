"""Files that went by decision (鉴定销毁): told as such, and never as a loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.errors import NotFound

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps


def kept_file(deps: Deps, object_name: str) -> bytes:
    """The bytes of a registered file.

    Raises:
        NotFound: there are none; one that went by decision is told with its list.
    """
    try:
        return deps.objects.get(object_name)
    except NotFound as error:
        refuse_gone(deps, object_name)
        raise error from error.__cause__


def refuse_gone(deps: Deps, object_name: str) -> None:
    """NotFound for a file that went, or is on its way, by decision."""
    with deps.uow.read() as tx:
        gone = tx.erased.file(object_name)
    if gone is not None:
        day = local_day(gone.at).isoformat()
        raise NotFound(f"文件已于 {day} 按鉴定清册 {gone.list_id} 销毁，登记、摘要和留痕仍在")
