"""用证: a registered system fetches fields or the file of a license for a matter, on a lawful basis.

``who (client) + basis (consent or duty) + purpose (matter + case number) + scope``; every fetch and every refusal is a
row of the ledger, written in the transaction of the answer. Nothing leaves that the policy of the matter does not list.
Fetches that come together are one transaction with an answer each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import AwareDatetime, Field

from certsvc.commands.access import roles
from certsvc.commands.sharing.fetch_scope import check_in_force, scope_of, within
from certsvc.commands.sharing.grounds import (
    Ground,
    UseBody,
    check_basis,
    check_open,
    consented,
    current_of,
    look_up,
    may_look,
    on_duty,
    withheld_by,
)
from certsvc.commands.sharing.make_copy import CopyWish, MadeCopy, give_copy, make_copy
from certsvc.commands.sharing.policy import by_own_code, check_quota, count_order, count_use, open_matter
from certsvc.commands.sharing.use_rows import note, refusal_row, subject_of, use_row
from certsvc.commands.showing.values import ShownField, shown_fields
from certsvc.commands.verifying.facts import public_facts
from certsvc.commands.verifying.stands import stands_all
from certsvc.errors import CertsvcError, Conflict, IntegrityError, NoLawfulBasis, Unavailable
from certsvc.events.trace import tracing
from certsvc.identifiers.policy_key import COPY
from certsvc.identifiers.use_basis import CONSENT
from certsvc.license.copies import AnnotatedCopy, copy_until
from certsvc.license.uses import CONSENT_OVER, UseBasis

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.sharing.grounds import Known
    from certsvc.commands.sharing.repeats import Once
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.consents import Withholding
    from certsvc.license.model import LicenseVersion
    from certsvc.license.standing import Standing
    from certsvc.license.uses import Fetch
    from certsvc.seal.verdict import LicenseFacts

MEANWHILE_ZH = "同一 Idempotency-Key 的请求刚刚办完，请以同一键重试"
USED_ZH = "授权已使用、已收回或已过期，请持证人重新授权"


class FetchBody(UseBody):
    """用证申请：为哪个事项、哪个办件、凭什么、要什么."""

    fields: tuple[str, ...] = Field(default=(), max_length=100, description="所需信息项，缺省为事项允许的全部")
    copy_until: AwareDatetime | None = Field(default=None, description="加注件用到何时；不超过持证人授权的期限")

    @property
    def asked_keys(self) -> tuple[str, ...]:
        """The keys that the client named."""
        return self.fields

    @property
    def may_ask_copy(self) -> bool:
        """Whether a copy may be among what leaves."""
        return not self.fields or COPY in self.fields


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchAnswer:
    """What left, and the ledger row that says so."""

    fetch: Fetch
    facts: LicenseFacts
    standing: Standing
    fields: tuple[ShownField, ...]
    copy: AnnotatedCopy | None
    """the annotated copy that left, and ``file`` its bytes; the original never leaves"""
    file: bytes | None


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
class Reads:
    """What was read of the licenses of fetches that came together, by version id."""

    standings: Mapping[str, Standing]
    newest: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Copied:
    """What was made before the transaction that gives it: a copy for the fetch of this id, none, or why not."""

    fetch_id: str = ""
    made: MadeCopy | CertsvcError | None = None


NOT_COPIED = _Copied()
Beside = Callable[["UnitOfWork", FetchAnswer | CertsvcError], None]


def fetch_license(
    deps: Deps, caller: Principal, body: FetchBody, once: Once | None = None, *, beside: Beside | None = None
) -> FetchAnswer:
    """Answer a fetch, or refuse it on record; ``once`` is the key that it is bound to when it is given.

    ``beside`` sees what came of it before the transaction ends: what it writes and the fetch stand together or not.

    Raises:
        NoLawfulBasis: no open policy, a grant that does not fit, or fields beyond the policy.
        NotFound: no license of this type for this holder.
        Conflict: the key led to a fetch meanwhile.
    """
    roles.require(caller, roles.USING)
    body = by_own_code(deps, body)
    copied = _copied(deps, caller, body) if body.may_ask_copy else NOT_COPIED
    now = deps.clock.sure()
    with deps.uow() as tx:
        [answer] = fetch_in(deps, tx, [(caller, body)], now, copied, once=once)
        if beside is not None:
            beside(tx, answer)
    deps.faults.reach("copy.given")
    if isinstance(answer, CertsvcError):
        raise answer
    return answer


def fetch_licenses(
    deps: Deps, asked: Sequence[tuple[Principal, FetchBody]], *, traces: Sequence[str] = ()
) -> list[FetchAnswer | CertsvcError]:
    """Answer or refuse several fetches in one transaction, in their order; what was used by one is used for the next.

    ``traces`` are those that they belong to; without, that of the moment is everybody's.

    Raises:
        Forbidden: one of the callers fetches nothing; nothing is recorded.
    """
    for caller, _ in asked:
        roles.require(caller, roles.USING)
    asked = [(caller, by_own_code(deps, body)) for caller, body in asked]
    now = deps.clock.sure()
    with deps.uow() as tx:
        return fetch_in(deps, tx, asked, now, traces=traces)


def fetch_in(
    deps: Deps,
    tx: UnitOfWork,
    asked: Sequence[tuple[Principal, FetchBody]],
    now: datetime,
    copied: _Copied = NOT_COPIED,
    *,
    traces: Sequence[str] = (),
    once: Once | None = None,
) -> list[FetchAnswer | CertsvcError]:
    """As :func:`fetch_licenses`, in a transaction of somebody who asked for the roles.

    ``copied`` and ``once`` are for a fetch that comes alone: a copy takes too long to make any for several.
    """
    known = look_up(deps, tx, asked, now)
    if once is not None and once.known(tx):  # while this one waited for the consent that the other held
        raise Conflict(MEANWHILE_ZH)
    used: set[str] = set()
    judged = [_judge(deps, tx, known, used, caller, body, now) for caller, body in asked]
    reads = read_of(deps, tx, [one.version for one in judged if isinstance(one, _Lawful)], now)
    over = _counted(deps, tx, judged, now)
    answers = [_answer(deps, tx, one, reads, copied, over.get(at), now) for at, one in enumerate(judged)]
    deps.faults.reach("fetch.judged")
    spent = {
        one.ground.grant.grant_id
        for one, answer in zip(judged, answers, strict=True)
        if isinstance(one, _Lawful) and isinstance(answer, FetchAnswer) and one.ground.grant
    }
    if tx.sharing.use_grants(spent, now=now) != len(spent):
        msg = "a grant was used that is held, and is used, withdrawn or over"
        raise RuntimeError(msg)
    _bind(tx, judged, spent)
    rows = [answer.fetch if isinstance(answer, FetchAnswer) else answer.row for answer in answers]
    tx.sharing.insert_fetches(rows)
    if once is not None and isinstance(answers[0], FetchAnswer):
        once.bind(tx, rows[0].fetch_id, now)
    for one, row, trace in zip(judged, rows, traces or [""] * len(rows), strict=True):
        with tracing(trace):
            note(deps, tx, row, one.version, subject_of(deps, one.body, one.version))
    deps.faults.reach("fetch.recorded")
    return [answer if isinstance(answer, FetchAnswer) else answer.error for answer in answers]


def _bind(tx: UnitOfWork, judged: Sequence[_Lawful | _Refused], spent: Collection[str]) -> None:
    """A grant that named no case is for the one that it was first used for, as are the answers that follow."""
    lawful = ((one.ground.grant, one.body.case_no) for one in judged if isinstance(one, _Lawful))
    tx.sharing.bind_cases(
        {grant.grant_id: case for grant, case in lawful if grant and grant.grant_id in spent and not grant.case_no}
    )


def _judge(
    deps: Deps,
    tx: UnitOfWork,
    known: Known,
    used: set[str],
    caller: Principal,
    body: FetchBody,
    now: datetime,
) -> _Lawful | _Refused:
    """Whether it may be answered; a grant that serves one fetch of the batch serves no other."""
    withheld: Withholding | None = None
    version: LicenseVersion | None = None
    told = False
    try:
        check_basis(deps, caller, body)
        withheld = withheld_by(known.withheld, caller, body, now)
        told = True
        allowed = check_open(deps, tx, caller, body, now)
        if body.basis == CONSENT:
            version, grant, basis = consented(deps, known, caller, body, now, data=True)
            ground = Ground(basis=basis, version=version, grant=grant)
        else:
            version, grant = on_duty(deps, known, body), None
            ground = Ground(basis=UseBasis.DUTY, version=version, withheld=withheld)
        keys = scope_of(body.fields, allowed, grant)
        if grant is not None and grant.grant_id in used:
            raise NoLawfulBasis(USED_ZH, why=CONSENT_OVER)
    except (Unavailable, IntegrityError):
        raise  # the transaction is over, and nobody was refused
    except CertsvcError as error:
        # What was to be withheld and may not be is on record, but where the holder does not look. So is what was asked
        # on a duty that is not open to the body: no license was looked for, whose holder could be told (ADR 91, 99).
        about = (version or _wanted(deps, known, body)) if told and may_look(deps, tx, caller, body) else None
        row = refusal_row(deps, caller, body, about, error, now, withheld=withheld)
        return _Refused(body=body, error=error, row=row, version=about)
    if grant is not None:
        used.add(grant.grant_id)
    return _Lawful(caller=caller, body=body, ground=ground, version=version, keys=keys)


def _counted(
    deps: Deps, tx: UnitOfWork, judged: Sequence[_Lawful | _Refused], now: datetime
) -> dict[int, CertsvcError]:
    """Count what is about to be given, and which of them are more than a policy's quota for the day, by place.

    In one order for everybody, so that two transactions do not wait for each other. A copy is counted when it is given.
    """
    lawful = [(at, one) for at, one in enumerate(judged) if isinstance(one, _Lawful) and COPY not in one.keys]
    over: dict[int, CertsvcError] = {}

    def place(each: tuple[int, _Lawful]) -> tuple[str, str]:
        body = each[1].body
        return count_order(deps, tx, body.matter_code, each[1].caller.authority_code, body.type)

    for at, one in sorted(lawful, key=place):
        try:
            count_use(deps, tx, one.body.matter_code, one.caller.authority_code, one.body.type, now=now)
        except NoLawfulBasis as error:
            over[at] = error
    return over


def _wanted(deps: Deps, known: Known, body: FetchBody) -> LicenseVersion | None:
    """The license that a refused fetch was about, if the code or the number leads to one."""
    return known.granted(body) if body.basis == CONSENT else current_of(deps, known.held, body)


def read_of(deps: Deps, tx: UnitOfWork, versions: Sequence[LicenseVersion], now: datetime) -> Reads:
    """How these stand, and what is newer than each."""
    several = list({version.version_id: version for version in versions}.values())
    followed = tx.links.followed([one.version_id for one in several]) if several else ()
    return Reads(
        standings=dict(zip((one.version_id for one in several), stands_all(deps, tx, several, now), strict=True))
        if several
        else {},
        newest={
            version_id: tuple(one.identifier for one in tx.licenses.newest(version_id) if one.version_id != version_id)
            for version_id in followed
        },
    )


def _answer(
    deps: Deps,
    tx: UnitOfWork,
    one: _Lawful | _Refused,
    reads: Reads,
    copied: _Copied,
    over: CertsvcError | None,
    now: datetime,
) -> FetchAnswer | _Refused:
    """What leaves; refused where the copy may not, or cannot, be given, or the day's quota is used up."""
    if isinstance(one, _Refused):
        return one
    version, how = one.version, reads.standings[one.version.version_id]
    try:
        if over is not None:
            raise over
        made = _made_for(deps, tx, one, how, copied, now) if COPY in one.keys else None
        if made is not None:
            give_copy(deps, tx, made, version, now)
    except (Unavailable, IntegrityError):
        raise
    except CertsvcError as error:
        withheld = one.ground.withheld
        row = refusal_row(deps, one.caller, one.body, version, error, now, withheld=withheld)
        return _Refused(body=one.body, error=error, row=row, version=version)
    facts = public_facts(deps, tx, version, now, how, newest=reads.newest.get(version.version_id, ()))
    return FetchAnswer(
        fetch=use_row(deps, one.caller, one.body, one.ground, one.keys, now, fetch_id=copied.fetch_id),
        facts=within(facts, one.keys),
        standing=how,
        fields=shown_fields(deps.catalog.type(version.type_slug), version, one.keys, unmasked=one.keys),
        copy=made.copy if made else None,
        file=made.data if made else None,
    )


