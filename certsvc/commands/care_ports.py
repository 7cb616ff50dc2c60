"""What the store offers about the care of files: what their signatures stand on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date, datetime

    from certsvc.license.model import Artifact
    from certsvc.license.reseal import PlanState, ResealItem, ResealOutcome, ResealPlan
    from certsvc.seal.care import FileGroup, SignatureFacts
    from certsvc.seal.model import Seal


class FactTeller(Protocol):
    """Tells what signatures stand on; the half of the sealer that uses no key."""

    def facts(self, seal: Seal, format_name: str, *, signed_at: datetime) -> SignatureFacts:
        """What a seal in this format stands on, told without reading any file."""
        ...

    def read_facts(self, data: bytes) -> tuple[SignatureFacts, ...]:
        """What the signatures of a file stand on, in its order; without ids of seals.

        Raises:
            SigningError: it cannot be read.
        """
        ...

    def stamps_until(self) -> datetime:
        """The end of the certificate with which the timestamping authority answers now; costs a timestamp.

        Raises:
            SigningError: none is configured or answers.
        """
        ...

    def renew(self, data: bytes, *, crls: Sequence[bytes], ocsps: Sequence[bytes]) -> bytes:
        """The file with this revocation data (DER) and another document timestamp behind it.

        Lists of CAs that are none of the file's are left out.

        Raises:
            SigningError: no timestamping authority is configured or answers, or the file is broken.
        """
        ...


class Care(Protocol):
    """What signatures of files stand on."""

    def add(self, made: Sequence[tuple[Artifact, Sequence[SignatureFacts]]]) -> None:
        """Store what the signatures of new files stand on; IntegrityError when a file has some."""
        ...

    def groups(self, today: date) -> Sequence[FileGroup]:
        """Every file in use, in groups; a license without a file in the list is not counted. Reads all of them."""
        ...

    def of(self, artifact_ids: Sequence[str]) -> Mapping[str, tuple[SignatureFacts, ...]]:
        """The signatures of these files in their order, by id of the artifact; a file without any is left out."""
        ...

    def form(self, sha256: str) -> Artifact | None:
        """The file of a license with this digest (hex), the newest form or an earlier one."""
        ...

    def forms_of(self, version_ids: Sequence[str]) -> Mapping[str, Sequence[Artifact]]:
        """Every file of these versions, the oldest form first."""
        ...

    def add_form(self, artifact: Artifact, signatures: Sequence[SignatureFacts], *, before: str) -> bool:
        """Register a later form of a file, if ``before`` (id of an artifact) is still the newest; else False."""
        ...

    def newest_forms(self, profile: str, *, after: str, limit: int) -> Sequence[Artifact]:
        """Files in use with this profile, behind an id, in the order of ids."""
        ...

    def unread(self, after: str, *, limit: int) -> Sequence[Artifact]:
        """Files made here of which nothing is known yet, behind an id, in the order of ids."""
        ...

    def to_read(self) -> int:
        """How many files made here there are of which nothing is known yet."""
        ...


class Reseals(Protocol):
    """Plans of 成批换章 and the outcomes of their licenses."""

    def insert(self, plan: ResealPlan) -> None:
        """Store a plan that is proposed."""
        ...

    def by_id(self, plan_id: str) -> ResealPlan | None:
        """The plan."""
        ...

    def newest(self, *, before: str, limit: int) -> Sequence[ResealPlan]:
        """Plans, newest first; those before an id, if one is given."""
        ...

    def move(self, plan: ResealPlan, *, source: PlanState, now: datetime) -> bool:
        """Write where a plan stands, and who moved it, if it still stands at ``source``."""
        ...

    def claim(self, *, token: str, now: datetime, until: datetime) -> ResealPlan | None:
        """Take the running plan that has been ready longest; nobody else takes it before ``until``."""
        ...

    def keep(self, plan: ResealPlan, *, claim_token: str, ready_at: datetime) -> bool:
        """Write how far a plan was looked through and give it back; False when it was taken or moved meanwhile."""
        ...

    def finish(self, plan_id: str, *, claim_token: str, now: datetime) -> bool:
        """To ``done``; False when it was taken or moved meanwhile."""
        ...

    def known(self, plan_id: str, version_ids: Collection[str]) -> frozenset[str]:
        """Those of these licenses that have an outcome."""
        ...

    def add(self, item: ResealItem) -> bool:
        """Store an outcome; False when the license has one."""
        ...

    def counts(self, plan_id: str) -> Mapping[ResealOutcome, int]:
        """Licenses by outcome; one without any has 0."""
        ...

    def items(self, plan_id: str, outcome: ResealOutcome, *, behind: str, limit: int) -> Sequence[ResealItem]:
        """Licenses with an outcome, behind the id of a version, in the order of ids."""
        ...
