"""Odd use (异常用印): refused tries are counted, and the seal is stopped when ``seal/odd.py`` says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from certsvc.commands.evidence.record import record
from certsvc.commands.seals.note_move import SERVICE, Moved, Said, note_move
from certsvc.events.seal_payloads import SealOddUse
from certsvc.seal.life import SEAL_MOVE
from certsvc.seal.model import SealState
from certsvc.seal.odd import ODD_ZH, WINDOW, odd_tries, rule_for

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.seal.model import Seal
    from certsvc.seal.odd import OddRule
    from certsvc.seal.use import Against, SealUse

log = structlog.get_logger("certsvc.seals")


def note_refused_use(
    deps: Deps, seal_id: str, against: Against, use: SealUse, *, purpose: str, at: datetime, odd: OddRule | None = None
) -> None:
    """Count a refused use where it counts, and stop the seal when it is one too many.

    Args:
        deps: the ports.
        seal_id: the seal that was asked.
        against: what spoke against the use.
        use: what was asked.
        purpose: why; one purpose is one try, however often it comes.
        at: the moment of the use.
        odd: a rule that was met already, whatever the tries.
    """
    rule = rule_for(against, manual=use.manual)
    if rule is None and odd is None:
        return
    with deps.uow() as tx:
        seal = tx.seals.hold(seal_id)
        if seal is None or seal.state is not SealState.ACTIVE:
            return
        if rule is not None:
            tx.seal_watch.note_try(seal_id, rule, purpose, now=at)
            odd = odd or odd_tries(tx.seal_watch.tries(seal_id, since=at - WINDOW))
        if odd is not None:
            _stop(deps, tx, seal, odd)


def _stop(deps: Deps, tx: UnitOfWork, seal: Seal, rule: OddRule) -> None:
    tx.seal_fences.close(seal.seal_id)
    at = deps.clock.now()  # after what was being signed meanwhile
    tx.seals.set_state(seal.seal_id, source=SealState.ACTIVE, target=SealState.STOPPED)
    moved = Moved(seal_id=seal.seal_id, version=seal.version, owner_code=seal.owner_code, source=SealState.ACTIVE)
    said = Said(code=f"odd_use:{rule.value}", reason=ODD_ZH[rule])
    note_move(deps, tx, SEAL_MOVE["stop"], moved, said, actor=SERVICE, at=at)
    payload = SealOddUse(seal_id=seal.seal_id, owner_code=seal.owner_code, rule=rule.value)
    tx.outbox.add(
        payload.event(event_id=deps.ids.new("evt"), source=deps.policy.event_source, subject=seal.seal_id, at=at)
    )
    content = {"rule": rule.value}
    record(tx, deps, kind="seal.odd_use", subject=seal.seal_id, actor=SERVICE, content=content, at=at)
    log.warning("stopped after odd use", action="seal.odd_use", seal_id=seal.seal_id, rule=rule.value)
