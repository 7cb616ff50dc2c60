"""Accounts of the facades: registered by an operator, signed in by their secret, bound to one client each."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.access.issue_token import hash_secret
from certsvc.commands.access.principals import claimed, look_up, of_client
from certsvc.commands.evidence.record import record
from certsvc.commands.sharing.policy import find_matter
from certsvc.errors import Conflict, FieldProblem, Forbidden, InvalidInput, NotFound, Unauthenticated
from certsvc.license.facades import ANY, FacadeAccount, FacadeName

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork

MAX_LIFE = timedelta(days=2 * 366)
"""An account is looked at again after two years at the latest: nobody remembers who has an older one."""
SESSION_S = 1800
"""Life of an ``access_token`` of ``license-app/v1``."""
KIND = "facade"
"""``kind`` of the session's token: the doors of ``/v1`` know systems and people, and this is neither."""
MAX_PAGE = 100
MAX_SECRET = 512
"""Characters of a secret or token that is looked at; ours have fewer. Stops oversized input before hashing."""
REFUSED_ZH = "账号或凭据不正确，或账号已停用、到期；请联系系统管理员"


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """Who calls through a facade: the account, and its client as the commands know it."""

    account: FacadeAccount
    caller: Principal


def register_account(deps: Deps, account: FacadeAccount, *, actor: str, secret: str) -> FacadeAccount:
    """Register an account; ``secret`` is empty for GB/T 36906, whose clients bring their own access token.

    Raises:
        InvalidInput: no such client, type or matter of the client's body, no end, or one too far away.
        Conflict: the login is taken.
    """
    now = deps.clock.now()
    account = replace(account, secret_sha256=hash_secret(secret) if secret else "", created_at=now)
    with deps.uow() as tx:
        client = tx.access.client(account.client_id)
        problems = _problems(deps, tx, account, client.authority_code if client else None, now)
        if problems:
            raise InvalidInput("门面账号有误，请按提示更正", problems=tuple(problems))
        if not tx.facades.insert_account(account):
            raise Conflict("这个登录名已经有账号，请换一个")
        content = {
            "facade": account.facade.value,
            "client_id": account.client_id,
            "verbs": list(account.verbs),
            "types": list(account.types),
            "matter_code": account.matter_code,
        }
        record(tx, deps, kind="facade.registered", subject=account.account_id, actor=actor, content=content, at=now)
    return account


def list_accounts(deps: Deps, *, behind: str = "", limit: int = MAX_PAGE) -> Sequence[FacadeAccount]:
    """Accounts in the order of their ids, for the operator at the command line."""
    with deps.uow.read() as tx:
        return tx.facades.accounts(behind=behind, limit=min(limit, MAX_PAGE))


def stop_account(deps: Deps, account_id: str, *, actor: str) -> None:
    """Let nobody in by it from now on; NotFound when there is no active one."""
    now = deps.clock.now()
    with deps.uow() as tx:
        if not tx.facades.stop_account(account_id):
            raise NotFound("没有这个启用中的门面账号，请核对编号")
        record(tx, deps, kind="facade.stopped", subject=account_id, actor=actor, content={}, at=now)


def sign_in(deps: Deps, facade: FacadeName, login: str, secret: str) -> Call:
    """The account behind a login and its secret; Unauthenticated in the same words and time for every cause."""
    with deps.uow.read() as tx:
        account = tx.facades.account_by_login(facade, login) if 0 < len(login) <= MAX_SECRET else None
    digest = hash_secret(secret[:MAX_SECRET].encode("utf-8", errors="replace").decode())
    same = hmac.compare_digest(digest, account.secret_sha256 if account is not None else hash_secret(login[:1] + "x"))
    if account is None or not account.secret_sha256 or not same:
        raise Unauthenticated(REFUSED_ZH)
    return open_call(deps, account)


