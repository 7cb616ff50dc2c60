"""What ends with a seal: the version under way, the certificates, the private key.

A key is destroyed after the transaction that retired it, and only when no version that lives has it. What a crash, a
full disk or a making that was overtaken leaves behind is found again by :func:`destroy_ended_keys`: the key files that
are there are compared with the versions that have ended.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from certsvc.commands.evidence.record import record
from certsvc.commands.seals.note_move import SERVICE, Moved, Said, note_move
from certsvc.errors import CertsvcError
from certsvc.seal.life import KEYLESS, SEAL_MOVE, UNDER_WAY
from certsvc.seal.model import SealState
from certsvc.seal.version import RevocationReason, RevokedCertificate

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.seal.version import SealVersion

log = structlog.get_logger("certsvc.seals")


def drop_under_way(deps: Deps, tx: UnitOfWork, seal_id: str, *, code: str, actor: str, at: datetime) -> tuple[str, ...]:
    """Give up the version that is under way, if there is one: its seal came to an end, or its ground changed.

    The ids of the keys that are to be destroyed once the transaction is committed (:func:`destroy_key`).
    """
    move = SEAL_MOVE["drop"]
    gone: list[str] = []
    for version in tx.seal_lives.versions(seal_id):
        if version.state in UNDER_WAY and tx.seal_lives.move(replace(version, state=move.target), source=version.state):
            moved = Moved(seal_id=seal_id, version=version.version, owner_code=version.owner_code, source=version.state)
            note_move(deps, tx, move, moved, Said(code=code), actor=actor, at=at)
            revoke_certificate(deps, tx, version, RevocationReason.CESSATION, actor=actor, at=at)
            gone.append(version.next_key_id)
    return tuple(gone)


def revoke_certificate(
    deps: Deps, tx: UnitOfWork, version: SealVersion, reason: RevocationReason, *, actor: str, at: datetime
) -> None:
    """Put every certificate of a version's key on the list of revoked ones; CRLs and OCSP answers are made from it.

    A version that is not made yet may have one too: its making was overtaken, or died after the CA had answered.
    """
    key_id = version.key_id or version.next_key_id
    certificates = deps.seal_maker.certificates(key_id)
    if version.key_id and not certificates:
        # A key at a platform: its certificate is revoked there, by whoever issued it.
        log.warning("no certificate here to revoke", action="seal.revoke_elsewhere", seal_id=version.seal_id)
    for facts in certificates:
        entry = RevokedCertificate(
            issuer_key_id=facts.issuer_key_id,
            serial=facts.serial,
            reason=reason,
            revoked_at=at,
            seal_id=version.seal_id,
            key_id=key_id,
        )
        if tx.seal_lives.revoke(entry):
            content = {"serial": facts.serial, "issuer_key_id": facts.issuer_key_id, "reason": reason.value}
            kind = "seal.certificate_revoked"
            record(tx, deps, kind=kind, subject=version.seal_id, actor=actor, content=content, at=at)


def destroy_key(deps: Deps, key_id: str) -> bool:
    """Destroy a private key after the transaction that retired it; whether it is gone.

    A key that a living version has is left alone. A failure is told, changes nothing in law, and is made good by
    :func:`destroy_ended_keys`.
    """
    if not key_id:
        return False
    with deps.uow.read() as tx:
        versions = tx.seal_lives.with_key(key_id)
    if any(one.state not in KEYLESS for one in versions):
        return False
    try:
        deps.seal_maker.destroy(key_id)
    except (CertsvcError, OSError):
        log.exception("a retired key is still there", action="seal.key_kept", key_id=key_id)
        return False
    return True


def clear_dropped(deps: Deps, made: SealVersion, *, actor: str) -> bool:
    """Revoke and destroy what a making left that failed or came too late, if its version was dropped meanwhile.

    Whether it was. A version that lives, such as one that another maker made in the same moment, is not touched.
    """
    now = deps.clock.now()
    with deps.uow() as tx:
        tx.seals.hold(made.seal_id)
        stands = tx.seal_lives.version(made.seal_id, made.version)
        if stands is None or stands.state is not SealState.DROPPED:
            return False
        revoke_certificate(deps, tx, stands, RevocationReason.CESSATION, actor=actor, at=now)
    # Revoked first: a crash here leaves the key file, by which both are found again.
    destroy_key(deps, made.next_key_id)
    return True


def destroy_ended_keys(deps: Deps) -> int:
    """Destroy the keys that versions which ended left behind, after revoking what a dropped one left; how many."""
    kept = deps.seal_maker.kept()
    with deps.uow.read() as tx:
        ended = [one for one in tx.seal_lives.without_key() if (one.key_id or one.next_key_id) in kept]
    gone = 0
    for version in ended:
        if version.state is SealState.DROPPED:
            gone += clear_dropped(deps, version, actor=SERVICE)
        else:
            gone += destroy_key(deps, version.key_id or version.next_key_id)
    if gone:
        log.warning("keys of ended versions destroyed", action="seal.keys_swept", count=gone)
    return gone
