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

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps
    from certsvc.license.parties import Client

ASSERTION_MEMORY_S = 600
"""How long an assertion id is remembered; longer than any assertion lives, so it cannot be replayed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenAnswer:
    """RFC 6749 §5.1."""

    access_token: str
    expires_in: int


def hash_secret(secret: str) -> str:
    """Hex SHA-256 of a client secret; enough for 256 random bits, which a word list cannot reach."""
    return hashlib.sha256(secret.encode()).hexdigest()


def issue_token(deps: Deps, *, client_id: str, client_secret: str = "", assertion: str = "") -> TokenAnswer:
    """Check the client and issue a token.

    Raises:
        Unauthenticated: unknown client, wrong secret, bad or replayed assertion: all with the same words.
    """
    now = deps.clock.now()
    with deps.uow.read() as tx:
        client = tx.access.client(client_id)
    if client is None or not client.active:
        # The same work as for a known client, so that time does not tell which ids exist.
        hmac.compare_digest(hash_secret(client_secret), hash_secret(client_id))
        raise Unauthenticated("客户端标识或凭据不正确")
    if assertion:
        _check_assertion(deps, client, assertion)
    elif not client.secret_sha256 or not hmac.compare_digest(hash_secret(client_secret), client.secret_sha256):
        raise Unauthenticated("客户端标识或凭据不正确")
    lifetime = deps.policy.token_lifetime_s
    token = deps.tokens.issue(claims_of(of_client(client)), now=now, lifetime_s=lifetime)
    with deps.uow() as tx:
        record(tx, deps, kind="access.token_issued", subject=client_id, actor=client_id, content={}, at=now)
    return TokenAnswer(access_token=token, expires_in=lifetime)


def _check_assertion(deps: Deps, client: Client, assertion: str) -> None:
    now = deps.clock.now()
    if not client.jwks:
        raise Unauthenticated("客户端标识或凭据不正确")
    jti = deps.tokens.check_client_assertion(assertion, client.jwks, client_id=client.client_id, now=now)
    with deps.uow() as tx:
        until = now + timedelta(seconds=ASSERTION_MEMORY_S)
        if not tx.access.remember_once(f"jti:{client.client_id}:{jti}", until=until, now=now):
            raise Unauthenticated("客户端断言已被使用，请重新签发")
