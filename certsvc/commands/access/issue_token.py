"""Client credentials to an access token (RFC 6749 §4.4, RFC 7523 §2.2)."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.commands.access.principals import claims_of, of_client
from certsvc.commands.evidence.record import record
from certsvc.errors import Unauthenticated
from certsvc.license.parties import CLIENT_SECRET, PRIVATE_KEY_JWT, TLS_CLIENT_AUTH

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps
    from certsvc.license.parties import Client

ASSERTION_MEMORY_S = 600
"""How long an assertion id is remembered; as long as any assertion lives, so it cannot be replayed."""
UNKNOWN_ZH = "客户端标识或凭据不正确"


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenAnswer:
    """RFC 6749 §5.1."""

    access_token: str
    expires_in: int


def hash_secret(secret: str) -> str:
    """Hex SHA-256 of a client secret; enough for 256 random bits, which a word list cannot reach."""
    return hashlib.sha256(secret.encode()).hexdigest()


def issue_token(
    deps: Deps, *, client_id: str, client_secret: str = "", assertion: str = "", certificate: str = ""
) -> TokenAnswer:
    """Check the client in the one way that it is registered with, and issue a token.

    Args:
        deps: the ports.
        client_id: as :func:`client_named` gives it.
        client_secret: by Basic or in the form.
        assertion: ``private_key_jwt``.
        certificate: as a trusted proxy passed it on, or empty.

    Raises:
        Unauthenticated: unknown client, another way than its own, or a credential that does not hold: with the same
            words, unless who it is was proved and only the times or claims of its credential are at fault.
    """
    now = deps.clock.now()
    with deps.uow.read() as tx:
        client = tx.access.client(client_id)
    if client is None or not client.active:
        # The same work as for a known client, so that time does not tell which ids exist.
        hmac.compare_digest(hash_secret(client_secret), hash_secret(client_id))
        raise Unauthenticated(UNKNOWN_ZH)
    _check(deps, client, client_secret, assertion, certificate)
    lifetime = deps.policy.token_lifetime_s
    token = deps.tokens.issue(claims_of(of_client(client)), now=now, lifetime_s=lifetime)
    content = {"by": client.proves_by}
    with deps.uow() as tx:
        record(tx, deps, kind="access.token_issued", subject=client_id, actor=client_id, content=content, at=now)
    return TokenAnswer(access_token=token, expires_in=lifetime)


def client_named(deps: Deps, client_id: str, assertion: str) -> str:
    """Which client asks: it may be left out beside an assertion, which names it too (RFC 7521 §4.2)."""
    return client_id or (deps.tokens.claimed_client(assertion) if assertion else "")


def _check(deps: Deps, client: Client, secret: str, assertion: str, certificate: str) -> None:
    """By its own way and no other: a client set to certificates is not opened by a secret that leaked."""
    way = client.proves_by
    if (secret and way != CLIENT_SECRET) or (assertion and way != PRIVATE_KEY_JWT):
        raise Unauthenticated(UNKNOWN_ZH)
    if way == PRIVATE_KEY_JWT:
        _check_assertion(deps, client, assertion)
    elif way == TLS_CLIENT_AUTH:
        _check_certificate(deps, client, certificate)
    elif not client.secret_sha256 or not hmac.compare_digest(hash_secret(secret), client.secret_sha256):
        raise Unauthenticated(UNKNOWN_ZH)


def _check_certificate(deps: Deps, client: Client, presented: str) -> None:
    """The certificate that the proxy saw is the registered one: by its subject or by its digest (RFC 8705 §2.1)."""
    if not presented:
        raise Unauthenticated(UNKNOWN_ZH)
    subject, sha256 = deps.tokens.client_certificate(presented, now=deps.clock.now())
    wanted, found = (client.tls_sha256, sha256) if client.tls_sha256 else (client.tls_subject, subject)
    if not wanted or not hmac.compare_digest(wanted.encode(), found.encode()):
        raise Unauthenticated(UNKNOWN_ZH)


def _check_assertion(deps: Deps, client: Client, assertion: str) -> None:
    now = deps.clock.now()
    if not client.jwks or not assertion:
        raise Unauthenticated(UNKNOWN_ZH)
    jti = deps.tokens.check_client_assertion(assertion, client.jwks, client_id=client.client_id, now=now)
    with deps.uow() as tx:
        until = now + timedelta(seconds=ASSERTION_MEMORY_S)
        if not tx.access.remember_once(f"jti:{client.client_id}:{jti}", until=until, now=now):
            raise Unauthenticated("客户端断言已被使用，请重新签发")
