"""现场授权: a clerk reads the identity document of who stands there, and keeps a picture of the handwritten consent.

For one matter and one case, for hours. The holder sees it among the own grants and may withdraw it; what it led to
stands in 谁用过我的证.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.counter.serving import serves
from certsvc.commands.delegating.party import PartyBody
from certsvc.commands.evidence.record import record
from certsvc.commands.ports import Principal
from certsvc.commands.shapes import Line
from certsvc.commands.sharing.choices import candidates, choose
from certsvc.commands.sharing.grant_use import NO_CLIENT_ZH, check_alone, store_grant
from certsvc.commands.sharing.held import held_by
from certsvc.commands.sharing.policy import by_own_code, chosen, find_matter, keys_on_consent
from certsvc.commands.sharing.repeats import Once, check_time
from certsvc.commands.sharing.use_requests import ItemBody
from certsvc.commands.showing.codes import token_sha256
from certsvc.commands.showing.rights import right_to_consent
from certsvc.errors import FieldProblem, InvalidInput, NoLawfulBasis, NotFound, RateLimited
from certsvc.license.consents import (
    COUNTER_COPY_DAYS,
    MAX_COUNTER_HOURS,
    MAX_HOLDER_ASKS,
    MAX_REQUEST_TYPES,
    CounterConsent,
)
from certsvc.license.uses import Grant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.showing.rights import Right
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import Holder, LicenseVersion
    from certsvc.license.parties import Client

CONSENTS = "consents/"
SUFFIX = ".bin"
SEALED = "application/octet-stream"
MAX_PICTURE_BASE64 = 900_000
"""Characters of a base64 picture: stops a body that would fill memory before it is looked at."""
NONE_HELD_ZH = "未查到该持证主体的所列证照，或签字人不能代其授权；请核对证件"
KEPT_FOR = timedelta(days=3 * 366)
"""A dispute about a consent comes within the time in which a decision may be contested, and then some."""


class CounterItemBody(ItemBody):
    """一类证照、所需的信息项和核验项，以及持证人同意使用的那一张."""

    identifier: Line = Field(
        default="", max_length=128, description="证照标识；该类证照有多张的必填，由持证人在窗口指明"
    )


class CounterBody(BaseModel):
    """现场授权：谁的证照、谁签的字、给哪个系统、为哪个事项和办件."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    holder: PartyBody = Field(description="持证主体")
    signer: PartyBody | None = Field(
        default=None, description="签字人，按读取的身份证件填写；持证人本人签字的不填，监护人、法定代表人签字的填"
    )
    client_id: str = Field(max_length=64, description="用证系统")
    matter_code: Line = Field(max_length=33, description="事项实施编码")
    case_no: Line = Field(min_length=1, max_length=64, description="办件编号")
    operator: Line = Field(min_length=1, max_length=64, description="用证系统的经办人账号")
    purpose: Line = Field(min_length=2, max_length=200, description="使用目的")
    items: tuple[CounterItemBody, ...] = Field(min_length=1, max_length=MAX_REQUEST_TYPES)
    picture: str = Field(max_length=MAX_PICTURE_BASE64, description="手写授权书照片，JPEG 或 PNG 的 Base64")
    hours: int = Field(default=8, ge=1, le=MAX_COUNTER_HOURS)


@dataclass(frozen=True, kw_only=True, slots=True)
class CounterAnswer:
    """The consent and its grants."""

    consent: CounterConsent
    grants: Sequence[Grant]


