"""What ends with a seal: the version under way, the certificate, the private key."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from certsvc.commands.evidence.record import record
from certsvc.commands.seals.note_move import Moved, Said, note_move
from certsvc.errors import CertsvcError, SigningError
from certsvc.seal.life import SEAL_MOVE, UNDER_WAY
from certsvc.seal.model import SealState
from certsvc.seal.version import RevocationReason, RevokedCertificate

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.seal.version import SealVersion

log = structlog.get_logger("certsvc.seals")


def drop_under_way(deps: Deps, tx: UnitOfWork, seal_id: str, *, code: str, actor: str, at: datetime) -> None:
    """Give up the version that is under way, if there is one: its seal came to an end, or its ground changed."""
    move = SEAL_MOVE["drop"]
    for version in tx.seal_lives.versions(seal_id):
        if version.state in UNDER_WAY and tx.seal_lives.move(replace(version, state=move.target), source=version.state):
            moved = Moved(seal_id=seal_id, version=version.version, owner_code=version.owner_code, source=version.state)
            note_move(deps, tx, move, moved, Said(code=code), actor=actor, at=at)
            if version.state is SealState.MADE:
                revoke_certificate(deps, tx, version, RevocationReason.CESSATION, actor=actor, at=at)


def revoke_certificate(
    deps: Deps, tx: UnitOfWork, version: SealVersion, reason: RevocationReason, *, actor: str, at: datetime
) -> None:
    """Put the certificate of a version on the list of revoked ones; CRLs and OCSP answers are made from it."""
    try:
        facts = deps.seal_maker.certificate(version.key_id)
    except SigningError:
        # A key at a platform: its certificate is revoked there, by whoever issued it.
        log.warning("no certificate here to revoke", action="seal.revoke_elsewhere", seal_id=version.seal_id)
        return
    entry = RevokedCertificate(
        issuer_key_id=facts.issuer_key_id,
        serial=facts.serial,
        reason=reason,
        revoked_at=at,
        seal_id=version.seal_id,
        key_id=version.key_id,
    )
    if tx.seal_lives.revoke(entry):
        content = {"serial": facts.serial, "issuer_key_id": facts.issuer_key_id, "reason": reason.value}
        record(tx, deps, kind="seal.certificate_revoked", subject=version.seal_id, actor=actor, content=content, at=at)


def destroy_key(deps: Deps, key_id: str) -> None:
    """Destroy a private key after the transaction that retired it; a failure is told and changes nothing in law."""
    if not key_id:
        return
    try:
        deps.seal_maker.destroy(key_id)
    except (CertsvcError, OSError):
        log.exception("a retired key is still there", action="seal.key_kept", key_id=key_id)
