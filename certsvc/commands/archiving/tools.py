"""What 四性检测 asks of others: a package is judged by the same checks with the register at hand and without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.commands.verifying.verify_file import verify_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from certsvc.commands.ports import Deps, TrustChoice
    from certsvc.events.checkpoint import NoteSignature
    from certsvc.license.archives import PdfFacts
    from certsvc.seal.verdict import Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """The tools of one check.

    Attributes:
        note_holds: whether a note is signed by a key of the service; None where no key is known.
        judge: the verdict over a PDF.
        facts: what a PDF is; UploadRefused for one that cannot be read.
        registered: whether a digest (hex SHA-256) is on the register; None where there is no register.
        stamped: the same of a sealed document and the register of 用印.
        monotonic: seconds of a clock that never goes back, for how long a check may take.
    """

    note_holds: Callable[[str, Sequence[NoteSignature]], bool | None]
    judge: Callable[[bytes], Verdict]
    facts: Callable[[bytes], PdfFacts]
    registered: Callable[[str], bool | None]
    stamped: Callable[[str], bool | None]
    monotonic: Callable[[], float]


def tools_of(deps: Deps, choice: TrustChoice | None = None) -> Tools:
    """The tools of a service; ``choice`` may add anchors that the operator brought."""

    def registered(sha256: str) -> bool:
        with deps.uow.read() as tx:
            return tx.licenses.by_sha256(sha256) is not None

    def stamped(sha256: str) -> bool:
        with deps.uow.read() as tx:
            return tx.stampings.by_sha256(sha256) is not None

    def note_holds(text: str, signatures: Sequence[NoteSignature]) -> bool:
        return deps.log_signer.knows(signatures) and deps.log_signer.is_signed(text, signatures)

    return Tools(
        note_holds=note_holds,
        judge=lambda data: verify_file(deps, data, choice, on_record=False),
        facts=deps.uploads.facts,
        registered=registered,
        stamped=stamped,
        monotonic=deps.clock.monotonic,
    )
