"""用证码 (auth_code) of ``license-app/v1``: opaque, short-lived, for one client, license, matter and case.

A code gives the fields once and the file once. Behind one on consent stands the holder's own 用证码, which gives
whichever of the two is asked for first; nothing is given past :func:`fetch_license`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.clock import SHANGHAI
from certsvc.commands.evidence.record import record
from certsvc.commands.facades.accounts import note_beside, require_type
from certsvc.commands.facades.ask import (
    NOTHING,
    RETRIED,
    SpentError,
    Which,
    Why,
    allowed,
    fetch_body,
    give,
    look,
    over_each,
)
from certsvc.commands.sharing.fetch_license import fetch_license
from certsvc.commands.sharing.grounds import Ground, check_open, consented, look_up
from certsvc.commands.sharing.policy import find_matter
from certsvc.commands.sharing.use_rows import note, refusal_row, use_row
from certsvc.commands.showing.codes import token_sha256
from certsvc.commands.verifying.stands import stands
from certsvc.errors import CertsvcError, NoLawfulBasis, NotFound
from certsvc.identifiers.policy_key import COPY, readable
from certsvc.identifiers.use_basis import CONSENT, DUTY
from certsvc.license.facades import AuthCode

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.facades.accounts import Call
    from certsvc.commands.ports import Deps
    from certsvc.commands.sharing.fetch_license import FetchAnswer, FetchBody
    from certsvc.commands.sharing.grounds import Known
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Standing
    from certsvc.license.uses import Grant, UseBasis

CODE_LIFE = timedelta(minutes=10)
"""Life of a code: a form is filled in meanwhile, no longer."""
MAX_CREDENTIALS = 10
"""用证码 of the holder in one request."""
MAX_GRANT_CODE = 64
"""Characters of a credential that is looked up; ours have fewer. Stops oversized input before hashing."""
CODE_ZH = "用证码无效：不存在、已使用、已过期，或不属于本系统；请重新取得"
NO_GRANT_ZH = "授权凭证无效：应为持证人（或其监护人、法定代表人）为本系统、本事项开具的用证码；请重新授权"
ANSWERS_ONLY_ZH = "这个用证码只授权核验（是或否），没有信息项和文件；请改用 POST /v1/answers，或请持证人重新授权"


@dataclass(frozen=True, kw_only=True, slots=True)
class Coded:
    """A code as it leaves, once, and what it is for."""

    code: str
    type_slug: str
    identifier: str
    standing: Standing
    expires_at: datetime


def codes_on_duty(deps: Deps, call: Call, holder: Which, why: Why, types: Sequence[str]) -> list[Coded]:
    """One code for each license that the holder has of these types (依职能); looking is on the ledger too.

    Raises:
        NoLawfulBasis: the matter sees nothing, or not on duty.
        NotFound: the holder has none of them.
    """
    made: list[Coded] = []
    refused: NotFound | NoLawfulBasis | None = None

    def coded(which: Which) -> Coded:
        return _made(deps, call, why, look(deps, call, which, why))

    for slug in types:
        rows, fault = over_each(deps, call, replace(holder, type_slug=slug), why, coded)
        made, refused = [*made, *rows], fault or refused
    if not made:
        raise refused or NotFound("未检索到证照；请核对证件号码")
    return made


def types_of(deps: Deps, call: Call, holder: Which, why: Why) -> list[str]:
    """Types that a matter may see, as far as the account is for them; NoLawfulBasis, on the ledger, when none."""
    with deps.uow.read() as tx:
        matter = find_matter(deps, tx, why.matter_code)
    own = matter is not None and matter.authority_code == call.caller.authority_code
    slugs = [slug for slug in matter.allows if call.account.sees(slug)] if matter is not None and own else []
    if not slugs:
        # Of no type: no policy opens that, so the fetch refuses and writes the refusal down.
        fetch_license(deps, call.caller, fetch_body(replace(holder, type_slug=""), why, fields=NOTHING))
        raise NoLawfulBasis("该事项未开通免证办，或不属于本单位；请核对事项编码")
    return slugs


def codes_on_consent(deps: Deps, call: Call, why: Why, credentials: Sequence[str], *, by_holder: bool) -> list[Coded]:
    """A code for each of the holder's own 用证码; they are looked at here and used when data are asked for.

    Args:
        deps: the ports.
        call: who asks.
        why: for what.
        credentials: 用证码 made on the holder's page for this client and matter.
        by_holder: whether the holder made them (``license/holder``), or who acts for the holder (``license/entrust``).

    Raises:
        NoLawfulBasis: one of them does not fit; which of the reasons it is, is not said.
    """
    made: list[Coded] = []
    for credential in credentials[:MAX_CREDENTIALS]:
        found = _on_consent(deps, call, why, credential, by_holder=by_holder)
        if isinstance(found, CertsvcError):
            raise found
        made.append(found)
    return made


def _on_consent(deps: Deps, call: Call, why: Why, credential: str, *, by_holder: bool) -> Coded | CertsvcError:
    """The code for one 用证码, or why not; that it was looked at is on the ledger like a look on duty."""
    now, body = deps.clock.now(), fetch_body(Which(), why, grant_code=credential[:MAX_GRANT_CODE])
    with deps.uow() as tx:
        known = look_up(deps, tx, [(call.caller, body)], now, hold=False)
        about = known.granted(body)
        body = body.model_copy(update={"type": about.type_slug if about is not None else ""})
        try:
            version, grant, basis = _granting(deps, tx, known, call, body, by_holder=by_holder)
            require_type(call, body.type)
            check_open(deps, tx, call.caller, body, now)
        except CertsvcError as error:
            row = refusal_row(deps, call.caller, body, about, error, now)
            tx.sharing.insert_fetches([row])
            note(deps, tx, row, about, about.identifier if about is not None else body.matter_code)
            return error
        row = use_row(deps, call.caller, body, Ground(basis=basis, version=version, grant=grant), (), now)
        tx.sharing.insert_fetches([row])
        note(deps, tx, row, version, version.identifier)
        return _stored(deps, tx, call, version, why, grant_code=credential, until=grant.expires_at)


def _granting(
    deps: Deps, tx: UnitOfWork, known: Known, call: Call, body: FetchBody, *, by_holder: bool
) -> tuple[LicenseVersion, Grant, UseBasis]:
    """License and grant behind a 用证码 that is unused; NoLawfulBasis in the same words for every cause but one.

    A code that fits and is for answers alone says so: nobody learns of it what the holder did not tell.
    """
    try:
        version, grant, basis = consented(deps, known, call.caller, body, deps.clock.now(), data=True)
    except NoLawfulBasis as error:
        raise NoLawfulBasis(NO_GRANT_ZH) from error
    person = tx.access.person(grant.holder_subject)
    holder = version.holder
    own = person is not None and (person.holder_code_type, person.holder_code) == (holder.code_type, holder.code)
    if person is None or own is not by_holder:
        raise NoLawfulBasis(NO_GRANT_ZH)
    if not readable(grant.fields):
        raise NoLawfulBasis(ANSWERS_ONLY_ZH)
    return version, grant, basis


def exchange(deps: Deps, call: Call, code: str, *, verb: str) -> tuple[str, datetime]:
    """Another code (``license_access_token``) in place of an unused one, with what is left of its life.

    The call of ``verb`` is noted with it: a code whose exchange nobody was told of opens what it opened before.
    """
    now, token = deps.clock.now(), _new_code(deps, deps.clock.now())
    with deps.uow() as tx:
        known = _own(call, tx.facades.code(token_sha256(code)))
        if not tx.facades.exchange_code(known.code_sha256, by=token_sha256(token), now=now):
            raise NoLawfulBasis(CODE_ZH)
        note_beside(deps, tx, call, verb, "")
    return token, known.expires_at


def redeem(deps: Deps, call: Call, code: str, *, file: bool, verb: str) -> tuple[AuthCode, FetchAnswer]:
    """The fields, or the file, that a code stands for; each once.

    The use of the code, the fetch with all that it uses up, and the note of the call of ``verb`` are one transaction:
    whatever stands in the way of one of them leaves the code as unused as it was.

    Raises:
        NoLawfulBasis: the code is not this client's, used for this, or too old: in the same words.
        Unavailable, Conflict: it could not be had just now; the code is as unused as before.
    """
    now = deps.clock.now()
    with deps.uow.read() as tx:
        known = _own(call, tx.facades.code(token_sha256(code)))
        if (known.file_used_at if file else known.data_used_at) is not None or now >= known.expires_at:
            raise NoLawfulBasis(CODE_ZH)  # before a copy is made for it
        version = tx.licenses.by_identifier(known.identifier)
    why = Why(matter_code=known.matter_code, case_no=known.case_no, operator=known.operator, purpose=known.purpose)
    which = Which(
        identifier=known.identifier,
        type_slug=known.type_slug,
        holder_code=version.holder.code if version else "",
        holder_code_type=version.holder.code_type if version else "",
    )
    fields = (COPY,) if file else tuple(key for key in _granted(deps, call, known) if key != COPY) or NOTHING

    def spend(tx: UnitOfWork, answer: FetchAnswer | CertsvcError) -> None:
        if isinstance(answer, RETRIED):
            return
        if not tx.facades.use_code(known.code_sha256, file=file, now=now):
            raise SpentError
        if not isinstance(answer, CertsvcError):
            note_beside(deps, tx, call, verb, "")

    body = fetch_body(which, why, fields=fields, grant_code=known.grant_code)
    try:
        return known, give(deps, call, body, beside=spend)
    except SpentError:
        raise NoLawfulBasis(CODE_ZH) from None


def _granted(deps: Deps, call: Call, known: AuthCode) -> tuple[str, ...]:
    keys = allowed(deps, call, known.matter_code, known.type_slug)
    if not known.grant_code:
        return keys
    with deps.uow.read() as tx:
        grant = tx.sharing.grant_by_token(token_sha256(known.grant_code))
    return tuple(key for key in keys if grant is not None and key in grant.fields)


def _own(call: Call, known: AuthCode | None) -> AuthCode:
    if known is None or known.account_id != call.account.account_id or known.client_id != call.caller.subject:
        raise NoLawfulBasis(CODE_ZH)
    return known


def _made(deps: Deps, call: Call, why: Why, answer: FetchAnswer) -> Coded:
    identifier = answer.facts.identifier
    with deps.uow() as tx:
        version = tx.licenses.by_identifier(identifier)
        if version is None:
            raise NotFound("未检索到证照；请核对证件号码")
        return _stored(deps, tx, call, version, why, standing=answer.standing)


def _stored(
    deps: Deps,
    tx: UnitOfWork,
    call: Call,
    version: LicenseVersion,
    why: Why,
    *,
    grant_code: str = "",
    until: datetime | None = None,
    standing: Standing | None = None,
) -> Coded:
    now = deps.clock.now()
    token = _new_code(deps, now)
    code = AuthCode(
        code_sha256=token_sha256(token),
        account_id=call.account.account_id,
        client_id=call.caller.subject,
        basis=CONSENT if grant_code else DUTY,
        identifier=version.identifier,
        type_slug=version.type_slug,
        matter_code=why.matter_code,
        case_no=why.case_no,
        operator=why.operator,
        purpose=why.purpose,
        grant_code=grant_code,
        created_at=now,
        expires_at=min(now + CODE_LIFE, until or now + CODE_LIFE),
    )
    how = standing or stands(deps, tx, version, now)
    tx.facades.insert_code(code)
    content = {"account_id": code.account_id, "matter_code": code.matter_code, "case_no": code.case_no}
    record(
        tx,
        deps,
        kind="facade.code_made",
        subject=version.identifier,
        actor=call.caller.subject,
        content={**content, "basis": code.basis},
        at=now,
    )
    return Coded(
        code=token,
        type_slug=version.type_slug,
        identifier=version.identifier,
        standing=how,
        expires_at=code.expires_at,
    )


def _new_code(deps: Deps, now: datetime) -> str:
    """``yyyyMMddHHmmssSSS`` and 128 random bits in hex: the shape that systems store, and nothing to count through."""
    local = now.astimezone(SHANGHAI)
    return f"{local:%Y%m%d%H%M%S}{local.microsecond // 1000:03d}{deps.ids.salt().hex().upper()}"
