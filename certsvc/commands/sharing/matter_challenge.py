"""反扫 of a using system for a matter: a fetch on the holder's consent, which the yes to a challenge is.

The yes is a grant like any other (``grant_use.py``), for the system, matter, case and operator of the challenge and for
the keys that the holder saw; its code is the ticket that the asking session alone has, and it ends when the answer may
be collected no more. To collect is to fetch by it (``fetch_license.py``): no rule of a use is written here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.access.staff import check_operator
from certsvc.commands.sharing.fetch_license import FetchAnswer, FetchBody, fetch_in
from certsvc.commands.sharing.grant_use import check_alone, count_under, receiving, store_grant
from certsvc.commands.sharing.policy import keys_on_consent, open_matter
from certsvc.commands.showing.rights import right_to_consent
from certsvc.errors import Conflict, FieldProblem, Forbidden, InvalidInput, NoLawfulBasis, NotFound
from certsvc.identifiers.policy_key import COPY, readable
from certsvc.identifiers.use_basis import CONSENT
from certsvc.license.uses import NO_POLICY, Grant

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.showing.rights import Right
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.errors import CertsvcError
    from certsvc.license.challenges import Challenge

NOT_FOR_YOU_ZH = "只有用证系统能为事项发起核验请求；执法人员、窗口和核验系统请填写亮证场景（scene）"
REQUIRED_ZH = {"case_no": "办件编号", "operator": "经办人账号"}


def check_asked(
    deps: Deps, caller: Principal, *, matter_code: str, case_no: str, operator: str, type_slug: str, now: datetime
) -> str:
    """The code of a matter for which the caller may ask a holder.

    Raises:
        Forbidden: the caller uses no licenses.
        InvalidInput: no case or operator is named.
        OperatorUnknown: the operator is none that the client's body registered, where it must.
        NoLawfulBasis: the matter is not this authority's, asks for no consent, or needs no such license.
    """
    if roles.USING not in caller.roles:
        raise Forbidden(NOT_FOR_YOU_ZH)
    given = {"case_no": case_no, "operator": operator}
    missing = [key for key in REQUIRED_ZH if not given[key]]
    if missing:
        raise InvalidInput(
            f"为事项发起核验请求，请填写{'、'.join(REQUIRED_ZH[key] for key in missing)}",
            problems=tuple(
                FieldProblem(pointer=f"/{key}", code="required", detail=f"请填写{REQUIRED_ZH[key]}") for key in missing
            ),
        )
    with deps.uow.read() as tx:
        matter = open_matter(deps, tx, matter_code, caller.authority_code)
        check_operator(tx, caller, operator, now)
        allowed = [slug for slug in matter.allows if keys_for(deps, tx, matter.code, caller.authority_code, slug)]
    if CONSENT not in matter.bases:
        raise NoLawfulBasis("该事项不支持持证人授权", why=NO_POLICY)
    if not allowed or (type_slug and type_slug not in allowed):
        raise NoLawfulBasis(f"该事项不需要此类证照；可用：{'、'.join(sorted(allowed))}", why=NO_POLICY)
    return matter.code


def keys_for(deps: Deps, tx: UnitOfWork, matter_code: str, authority_code: str, type_slug: str) -> tuple[str, ...]:
    """Fields that a yes may open to the matter of this body; none where it has none, or works on duty alone."""
    try:
        keys = keys_on_consent(deps, tx, matter_code, authority_code, type_slug)
    except NoLawfulBasis:
        return ()
    return tuple(key for key in readable(keys) if key != COPY)


def may_consent(
    deps: Deps, tx: UnitOfWork, caller: Principal, challenge: Challenge, right: Right, now: datetime
) -> bool:
    """Whether the caller alone decides over this use: as :func:`consent` asks it."""
    try:
        decides(deps, tx, caller, challenge, right, now)
    except (NotFound, Conflict):
        return False
    return True


def decides(deps: Deps, tx: UnitOfWork, caller: Principal, challenge: Challenge, right: Right, now: datetime) -> Right:
    """By what right the caller decides over this use alone; NotFound, Conflict as :func:`consent`."""
    decided = right_to_consent(
        deps,
        tx,
        caller,
        right.version.identifier,
        now,
        matter_code=challenge.matter_code,
        delegation_id=right.delegation.delegation_id if right.delegation is not None else "",
    )
    check_alone(deps, tx, decided.version)
    return decided


def check_whole(challenge: Challenge) -> None:
    """Conflict for one of before case number and operator were required, which a program of then may still make."""
    if not (challenge.case_no and challenge.operator):
        raise Conflict("这个核验请求由升级前的程序发起，没有办件编号或经办人；请重新发起")


def consent(
    deps: Deps,
    tx: UnitOfWork,
    caller: Principal,
    challenge: Challenge,
    right: Right,
    *,
    keys: tuple[str, ...],
    until: datetime,
    now: datetime,
) -> Grant:
    """Store the yes to what was seen.

    Raises:
        NotFound: the caller does not decide over the license, or the system is none any more.
        Conflict: too young or dead, a delegation that is not for this or is used up, or several holders must confirm.
    """
    check_whole(challenge)
    decided = decides(deps, tx, caller, challenge, right, now)
    grant = Grant(
        grant_id=deps.ids.new("grt"),
        token_sha256=challenge.ticket_sha256,
        version_id=decided.version.version_id,
        holder_subject=caller.subject,
        client_id=receiving(tx, challenge.verifier).client_id,
        matter_code=challenge.matter_code,
        case_no=challenge.case_no,
        fields=keys,
        created_at=now,
        expires_at=until,
        basis=decided.basis,
        basis_id=decided.basis_id,
        operator=challenge.operator,
        copy_until=until,
    )
    count_under(tx, decided, now)
    store_grant(deps, tx, grant, decided.version, actor=caller.subject)
    return grant


def collect(
    deps: Deps, tx: UnitOfWork, caller: Principal, challenge: Challenge, ticket: str, now: datetime
) -> FetchAnswer | CertsvcError:
    """Fetch what the yes opened; a refusal is on record, to be raised after the transaction.

    Raises:
        Conflict: another was quicker.
    """
    roles.require(caller, roles.USING)
    check_whole(challenge)
    version = tx.licenses.by_version_id(challenge.version_id)
    body = FetchBody(
        matter_code=challenge.matter_code,
        case_no=challenge.case_no,
        purpose=challenge.purpose,
        operator=challenge.operator,
        basis=CONSENT,
        type=version.type_slug if version is not None else challenge.type_slug,
        grant_code=ticket,
    )
    [answer] = fetch_in(deps, tx, [(caller, body)], now)
    if isinstance(answer, FetchAnswer) and not tx.challenges.collect(challenge.challenge_id, now=now):
        raise Conflict("核验信息已取走或已过期")
    return answer
