"""Uses of a license: shown (亮证), scanned, granted (授权) and fetched (用证)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ShowBasis(StrEnum):
    """By what right somebody shows a license."""

    OWN = "own"
    CO_HOLDER = "co_holder"
    """共有人、户内成员: the own part"""
    GUARDIAN = "guardian"
    """监护人"""
    REPRESENTATIVE = "representative"
    """法定代表人"""
    DELEGATION = "delegation"
    """代亮"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Show:
    """One show code, known to us only by its digest.

    Attributes:
        token_sha256: hex SHA-256 of the 128-bit token in the QR.
        scene: scene code of the type; the fields of the scene are all it can give.
        redeemed_at, redeemed_by: set once, when data were given.
        basis: by what right it is shown (``ShowBasis``); ``basis_id`` names the delegation, relation or co-holder.
        presenter: name of who shows for the holder; empty when the holder does.
        bundle: code of the 一业一证, or empty; ``members`` are then version id and scene of each license, and
            ``version_id`` and ``scene`` those of the first.
    """

    show_id: str
    token_sha256: str
    version_id: str
    holder_subject: str
    scene: str
    created_at: datetime
    expires_at: datetime
    redeemed_at: datetime | None = None
    redeemed_by: str = ""
    basis: str = ShowBasis.OWN
    basis_id: str = ""
    presenter: str = ""
    bundle: str = ""
    members: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Scan:
    """One look by an officer or a clerk at a show code or a printed code; the inspection record.

    Attributes:
        code_kind: ``show``, ``printed``, ``offline``, ``challenge``, ``number`` or ``unknown``.
        outcome: reason code of the answer.
        fields: keys of the fields that were given.
        version_id, show_id: empty when the code led nowhere; the latter is the id of the core of an offline code, and
            that of the challenge where one was answered.
        visit_id: the visit in which it was made, or empty.
    """

    scan_id: str
    code_kind: str
    show_id: str
    version_id: str
    officer: str
    authority_code: str
    badge: str
    scene: str
    outcome: str
    fields: tuple[str, ...]
    at: datetime
    visit_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """A holder's consent for one client and one matter (用证码), one-time for data.

    Attributes:
        fields: keys granted; ``*copy`` for the file.
    """

    grant_id: str
    token_sha256: str
    version_id: str
    holder_subject: str
    client_id: str
    matter_code: str
    case_no: str
    fields: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    withdrawn_at: datetime | None = None
    copy_until: datetime | None = None
    """until when a copy that is made under it may be good; None as long as the policy lets it"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fetch:
    """One row of the ledger 谁用过我的证: every fetch and every refusal.

    Attributes:
        basis: ``consent`` or ``duty``.
        outcome: ``given`` or the reason code of the refusal.
        fields: what left; ``*copy`` for the file.
    """

    fetch_id: str
    version_id: str
    client_id: str
    client_name: str
    authority_code: str
    matter_code: str
    case_no: str
    operator: str
    purpose: str
    basis: str
    grant_id: str
    fields: tuple[str, ...]
    outcome: str
    at: datetime