def take_consent(deps: Deps, caller: Principal, body: CounterBody, *, idempotency_key: str = "") -> CounterAnswer:
    """Record a consent on paper; the client uses it by its number.

    The object is there before its row: a crash in between leaves a file that nobody can read, and it is swept.

    Raises:
        NotFound: no such client; or not the licenses of this holder, or the signer may not decide: alike.
        NoLawfulBasis: not a matter of the clerk's counter and of the client's body, not by consent, or more than it may
            see.
        Conflict: who signs is too young or dead by the register, or co-holders must confirm too.
        InvalidInput, TooLarge: a type is named twice, or none of several chosen; no, damaged or too large a picture.
        RateLimited: the clerk asked about this holder too often today.
        IdempotencyMismatch: the key came with other content.
    """
    roles.require(caller, roles.CLERK)
    body, now = by_own_code(deps, body), deps.clock.now()
    once = Once.of(caller.subject, "counter_consent", idempotency_key, body)
    if once is not None and (before := _taken_before(deps, once, now)):
        return before
    holder = body.holder.holder("/holder/code")
    signer = body.signer.holder("/signer/code") if body.signer is not None else holder
    _check_asked(deps, caller, body)
    jpeg = deps.renderer.normalise_picture(_decoded(body.picture))
    _count(deps, caller, holder, now)
    consent_id = deps.ids.new("cns")
    with deps.uow.read() as tx:
        _rights(deps, tx, body, holder, signer, now)
        sealed = tx.bases.seal_picture(consent_id, jpeg)
    consent = CounterConsent(
        consent_id=consent_id,
        client_id=body.client_id,
        authority_code=caller.authority_code,
        clerk=caller.subject,
        matter_code=body.matter_code,
        case_no=body.case_no,
        operator=body.operator,
        purpose=body.purpose,
        holder=holder,
        signer=signer,
        picture_sha256=hashlib.sha256(jpeg).hexdigest(),
        object_name=f"{CONSENTS}{consent_id}{SUFFIX}",
        created_at=now,
        expires_at=now + timedelta(hours=body.hours),
    )
    deps.objects.put(consent.object_name, sealed, content_type=SEALED)
    deps.faults.reach("consent.pictured")
    with deps.uow() as tx:
        rights = _rights(deps, tx, body, holder, signer, now)
        tx.bases.insert_counter(consent)
        if once is not None:
            once.bind(tx, consent_id, now)
        grants = [_grant(deps, consent, right, keys, now) for right, keys in rights]
        for grant, (right, _) in zip(grants, rights, strict=True):
            store_grant(deps, tx, grant, right.version, actor=caller.subject)
        _record(deps, tx, consent, sorted(right.version.type_slug for right, _ in rights))
    deps.objects.retain(consent.object_name, until=now + KEPT_FOR)
    return CounterAnswer(consent=consent, grants=grants)


def _record(deps: Deps, tx: UnitOfWork, consent: CounterConsent, types: Sequence[str]) -> None:
    content = {
        "client_id": consent.client_id,
        "matter_code": consent.matter_code,
        "case_no": consent.case_no,
        "document": consent.signer.code_type,
        "picture_sha256": consent.picture_sha256,
        "types": [*types],
    }
    at = consent.created_at
    record(tx, deps, kind="consent.counter", subject=consent.consent_id, actor=consent.clerk, content=content, at=at)


def _taken_before(deps: Deps, once: Once, now: datetime) -> CounterAnswer | None:
    """The consent that a key led to, with its grants; None when it led to none."""
    with deps.uow.read() as tx:
        known = once.known(tx)
        if not known:
            return None
        consent, grants = tx.bases.counters([known])[known], tx.sharing.of_consents([known])
    check_time(consent.created_at, now, known)
    return CounterAnswer(consent=consent, grants=grants)


def read_consent(deps: Deps, caller: Principal, consent_id: str) -> bytes:
    """The picture of a handwritten consent, for clerks of the body that took it; NotFound for anybody else.

    NotFound too when it was kept as long as it may be: it is swept then.
    """
    roles.require(caller, roles.CLERK)
    now = deps.clock.now()
    with deps.uow.read() as tx:
        found = tx.bases.counters([consent_id]).get(consent_id)
        own = found is not None and found.authority_code == caller.authority_code
        if found is None or not own or found.created_at + KEPT_FOR <= now:
            raise NotFound("没有这项现场授权")
        return tx.bases.open_picture(consent_id, deps.objects.get(found.object_name))


