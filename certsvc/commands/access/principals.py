"""Principals to token claims and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from certsvc.commands.access.roles import ALL
from certsvc.commands.ports import Principal
from certsvc.errors import Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certsvc.commands.ports import Deps
    from certsvc.license.parties import Client, Person


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
    """

    subject: str
    bound_by: str


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
    if own and claims.get("kind") == "system":
        return Claimed(subject=subject, bound_by="")
    # An identity provider speaks for the people bound through it and for nobody else: no system, none of ours.
    return Claimed(subject=subject, bound_by=SANDBOX if own else OIDC + issuer)


def look_up(deps: Deps, several: Sequence[Claimed]) -> list[Principal | None]:
    """Whom the register knows behind each of these, in their order; None for one that is unknown or not active."""
    with deps.uow.look() as tx:  # what a token names is one row, of one of the two tables
        clients = tx.access.clients([one.subject for one in several if not one.bound_by])
        people = tx.access.persons([one.subject for one in several if one.bound_by])
    return [_known(one, clients, people) for one in several]


def _known(one: Claimed, clients: Mapping[str, Client], people: Mapping[str, Person]) -> Principal | None:
    if not one.bound_by:
        client = clients.get(one.subject)
        found = of_client(client) if client is not None and client.active else None
    else:
        person = people.get(one.subject)
        found = of_person(person) if person is not None and person.verified_by == one.bound_by else None
    return replace(found, roles=found.roles & ALL) if found is not None else None


def unknown() -> Unauthenticated:
    """What whoever is not known is told, in the same words for every cause."""
    return Unauthenticated("账号不存在或已停用，请重新登录")
