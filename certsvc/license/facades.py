"""Accounts of systems that speak an older interface (共享门面), and what is given out through it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

ANY = "*"
"""In the verbs or types of an account: every one."""


class FacadeName(StrEnum):
    """The older interfaces that are spoken here (STANDARDS.md 2.4)."""

    APP = "license_app"
    """C: ``license-app/v1``"""
    GB_36906 = "gb_36906"
    """A: the services of GB/T 36906"""
    CERT_SHARE = "cert_share"
    """B: 共享平台"""


@dataclass(frozen=True, kw_only=True, slots=True)
class FacadeAccount:
    """Who may come through a facade: one account, one client.

    Attributes:
        login: ``app_key`` or ``accessId``; of GB/T 36906 the client id, whose own access token signs in.
        secret_sha256: hex SHA-256 of ``app_secret`` or ``accessToken``; empty for GB/T 36906.
        verbs, types: what it may ask, and for which license types (slugs); ``*`` is every one.
        matter_code, purpose: registered 事项 and 使用目的, taken where a request brings none; may be empty.
    """

    account_id: str
    facade: FacadeName
    login: str
    secret_sha256: str = field(repr=False)
    client_id: str
    verbs: tuple[str, ...]
    types: tuple[str, ...]
    matter_code: str
    purpose: str
    active: bool
    expires_at: datetime
    created_at: datetime

    def may(self, verb: str) -> bool:
        """Whether it may ask ``verb``."""
        return ANY in self.verbs or verb in self.verbs

    def sees(self, type_slug: str) -> bool:
        """Whether it may ask about licenses of this type."""
        return ANY in self.types or type_slug in self.types


@dataclass(frozen=True, kw_only=True, slots=True)
class AuthCode:
    """A 用证码 of the ``license-app/v1`` facade, known to us only by its digest: one license, one matter, one case.

    Attributes:
        basis: ``consent`` or ``duty``.
        grant_code: the holder's own 用证码 behind it; empty on duty.
        data_used_at, file_used_at: each set once, when fields or file were asked for.
    """

    code_sha256: str = field(repr=False)
    account_id: str
    client_id: str
    basis: str
    identifier: str
    type_slug: str
    matter_code: str
    case_no: str
    operator: str
    purpose: str
    grant_code: str = field(repr=False)
    created_at: datetime
    expires_at: datetime
    data_used_at: datetime | None = None
    file_used_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Download:
    """An address that gives one file once: what is to be fetched then, not the file.

    Attributes:
        asked: the fetch that the address stands for, as JSON values; personal.
    """

    id_sha256: str = field(repr=False)
    account_id: str
    client_id: str
    asked: dict[str, object] = field(repr=False)
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
