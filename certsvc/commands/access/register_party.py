"""Register client systems and bind people: by an operator, on record, with duties kept apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.access.roles import ALL, SOURCE, check_separation
from certsvc.commands.evidence.record import record
from certsvc.errors import FieldProblem, InvalidIdentifier, InvalidInput
from certsvc.identifiers.holder_code import HolderCode
from certsvc.identifiers.region import SANDBOX_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.parties import Client, Person


def register_parties(deps: Deps, clients: Iterable[Client], people: Iterable[Person], *, actor: str) -> None:
    """Register many systems and people in one transaction; Raises as the two below."""
    now = deps.clock.now()
    with deps.uow() as tx:
        for client in clients:
            _check_client(deps, client)
            _set_client(deps, tx, client, actor, now)
        for person in people:
            _check_person(deps, person)
            _set_person(deps, tx, person, actor, now)


def register_client(deps: Deps, client: Client, *, actor: str) -> None:
    """Register or replace a client system.

    Raises:
        InvalidInput: an unknown role, or an authority that the catalog does not know, or in production an invented one.
        Forbidden: roles that one party must not hold together (三员分立).
    """
    register_parties(deps, (client,), (), actor=actor)


def bind_person(deps: Deps, person: Person, *, actor: str) -> None:
    """Bind a person to roles and, for holders, to a verified holder code.

    Raises:
        InvalidInput: an unknown role or authority.
        InvalidIdentifier: a holder code that is not one.
        Forbidden: roles that one party must not hold together.
    """
    register_parties(deps, (), (person,), actor=actor)


def _check_client(deps: Deps, client: Client) -> None:
    _check_roles(client.roles)
    # Who runs a source is often no body of the city: such a system may report states, and nothing else.
    runs_source = client.authority_code in {source.authority_code for source in deps.catalog.sources}
    if not deps.catalog.has_authority(client.authority_code) and runs_source and client.roles == {SOURCE}:
        return
    _check_authority(deps, client.authority_code)


def _check_authority(deps: Deps, code: str) -> None:
    """InvalidInput for an authority that the catalog does not know, or an invented one in production."""
    if not deps.catalog.has_authority(code):
        detail = "机构代码不在目录中，请核对统一社会信用代码，或先写入 authorities.toml"
    elif not deps.policy.sandbox and deps.catalog.authority(code).region.startswith(SANDBOX_PREFIX):
        detail = "示例机构（区划 99 开头）仅供沙箱使用，正式环境请换用本地的证照目录（catalog_dir）"
    else:
        return
    raise InvalidInput(detail, problems=(FieldProblem(pointer="/authority_code", code="unknown", detail=detail),))


def _set_client(deps: Deps, tx: UnitOfWork, client: Client, actor: str, now: datetime) -> None:
    tx.access.upsert_client(client)
    content = {"roles": sorted(client.roles), "authority_code": client.authority_code, "active": client.active}
    record(tx, deps, kind="access.client_set", subject=client.client_id, actor=actor, content=content, at=now)


def _check_person(deps: Deps, person: Person) -> None:
    _check_roles(person.roles)
    if person.authority_code:
        _check_authority(deps, person.authority_code)
    if person.holder_code:
        try:
            HolderCode.parse(person.holder_code_type, person.holder_code)
        except InvalidIdentifier as error:
            raise InvalidIdentifier(error.kind, error.reason, pointer="/holder_code") from error


def _set_person(deps: Deps, tx: UnitOfWork, person: Person, actor: str, now: datetime) -> None:
    tx.access.upsert_person(person)
    content = {"roles": sorted(person.roles), "verified_by": person.verified_by}
    record(tx, deps, kind="access.person_bound", subject=person.subject, actor=actor, content=content, at=now)


def _check_roles(roles: frozenset[str]) -> None:
    unknown = sorted(roles - ALL)
    if unknown:
        problem = FieldProblem(pointer="/roles", code="enum", detail=f"可用的角色：{'、'.join(sorted(ALL))}")
        raise InvalidInput(f"没有这些角色：{'、'.join(unknown)}", problems=(problem,))
    check_separation(roles)
