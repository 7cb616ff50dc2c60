"""The steps of the issue spine over several requests: what is written in a step is one transaction (DESIGN.md 4).

A step that writes is tried for all pieces together; when that fails, for each by itself, so that one piece's fault is
its own and costs the others nothing but the second try. A step that only computes is done piece by piece.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING

import structlog

from certsvc.clock import end_of_day
from certsvc.commands.care.facts import sealed_facts
from certsvc.commands.issuance.page import page_job, period
from certsvc.commands.issuance.plan import ensure_intents
from certsvc.commands.issuance.register import SealedLicense, register
from certsvc.commands.issuance.sealing import SealingPage, SealStep, plan_steps, seal_pages
from certsvc.commands.issuance.stock import sealing_body
from certsvc.commands.ports import TrustChoice
from certsvc.commands.seals.authorities import own_crls
from certsvc.errors import CertsvcError, IntegrityError, NotFound, SigningError
from certsvc.events.spans import spanning
from certsvc.license.request import Lane
from certsvc.seal.use import SealUse
from certsvc.seal.verdict import Indication

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime

    from certsvc.catalog.model import LicenseType
    from certsvc.commands.page_ports import PageJob
    from certsvc.commands.ports import Deps
    from certsvc.license.model import IssueIntent, LicenseVersion
    from certsvc.license.request import ClaimedRequest
    from certsvc.seal.care import SignatureFacts
    from certsvc.seal.prepared import PreparedPdf

log = structlog.get_logger("certsvc.issuance")

PDF = "application/pdf"


@dataclass(kw_only=True, slots=True)
class Piece:
    """One request on its way through the spine; each step fills in what the next one needs.

    Attributes:
        failure: why it left the way; the steps after that pass it by.
    """

    claimed: ClaimedRequest
    kind: LicenseType = field(init=False)
    intent: IssueIntent = field(init=False)
    steps: tuple[SealStep, ...] = field(init=False)
    photo: bytes | None = field(init=False)
    previous: LicenseVersion | None = field(init=False)
    valid: tuple[date, date | None] = field(init=False)
    prepared: PreparedPdf = field(init=False)
    data: bytes = field(init=False)
    sha256: str = field(init=False)
    signatures: tuple[SignatureFacts, ...] = field(init=False)
    failure: Exception | None = None

    @property
    def request_id(self) -> str:
        """Id of the request."""
        return self.claimed.request.request_id

    @property
    def name(self) -> str:
        """Of the object that the file becomes."""
        return _name(self.sha256)


def issue_pieces(deps: Deps, pieces: Sequence[Piece]) -> None:
    """Take every piece through the spine; afterwards each is registered or has its ``failure``."""
    with spanning(deps.tracer, "issue.plan"):
        _together(pieces, lambda some: _plan(deps, some))
    deps.faults.reach("issue.intent_stored")
    with spanning(deps.tracer, "issue.draw"):
        _draw(deps, pieces)
    deps.faults.reach("issue.rendered")
    with spanning(deps.tracer, "issue.seal"):
        _together(pieces, lambda some: _seal(deps, some))
    with spanning(deps.tracer, "issue.check"):
        # Once for the batch, after all of it was sealed: so they speak of the time after the signing.
        lists = cache(lambda: own_crls(deps, since=deps.clock.now()))
        _each(pieces, lambda piece: _check(deps, piece, lists))
    deps.faults.reach("issue.verified")
    with spanning(deps.tracer, "issue.store"):
        _together(pieces, lambda some: _store(deps, some))
    deps.faults.reach("issue.object_stored")
    with spanning(deps.tracer, "issue.read_back"):
        _together(pieces, lambda some: _read_back(deps, some))
    deps.faults.reach("issue.read_back")
    with spanning(deps.tracer, "issue.register"):
        _together(pieces, lambda some: _register(deps, some))
    deps.faults.reach("issue.registered")


def object_name(data: bytes) -> str:
    """Content-hash name of a license file."""
    return _name(hashlib.sha256(data).hexdigest())


def _name(sha256: str) -> str:
    return f"licenses/{sha256[:2]}/{sha256}.pdf"


def _together(pieces: Sequence[Piece], step: Callable[[Sequence[Piece]], None]) -> None:
    """Do a step that writes for all that are still on their way, or else for each by itself."""
    going = [piece for piece in pieces if piece.failure is None]
    if len(going) > 1:
        try:
            step(going)
        except Exception as error:  # noqa: BLE001  (whose fault it was is found piece by piece)
            log.info("batch taken apart", action="issue.apart", pieces=len(going), reason=type(error).__name__)
        else:
            return
    _each(going, lambda piece: step([piece]))


def _each(pieces: Sequence[Piece], step: Callable[[Piece], None]) -> None:
    for piece in pieces:
        if piece.failure is None:
            try:
                step(piece)
            except Exception as error:  # noqa: BLE001  (it is told by its kind where the request is ended)
                piece.failure = error


def _plan(deps: Deps, pieces: Sequence[Piece]) -> None:
    """Number reserved and intent stored, before any key is used; and what the page needs is read."""
    plans: dict[tuple[str, str], tuple[SealStep, ...]] = {}
    with deps.uow() as tx:
        intents = ensure_intents(deps, tx, [piece.claimed.request for piece in pieces])
        for piece, intent in zip(pieces, intents, strict=True):
            request = piece.claimed.request
            piece.kind = deps.catalog.type(request.payload.type_slug)
            sealing = (piece.kind.slug, sealing_body(deps, request.payload))
            if sealing not in plans:
                plans[sealing] = plan_steps(deps, tx, piece.kind, sealing[1])
            piece.steps = plans[sealing]
            begun = max(step.seal.valid_from for step in piece.steps)
            # A seal that was re-made while the request waited cannot have signed before its certificate began.
            piece.intent = replace(intent, signed_at=max(begun, intent.signed_at))
        photos = tx.photos.get_all(sorted({piece.claimed.request.photo_id for piece in pieces} - {""}))
        before = tx.licenses.by_version_ids(sorted({intent.previous_version_id for intent in intents} - {""}))
        for piece in pieces:
            photo_id = piece.claimed.request.photo_id
            if photo_id and photo_id not in photos:
                raise NotFound("照片不存在，请重新上传照片")
            piece.photo = photos.get(photo_id)
            piece.previous = before.get(piece.intent.previous_version_id)


def _draw(deps: Deps, pieces: Sequence[Piece]) -> None:
    """All pages of the batch at once, unsigned."""
    jobs: list[PageJob] = []
    _each(pieces, lambda piece: jobs.append(_job(deps, piece)))
    going = [piece for piece in pieces if piece.failure is None]
    for piece, drawn in zip(going, deps.press.draw(jobs), strict=True):
        if isinstance(drawn, CertsvcError):
            piece.failure = drawn
        else:
            piece.prepared = drawn


def _job(deps: Deps, piece: Piece) -> PageJob:
    payload = piece.claimed.request.payload
    piece.valid = period(payload, piece.intent, piece.kind, piece.previous)
    return page_job(
        deps,
        payload=payload,
        intent=piece.intent,
        kind=piece.kind,
        seal=piece.steps[0].seal,
        photo=piece.photo,
        valid=piece.valid,
        previous=piece.previous,
    )


def _seal(deps: Deps, pieces: Sequence[Piece]) -> None:
    sealed = seal_pages(deps, [_page(piece) for piece in pieces])
    for piece, outcome in zip(pieces, sealed, strict=True):
        if isinstance(outcome, CertsvcError):
            piece.failure = outcome
        else:
            piece.data = outcome


def _page(piece: Piece) -> SealingPage:
    payload = piece.claimed.request.payload
    return SealingPage(
        prepared=piece.prepared,
        steps=piece.steps,
        purpose=f"issue:{piece.request_id}",
        use=SealUse(
            type_slug=piece.kind.slug,
            matter_code=payload.matter_code,
            region=payload.region,
            backfill=piece.claimed.request.lane is Lane.BACKFILL,
        ),
        signed_at=piece.intent.signed_at,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Proven:
    """A sealed file that our own verifier passes, and what its signatures stand on."""

    data: bytes
    sha256: str
    signatures: tuple[SignatureFacts, ...]


def proven(
    deps: Deps,
    data: bytes,
    steps: Sequence[SealStep],
    signed_at: datetime,
    until: date | None,
    lists: Callable[[], tuple[bytes, ...]],
) -> Proven:
    """The file as it is registered: one that outlives its seal's certificate gets its proofs.

    ``until`` is the last day of what it stands for; None: for good.

    Raises:
        SigningError: the own verifier does not pass it, or no timestamping authority answers.
    """
    last = steps[-1].seal
    preserved = deps.sealer.outlives(last, end_of_day(until) if until else None)
    if preserved:
        crls, ocsps = _about(deps, data, lists())
        data = deps.sealer.preserve(data, last, crls=crls, ocsps=ocsps)
    signatures = sealed_facts(deps, data, steps, signed_at, preserved=preserved)
    findings = deps.self_inspector.inspect(data, TrustChoice(), deps.clock.now())
    if findings.indication is not Indication.TOTAL_PASSED:
        reason = findings.reason.value
        log.error("own verifier refused", action="issue.self_check", reason=reason)
        raise SigningError(f"签章后自检未通过（{reason}），文件未登记")
    return Proven(data=data, sha256=findings.sha256, signatures=signatures)  # what is registered is what was checked


def _check(deps: Deps, piece: Piece, lists: Callable[[], tuple[bytes, ...]]) -> None:
    checked = proven(deps, piece.data, piece.steps, piece.intent.signed_at, piece.valid[1], lists)
    piece.data, piece.sha256, piece.signatures = checked.data, checked.sha256, checked.signatures


def _about(deps: Deps, data: bytes, own: tuple[bytes, ...]) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Revocation data for a sealed file: our own lists, and what its outside CAs publish about the rest."""
    now = deps.clock.now()
    wanted = deps.self_inspector.inspect(data, TrustChoice(crls=own), now).wanted
    answers = deps.revocations.ask(wanted, now) if wanted else None
    return (*own, *(answers.crls if answers else ())), answers.ocsps if answers else ()


def _store(deps: Deps, pieces: Sequence[Piece]) -> None:
    deps.objects.put_all({piece.name: piece.data for piece in pieces}, content_type=PDF)


def _read_back(deps: Deps, pieces: Sequence[Piece]) -> None:
    stored = deps.objects.get_all([piece.name for piece in pieces])
    if any(stored[piece.name] != piece.data for piece in pieces):
        raise IntegrityError("对象存储读回内容与写入不一致")


def _register(deps: Deps, pieces: Sequence[Piece]) -> None:
    sealed = [
        SealedLicense(
            claimed=piece.claimed,
            intent=piece.intent,
            kind=piece.kind,
            valid=piece.valid,
            sha256=piece.sha256,
            size=len(piece.data),
            name=piece.name,
            signatures=piece.signatures,
        )
        for piece in pieces
    ]
    with deps.uow() as tx:
        register(deps, tx, sealed)
