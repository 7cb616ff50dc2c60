"""What the evidence log needs: its rows, the rows that it proves, and who signs its checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.events.checkpoint import Checkpoint, NoteSignature, Stamp
    from certsvc.events.envelope import Event
    from certsvc.events.epochs import Epoch, Epochs
    from certsvc.events.evidence import EvidenceRow
    from certsvc.events.tiles import Edge
    from certsvc.license.archives import Archive
    from certsvc.license.audited import Read, ReadGrant, ReadLeaf, ReadMaterial, ReadShow, ReadVersion
    from certsvc.license.delegations import Delegation
    from certsvc.license.model import Artifact, MoveRecord
    from certsvc.license.relations import CoHolder, Relation
    from certsvc.license.uses import Fetch, Scan
    from certsvc.seal.model import SealReservation


class Log(Protocol):
    """The rows of the log. Positions count from 1; the leaf at position p has index p - 1."""

    def newest(self) -> Checkpoint | None:
        """The checkpoint with the highest number."""
        ...

    def at_size(self, size: int) -> Checkpoint | None:
        """The checkpoint of exactly this size."""
        ...

    def after(self, number: int, *, limit: int) -> Sequence[Checkpoint]:
        """Checkpoints behind a number, in order."""
        ...

    def edge(self) -> Edge:
        """The right edge of the tree; IntegrityError when its rows do not fit together."""
        ...

    def leaves(self, after: int, *, limit: int) -> Sequence[tuple[int, bytes]]:
        """Positions and leaves behind a position, in order; nothing is decrypted."""
        ...

    def append(self, edge: Edge, checkpoint: Checkpoint, *, before: int) -> bool:
        """Put the edge in the place of that of size ``before`` and add the checkpoint; False if another was faster."""
        ...

    def epochs(self) -> Epochs:
        """Every continuation of the log, oldest first."""
        ...

    def begin_epoch(self, epoch: Epoch) -> None:
        """Let the log go on under another name."""
        ...

    def restored(self) -> bool:
        """Whether the database came back from a backup and the log was not continued since."""
        ...

    def stamp(self, stamp: Stamp) -> bool:
        """Store the timestamp of a checkpoint, once; False if it has one."""
        ...

    def newest_stamp(self) -> Stamp | None:
        """That of the largest size."""
        ...

    def stamps_after(self, size: int, *, limit: int) -> Sequence[Stamp]:
        """Timestamps of checkpoints larger than ``size``, in order."""
        ...

    def note_subjects(self, subjects: Sequence[tuple[str, int]], *, events: bool = False) -> None:
        """Remember, as keyed digests, what the leaves, or the events, at these positions are about."""
        ...

    def about(self, subject: str, *, beginnings: tuple[str, ...], limit: int) -> Sequence[EvidenceRow]:
        """The newest rows about a subject whose kinds begin so and that are in the index, oldest first."""
        ...

    def events_about(self, subject: str, *, beginnings: tuple[str, ...], limit: int) -> Sequence[Event]:
        """The newest events about a subject whose types begin so and that are in the index, oldest first."""
        ...

    def position_of(self, evidence_id: str) -> int | None:
        """Where a row stands; 0 when it waits for its position, None when there is none."""
        ...

    def first_unlogged(self, size: int) -> datetime | None:
        """When the oldest evidence was written that a log of ``size`` leaves has not, sequenced or not."""
        ...

    def given(self) -> int:
        """The last position that was ever given to a row of evidence."""
        ...


class Audited(Protocol):
    """Every row that leaves speak of, page by page, whatever state it is in."""

    def leaves_after(self, position: int, *, limit: int) -> Sequence[ReadLeaf]:
        """Sequenced evidence."""
        ...

    def events_after(self, position: int, *, limit: int) -> Sequence[Read[Event]]:
        """Sequenced events."""
        ...

    def versions_after(self, place: str, *, limit: int) -> Sequence[Read[ReadVersion]]:
        """License versions."""
        ...

    def forms_after(self, place: str, *, limit: int) -> Sequence[Read[Artifact]]:
        """Later forms of files of licenses."""
        ...

    def moves_after(self, place: int, *, limit: int) -> Sequence[Read[MoveRecord]]:
        """Moves."""
        ...

    def fetches_after(self, place: str, *, limit: int) -> Sequence[Read[Fetch]]:
        """Fetches."""
        ...

    def scans_after(self, place: str, *, limit: int) -> Sequence[Read[Scan]]:
        """Scans."""
        ...

    def shows_after(self, place: str, *, limit: int) -> Sequence[Read[ReadShow]]:
        """Show codes, and what scans say of them."""
        ...

    def grants_after(self, place: str, *, limit: int) -> Sequence[Read[ReadGrant]]:
        """Grants, and what fetches say of them."""
        ...

    def reservations_after(self, place: str, *, limit: int) -> Sequence[Read[SealReservation]]:
        """Reservations of seal uses, with their results."""
        ...

    def delegations_after(self, place: str, *, limit: int) -> Sequence[Read[Delegation]]:
        """Delegations."""
        ...

    def relations_after(self, place: str, *, limit: int) -> Sequence[Read[Relation]]:
        """Guardians, 法定代表人 and deaths."""
        ...

    def archives_after(self, place: str, *, limit: int) -> Sequence[Read[Archive]]:
        """归档信息包."""
        ...

    def materials_after(self, place: str, *, limit: int) -> Sequence[Read[ReadMaterial]]:
        """电子材料."""
        ...

    def co_holders_after(self, place: str, *, limit: int) -> Sequence[Read[CoHolder]]:
        """Further holders of licenses."""
        ...


class LogSigner(Protocol):
    """Signs checkpoints under keys of its own and has them timestamped."""

    def sign(self, text: str, name: str) -> NoteSignature:
        """A signature over the text of a checkpoint in the name of the log; Unavailable when no key was made."""
        ...

    def is_signed(self, text: str, signatures: Sequence[NoteSignature]) -> bool:
        """Whether there are signatures, and each is one of ours, in the name of the log, and right."""
        ...

    def keys(self, name: str) -> tuple[str, ...]:
        """The verifier keys of the log (C2SP signed-note), the newest first."""
        ...

    def jwks(self) -> Mapping[str, object]:
        """The same keys as JWKS (RFC 7517)."""
        ...

    def knows(self, signatures: Sequence[NoteSignature]) -> bool:
        """Whether every signature names a key of ours; keys that were made since the start are looked for."""
        ...

    def check(self) -> None:
        """Unavailable when no key was made that signs checkpoints."""
        ...

    def timestamp(self, data: bytes) -> bytes | None:
        """A token over ``data`` in DER; None where no authority is configured, SigningError when none answers."""
        ...

    def stamped_at(self, token: bytes, data: bytes) -> datetime:
        """The time of a token that is over ``data`` and holds by itself; SigningError otherwise."""
        ...

    def is_trusted(self, token: bytes, data: bytes) -> bool | None:
        """Whether the authority of a token leads to an anchor of timestamps; None where there is no such anchor."""
        ...
