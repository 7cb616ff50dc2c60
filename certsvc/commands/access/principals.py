"""Principals to token claims and back."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from certsvc.commands.access.roles import ALL
from certsvc.commands.ports import Principal
from certsvc.errors import Unauthenticated
from certsvc.license.parties import Client

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certsvc.commands.ports import Deps
    from certsvc.license.parties import Asking, Person


OIDC = "oidc:"
"""``Person.verified_by`` of people bound through an identity provider: this and its ``iss``."""

SANDBOX = "sandbox"


def of_client(client: Client) -> Principal:
    """The principal of a client system."""
    return Principal(
        subject=client.client_id,
        kind="system",
        roles=client.roles,
        authority_code=client.authority_code,
        name=client.name,
        staff_required=client.staff_required,
        purpose=client.purpose,
    )


def of_person(person: Person) -> Principal:
    """The principal of a person bound here."""
    return Principal(
        subject=person.subject,
        kind="person",
        roles=person.roles,
        authority_code=person.authority_code,
        name=person.badge or person.name,
        holder_code=person.holder_code,
        holder_code_type=person.holder_code_type,
    )


def claims_of(principal: Principal) -> dict[str, object]:
    """Claims of an access token; the holder code never travels, it is looked up again (DESIGN.md 8)."""
    return {"sub": principal.subject, "kind": principal.kind}


@dataclass(frozen=True, kw_only=True, slots=True)
class Claimed:
    """Whom a token names, after its signature was checked.

    Attributes:
        bound_by: as whose word it may be taken: ``verified_by`` of the person; empty for one of our client systems.
        token_key: what this token is told from others by, where its session is ended.
        issued_s: its ``iat``; 0 when it says none, so that it is older than any end of all sessions.
        ends_s: its ``exp``.
    """

    subject: str
    bound_by: str
    token_key: str
    issued_s: int
    ends_s: int


def authenticate(deps: Deps, token: str) -> Principal:
    """The caller behind a bearer token; roles are read from the register, so a removed role ends at once.

    Raises:
        Unauthenticated: bad token, or a subject that is unknown or no longer active.
    """
    found = look_up(deps, [claimed(deps, token)])[0]
    if found is None:
        raise unknown()
    return found


def claimed(deps: Deps, token: str) -> Claimed:
    """Whom a token names; Unauthenticated when it is not a good one."""
    claims: Mapping[str, object] = deps.tokens.check(token, now=deps.clock.now())
    subject, issuer = str(claims.get("sub", "")), str(claims.get("iss", ""))
    own = issuer == deps.policy.event_source
    # An identity provider speaks for the people bound through it and for nobody else: no system, none of ours.
    bound_by = (SANDBOX if own else OIDC + issuer) if not own or claims.get("kind") != "system" else ""
    return Claimed(
        subject=subject,
        bound_by=bound_by,
        token_key=_key_of(token),
        issued_s=_seconds(claims.get("iat")),
        ends_s=_seconds(claims.get("exp")),
    )


def _key_of(token: str) -> str:
    """Hex SHA-256 of what was signed, not of the signature: of ECDSA two are good for the same bytes."""
    return hashlib.sha256(token.rpartition(".")[0].encode("utf-8", "surrogatepass")).hexdigest()


def _seconds(moment: object) -> int:
    return int(moment) if isinstance(moment, (int, float)) else 0


def look_up(deps: Deps, several: Sequence[Claimed]) -> list[Principal | None]:
    """Whom the register knows behind each of these, in their order; None for one that is unknown or not active."""
    with deps.uow.look() as tx:  # what a token names is one row, of one of the two tables
        systems, persons = [one for one in several if not one.bound_by], [one for one in several if one.bound_by]
        clients = tx.access.clients_asking([one.subject for one in systems], [one.token_key for one in systems])
        people = tx.access.persons_asking([one.subject for one in persons], [one.token_key for one in persons])
    return [_known(one, clients, people) for one in several]


def _known(
    one: Claimed, clients: Mapping[str, Asking[Client]], people: Mapping[str, Asking[Person]]
) -> Principal | None:
    asking = people.get(one.subject) if one.bound_by else clients.get(one.subject)
    if asking is None or asking.is_out(one.token_key, one.issued_s):
        return None
    party = asking.party
    if isinstance(party, Client):
        found = of_client(party) if party.active else None
    else:
        found = of_person(party) if party.verified_by == one.bound_by else None
    return replace(found, roles=found.roles & ALL) if found is not None else None


def unknown() -> Unauthenticated:
    """What whoever is not known is told, in the same words for every cause."""
    return Unauthenticated("账号不存在、已停用，或已经退出登录，请重新登录")
