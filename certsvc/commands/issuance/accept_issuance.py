"""Take in a request for issuance: validate, deduplicate, persist; only then is it accepted (DESIGN.md 4, Issue).

Deduplication is scoped to the caller. The same key with another body is refused; a repeat returns what is stored. Shape
errors are not stored.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.issuance.body import IssuanceBody, body_hash, decode_photo
from certsvc.commands.issuance.payload import build_payload
from certsvc.errors import (
    BusinessKeyConflict,
    CertsvcError,
    FieldProblem,
    Forbidden,
    IdempotencyMismatch,
    InvalidInput,
    TooLarge,
)
from certsvc.events.payloads import IssuanceAccepted
from certsvc.events.trace import current_trace, tracing
from certsvc.license.request import IssuanceRequest, RequestState

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.request import IssuancePayload

MAX_KEY_LENGTH = 200
"""Characters of an Idempotency-Key or event id: stops keys that bloat the index."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """How a request came in, for deduplication."""

    idempotency_key: str = ""
    event_source: str = ""
    event_id: str = ""

    @property
    def key_name(self) -> str:
        """How the Idempotency-Key is bound, or empty."""
        return f"key:{self.idempotency_key}" if self.idempotency_key else ""

    @property
    def event_name(self) -> str:
        """How the event's source and id are bound, or empty."""
        return f"event:{self.event_source}\n{self.event_id}" if self.event_id else ""

    @property
    def names(self) -> tuple[str, ...]:
        """The names that are not empty."""
        return tuple(name for name in (self.key_name, self.event_name) if name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """The stored request, and whether this call stored it."""

    request: IssuanceRequest
    created: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A request that was looked at before it is stored.

    Attributes:
        digest: of the body.
        trace: what it belongs to.
        payload: what is stored; None when the content is refused.
        photo: as it is kept, or None.
        fault: why the content is refused; what was stored before is answered all the same.
    """

    caller: Principal
    body: IssuanceBody
    origin: Origin
    digest: str
    trace: str
    payload: IssuancePayload | None = None
    photo: bytes | None = None
    fault: CertsvcError | None = None


def accept_issuance(deps: Deps, caller: Principal, body: IssuanceBody, origin: Origin) -> Accepted:
    """Store the request durably, once.

    Raises:
        Forbidden: the caller may not ask in the name of this authority.
        InvalidInput: the catalog's rules, field by field.
        IdempotencyMismatch: the key or event id came before with another body.
        BusinessKeyConflict: the business key was used with other content.
    """
    [answer] = accept_issuances(deps, [prepare_acceptance(deps, caller, body, origin)])
    if isinstance(answer, CertsvcError):
        raise answer
    return answer


def prepare_acceptance(deps: Deps, caller: Principal, body: IssuanceBody, origin: Origin) -> Prepared:
    """Everything that needs no database; Forbidden, and InvalidInput for keys, as :func:`accept_issuance`."""
    roles.require(caller, roles.APPROVAL, roles.APPROVAL_ANY)
    if roles.APPROVAL_ANY not in caller.roles and body.authority_code != caller.authority_code:
        raise Forbidden("该系统不能以此颁发机构的名义申请制证（authority_code）")
    check_keys(origin)
    bare = Prepared(caller=caller, body=body, origin=origin, digest=body_hash(body), trace=current_trace())
    try:
        payload = build_payload(deps, body)
        return replace(bare, payload=payload, photo=_photo(deps, body, payload))
    except CertsvcError as error:
        return replace(bare, fault=error)


def accept_issuances(deps: Deps, several: Sequence[Prepared]) -> list[Accepted | CertsvcError]:
    """Store several requests in one transaction; what each led to, in their order.

    Whoever is first under a key is stored, and the others are answered with it: the unique keys of the table decide
    that, so nothing is looked up for a request that is new.
    """
    answers: dict[int, Accepted | CertsvcError] = {}
    with deps.uow.shared() as tx:
        bound = tx.receipts.find_all([(one.caller.subject, key) for one in several for key in one.origin.names])
        fresh = {
            at: request
            for at, one in enumerate(several)
            if not any((one.caller.subject, key) in bound for key in one.origin.names)
            and (request := _request(deps, tx, one)) is not None
        }
        stored = tx.requests.insert_all(list(fresh.values()))
        made = {at: request for at, request in fresh.items() if request.request_id in stored}
        tx.photos.put_all([photo for at in made if (photo := several[at].photo) is not None])
        for at, request in made.items():
            with tracing(request.traceparent):
                _announce(deps, tx, request)
            answers[at] = Accepted(request=request, created=True)
        for at, one in enumerate(several):
            if at not in answers:
                answers[at] = _known(tx, one)
        _bind_aliases(deps, tx, several, answers, bound)
    if made:
        deps.faults.reach("issue.accepted")
    return [answers[at] for at in range(len(several))]


def _request(deps: Deps, tx: UnitOfWork, one: Prepared) -> IssuanceRequest | None:
    """The row of a request that may be stored."""
    if one.payload is None:
        return None
    now = deps.clock.now()
    return IssuanceRequest(
        request_id=deps.ids.new("req"),
        caller=one.caller.subject,
        payload=one.payload,
        body_hash=one.digest,
        idempotency_key=one.origin.idempotency_key,
        event_source=one.origin.event_source,
        event_id=one.origin.event_id,
        photo_id=tx.photos.id_of(one.photo) if one.photo else "",
        state=RequestState.ACCEPTED,
        attempts=0,
        reason_code="",
        reason_detail="",
        version_id="",
        created_at=now,
        updated_at=now,
        traceparent=one.trace,
    )


def _known(tx: UnitOfWork, one: Prepared) -> Accepted | CertsvcError:
    """What was stored before under one of the keys, or why the request is refused."""
    try:
        known = find_known(tx, one.caller.subject, one.body, one.origin, one.digest)
    except (IdempotencyMismatch, BusinessKeyConflict) as error:
        return error
    if known is not None:
        return Accepted(request=known, created=False)
    if one.fault is None:
        msg = "a unique key is taken, yet none of the three keys finds its request"
        raise RuntimeError(msg)
    return one.fault


def find_known(tx: UnitOfWork, caller: str, body: IssuanceBody, origin: Origin, digest: str) -> IssuanceRequest | None:
    """The request stored before under any of the three keys; refused when its content differs."""
    if origin.idempotency_key:
        known = tx.requests.by_idempotency_key(caller, origin.idempotency_key)
        if known is not None:
            return _same(known, digest)
    if origin.event_id:
        known = tx.requests.by_event(caller, origin.event_source, origin.event_id)
        if known is not None:
            return _same(known, digest)
    for key in origin.names:
        bound = tx.receipts.find(caller, key)
        if bound is not None:
            return _same(tx.requests.by_id(bound[1]), digest)
    known = tx.requests.by_business_key(body.authority_code, body.business_no, body.type, body.action.value)
    if known is not None and (known.body_hash != digest or known.caller != caller):
        raise BusinessKeyConflict(
            f"业务流水号 {body.business_no} 已用于同类证照的另一份申请；内容有变请使用新的业务流水号"
        )
    return known


def _bind_aliases(
    deps: Deps,
    tx: UnitOfWork,
    several: Sequence[Prepared],
    answers: Mapping[int, Accepted | CertsvcError],
    bound: Collection[tuple[str, str]],
) -> None:
    """A further key under which the same content came binds that key too: other content under it is refused.

    In the transaction of them all, so that nothing is left to fail after it; in the order of the keys, so that two
    transactions with some in common do not wait for each other. Whoever bound a key first keeps it.
    """
    fresh: dict[tuple[str, str], tuple[str, str]] = {}
    for at, one in enumerate(several):
        answer = answers[at]
        if not isinstance(answer, Accepted) or answer.created:
            continue
        known, origin = answer.request, one.origin
        first = {
            origin.key_name: known.idempotency_key == origin.idempotency_key,
            origin.event_name: (known.event_source, known.event_id) == (origin.event_source, origin.event_id),
        }
        for key in origin.names:
            if not first[key] and (one.caller.subject, key) not in bound:
                fresh.setdefault((one.caller.subject, key), (one.digest, known.request_id))
    now = deps.clock.now()
    for (caller, key), (digest, request_id) in sorted(fresh.items()):
        tx.receipts.bind(caller, key, body_hash=digest, result_id=request_id, now=now)


def _same(known: IssuanceRequest | None, digest: str) -> IssuanceRequest:
    if known is None:
        msg = "a key is bound to a request that is not there"
        raise RuntimeError(msg)
    if known.body_hash != digest:
        raise IdempotencyMismatch("同一幂等键（或事件 id）已用于另一份内容；重发请保持内容不变，新申请请换新的键")
    return known


def check_keys(origin: Origin) -> None:
    """Raise InvalidInput for a key that would bloat the index or cannot be shown."""
    for name, value in (
        ("Idempotency-Key", origin.idempotency_key),
        ("id", origin.event_id),
        ("source", origin.event_source),
    ):
        if len(value) > MAX_KEY_LENGTH or (value != "" and not value.isprintable()):
            problem = FieldProblem(pointer=f"/{name}", code="key", detail=f"不超过 {MAX_KEY_LENGTH} 个可见字符")
            raise InvalidInput(f"{name} 不合规", problems=(problem,))


def _photo(deps: Deps, body: IssuanceBody, payload: IssuancePayload) -> bytes | None:
    kind = deps.catalog.type(payload.type_slug)
    if not body.photo:
        if kind.photo:
            problem = FieldProblem(pointer="/photo", code="missing", detail=f"{kind.name}需要持证人照片")
            raise InvalidInput("缺少照片", problems=(problem,))
        return None
    if not kind.photo:
        problem = FieldProblem(pointer="/photo", code="extra_forbidden", detail=f"{kind.name}不印照片，请去掉此项")
        raise InvalidInput("此类证照没有照片", problems=(problem,))
    try:
        return deps.renderer.normalise_photo(decode_photo(body.photo))
    except (InvalidInput, TooLarge) as error:
        problems = error.problems or (FieldProblem(pointer="/photo", code=error.code, detail=error.detail),)
        refusal = TooLarge if isinstance(error, TooLarge) else InvalidInput
        raise refusal(error.detail, problems=problems) from error


def ask_once(deps: Deps, tx: UnitOfWork, request: IssuanceRequest) -> IssuanceRequest:
    """The request under this business key: this one, or the one that was put into the queue before."""
    if store_request(deps, tx, request):
        return request
    payload = request.payload
    known = tx.requests.by_business_key(
        payload.authority_code, payload.business_no, payload.type_slug, payload.action.value
    )
    if known is None:
        msg = "a unique key of a request is taken, and it is not the business key"
        raise RuntimeError(msg)
    return known


def store_request(deps: Deps, tx: UnitOfWork, request: IssuanceRequest) -> bool:
    """Put a request into the queue, with its event and its evidence; False when one of its unique keys is taken."""
    if not tx.requests.insert(request):
        return False
    _announce(deps, tx, request)
    return True


def _announce(deps: Deps, tx: UnitOfWork, request: IssuanceRequest) -> None:
    payload = request.payload
    accepted = IssuanceAccepted(
        request_id=request.request_id,
        authority_code=payload.authority_code,
        business_no=payload.business_no,
        license_type=payload.type_slug,
        action=payload.action.value,
    )
    at = request.created_at
    tx.outbox.add(
        accepted.event(event_id=deps.ids.new("evt"), source=deps.policy.event_source, subject=request.request_id, at=at)
    )
    record(
        tx,
        deps,
        kind="issuance.accepted",
        subject=request.request_id,
        actor=request.caller,
        content={"body_sha256": request.body_hash, "business_no": payload.business_no},
        at=at,
    )
