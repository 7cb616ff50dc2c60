"""A person signs in through the identity provider of the region and gets its token (OpenID Connect Core §3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access.issue_token import TokenAnswer
from certsvc.commands.access.principals import claimed, look_up, unknown
from certsvc.commands.evidence.record import record
from certsvc.errors import NotFound

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps


def sign_in(deps: Deps, *, code: str, verifier: str) -> TokenAnswer:
    """The token behind an authorization code, for somebody who is bound here.

    Raises:
        NotFound: no sign-in page of a provider is configured.
        Unauthenticated: the provider does not take the code, its token is not good, or its subject is bound to nobody.
        Unavailable: the provider does not answer.
    """
    if deps.identity is None:
        raise NotFound("没有配置统一身份认证平台的登录页，请由运维设置 oidc_authorize_url")
    token = deps.identity.redeem(code, verifier)
    session = claimed(deps, token)
    caller = look_up(deps, [session])[0]
    if caller is None:
        raise unknown()
    now = deps.clock.now()
    with deps.uow() as tx:
        record(tx, deps, kind="access.signed_in", subject=caller.subject, actor=caller.subject, content={}, at=now)
    return TokenAnswer(access_token=token, expires_in=max(session.ends_s - int(now.timestamp()), 0))
