"""What the issuing CAs kept here say about their certificates: CRL and OCSP, from the register's revocations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.errors import NotFound
from certsvc.seal.authorities import RevokedEntry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.seal.authorities import AuthorityFacts
    from certsvc.seal.version import RevokedCertificate


def crl_of(deps: Deps, ca_id: str) -> bytes:
    """The CA's CRL in DER, with every revocation that is committed now; NotFound."""
    facts = _facts(deps, ca_id)
    with deps.uow.read() as tx:
        revoked = _revoked(tx, facts, tx.seal_lives.revocations())
    return deps.authorities.crl(ca_id, revoked, now=deps.clock.now())


def own_crls(deps: Deps, *, since: datetime | None = None) -> tuple[bytes, ...]:
    """The CRLs of every CA kept here: our own verdicts know a revocation at once, not when a list is fetched.

    They are made no earlier than ``since``: what goes into a file speaks of the time after its signing.
    """
    known, now = deps.authorities.known(), deps.clock.now()
    if not known:
        return ()
    with deps.uow.read() as tx:
        seals = tx.seal_lives.revocations()
        return tuple(deps.authorities.crl(ca.ca_id, _revoked(tx, ca, seals), now=now, since=since) for ca in known)


def ocsp_of(deps: Deps, ca_id: str, request: bytes) -> bytes:
    """The CA's OCSP answer in DER; NotFound when there is no such CA. An unreadable request has an answer too."""
    facts = _facts(deps, ca_id)
    with deps.uow.read() as tx:

        def issued(serial: str) -> bool:
            return tx.signers.issued(ca_id, serial)

        return deps.authorities.ocsp(
            ca_id, request, _revoked(tx, facts, tx.seal_lives.revocations()), issued, now=deps.clock.now()
        )


def _facts(deps: Deps, ca_id: str) -> AuthorityFacts:
    for facts in deps.authorities.known():
        if facts.ca_id == ca_id:
            return facts
    raise NotFound("没有这个签发机构")


def _revoked(tx: UnitOfWork, facts: AuthorityFacts, seals: Sequence[RevokedCertificate]) -> Sequence[RevokedEntry]:
    """Certificates of seals, which name their issuer by its key, and of people, which name it by its id."""
    of_seals = [
        RevokedEntry(serial=one.serial, at=one.revoked_at, reason=one.reason.value)
        for one in seals
        if one.issuer_key_id == facts.key_identifier
    ]
    people = [
        RevokedEntry(serial=one.serial, at=one.revoked_at, reason=one.reason)
        for one in tx.signers.revoked_certificates(facts.ca_id)
    ]
    return [*of_seals, *people]
