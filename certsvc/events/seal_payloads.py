"""Payload classes of the events about seals; the laws of ``payloads.py`` hold here too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from certsvc.events.payload import Payload


@dataclass(frozen=True, kw_only=True, slots=True)
class SealMoved(Payload):
    """Base of the events of ``seal/life.py``: one move of one version of a seal."""

    seal_id: str
    version: int
    owner_code: str
    from_state: str
    """empty when the move opened the version"""
    to_state: str
    code: str
    """why, in one word: a cause (``seal/version.py``), ``odd_use:<rule>``, or empty"""
    document_no: str
    filing_no: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SealApplied(SealMoved):
    """A seal, or a new version of one, was applied for."""

    NAME: ClassVar[str] = "seal.applied.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class SealApproved(SealMoved):
    """The 制发部门 approved, or a renewal of the certificate needed no approval."""

    NAME: ClassVar[str] = "seal.approved.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class SealRefused(SealMoved):
    """The 制发部门 refused."""

    NAME: ClassVar[str] = "seal.refused.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class SealDropped(SealMoved):
    """The owner gave up a version before it was in use."""

    NAME: ClassVar[str] = "seal.dropped.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class SealMade(SealMoved):
    """Key, certificate and seal object are there."""

    NAME: ClassVar[str] = "seal.made.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class SealActivated(SealMoved):
    """启用: this version may sign."""

    NAME: ClassVar[str] = "seal.activated.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class SealStopped(SealMoved):
    """停用: the seal signs nothing until it is resumed."""

    NAME: ClassVar[str] = "seal.stopped.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class SealResumed(SealMoved):
    """恢复."""

    NAME: ClassVar[str] = "seal.resumed.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class SealCancelled(SealMoved):
    """注销: filed by the maker; the certificate is revoked."""

    NAME: ClassVar[str] = "seal.cancelled.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class SealExpired(SealMoved):
    """The period of the seal has ended."""

    NAME: ClassVar[str] = "seal.expired.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class SealRemade(SealMoved):
    """换制: another version took the place of this one; what this one sealed stays verifiable."""

    NAME: ClassVar[str] = "seal.remade.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class SealOddUse(Payload):
    """异常用印: a rule of ``seal/odd.py`` was met; the seal was stopped in the same moment."""

    NAME: ClassVar[str] = "seal.odd_use.v1"
    seal_id: str
    owner_code: str
    rule: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SealUseDecided(Payload):
    """A manual use was agreed to, or refused (人工用印审批)."""

    NAME: ClassVar[str] = "seal.use_decided.v1"
    approval_id: str
    seal_id: str
    owner_code: str
    state: str
    """``granted`` or ``refused``"""


@dataclass(frozen=True, kw_only=True, slots=True)
class SealUseSettled(Payload):
    """An operator said what became of a use whose answer a crash took."""

    NAME: ClassVar[str] = "seal.use_settled.v1"
    reservation_id: str
    seal_id: str
    owner_code: str
    result: str
    """``used``, or ``failed``: the key did not sign"""


@dataclass(frozen=True, kw_only=True, slots=True)
class SealExpiring(Payload):
    """The certificate of a seal in use ends soon: time to apply for its re-making."""

    NAME: ClassVar[str] = "seal.expiring.v1"
    seal_id: str
    version: int
    owner_code: str
    valid_until: str
    """last day, Asia/Shanghai"""
    stage_days: int
    """90, 30 or 7"""


SEAL_MOVED: dict[str, type[SealMoved]] = {
    cls.NAME.split(".")[1]: cls
    for cls in (
        SealApplied,
        SealApproved,
        SealRefused,
        SealDropped,
        SealMade,
        SealActivated,
        SealStopped,
        SealResumed,
        SealCancelled,
        SealExpired,
        SealRemade,
    )
}
"""Action part of the name (``SealMove.event``) -> payload class."""
