"""Tell the holder that a license was issued, changed or ended, or that something is due: a line on the own page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.events.envelope import PREFIX
from certsvc.events.payloads import MOVED, LicenseDue, LicenseIssued, LicenseRegistered, LicenseSimulated
from certsvc.license.dues import DUE_ZH, DueKind
from certsvc.license.states import MOVES
from certsvc.license.uses import Notice

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.envelope import Event

NAME = "holder-notices"

_MOVE_ZH = {PREFIX + MOVED[move.event].NAME: move.name_zh for move in MOVES}


def handle(deps: Deps, tx: UnitOfWork, event: Event) -> None:
    """Write the notice; other events leave nothing."""
    if event.type == PREFIX + LicenseIssued.NAME:
        kind, text = "issued", "已签发"
    elif event.type == PREFIX + LicenseRegistered.NAME:
        kind, text = "issued", "已登记"
    elif event.type == PREFIX + LicenseSimulated.NAME:
        kind, text = "issued", "的模拟审批意见已出具"
    elif event.type == PREFIX + LicenseDue.NAME:
        kind, text = "due", "：" + DUE_ZH[DueKind(str(event.data["kind"]))]
    elif event.type in _MOVE_ZH:
        kind, text = "moved", f"已{_MOVE_ZH[event.type]}"
    else:
        return
    version = tx.licenses.by_identifier(event.subject)
    if version is None:
        return
    name = deps.catalog.type(version.type_slug).name
    document = str(event.data.get("document_no", ""))
    if kind == "issued" and version.registration is not None:
        text += f"（{version.registration.sentence}）"
    sentence = f"您的{name}{text}" + (f"（文书号：{document}）" if document else "")
    tx.sharing.insert_notice(
        Notice(notice_id=deps.ids.new("ntc"), version_id=version.version_id, kind=kind, text=sentence, at=event.time)
    )