def sign_in_by_client(deps: Deps, facade: FacadeName, token: str) -> Call:
    """The account of the client whose own access token (``/v1/oauth/token``) this is; Unauthenticated otherwise."""
    who = claimed(deps, token)
    if who.bound_by or look_up(deps, [who])[0] is None:  # no system's, or one whose session was ended
        raise Unauthenticated(REFUSED_ZH)
    with deps.uow.read() as tx:
        account = tx.facades.account_by_login(facade, who.subject)
    if account is None or account.client_id != who.subject:
        raise Unauthenticated(REFUSED_ZH)
    return open_call(deps, account)


def open_session(deps: Deps, call: Call) -> str:
    """An ``access_token`` for half an hour; it opens this facade alone, and no longer than the account is active."""
    claims = {"sub": call.account.account_id, "kind": KIND}
    return deps.tokens.issue(claims, now=deps.clock.now(), lifetime_s=SESSION_S)


def resume_session(deps: Deps, facade: FacadeName, token: str) -> Call:
    """The account behind an ``access_token``; Unauthenticated otherwise."""
    claims = deps.tokens.check(token, now=deps.clock.now())
    own = claims.get("kind") == KIND and claims.get("iss") == deps.policy.event_source
    with deps.uow.read() as tx:
        account = tx.facades.account(str(claims.get("sub", ""))) if own else None
    if account is None or account.facade is not facade:
        raise Unauthenticated(REFUSED_ZH)
    return open_call(deps, account)


def open_call(deps: Deps, account: FacadeAccount) -> Call:
    """The call of an account whose secret was checked; Unauthenticated when it, or its client, is active no more."""
    with deps.uow.read() as tx:
        client = tx.access.client(account.client_id)
    if not account.active or account.expires_at <= deps.clock.now() or client is None or not client.active:
        raise Unauthenticated(REFUSED_ZH)
    found = of_client(client)
    return Call(account=account, caller=replace(found, roles=found.roles & roles.ALL))


def require_verb(call: Call, verb: str) -> None:
    """Let the call through if the account may ask this; Forbidden otherwise."""
    if not call.account.may(verb):
        raise Forbidden(f"账号未开通 {verb}，请联系系统管理员")


def require_type(call: Call, type_slug: str) -> None:
    """Let the call through if the account may ask about this type; Forbidden otherwise."""
    if not call.account.sees(type_slug):
        raise Forbidden("账号未开通此类证照，请联系系统管理员")


def note_call(deps: Deps, call: Call, verb: str, code: str) -> None:
    """One evidence row per call: who asked what through which facade, and the code of the answer."""
    with deps.uow.shared() as tx:
        note_beside(deps, tx, call, verb, code)


def note_beside(deps: Deps, tx: UnitOfWork, call: Call, verb: str, code: str) -> None:
    """As :func:`note_call`, in the transaction of what the call used up: neither stands without the other."""
    record(
        tx,
        deps,
        kind="facade.called",
        subject=call.account.account_id,
        actor=call.caller.subject,
        content={"facade": call.account.facade.value, "verb": verb, "code": code},
        at=deps.clock.now(),
    )
    deps.faults.reach("facade.noted")


def _problems(
    deps: Deps, tx: UnitOfWork, account: FacadeAccount, authority_code: str | None, now: datetime
) -> list[FieldProblem]:
    found: list[FieldProblem] = []

    def fault(pointer: str, detail: str) -> None:
        found.append(FieldProblem(pointer=pointer, code="invalid", detail=detail))

    known = {kind.slug for kind in deps.catalog.types}
    matter = find_matter(deps, tx, account.matter_code) if account.matter_code else None
    if authority_code is None:
        fault("/client_id", "没有这个接入系统，请先登记")
    if account.facade is FacadeName.GB_36906 and account.login != account.client_id:
        fault("/login", "GB/T 36906 门面以系统自己的访问令牌登录，登录名应为系统标识")
    if not account.login or not account.verbs or not account.types:
        fault("/login", "登录名、接口、证照类型都不能为空")
    if set(account.types) - known - {ANY}:
        fault("/types", "有的证照类型不在目录中")
    if account.matter_code and (matter is None or matter.authority_code != authority_code):
        fault("/matter_code", "没有这个在办的事项，或不属于该系统的单位")
    if not now < account.expires_at <= now + MAX_LIFE:
        fault("/expires_at", "须填写到期时间，最长两年")
    return found
