"""Sessions end before their tokens do: signed out here, everywhere, or by an operator (ASVS 5.0 V7.4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from certsvc.commands.access.principals import claimed
from certsvc.commands.evidence.record import record
from certsvc.errors import NotFound

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps, Principal

PERSON = "person"
NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""A row that ends all sessions of somebody stays: how long an identity provider's tokens live is its own affair."""
LAST_S = int(NEVER.timestamp())


def end_session(deps: Deps, caller: Principal, token: str, *, everywhere: bool = False) -> None:
    """End the session of ``token``, or every session of the caller; the next call with such a token is refused.

    Raises:
        Unauthenticated: the token ended meanwhile.
    """
    now, session = deps.clock.now(), claimed(deps, token)
    with deps.uow() as tx:
        until = datetime.fromtimestamp(min(session.ends_s, LAST_S), UTC)
        tx.access.end_session(caller.kind, caller.subject, session.token_key, at=now, until=until)
        if everywhere:
            tx.access.end_session(caller.kind, caller.subject, at=now, until=NEVER)
        content = {"everywhere": everywhere}
        record(
            tx, deps, kind="access.session_ended", subject=caller.subject, actor=caller.subject, content=content, at=now
        )


def end_sessions_of(deps: Deps, subject: str, *, actor: str, close: bool = False) -> None:
    """End every session of a person; ``close`` takes the roles too, so that a new login opens nothing.

    Raises:
        NotFound: nobody is bound under that account.
    """
    now = deps.clock.now()
    with deps.uow() as tx:
        person = tx.access.person(subject)
        if person is None:
            raise NotFound(f"没有绑定账号 {subject}，用 certsvc people list 查看有岗位的账号")
        tx.access.end_session(PERSON, subject, at=now, until=NEVER)
        content: dict[str, object] = {"everywhere": True}
        record(tx, deps, kind="access.session_ended", subject=subject, actor=actor, content=content, at=now)
        if close:
            tx.access.upsert_person(replace(person, roles=frozenset()))
            content = {"roles": [], "verified_by": person.verified_by}
            record(tx, deps, kind="access.person_bound", subject=subject, actor=actor, content=content, at=now)
