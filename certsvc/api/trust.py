"""The trust list: public for everyone; changed by two people, each change on record."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AwareDatetime, ConfigDict, Field, model_validator

from certsvc.api.auth import PUBLIC, Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.commands.access import roles
from certsvc.commands.ports import Principal
from certsvc.commands.trust.change import MAX_REASON, confirm_change, propose_change, trust_record
from certsvc.commands.trust.end import reject_change, withdraw_change
from certsvc.seal.trust_entries import (
    MAX_CERTIFICATE_BYTES,
    MAX_INTERMEDIATES,
    MAX_NOTE,
    MAX_RECOGNITION_ANCHORS,
    MAX_STATES,
    MAX_TEXT,
    MAX_TYPES,
    anchor_of,
    recognition_of,
)
from certsvc.seal.trust_list import Anchor, EndedProposal, Recognition, TrustChange, TrustProposal

router = APIRouter(tags=["trust 信任列表"], route_class=JsonRoute)

PROPOSER = Access(roles.TRUST_PROPOSER)
CONFIRMER = Access(roles.TRUST_CONFIRMER)
READER = Access(roles.TRUST_PROPOSER, roles.TRUST_CONFIRMER, roles.OPERATOR, roles.AUDITOR)

PAGE = 100
"""Changes in one answer, unless fewer are asked for."""

Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Der = Annotated[str, Field(min_length=4, max_length=2 * MAX_CERTIFICATE_BYTES, description="DER 的 base64")]
ProposalId = Annotated[str, Path(max_length=64, pattern=r"^tpr_[0-9A-Z]+$", description="变更提案编号")]


class AnchorIn(Model):
    """An anchor as it shall be; one of the same certificate is replaced."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    certificate: Der
    name: Text
    purposes: list[Text] = Field(
        min_length=1, max_length=MAX_STATES, description="seal、person、timestamp、partner-<互认方代码>"
    )
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = Field(default=None, description="从此刻起不再是信任证书")
    note: str = Field(default="", max_length=MAX_NOTE)
    intermediates: list[Der] = Field(
        default=[], max_length=MAX_INTERMEDIATES, description="其下的签发证书，供不带证书链的签章使用"
    )


class TypeIn(Model):
    """A recognised type."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Text = Field(description="对方的类型代码")
    slug: Text = Field(description="本地类型，没有对应的写 *")
    title: str = Field(default="", max_length=MAX_TEXT)


class RecognitionIn(Model):
    """A recognition as it shall be; one of the same partner is replaced."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    partner: Text = Field(description="互认方代码")
    name: Text
    anchors: list[Text] = Field(
        min_length=1, max_length=MAX_RECOGNITION_ANCHORS, description="对方印章所在的根证书（SHA-256）"
    )
    types: list[TypeIn] = Field(min_length=1, max_length=MAX_TYPES)
    states: dict[Text, Text] = Field(
        default={}, max_length=MAX_STATES, description="对方的状态词 → 本系统的状态词；空为相同"
    )
    channel: Text = Field(description="对方公众核验接口的网址")
    effective_from: AwareDatetime
    effective_until: AwareDatetime | None = None
    note: str = Field(default="", max_length=MAX_NOTE)