def _check_asked(deps: Deps, caller: Principal, body: CounterBody) -> None:
    """For a matter of the clerk's own counter, and each type once: a use finds its consent by the type."""
    with deps.uow.read() as tx:
        matter = find_matter(deps, tx, body.matter_code)
    if matter is None or not serves(deps, caller, matter):
        raise NoLawfulBasis("本窗口不受理该事项；请核对事项实施编码（matter_code）")
    seen: set[str] = set()
    for index, item in enumerate(body.items):
        if item.type in seen:
            problem = FieldProblem(pointer=f"/items/{index}/type", code="repeated", detail="同一证照类型只写一次")
            raise InvalidInput("证照类型重复", problems=(problem,))
        seen.add(item.type)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        problem = FieldProblem(pointer="/picture", code="base64", detail="照片应为标准 Base64 文本")
        raise InvalidInput("照片无法读取", problems=(problem,)) from error


def _count(deps: Deps, caller: Principal, holder: Holder, now: datetime) -> None:
    """A clerk may not look who has which license by taking consents that nobody gave."""
    about = f"person\n{holder.code_type}\n{holder.code}"
    with deps.uow() as tx:
        if not tx.bases.count_ask(caller.subject, local_day(now), about, most=MAX_HOLDER_ASKS):
            raise RateLimited(
                "今日对该持证人的现场授权次数已满，请明日再办或由持证人在本人账号授权", retry_after_s=3600
            )


def _rights(
    deps: Deps, tx: UnitOfWork, body: CounterBody, holder: Holder, signer: Holder, now: datetime
) -> list[tuple[Right, tuple[str, ...]]]:
    """The licenses, by what right the signer decides over each, and the keys."""
    client = _client(tx, body.client_id)
    rights = []
    for index, item in enumerate(body.items):
        allowed = keys_on_consent(deps, tx, body.matter_code, client.authority_code, item.type)
        wanted = chosen(allowed, item.fields)
        several = _held(deps, tx, holder, item.type, item.identifier, now)
        # As if the signer stood before the own page: own license, ward's or represented company's.
        standing_there = Principal(
            subject="",
            kind="person",
            roles=frozenset({roles.HOLDER}),
            holder_code=signer.code,
            holder_code_type=signer.code_type,
        )
        # Who may not decide learns nothing of what there is to choose from.
        decided = {one.identifier: _decided(deps, tx, standing_there, one, now, body.matter_code) for one in several}
        version = choose(
            deps,
            several,
            item.identifier,
            pointer=f"/items/{index}/identifier",
            unknown=NotFound(NONE_HELD_ZH),
        )
        check_alone(deps, tx, version)
        rights.append((decided[version.identifier], wanted))
    return rights


def _held(
    deps: Deps, tx: UnitOfWork, holder: Holder, type_slug: str, identifier: str, now: datetime
) -> Sequence[LicenseVersion]:
    held = held_by(deps, tx, [(holder, type_slug, identifier)], now)
    named = {one.license_id for several in held.versions.values() for one in several if one.holder.name == holder.name}
    found = candidates(held, holder, type_slug, named)
    if not found:
        raise NotFound(NONE_HELD_ZH)
    return found


def _decided(
    deps: Deps, tx: UnitOfWork, signer: Principal, version: LicenseVersion, now: datetime, matter_code: str
) -> Right:
    try:
        return right_to_consent(deps, tx, signer, version.identifier, now, matter_code=matter_code)
    except NotFound:
        raise NotFound(NONE_HELD_ZH) from None


def _client(tx: UnitOfWork, client_id: str) -> Client:
    client = tx.access.client(client_id)
    if client is None or not client.active or roles.USING not in client.roles:
        raise NotFound(NO_CLIENT_ZH)
    return client


def _grant(deps: Deps, consent: CounterConsent, right: Right, keys: tuple[str, ...], now: datetime) -> Grant:
    return Grant(
        grant_id=deps.ids.new("grt"),
        token_sha256=token_sha256(deps.ids.token()),  # of a code that nobody has
        version_id=right.version.version_id,
        holder_subject="",
        client_id=consent.client_id,
        matter_code=consent.matter_code,
        case_no=consent.case_no,
        fields=keys,
        created_at=now,
        expires_at=consent.expires_at,
        basis=right.basis,
        basis_id=right.basis_id,
        consent_id=consent.consent_id,
        operator=consent.operator,
        copy_until=now + timedelta(days=COUNTER_COPY_DAYS),
    )
