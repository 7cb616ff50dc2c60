"""Principals to token claims and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access.roles import ALL
from certsvc.commands.ports import Principal
from certsvc.errors import Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Mapping

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


def authenticate(deps: Deps, token: str) -> Principal:
    """The caller behind a bearer token; roles are read from the register, so a removed role ends at once.

    Raises:
        Unauthenticated: bad token, or a subject that is unknown or no longer active.
    """
    claims: Mapping[str, object] = deps.tokens.check(token, now=deps.clock.now())
    subject, issuer = str(claims.get("sub", "")), str(claims.get("iss", ""))
    own = issuer == deps.policy.event_source
    with deps.uow.read() as tx:
        if own and claims.get("kind") == "system":
            client = tx.access.client(subject)
            principal = of_client(client) if client is not None and client.active else None
        else:
            # An identity provider speaks for the people bound through it and for nobody else: no system, none of ours.
            person = tx.access.person(subject)
            bound_by = SANDBOX if own else OIDC + issuer
            principal = of_person(person) if person is not None and person.verified_by == bound_by else None
    if principal is None:
        raise Unauthenticated("账号不存在或已停用，请重新登录")
    return Principal(
        subject=principal.subject,
        kind=principal.kind,
        roles=principal.roles & ALL,
        authority_code=principal.authority_code,
        name=principal.name,
        holder_code=principal.holder_code,
        holder_code_type=principal.holder_code_type,
    )
