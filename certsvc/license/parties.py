"""Parties: client systems, and people bound to a verified holder code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

CLIENT_SECRET = "client_secret"  # noqa: S105  (a method)
"""by HTTP Basic or in the form (RFC 6749 §2.3.1)"""
PRIVATE_KEY_JWT = "private_key_jwt"
TLS_CLIENT_AUTH = "tls_client_auth"
"""by a certificate that a trusted proxy saw (RFC 8705 §2.1)"""
AUTH_METHODS = (CLIENT_SECRET, PRIVATE_KEY_JWT, TLS_CLIENT_AUTH)


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """A registered system (OAuth 2 client).

    Attributes:
        secret_sha256: hex SHA-256 of its 256-bit secret, or empty when it uses ``private_key_jwt``.
        jwks: its public keys as a JSON Web Key Set, or empty.
        authority_code: USCC of the body it belongs to.
        auth_method: the one way in which it proves itself; empty for what its secret or keys say.
        tls_subject: subject of its certificate (RFC 4514), for ``tls_client_auth``.
        tls_sha256: hex SHA-256 of its certificate, for ``tls_client_auth`` where the subject is not enough.
        staff_required: whether who asks through it must be registered staff (经办人).
        purpose: 使用目的 where a request says none, or empty.
    """

    client_id: str
    name: str
    authority_code: str
    roles: frozenset[str]
    secret_sha256: str
    jwks: str
    active: bool
    auth_method: str = ""
    tls_subject: str = ""
    tls_sha256: str = ""
    staff_required: bool = False
    purpose: str = ""

    @property
    def proves_by(self) -> str:
        """The one way in which it proves itself; clients of earlier releases have none written down."""
        return self.auth_method or (PRIVATE_KEY_JWT if self.jwks else CLIENT_SECRET)


@dataclass(frozen=True, kw_only=True, slots=True)
class Person:
    """A person who signs in: bound to a verified holder code, or an officer with a 执法证号.

    Attributes:
        subject: the identity provider's subject.
        holder_code, holder_code_type: empty for people who hold nothing.
        badge: 执法证号, or empty.
        verified_by: how the binding was verified (``sandbox``, ``oidc:…``).
    """

    subject: str
    name: str
    roles: frozenset[str]
    holder_code: str
    holder_code_type: str
    authority_code: str
    badge: str
    verified_by: str
    created_at: datetime


PartyT = TypeVar("PartyT", Client, Person)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking(Generic[PartyT]):
    """A party that comes with a token, and what ended its sessions before their tokens do.

    Attributes:
        ended: keys of those of its tokens, of the ones asked about, that were ended one by one.
        ended_before: every token issued in a second before this one was ended; None when that was never done.
    """

    party: PartyT
    ended: frozenset[str]
    ended_before: datetime | None

    def is_out(self, token_key: str, issued_s: int) -> bool:
        """Whether the session of this token was ended; ``issued_s`` is its ``iat``, in whole seconds.

        Of the second in which all were ended a token is let through: whoever signs in again at once has one of it.
        """
        if token_key in self.ended:
            return True
        return self.ended_before is not None and issued_s < int(self.ended_before.timestamp())