class TrustProposalIn(Model):
    """One entry and why."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: str = Field(min_length=1, max_length=MAX_REASON, description="变更理由")
    anchor: AnchorIn | None = None
    recognition: RecognitionIn | None = None

    @model_validator(mode="after")
    def _one(self) -> TrustProposalIn:
        if (self.anchor is None) == (self.recognition is None):
            msg = "请填写 anchor 或 recognition 之一"
            raise ValueError(msg)
        return self

    def entry(self) -> Anchor | Recognition:
        """The entry, read by the rules of entries; InvalidInput names the field."""
        if self.anchor is not None:
            return anchor_of(_plain(self.anchor))
        return recognition_of(_plain(self.recognition) if self.recognition is not None else None)


class AnchorOut(Model):
    """An anchor, without its bytes."""

    sha256: str
    name: str
    purposes: list[str]
    valid_from: datetime | None
    valid_until: datetime | None
    origin: str = Field(description="file 运维配置的信任目录 · list 经两人确认")

    @staticmethod
    def of(anchor: Anchor) -> AnchorOut:
        """From an anchor."""
        return AnchorOut(
            sha256=anchor.anchor_id,
            name=anchor.name,
            purposes=sorted(anchor.purposes),
            valid_from=anchor.valid_from,
            valid_until=anchor.valid_until,
            origin=anchor.origin,
        )


class TypeOut(Model):
    """A recognised type."""

    code: str
    slug: str
    title: str


class RecognitionListedOut(Model):
    """A recognition."""

    partner: str
    name: str
    anchors: list[str]
    types: list[TypeOut]
    states: dict[str, str]
    channel: str
    effective_from: datetime
    effective_until: datetime | None

    @staticmethod
    def of(one: Recognition) -> RecognitionListedOut:
        """From a recognition."""
        return RecognitionListedOut(
            partner=one.partner,
            name=one.name,
            anchors=list(one.anchors),
            types=[TypeOut(code=kind.code, slug=kind.slug, title=kind.title) for kind in one.types],
            states=dict(one.states),
            channel=one.channel,
            effective_from=one.effective_from,
            effective_until=one.effective_until,
        )


class TrustListOut(Model):
    """The version in force."""

    version: int
    digest: str = Field(description="最近一次变更的摘要，逐次相连；第 0 版为空")
    sha256: str = Field(description="全部信任证书 SHA-256 排序后的 SHA-256，与核验回执中的相同")
    anchors: list[AnchorOut]
    recognitions: list[RecognitionListedOut]


class TrustProposalOut(Model):
    """A change as it was proposed."""

    proposal_id: str
    kind: str
    entry_id: str
    entry: Mapping[str, Any]
    reason: str
    proposed_by: str
    proposed_at: datetime

    @staticmethod
    def of(proposal: TrustProposal) -> TrustProposalOut:
        """From a proposal."""
        return TrustProposalOut(
            proposal_id=proposal.proposal_id,
            kind=proposal.kind,
            entry_id=proposal.entry_id,
            entry=json.loads(proposal.body),
            reason=proposal.reason,
            proposed_by=proposal.proposed_by,
            proposed_at=proposal.proposed_at,
        )


class TrustWaitingOut(TrustProposalOut):
    """A change that waits."""

    expires_at: datetime = Field(description="从此刻起不能再确认")

    @staticmethod
    def open(proposal: TrustProposal) -> TrustWaitingOut:
        """From a proposal."""
        plain = TrustProposalOut.of(proposal).model_dump()
        return TrustWaitingOut(**plain, expires_at=proposal.expires_at)


class TrustEndedOut(TrustProposalOut):
    """A change that came to nothing."""

    how: str = Field(description="rejected 不予确认 · withdrawn 提案人撤回 · expired 过期")
    ended_by: str
    ended_at: datetime
    end_reason: str

    @staticmethod
    def made(ended: EndedProposal) -> TrustEndedOut:
        """From an ended proposal."""
        plain = TrustProposalOut.of(ended.proposal).model_dump()
        return TrustEndedOut(
            **plain,
            how=ended.how.value,
            ended_by=ended.ended_by,
            ended_at=ended.ended_at,
            end_reason=ended.end_reason,
        )


class TrustChangeOut(TrustProposalOut):
    """A change in force, with its place in the log."""

    number: int
    confirmed_by: str
    confirmed_at: datetime
    previous: str
    digest: str

    @staticmethod
    def made(change: TrustChange) -> TrustChangeOut:
        """From a change."""
        return TrustChangeOut(
            proposal_id=change.proposal_id,
            kind=change.kind,
            entry_id=change.entry_id,
            entry=json.loads(change.body),
            reason=change.reason,
            proposed_by=change.proposed_by,
            proposed_at=change.proposed_at,
            number=change.number,
            confirmed_by=change.confirmed_by,
            confirmed_at=change.confirmed_at,
            previous=change.previous,
            digest=change.digest,
        )


class TrustChangesOut(Model):
    """What waits, the log from ``after`` on, and the newest proposals that came to nothing."""

    version: int
    waiting: Sequence[TrustWaitingOut]
    changes: Sequence[TrustChangeOut]
    ended: Sequence[TrustEndedOut]


class TrustEndIn(Model):
    """Why a proposal shall come to nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: str = Field(min_length=1, max_length=MAX_REASON, description="不予确认或撤回的理由")


