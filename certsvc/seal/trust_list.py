"""The trust list: whose certificates verdicts stand on, for what and when, and whose licenses are recognised (互认).

Laws, each held by a test:

1. An anchor serves its purposes and no other: ``seal`` makes seals trusted, ``person`` e-signatures of people,
   ``timestamp`` timestamps, ``partner-<code>`` the seals of one recognised city, and only through its recognition.
2. An anchor is one from ``valid_from`` until before ``valid_until``; outside of it there is none.
3. The list is version 0 (the operator's directory) and the confirmed changes in their order; the list known at a
   moment is the one with every change confirmed until then, so an answer as of yesterday never changes.
4. A change replaces the whole entry: to end one is to give it an end.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from certsvc.clock import rfc3339
from certsvc.errors import IntegrityError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SEAL = "seal"
PERSON = "person"
TIMESTAMP = "timestamp"
PARTNER_PREFIX = "partner-"
OWN_PURPOSES: frozenset[str] = frozenset({SEAL, PERSON, TIMESTAMP})
"""What an anchor of the directory serves when nothing else is said."""

SIGNED: frozenset[str] = frozenset({SEAL, PERSON})
"""Purposes of the anchors of a document that organisations seal and people sign."""

FILE, LISTED = "file", "list"
"""Where an anchor comes from: the operator's directory, or a confirmed change."""

ANCHOR, RECOGNITION = "anchor", "recognition"
"""Kinds of change."""

NO_TYPE = "*"
"""In place of a type of ours: the recognised type has none here."""

GOOD_STATES: frozenset[str] = frozenset({"valid", "renewal_pending"})
"""Words of ours for a license that is in force."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Anchor:
    """A certificate that verdicts stand on.

    Attributes:
        certificate: in DER; its SHA-256 is the id, so that nobody can exchange it under its name.
        valid_until: the first moment at which it is no anchor any more, or None.
        intermediates: CA certificates in DER known beside it, for signatures that bring none.
    """

    certificate: bytes
    name: str
    purposes: frozenset[str]
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    note: str = ""
    intermediates: tuple[bytes, ...] = ()
    origin: str = LISTED

    @property
    def anchor_id(self) -> str:
        """Hex SHA-256 of the certificate."""
        return hashlib.sha256(self.certificate).hexdigest()

    def covers(self, moment: datetime) -> bool:
        """Whether it is an anchor at ``moment``."""
        return _within(moment, self.valid_from, self.valid_until)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecognisedType:
    """One type of a partner: its code there, the type of ours (or :data:`NO_TYPE`), and its name for people."""

    code: str
    slug: str
    title: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Recognition:
    """That licenses of another city are taken here, which of them, from when, and where their state is asked.

    Attributes:
        partner: code of the other city; its anchors have the purpose ``partner-<code>``.
        anchors: ids of the anchors under which its seals stand.
        states: the partner's word to ours; empty when the partner uses our words.
        channel: base URL of the partner's public verification API.
    """

    partner: str
    name: str
    anchors: tuple[str, ...]
    types: tuple[RecognisedType, ...]
    channel: str
    effective_from: datetime
    effective_until: datetime | None = None
    states: tuple[tuple[str, str], ...] = ()
    note: str = ""

    @property
    def purpose(self) -> str:
        """The purpose that its anchors must have."""
        return PARTNER_PREFIX + self.partner

    def in_effect(self, moment: datetime) -> bool:
        """Whether licenses are recognised at ``moment``."""
        return _within(moment, self.effective_from, self.effective_until)

    def type_of(self, code: str) -> RecognisedType | None:
        """The type under the partner's code, if it is covered."""
        return next((one for one in self.types if one.code == code), None)

    def state_of(self, word: str) -> str:
        """Our word for the partner's, or empty when the map has none."""
        return dict(self.states).get(word, "") if self.states else word


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustList:
    """One version of the list; ``digest`` chains every change up to it."""

    version: int = 0
    digest: str = ""
    anchors: tuple[Anchor, ...] = ()
    recognitions: tuple[Recognition, ...] = ()

    def at(self, moment: datetime) -> TrustList:
        """What of this version is valid and in effect at ``moment``."""
        return replace(
            self,
            anchors=tuple(one for one in self.anchors if one.covers(moment)),
            recognitions=tuple(one for one in self.recognitions if one.in_effect(moment)),
        )

    def serving(self, uses: Iterable[str], moment: datetime) -> tuple[Anchor, ...]:
        """The anchors with one of these purposes at ``moment``."""
        wanted = frozenset(uses)
        return tuple(one for one in self.anchors if one.covers(moment) and not wanted.isdisjoint(one.purposes))

    def anchor(self, anchor_id: str) -> Anchor | None:
        """The anchor of this id, whether it is valid or not."""
        return next((one for one in self.anchors if one.anchor_id == anchor_id), None)

    def recognition(self, partner: str) -> Recognition | None:
        """The recognition of this partner, in effect or not."""
        return next((one for one in self.recognitions if one.partner == partner), None)

    def recognitions_under(self, anchor_ids: Iterable[str]) -> tuple[Recognition, ...]:
        """The recognitions, in effect or not, under which seals of every one of these anchors stand."""
        under = frozenset(anchor_ids)
        return tuple(one for one in self.recognitions if under and under <= self._anchors_of(one))

    def _anchors_of(self, recognition: Recognition) -> frozenset[str]:
        """Those of its anchors that have its purpose (law 1)."""
        named = (self.anchor(one) for one in recognition.anchors)
        return frozenset(one.anchor_id for one in named if one is not None and recognition.purpose in one.purposes)

    @property
    def partner_purposes(self) -> frozenset[str]:
        """The purposes of every recognition in the list."""
        return frozenset(one.purpose for one in self.recognitions)

    def fingerprint(self) -> str:
        """Hex SHA-256 over the SHA-256 of every anchor, sorted."""
        listed = sorted(hashlib.sha256(one.certificate).digest() for one in self.anchors)
        return hashlib.sha256(b"".join(listed)).hexdigest()


