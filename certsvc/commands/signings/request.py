"""A system or a clerk asks people to sign a document: the file is checked, gets all its fields, and a round opens."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import rfc8785

from certsvc.clock import rfc3339
from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.signings.body import MIN_FIELD_MM
from certsvc.commands.signings.document import store_document
from certsvc.commands.signings.round_seal import check_round_seal
from certsvc.errors import (
    Conflict,
    FieldProblem,
    Forbidden,
    IdempotencyMismatch,
    InvalidIdentifier,
    InvalidInput,
    NotFound,
    TooLarge,
)
from certsvc.events.signing_payloads import SigningRequested
from certsvc.identifiers.holder_code import HolderCode
from certsvc.seal.signing_page import PreparedField
from certsvc.seal.signing_round import FinalSeal, Place, Revision, RoundState, SigningRound, Step

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.signings.body import ParticipantBody, SealBody, SigningBody

MAX_DAYS = 90
"""A round stays open at most so long: nobody remembers what an older request was about."""

SEAL_FIELD = "seal"


@dataclass(frozen=True, kw_only=True, slots=True)
class Requested:
    """The round, and whether this call made it."""

    signing: SigningRound
    created: bool


def request_signing(
    deps: Deps, caller: Principal, body: SigningBody, data: bytes, *, idempotency_key: str = ""
) -> Requested:
    """Open a round over ``data``; the same key with the same content gives the same round.

    Raises:
        TooLarge: a file over the limit.
        InvalidInput: a file that must not be signed, a place off its page or over another, a participant who is no
            natural person, twice the same person, a deadline that is past or too far.
        NotFound: no such seal of the caller's authority, or no such account.
        IdempotencyMismatch: the key was used with other content.
    """
    roles.require(caller, roles.APPROVAL, roles.APPROVAL_ANY, roles.CLERK)
    if len(data) > deps.policy.max_upload_bytes:
        raise TooLarge(f"文件超过 {deps.policy.max_upload_bytes // (1024 * 1024)} MB，请压缩后重新上传")
    digest = hashlib.sha256(data).hexdigest()
    body_hash = hashlib.sha256(digest.encode() + rfc8785.dumps(body.model_dump(mode="json"))).hexdigest()
    earlier = _earlier(deps, caller, idempotency_key, body_hash)
    if earlier is not None:
        return Requested(signing=earlier, created=False)
    now = deps.clock.now()
    if not now < body.deadline <= now + timedelta(days=MAX_DAYS):
        raise _problem("/deadline", "deadline", f"截止时间应晚于现在，且不超过 {MAX_DAYS} 天")
    signing = _new_round(deps, caller, body, data, now)
    store_document(deps, data)
    with deps.uow() as tx:
        tx.signings.insert(signing)
        if idempotency_key:
            bound = tx.receipts.bind(
                caller.subject, _key(idempotency_key), body_hash=body_hash, result_id=signing.round_id, now=now
            )
            if not bound:
                raise Conflict("同一 Idempotency-Key 正在处理，请稍后重试")
        payload = SigningRequested(
            round_id=signing.round_id,
            authority_code=signing.authority_code,
            sha256=signing.head.sha256,
            participants=len(signing.steps),
            seal_id=signing.seal.seal_id if signing.seal else "",
            deadline=rfc3339(signing.deadline),
        )
        event_id, source = deps.ids.new("evt"), deps.policy.event_source
        tx.outbox.add(payload.event(event_id=event_id, source=source, subject=signing.round_id, at=now))
        content = {"uploaded_sha256": digest, "sha256": signing.head.sha256, "participants": len(signing.steps)}
        record(
            tx,
            deps,
            kind="signing.requested",
            subject=signing.round_id,
            actor=caller.subject,
            content=content,
            at=now,
        )
    return Requested(signing=signing, created=True)


def _earlier(deps: Deps, caller: Principal, key: str, body_hash: str) -> SigningRound | None:
    if not key:
        return None
    with deps.uow.read() as tx:
        found = tx.receipts.find(caller.subject, _key(key))
        if found is None:
            return None
        if found[0] != body_hash:
            raise IdempotencyMismatch("同一 Idempotency-Key 的内容不一致，请换用新的键")
        return tx.signings.by_id(found[1])


def _key(key: str) -> str:
    return f"signing:{key}"


def _new_round(deps: Deps, caller: Principal, body: SigningBody, data: bytes, now: datetime) -> SigningRound:
    pages = deps.upload_check.check(data)
    steps = _steps(deps, body.participants)
    seal = None
    if body.seal is not None:
        seal = _final_seal(deps, caller, body.seal)
    _check_places(steps, seal, pages)
    # Revision 0 is the file as it came; the first signature brings the fields of all others along.
    digest = hashlib.sha256(data).hexdigest()
    first = Revision(number=0, sha256=digest, step_id="", at=now)
    return SigningRound(
        round_id=deps.ids.new("sig"),
        created_by=caller.subject,
        authority_code=caller.authority_code,
        title=body.title,
        state=RoundState.OPEN,
        deadline=body.deadline,
        uploaded_sha256=digest,
        page_count=len(pages),
        needs_code=body.needs_code,
        steps=steps,
        seal=seal,
        revisions=(first,),
        created_at=now,
    )


def fields_of(steps: Sequence[Step], seal: FinalSeal | None) -> tuple[PreparedField, ...]:
    """The fields of a round's document; the signature of the last one, where it is known who that is, locks it.

    With a seal that is the seal. Of people who sign last in parallel nobody is known to be the last, so none locks.
    """
    last = max(step.order for step in steps)
    alone = sum(1 for step in steps if step.order == last) == 1
    fields = [
        PreparedField(name=step.field_name, place=step.place, locks=seal is None and alone and step.order == last)
        for step in steps
    ]
    if seal is not None:
        fields.append(PreparedField(name=seal.field_name, place=seal.place, locks=True))
    return tuple(fields)


def _steps(deps: Deps, participants: Sequence[ParticipantBody]) -> tuple[Step, ...]:
    steps: list[Step] = []
    for index, body in enumerate(participants):
        code, name = _person(deps, body, index)
        if any((step.holder_code_type, step.holder_code) == (code.type.value, code.value) for step in steps):
            raise _problem(f"/participants/{index}", "twice", "同一人只能出现一次")
        for char_problem in deps.renderer.check_glyphs(name + body.reason):
            raise _problem(f"/participants/{index}", "missing_glyph", f"字符“{char_problem}”没有可用的字形")
        steps.append(
            Step(
                step_id=deps.ids.new("stp"),
                order=body.order,
                name=name,
                holder_code=code.value,
                holder_code_type=code.type.value,
                reason=body.reason,
                place=body.place.place(),
                field_name=f"signer-{index + 1}",
            )
        )
    return tuple(steps)


def _person(deps: Deps, body: ParticipantBody, index: int) -> tuple[HolderCode, str]:
    code_type, code, name = body.holder_code_type, body.holder_code, body.name
    if body.subject:
        with deps.uow.read() as tx:
            person = tx.access.person(body.subject)
        if person is None or not person.holder_code:
            raise _problem(f"/participants/{index}/subject", "unknown", "没有这个实名的个人账号")
        code_type, code, name = person.holder_code_type, person.holder_code, person.name
    try:
        parsed = HolderCode.parse(code_type, code)
    except InvalidIdentifier as error:
        pointer = f"/participants/{index}/holder_code"
        raise InvalidIdentifier(error.kind, error.reason, pointer=pointer) from error
    if parsed.type.is_organisation:
        raise _problem(f"/participants/{index}", "organisation", "签名人须为自然人；单位请使用 seal 加盖电子印章")
    return parsed, name


def _final_seal(deps: Deps, caller: Principal, body: SealBody) -> FinalSeal:
    """The seal in the middle of the box that was asked for, in its nominal size: never scaled to fit."""
    with deps.uow.read() as tx:
        seal = tx.seals.by_id(body.seal_id)
    # A platform for every authority seals with any of them; everybody else with the own ones only.
    everywhere = roles.APPROVAL_ANY in caller.roles
    if seal is None or not (everywhere or seal.owner_code == caller.authority_code):
        raise NotFound("没有这枚印章，或不属于本单位")
    if roles.CLERK in caller.roles:
        raise Forbidden("窗口人员发起的签署不能由系统加盖印章：请在签署完成后由保管人办理文件盖章")
    check_round_seal(deps, seal, caller.subject)
    box = body.place.place()
    width, height = deps.signing_pages.stamp_size_mm(seal)
    if box.width < width or box.height < height:
        raise _problem("/seal/place", "too_small", f"印章框至少宽 {width:.0f} 毫米、高 {height:.0f} 毫米")
    place = Place(
        page=box.page,
        x=box.x + (box.width - width) / 2,
        y=box.y + (box.height - height) / 2,
        width=width,
        height=height,
    )
    return FinalSeal(seal_id=seal.seal_id, place=place, field_name=SEAL_FIELD)


def _check_places(steps: Sequence[Step], seal: FinalSeal | None, pages: Sequence[tuple[float, float]]) -> None:
    places = [(f"/participants/{index}/place", step.place, MIN_FIELD_MM) for index, step in enumerate(steps)]
    if seal is not None:
        places.append(("/seal/place", seal.place, (0.0, 0.0)))
    for pointer, place, smallest in places:
        if place.page > len(pages):
            raise _problem(pointer, "page", f"文件只有 {len(pages)} 页")
        width, height = pages[place.page - 1]
        if place.x + place.width > width or place.y + place.height > height:
            raise _problem(pointer, "off_page", f"位置超出页面，该页宽 {width:.0f} 毫米、高 {height:.0f} 毫米")
        if place.width < smallest[0] or place.height < smallest[1]:
            raise _problem(pointer, "too_small", f"签名框至少宽 {smallest[0]:.0f} 毫米、高 {smallest[1]:.0f} 毫米")
    # A signature must not cover another: who signed later could hide who signed before.
    for (_, one, _), (pointer, other, _) in itertools.combinations(places, 2):
        if overlap(one, other):
            raise _problem(pointer, "overlap", "签名框、印章框不能互相重叠")


def overlap(one: Place, other: Place) -> bool:
    """Whether two places share an area."""
    return (
        one.page == other.page
        and one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def _problem(pointer: str, code: str, detail: str) -> InvalidInput:
    return InvalidInput(detail, problems=(FieldProblem(pointer=pointer, code=code, detail=detail),))
