"""Whether a person may sign this document now, and with what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.signers.identity import own_living
from certsvc.errors import Conflict, SignerUnavailable
from certsvc.seal.signer import SIGNER_STATE_ZH, SignerState
from certsvc.seal.signing_round import ROUND_STATE_ZH, STEP_STATE_ZH, RoundState, StepState

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.seal.signer import Signer
    from certsvc.seal.signing_round import SigningRound, Step


def check_turn(signing: SigningRound, step: Step, document_sha256: str, now: datetime) -> None:
    """Conflict unless the step may sign the document with this digest now; the detail says why not."""
    state = signing.state_at(now)
    if state is not RoundState.OPEN:
        raise Conflict(f"{ROUND_STATE_ZH[state]}，不能再签名")
    if step.state is not StepState.WAITING:
        raise Conflict(f"您在这份文件上的签名状态为“{STEP_STATE_ZH[step.state]}”，不需要再签")
    if step not in signing.ready():
        raise Conflict("还没有轮到您签名，请等前面的人签完")
    if document_sha256 not in signing.may_confirm(step):
        raise Conflict("您确认的文件不是现在要签的文件，请刷新后重新查看再确认")


def signing_key_of(tx: UnitOfWork, deps: Deps, caller: Principal) -> Signer:
    """The caller's active signer; SignerUnavailable with what to do otherwise."""
    signer = own_living(tx, caller)
    if signer is None:
        raise SignerUnavailable("您还没有电子签名，请先申请")
    state = signer.state_at(deps.clock.now())
    if state is not SignerState.ACTIVE:
        raise SignerUnavailable(f"您的电子签名当前状态为“{SIGNER_STATE_ZH[state]}”，不能签名")
    return signer
