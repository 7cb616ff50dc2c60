"""The sandbox login: pick a person, get a token. It refuses to run in production."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access.issue_token import TokenAnswer
from certsvc.commands.access.principals import claims_of, of_person
from certsvc.commands.evidence.record import record
from certsvc.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps
    from certsvc.license.parties import Person


def sandbox_people(deps: Deps) -> Sequence[Person]:
    """The synthetic people of the sandbox; NotFound in production."""
    _refuse_in_production(deps)
    with deps.uow.read() as tx:
        return tx.access.people()


def sandbox_login(deps: Deps, *, subject: str) -> TokenAnswer:
    """A token for a synthetic person; NotFound in production or for an unknown one."""
    _refuse_in_production(deps)
    now = deps.clock.now()
    with deps.uow() as tx:
        person = tx.access.person(subject)
        if person is None or person.verified_by != "sandbox":
            raise NotFound("没有这个体验账号")
        record(tx, deps, kind="access.sandbox_login", subject=subject, actor=subject, content={}, at=now)
    lifetime = deps.policy.token_lifetime_s
    token = deps.tokens.issue(claims_of(of_person(person)), now=now, lifetime_s=lifetime)
    return TokenAnswer(access_token=token, expires_in=lifetime)


def _refuse_in_production(deps: Deps) -> None:
    if not deps.policy.sandbox:
        raise NotFound("体验登录仅在沙箱环境开放")
