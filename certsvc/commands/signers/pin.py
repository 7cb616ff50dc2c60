"""A PIN is tried: a try is taken, committed, before anything is opened; all come back with the right PIN."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from certsvc.commands.evidence.record import record
from certsvc.errors import PinRefused, SignerUnavailable
from certsvc.seal.signer import MAX_PIN_TRIES, SIGNER_STATE_ZH, SignerState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from certsvc.commands.ports import Deps
    from certsvc.seal.signer import Signer

LOCKED_ZH = f"PIN 连续输错 {MAX_PIN_TRIES} 次，电子签名已锁定；请注销后重新申请"


@contextmanager
def pin_try(deps: Deps, signer: Signer) -> Iterator[None]:
    """Around the opening of a key, and nothing else.

    A fault of ours inside the block costs the person no try.

    Raises:
        SignerUnavailable: the signer cannot be opened in its state.
        PinRefused: no try is left, or the block found the PIN wrong; the detail says how many remain.
    """
    now = deps.clock.now()
    if signer.state_at(now) not in {SignerState.ACTIVE, SignerState.STOPPED}:
        raise SignerUnavailable(f"电子签名当前状态为“{SIGNER_STATE_ZH[signer.state_at(now)]}”，不能使用")
    with deps.uow() as tx:
        taken = tx.signers.take_try(signer.signer_id)
    if not taken:
        raise PinRefused(LOCKED_ZH)
    try:
        yield
    except PinRefused as error:
        raise _wrong(deps, signer) from error
    except BaseException:
        with deps.uow() as tx:
            tx.signers.give_back(signer.signer_id)
        raise
    with deps.uow() as tx:
        tx.signers.right_pin(signer.signer_id)


def _wrong(deps: Deps, signer: Signer) -> PinRefused:
    with deps.uow() as tx:
        after = tx.signers.by_id(signer.signer_id)
        tries = after.pin_tries if after else MAX_PIN_TRIES
        record(
            tx,
            deps,
            kind="signer.pin_refused",
            subject=signer.signer_id,
            actor=signer.subject,
            content={"tries": tries},
            at=deps.clock.now(),
        )
    left = MAX_PIN_TRIES - tries
    return PinRefused(f"PIN 不正确，还可以再试 {left} 次" if left > 0 else LOCKED_ZH)