@router.get("/v1/trust-list", dependencies=[Depends(PUBLIC)])
def trust_list(request: Request) -> TrustListOut:
    """Whose certificates verdicts stand on, for what and until when, and which cities are recognised."""
    listed = deps_of(request).trust.current
    return TrustListOut(
        version=listed.version,
        digest=listed.digest,
        sha256=listed.fingerprint(),
        anchors=[AnchorOut.of(one) for one in listed.anchors],
        recognitions=[RecognitionListedOut.of(one) for one in listed.recognitions],
    )


@router.get("/v1/trust-list/keys", dependencies=[Depends(PUBLIC)])
def trust_list_keys(request: Request) -> Mapping[str, Any]:
    """The public keys of exported trust lists as JWKS (RFC 7517)."""
    return dict(deps_of(request).trust_lists.keys())


@router.get("/v1/trust-list/changes")
def trust_list_changes(
    request: Request,
    caller: Annotated[Principal, Depends(READER)],
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="从此号之后的变更")] = 0,
    limit: Annotated[int, Query(ge=1, le=PAGE)] = PAGE,
) -> TrustChangesOut:
    """What waits for confirmation, the numbered log of changes, and what came to nothing."""
    found = trust_record(deps_of(request), caller, after=after, limit=limit)
    return TrustChangesOut(
        version=found.version,
        waiting=[TrustWaitingOut.open(one) for one in found.waiting],
        changes=[TrustChangeOut.made(one) for one in found.changes],
        ended=[TrustEndedOut.made(one) for one in found.ended],
    )


@router.post("/v1/trust-list/proposals", status_code=201)
def propose_trust_change(
    request: Request, body: TrustProposalIn, caller: Annotated[Principal, Depends(PROPOSER)]
) -> TrustWaitingOut:
    """Propose an anchor or a recognition; nothing is in force by this."""
    return TrustWaitingOut.open(propose_change(deps_of(request), caller, body.entry(), body.reason))


@router.post("/v1/trust-list/proposals/{proposal_id}/confirmation", status_code=201)
def confirm_trust_change(
    request: Request, proposal_id: ProposalId, caller: Annotated[Principal, Depends(CONFIRMER)]
) -> TrustChangeOut:
    """Put a proposal in force; whoever proposed it may not."""
    return TrustChangeOut.made(confirm_change(deps_of(request), caller, proposal_id))


@router.post("/v1/trust-list/proposals/{proposal_id}/rejection", status_code=201)
def reject_trust_change(
    request: Request, proposal_id: ProposalId, body: TrustEndIn, caller: Annotated[Principal, Depends(CONFIRMER)]
) -> TrustEndedOut:
    """Refuse a proposal with a reason (不予确认); nothing leads out of this."""
    return TrustEndedOut.made(reject_change(deps_of(request), caller, proposal_id, body.reason))


@router.post("/v1/trust-list/proposals/{proposal_id}/withdrawal", status_code=201)
def withdraw_trust_change(
    request: Request, proposal_id: ProposalId, body: TrustEndIn, caller: Annotated[Principal, Depends(PROPOSER)]
) -> TrustEndedOut:
    """Take the own proposal back with a reason (撤回)."""
    return TrustEndedOut.made(withdraw_change(deps_of(request), caller, proposal_id, body.reason))


def _plain(body: Model) -> Mapping[str, Any]:
    return body.model_dump(mode="json")
