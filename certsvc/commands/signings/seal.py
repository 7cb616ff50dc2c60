"""The seal that ends a round: reserved, set and answered like every use of a seal, after all people have signed.

It is tried right after the last signature and again by the maintenance loop: a seal that is stopped or over its budget
leaves the round waiting, with the reason on it. Rounds are tried in turn, those that failed often more and more seldom,
so that a few whose seal is away never keep the others waiting. What no later try could change ends the round.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from certsvc.commands.page_ports import SealTask
from certsvc.commands.ports import TrustChoice
from certsvc.commands.seals.fence import ReservedPage, seal_fenced
from certsvc.commands.seals.use_seal import Asked, abandon_earlier, reserve_uses, settle_sealed
from certsvc.commands.signings.completed import tell_completed
from certsvc.commands.signings.document import load_document, store_document
from certsvc.commands.signings.end import end_unsealed
from certsvc.commands.signings.request import fields_of
from certsvc.commands.signings.round_seal import round_use, why_never
from certsvc.commands.signings.verdict import sound
from certsvc.errors import CertsvcError, InvalidInput, SigningError
from certsvc.seal.signing_page import SignatureRoom
from certsvc.seal.signing_round import Revision
from certsvc.seal.trust_list import SIGNED

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.seal.model import Seal
    from certsvc.seal.signing_round import FinalSeal, SigningRound

log = structlog.get_logger("certsvc.signings")

CLAIM_S = 120
SEAL_AT_ONCE = 20
MAX_TROUBLE = 150
FIRST_PAUSE = timedelta(seconds=15)
"""Between the first try and the second; doubled after each that failed."""
LONGEST_PAUSE = timedelta(hours=1)
"""Between two tries of a seal that stays away: each is a look at the seal, or at worst a use of it."""
SM2 = "sm2"


def seal_round(deps: Deps, round_id: str) -> bool:
    """Set the seal of a round that waits for nothing else; whether it is on now.

    What keeps the seal away is written on the round and logged, never raised: the people have signed, and the
    maintenance loop tries again, or the round ends where that could never help.
    """
    now = deps.clock.now()
    token = deps.ids.token()
    with deps.uow() as tx:
        signing = tx.signings.by_id(round_id)
        if signing is None or signing.seal is None or not signing.awaits_seal:
            return False
        if not tx.signings.claim(round_id, token=token, now=now, lease_s=CLAIM_S):
            return False
        tries = tx.round_seals.tried(round_id, now=now)
    try:
        return _sealed(deps, signing, signing.seal, token, now)
    except InvalidInput as error:
        # The same bytes are refused again tomorrow.
        end_unsealed(deps, signing, error.detail[:MAX_TROUBLE], token=token)
        return False
    except CertsvcError as error:
        log.warning("seal waits", action="signing.seal", round_id=round_id, reason=error.code, tries=tries)
        with deps.uow() as tx:
            tx.round_seals.put_off(round_id, error.detail[:MAX_TROUBLE], due=now + pause_after(tries))
        return False
    finally:
        with deps.uow() as tx:
            tx.signings.release(round_id, token=token)


def pause_after(tries: int) -> timedelta:
    """How long a round rests after so many tries that failed."""
    doubled = 1 << min(tries - 1, 16)
    return min(FIRST_PAUSE * doubled, LONGEST_PAUSE)


def seal_waiting_rounds(deps: Deps) -> int:
    """Try the rounds whose next try is due, the longest untried first; how many were sealed."""
    with deps.uow.read() as tx:
        waiting = tx.round_seals.awaiting(deps.clock.sure(), limit=SEAL_AT_ONCE)
    sealed = 0
    for round_id in waiting:
        try:
            sealed += seal_round(deps, round_id)
        except Exception:
            # A fault of ours over one document must not keep the seals of the others away.
            log.exception("seal failed", action="signing.seal", round_id=round_id)
    return sealed


def _sealed(deps: Deps, signing: SigningRound, final: FinalSeal, token: str, now: datetime) -> bool:
    with deps.uow.read() as tx:
        seal = tx.seals.by_id(final.seal_id)
    never = why_never(deps, seal, signing.created_by)
    if seal is None or never:
        end_unsealed(deps, signing, never[:MAX_TROUBLE], token=token)
        return False
    data = _seal_use(deps, signing, final, seal, now)
    findings = deps.inspector.inspect(data, TrustChoice(at=now, uses=SIGNED), now)
    if not sound(findings):
        reason = findings.reason.value
        log.error("own verifier refused", action="signing.self_check", round_id=signing.round_id, reason=reason)
        raise SigningError("盖章后的文件未通过自检，没有登记；请联系运维")
    digest = store_document(deps, data)
    # When the bytes provably exist: after the key operation, never before it.
    now = deps.clock.now()
    revision = Revision(number=signing.head.number + 1, sha256=digest, step_id="", at=now)
    with deps.uow() as tx:
        if not tx.signings.seal(signing.round_id, token=token, revision=revision):
            return False
        tell_completed(tx, deps, replace(signing, revisions=(*signing.revisions, revision)), now)
    return True


def _seal_use(deps: Deps, signing: SigningRound, final: FinalSeal, seal: Seal, now: datetime) -> bytes:
    format_name = "sm2-cms" if seal.algorithm == SM2 else "pades-b-b"
    room = SignatureRoom(
        filter=deps.sealer.filter(format_name),
        sub_filter=deps.sealer.sub_filter(format_name),
        reserved_bytes=deps.sealer.reserved_bytes(seal, format_name),
    )
    prepared = deps.signing_pages.begin_seal(
        load_document(deps, signing.head), fields_of(signing.steps, final), final.field_name, room, seal, now
    )
    purpose = f"signing:{signing.round_id}"
    abandon_earlier(deps, [purpose])
    use = round_use(deps, seal, signing.created_by)
    digest = prepared.digest("sha256").hex()
    # A round that waits is tried every few seconds: its refusals are no odd use of the seal.
    asked = Asked(seal=seal, purpose=purpose, digest=digest, use=use)
    (reservation,) = reserve_uses(deps, [asked], watched=False)
    task = SealTask(prepared=prepared, seal=seal, format=format_name, signed_at=now)
    (data,) = seal_fenced(deps, [ReservedPage(asked=asked, task=task)])
    settle_sealed(deps, [(reservation, data)])
    if isinstance(data, CertsvcError):
        raise data
    return data
