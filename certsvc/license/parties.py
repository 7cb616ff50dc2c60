"""Parties: client systems, and people bound to a verified holder code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """A registered system (OAuth 2 client).

    Attributes:
        secret_sha256: hex SHA-256 of its 256-bit secret, or empty when it uses ``private_key_jwt``.
        jwks: its public keys as a JSON Web Key Set, or empty.
        authority_code: USCC of the body it belongs to.
    """

    client_id: str
    name: str
    authority_code: str
    roles: frozenset[str]
    secret_sha256: str
    jwks: str
    active: bool


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
