"""用证: a registered system fetches fields or the file of a license for a matter, on a lawful basis.

``who (client) + basis (consent or duty) + purpose (matter + case number) + scope``; every fetch and every refusal is a
row of the ledger, written in the transaction of the answer. Nothing leaves that the policy of the matter does not list.
Fetches that come together are one transaction with an answer each.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from certsvc.commands.access import roles
from certsvc.commands.sharing.grounds import (
    CONSENT,
    Ground,
    UseBody,
    check_open,
    consented,
    current_of,
    look_up,
    on_duty,
    withheld_by,
)
from certsvc.commands.sharing.policy import COPY
from certsvc.commands.sharing.use_rows import note, refusal_row, use_row
from certsvc.commands.showing.values import ShownField, shown_fields
from certsvc.commands.verifying.facts import public_facts
from certsvc.commands.verifying.stands import stands_all
from certsvc.errors import CertsvcError, IntegrityError, NoLawfulBasis
from certsvc.license.questions import readable
from certsvc.license.states import State
from certsvc.license.uses import UseBasis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.sharing.grounds import Known
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.consents import Withholding
    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Standing
    from certsvc.license.uses import Fetch, Grant
    from certsvc.seal.verdict import LicenseFacts

USED_ZH = "授权已使用、已收回或已过期，请持证人重新授权"


class FetchBody(UseBody):
    """用证申请：为哪个事项、哪个办件、凭什么、要什么."""

    fields: tuple[str, ...] = Field(default=(), max_length=100, description="所需信息项，缺省为事项允许的全部")


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchAnswer:
    """What left, and the ledger row that says so."""

    fetch: Fetch
    facts: LicenseFacts
    standing: Standing
    fields: tuple[ShownField, ...]
    file: bytes | None
    file_sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Lawful:
    """A fetch that may be answered: on what it rests, and the keys that leave."""

    caller: Principal
    body: FetchBody
    ground: Ground
    version: LicenseVersion
    keys: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Refused:
    """A fetch that may not."""

    body: FetchBody
    error: CertsvcError
    row: Fetch
    version: LicenseVersion | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reads:
    """What was read of the licenses of fetches that came together, by version id."""

    standings: Mapping[str, Standing]
    newest: Mapping[str, tuple[str, ...]]


def fetch_license(deps: Deps, caller: Principal, body: FetchBody) -> FetchAnswer:
    """Answer a fetch, or refuse it on record.

    Raises:
        NoLawfulBasis: no open policy, a grant that does not fit, or fields beyond the policy.
        NotFound: no license of this type for this holder.
    """
    [answer] = fetch_licenses(deps, [(caller, body)])
    if isinstance(answer, CertsvcError):
        raise answer
    return answer


def fetch_licenses(deps: Deps, asked: Sequence[tuple[Principal, FetchBody]]) -> list[FetchAnswer | CertsvcError]:
    """Answer or refuse several fetches in one transaction, in their order; what was used by one is used for the next.

    Raises:
        Forbidden: one of the callers fetches nothing; nothing is recorded.
    """
    for caller, _ in asked:
        roles.require(caller, roles.USING)
    now = deps.clock.now()
    with deps.uow() as tx:
        known = look_up(tx, [body for _, body in asked])
        used: set[str] = set()
        judged = [_judge(deps, tx, known, used, caller, body, now) for caller, body in asked]
        reads = _read(deps, tx, [one.version for one in judged if isinstance(one, _Lawful)], now)
        answers = [_answer(deps, tx, one, reads, now) for one in judged]
        deps.faults.reach("fetch.judged")
        for grant_id in sorted(
            one.ground.grant.grant_id
            for one, answer in zip(judged, answers, strict=True)
            if isinstance(one, _Lawful) and isinstance(answer, FetchAnswer) and one.ground.grant
        ):
            if not tx.sharing.use_grant(grant_id, now=now):
                msg = "a grant was used that is held, and is used, withdrawn or over"
                raise RuntimeError(msg)
        rows = [answer.fetch if isinstance(answer, FetchAnswer) else answer.row for answer in answers]
        tx.sharing.insert_fetches(rows)
        for one, row in zip(judged, rows, strict=True):
            note(deps, tx, row, one.version, one.version.identifier if one.version else one.body.type)
        deps.faults.reach("fetch.recorded")
    return [answer if isinstance(answer, FetchAnswer) else answer.error for answer in answers]


def _judge(
    deps: Deps, tx: UnitOfWork, known: Known, used: set[str], caller: Principal, body: FetchBody, now: datetime
) -> _Lawful | _Refused:
    """Whether it may be answered; a grant that serves one fetch of the batch serves no other."""
    withheld: Withholding | None = None
    version: LicenseVersion | None = None
    told = False
    try:
        withheld = withheld_by(known, caller, body, now)
        told = True
        allowed = check_open(deps, tx, caller, body)
        if body.basis == CONSENT:
            version, grant, basis = consented(deps, known, caller, body, now, data=True)
            ground = Ground(basis=basis, version=version, grant=grant)
        else:
            version, grant = on_duty(deps, tx, body, now), None
            ground = Ground(basis=UseBasis.DUTY, version=version, withheld=withheld)
        keys = _scope(body, allowed, grant)
        if grant is not None and grant.grant_id in used:
            raise NoLawfulBasis(USED_ZH)
    except CertsvcError as error:
        # What was to be withheld and may not be is on record, but where the holder does not look.
        about = (version or _wanted(deps, tx, known, body, now)) if told else None
        row = refusal_row(deps, caller, body, about, error, now, withheld=withheld)
        return _Refused(body=body, error=error, row=row, version=about)
    if grant is not None:
        used.add(grant.grant_id)
    return _Lawful(caller=caller, body=body, ground=ground, version=version, keys=keys)


def _wanted(deps: Deps, tx: UnitOfWork, known: Known, body: FetchBody, now: datetime) -> LicenseVersion | None:
    """The license that a refused fetch was about, if the code or the number leads to one."""
    return known.granted(body) if body.basis == CONSENT else current_of(deps, tx, body, now)


def _scope(body: FetchBody, allowed: tuple[str, ...], grant: Grant | None) -> tuple[str, ...]:
    allowed = readable(allowed)
    if grant is not None:
        allowed = tuple(key for key in allowed if key in grant.fields)
    wanted = body.fields or allowed
    beyond = [key for key in wanted if key not in allowed]
    if beyond or not wanted:
        asked, able = "、".join(beyond) or "信息项", "、".join(allowed) or "无（只能以 /v1/answers 核验）"
        raise NoLawfulBasis(f"超出该事项的用证范围：{asked}；可用：{able}")
    return tuple(wanted)


def _read(deps: Deps, tx: UnitOfWork, versions: Sequence[LicenseVersion], now: datetime) -> _Reads:
    several = list({version.version_id: version for version in versions}.values())
    followed = tx.links.followed([one.version_id for one in several]) if several else ()
    return _Reads(
        standings=dict(zip((one.version_id for one in several), stands_all(deps, tx, several, now), strict=True))
        if several
        else {},
        newest={
            version_id: tuple(one.identifier for one in tx.licenses.newest(version_id) if one.version_id != version_id)
            for version_id in followed
        },
    )


def _answer(
    deps: Deps, tx: UnitOfWork, one: _Lawful | _Refused, reads: _Reads, now: datetime
) -> FetchAnswer | _Refused:
    """What leaves; refused where the file may not, or cannot, be given."""
    if isinstance(one, _Refused):
        return one
    version, how = one.version, reads.standings[one.version.version_id]
    try:
        file = file_of(deps, one, how) if COPY in one.keys else None
    except CertsvcError as error:
        withheld = one.ground.withheld
        row = refusal_row(deps, one.caller, one.body, version, error, now, withheld=withheld)
        return _Refused(body=one.body, error=error, row=row, version=version)
    return FetchAnswer(
        fetch=use_row(deps, one.caller, one.body, one.ground, one.keys, now),
        facts=public_facts(deps, tx, version, now, how, newest=reads.newest.get(version.version_id, ())),
        standing=how,
        fields=shown_fields(deps.catalog.type(version.type_slug), version, one.keys, unmasked=one.keys),
        file=file,
        file_sha256=hashlib.sha256(file).hexdigest() if file else "",
    )


def file_of(deps: Deps, one: _Lawful, how: Standing) -> bytes:
    """The file that leaves for ``*copy``; NoLawfulBasis for a license that is not in force."""
    version = one.version
    # What is asked for in a simulation is the opinion itself, which says on its page that it is none of a license.
    simulated = version.state is State.PROVISIONAL
    if not simulated and not how.good:
        raise NoLawfulBasis("证照不在有效状态，不提供证照文件；可改为只取信息项核对状态")
    data = deps.objects.get(version.artifact.object_name)
    if hashlib.sha256(data).hexdigest() != version.artifact.sha256:
        raise IntegrityError("证照文件与登记的摘要不一致，已停止提供，请联系运维")
    return data
