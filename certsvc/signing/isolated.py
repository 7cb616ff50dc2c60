"""Judges uploaded files in worker processes (:mod:`certsvc.signing.worker_pool`), never in the server's own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Self

from certsvc.clock import check_aware
from certsvc.seal.verdict import Indication, Reason
from certsvc.signing.findings_json import load_findings
from certsvc.signing.inspection_worker import ANCHOR_PARTS, ANSWER
from certsvc.signing.inspector import cannot_verify, refuse_at_the_door
from certsvc.signing.listed_anchors import ListedAnchors, listed
from certsvc.signing.worker_pool import MEMORY_LIMIT_BYTES, TIME_LIMIT_S, AllBusy, WorkerDied, WorkerPool
from certsvc.signing.worker_process import MAX_MESSAGE

if TYPE_CHECKING:
    from datetime import datetime
    from types import TracebackType

    from certsvc.commands.ports import TrustChoice
    from certsvc.seal.verdict import FileFindings
    from certsvc.signing.trust import TrustAnchors


class IsolatedInspector:
    """The ``FileInspector`` port in a pool of worker processes. Threads may share one; :meth:`close` it at the end."""

    def __init__(
        self,
        anchors: TrustAnchors | ListedAnchors,
        *,
        workers: int = 2,
        time_limit_s: float = TIME_LIMIT_S,
        memory_limit_bytes: int = MEMORY_LIMIT_BYTES,
    ) -> None:
        """Judge under ``anchors`` with at most ``workers`` processes, started at their first use.

        Every request carries its anchors, so a worker that runs already follows a change of the trust list.
        """
        self._anchors = listed(anchors)
        self._pool = WorkerPool(
            ANSWER, workers=workers, time_limit_s=time_limit_s, memory_limit_bytes=memory_limit_bytes
        )

    def inspect(self, data: bytes, trust: TrustChoice, now: datetime) -> FileFindings:
        """Findings in the words of EN 319 102-1; never raises for a bad file.

        Raises:
            InvalidInput: an extra anchor of ``trust`` is not a PEM certificate.
        """
        moment = check_aware(trust.at if trust.at is not None else now)
        anchors = self._anchors.chosen(trust, now)
        refusal = refuse_at_the_door(data)
        if refusal is not None:
            return refusal
        crls = (*anchors.crls, *trust.crls)
        known = (anchors.intermediates, anchors.makers)
        parts = (anchors.certificates, anchors.timestamping, *known, crls, trust.ocsps)
        request: dict[str, object] = {"moment": moment.isoformat(), "now": check_aware(now).isoformat()}
        request["proven"] = trust.proven.isoformat() if trust.proven is not None else ""
        request["revocation_required"] = anchors.revocation_required
        request |= {name: [der.hex() for der in ders] for name, ders in zip(ANCHOR_PARTS, parts, strict=True)}
        open_question = Indication.INDETERMINATE
        asked = json.dumps(request).encode("ascii")
        if len(asked) > MAX_MESSAGE:
            # Ours and the publishers' lists together; nothing is wrong with the file.
            return cannot_verify(data, open_question, Reason.CANNOT_CHECK_NOW, "revocation lists too large")
        try:
            return load_findings(self._pool.call(asked, data))
        except AllBusy as error:
            return cannot_verify(data, open_question, Reason.CANNOT_CHECK_NOW, str(error))
        except TimeoutError:
            return cannot_verify(data, open_question, Reason.TIMED_OUT, "time limit")
        except (WorkerDied, ValueError) as error:
            # Out of memory at a place where Python cannot say so, or worse.
            return cannot_verify(data, open_question, Reason.MALFORMED, f"worker: {error}")

    def close(self) -> None:
        """Stop all idle workers; a file being judged finishes first, its worker stops afterwards."""
        self._pool.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()