def _made_for(deps: Deps, tx: UnitOfWork, one: _Lawful, how: Standing, copied: _Copied, now: datetime) -> MadeCopy:
    check_in_force(one.version, how)
    if isinstance(copied.made, CertsvcError):
        raise copied.made
    if copied.made is None or copied.made.copy.version_id != one.version.version_id:  # before anything is counted
        raise Conflict("证照刚刚有变化，加注件没有提供，请重试")
    count_use(deps, tx, one.body.matter_code, one.caller.authority_code, one.body.type, now=now)
    return copied.made


def _beforehand(deps: Deps, tx: UnitOfWork, one: _Lawful, how: Standing, now: datetime) -> CertsvcError | None:
    """Why no copy needs to be made: the seal is not used for what will not be given."""
    body = one.body
    try:
        check_in_force(one.version, how)
        check_quota(deps, tx, body.matter_code, one.caller.authority_code, body.type, now=now)
    except NoLawfulBasis as error:
        return error
    return None


def _copied(deps: Deps, caller: Principal, body: FetchBody) -> _Copied:
    """The copy that this fetch is about, made before the transaction that gives it.

    Everything is asked once more in that transaction, which also records a refusal: nothing is given yet.
    """
    now, fetch_id = deps.clock.sure(), deps.ids.new("fch")
    with deps.uow.read() as tx:
        known = look_up(deps, tx, [(caller, body)], now, hold=False)
        one = _judge(deps, tx, known, set(), caller, body, now)
        if isinstance(one, _Refused) or COPY not in one.keys:
            return _Copied(fetch_id=fetch_id)
        [how] = stands_all(deps, tx, [one.version], now)
        matter = open_matter(deps, tx, body.matter_code, caller.authority_code)
        refused = _beforehand(deps, tx, one, how, now)
    if refused is not None:
        return _Copied(fetch_id=fetch_id, made=refused)
    grant = one.ground.grant
    try:
        wish = CopyWish(
            version=one.version,
            client=caller,
            matter=matter,
            case_no=body.case_no,
            purpose=body.purpose,
            basis=body.basis,
            until=copy_until(now, wanted=body.copy_until, allowed=grant.copy_until if grant is not None else None),
            fetch_id=fetch_id,
            at=now.replace(microsecond=0),
        )
        made = make_copy(deps, wish)
    except CertsvcError as error:
        return _Copied(fetch_id=fetch_id, made=error)
    return _Copied(fetch_id=fetch_id, made=made)