PROPOSAL_LIFE = timedelta(days=30)
"""How long a proposal may be confirmed; stops one that nobody remembers from being put in force with an old reason."""


class Ending(StrEnum):
    """How a proposal came to nothing; nothing leads out, the same change is proposed anew."""

    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


ENDING_ZH: dict[Ending, str] = {
    Ending.REJECTED: "不予确认",
    Ending.WITHDRAWN: "已撤回",
    Ending.EXPIRED: "已过期",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustProposal:
    """A change that one person wants; ``base`` is the last change of the same entry, so that none is overwritten."""

    proposal_id: str
    kind: str
    entry_id: str
    body: str
    reason: str
    base: int
    proposed_by: str
    proposed_at: datetime

    @property
    def expires_at(self) -> datetime:
        """The first moment at which nobody may confirm it any more."""
        return self.proposed_at + PROPOSAL_LIFE


@dataclass(frozen=True, kw_only=True, slots=True)
class EndedProposal:
    """A proposal that came to nothing: by whom (``certsvc`` when it expired), when and why."""

    proposal: TrustProposal
    how: Ending
    ended_by: str
    ended_at: datetime
    end_reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustChange:
    """A confirmed change, numbered from 1 without gaps; ``body`` is the new entry in canonical JSON."""

    number: int
    proposal_id: str
    kind: str
    entry_id: str
    body: str
    reason: str
    proposed_by: str
    proposed_at: datetime
    confirmed_by: str
    confirmed_at: datetime
    previous: str
    digest: str

    def computed(self) -> str:
        """Hex SHA-256 over everything that this change says and the digest before it."""
        parts = {
            "number": self.number,
            "proposal_id": self.proposal_id,
            "kind": self.kind,
            "entry_id": self.entry_id,
            "body": self.body,
            "reason": self.reason,
            "proposed_by": self.proposed_by,
            "proposed_at": rfc3339(self.proposed_at),
            "confirmed_by": self.confirmed_by,
            "confirmed_at": rfc3339(self.confirmed_at),
            "previous": self.previous,
        }
        return hashlib.sha256(canonical(parts).encode()).hexdigest()


def confirmed(proposal: TrustProposal, *, number: int, by: str, at: datetime, previous: str) -> TrustChange:
    """The change that confirming ``proposal`` makes."""
    change = TrustChange(
        number=number,
        proposal_id=proposal.proposal_id,
        kind=proposal.kind,
        entry_id=proposal.entry_id,
        body=proposal.body,
        reason=proposal.reason,
        proposed_by=proposal.proposed_by,
        proposed_at=proposal.proposed_at,
        confirmed_by=by,
        confirmed_at=at,
        previous=previous,
        digest="",
    )
    return replace(change, digest=change.computed())


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A change with its entry read."""

    change: TrustChange
    entry: Anchor | Recognition


class TrustLog:
    """The directory's anchors and every confirmed change, from which each version is made; never changed itself."""

    def __init__(self, files: Sequence[Anchor] = (), steps: Sequence[Step] = ()) -> None:
        """Take the steps in their order.

        Raises:
            IntegrityError: a number, a time or a digest that does not follow from the one before.
        """
        self._files = tuple(files)
        self._steps = tuple(steps)
        before: TrustChange | None = None
        for number, step in enumerate(self._steps, start=1):
            _check_follows(before, step.change, number)
            before = step.change
        self.current = self.version(len(self._steps))

    @property
    def changes(self) -> tuple[TrustChange, ...]:
        """Every confirmed change, oldest first."""
        return tuple(step.change for step in self._steps)

    def version(self, number: int) -> TrustList:
        """The list after the first ``number`` changes; an anchor of the directory is never replaced by one."""
        anchors = {one.anchor_id: one for one in self._files}
        recognitions: dict[str, Recognition] = {}
        fixed = frozenset(anchors)
        taken = self._steps[: max(number, 0)]
        for step in taken:
            if isinstance(step.entry, Recognition):
                recognitions[step.entry.partner] = step.entry
            elif step.change.entry_id not in fixed:
                anchors[step.change.entry_id] = step.entry
        return TrustList(
            version=len(taken),
            digest=taken[-1].change.digest if taken else "",
            anchors=tuple(anchors.values()),
            recognitions=tuple(recognitions.values()),
        )

    def known_at(self, moment: datetime) -> TrustList:
        """The version with every change that was confirmed until ``moment``."""
        return self.version(sum(1 for step in self._steps if step.change.confirmed_at <= moment))


def _check_follows(before: TrustChange | None, change: TrustChange, number: int) -> None:
    previous = before.digest if before is not None else ""
    in_time = before is None or before.confirmed_at <= change.confirmed_at
    if change.number != number or change.previous != previous or not in_time or change.computed() != change.digest:
        raise IntegrityError(
            f"信任列表的第 {number} 次变更与记录的摘要不符：变更记录可能被改动，请从备份恢复并查明原因"
        )


def canonical(value: object) -> str:
    """One spelling of a JSON value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _within(moment: datetime, begins: datetime | None, ends: datetime | None) -> bool:
    return (begins is None or begins <= moment) and (ends is None or moment < ends)
