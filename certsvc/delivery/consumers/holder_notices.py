"""Tell the holder that a license was issued, changed or ended, or that something is due: a line on the own page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.events.envelope import PREFIX
from certsvc.events.payloads import MOVED, LicenseDue, LicenseIssued, LicenseRegistered, LicenseSimulated
from certsvc.license.dues import DUE_ZH, DueKind
from certsvc.license.states import MOVES
from certsvc.license.uses import Notice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.envelope import Event

NAME = "holder-notices"

_MOVE_ZH = {PREFIX + MOVED[move.event].NAME: move.name_zh for move in MOVES}


def handle(deps: Deps, tx: UnitOfWork, events: Sequence[Event]) -> None:
    """Write the notices; other events leave nothing."""
    told = [(event, words) for event in events if (words := _words(event)) is not None]
    versions = tx.licenses.by_identifiers(sorted({event.subject for event, _ in told}))
    for event, (kind, text) in told:
        version = versions.get(event.subject)
        if version is None:
            continue
        name = deps.catalog.type(version.type_slug).name
        document = str(event.data.get("document_no", ""))
        made = version.registration if kind == "issued" else None
        remarks = (f"（{made.sentence}）" if made else "") + (f"（文书号：{document}）" if document else "")
        sentence = f"您的{name}{text}{remarks}"
        tx.sharing.insert_notice(
            Notice(
                notice_id=deps.ids.new("ntc"), version_id=version.version_id, kind=kind, text=sentence, at=event.time
            )
        )


def _words(event: Event) -> tuple[str, str] | None:
    """Kind of the notice and what it says behind the name of the license; None for events that holders are not told."""
    if event.type == PREFIX + LicenseIssued.NAME:
        return "issued", "已签发"
    if event.type == PREFIX + LicenseRegistered.NAME:
        return "issued", "已登记"
    if event.type == PREFIX + LicenseSimulated.NAME:
        return "issued", "的模拟审批意见已出具"
    if event.type == PREFIX + LicenseDue.NAME:
        return "due", "：" + DUE_ZH[DueKind(str(event.data["kind"]))]
    if event.type in _MOVE_ZH:
        return "moved", f"已{_MOVE_ZH[event.type]}"
    return None
