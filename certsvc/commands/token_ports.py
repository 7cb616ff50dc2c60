"""Tokens, and the proofs of client systems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class TokenService(Protocol):
    """Makes and checks access tokens (JWS); checks those of a configured OIDC issuer too.

    Claims go in and come out as plain mappings; ``commands/access/principals.py`` turns them into a Principal.
    """

    def issue(self, claims: Mapping[str, object], *, now: datetime, lifetime_s: int) -> str:
        """A signed ``at+jwt`` access token (RFC 9068) with ``iss``, ``aud``, ``iat``, ``exp`` and ``jti`` added."""
        ...

    def check(self, token: str, *, now: datetime) -> Mapping[str, object]:
        """Its claims; Unauthenticated for a wrong signature, algorithm, type, issuer, audience or time."""
        ...

    def claimed_client(self, assertion: str) -> str:
        """Whom an assertion names, before it is checked (RFC 7521 §4.2: ``client_id`` may be left out); else empty."""
        ...

    def client_certificate(self, presented: str, *, now: datetime) -> tuple[str, str]:
        """Subject (RFC 4514) and hex SHA-256 of the certificate that a proxy passed on; else Unauthenticated."""
        ...

    def certificate_subject(self, text: str) -> str:
        """A subject as :meth:`client_certificate` gives it; InvalidInput when it is none."""
        ...

    def check_client_assertion(self, assertion: str, jwks: str, *, client_id: str, now: datetime) -> str:
        """The ``jti`` of a valid ``private_key_jwt`` assertion (RFC 7523 §3) of ``client_id``; else Unauthenticated."""
        ...


class IdentityProvider(Protocol):
    """The sign-in of people elsewhere (OpenID Connect, authorization code with PKCE)."""

    def redeem(self, code: str, verifier: str) -> str:
        """The access token behind a code; Unauthenticated when it is not taken, Unavailable without an answer."""
        ...
