"""Register client systems and bind people: by an operator, on record, with duties kept apart."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from certsvc.commands.access.roles import ALL, ON_CONSENT, ROLE_ZH, SOURCE, check_separation
from certsvc.commands.evidence.record import record
from certsvc.errors import FieldProblem, Forbidden, InvalidIdentifier, InvalidInput
from certsvc.identifiers.holder_code import HolderCode
from certsvc.identifiers.region import SANDBOX_PREFIX
from certsvc.license.parties import AUTH_METHODS, CLIENT_SECRET, PRIVATE_KEY_JWT, TLS_CLIENT_AUTH

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.parties import Client, Person

_SHA256 = re.compile(r"[0-9a-f]{64}")


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
        Forbidden: roles that one party must not hold together (三员分立), or that its body has no duty for.
    """
    register_parties(deps, (client,), (), actor=actor)


def bind_person(deps: Deps, person: Person, *, actor: str) -> None:
    """Bind a person to roles and, for holders, to a verified holder code.

    Raises:
        InvalidInput: an unknown role or authority.
        InvalidIdentifier: a holder code that is not one.
        Forbidden: roles that one party must not hold together, or that its body has no duty for.
    """
    register_parties(deps, (), (person,), actor=actor)


def _check_client(deps: Deps, client: Client) -> None:
    _check_roles(client.roles)
    check_method(client)
    # Who runs a source is often no body of the city: such a system may report states, and nothing else.
    runs_source = client.authority_code in {source.authority_code for source in deps.catalog.sources}
    if not deps.catalog.has_authority(client.authority_code) and runs_source and client.roles == {SOURCE}:
        return
    _check_authority(deps, client.authority_code)
    _check_on_consent(deps, client.authority_code, client.roles)


def check_method(client: Client) -> None:
    """One way to prove itself, and what that needs, alone; InvalidInput otherwise."""
    secret, keys = bool(client.secret_sha256), bool(client.jwks)
    certificate = bool(client.tls_subject) + bool(client.tls_sha256)
    held = {
        CLIENT_SECRET: (secret, keys or certificate > 0),
        PRIVATE_KEY_JWT: (keys, secret or certificate > 0),
        TLS_CLIENT_AUTH: (certificate == 1, secret or keys),
    }.get(client.proves_by)
    if held is None:
        detail = f"认证方式应为 {'、'.join(AUTH_METHODS)} 之一"
    elif held != (True, False):
        detail = "认证方式只能有一种：密钥、公钥集、客户端证书（主题或 SHA-256 指纹之一）三者取一"
    elif client.tls_sha256 and not _SHA256.fullmatch(client.tls_sha256):
        detail = "证书指纹应为 SHA-256 的 64 位小写十六进制"
    else:
        return
    problem = FieldProblem(pointer="/token_endpoint_auth_method", code="method", detail=detail)
    raise InvalidInput(detail, problems=(problem,))


def _check_authority(deps: Deps, code: str) -> None:
    """InvalidInput for an authority that the catalog does not know, or an invented one in production."""
    if not deps.catalog.has_authority(code):
        detail = "机构代码不在目录中，请核对统一社会信用代码，或先写入 authorities.toml"
    elif not deps.policy.sandbox and deps.catalog.authority(code).region.startswith(SANDBOX_PREFIX):
        detail = "示例机构（区划 99 开头）仅供沙箱使用，正式环境请换用本地的证照目录（catalog_dir）"
    else:
        return
    raise InvalidInput(detail, problems=(FieldProblem(pointer="/authority_code", code="unknown", detail=detail),))


def _check_on_consent(deps: Deps, code: str, roles: frozenset[str]) -> None:
    """Forbidden for a role that acts on duty, or decides over others, at a body that acts on consent alone."""
    beyond = sorted(roles - ON_CONSENT)
    if beyond and deps.catalog.consent_only(code):
        named = "、".join(ROLE_ZH.get(role, role) for role in beyond)
        raise Forbidden(f"{deps.catalog.authority(code).name}只能凭持证人授权用证，不能登记为：{named}；请去掉后再登记")


def _set_client(deps: Deps, tx: UnitOfWork, client: Client, actor: str, now: datetime) -> None:
    if client.tls_subject:
        client = replace(client, tls_subject=deps.tokens.certificate_subject(client.tls_subject))
    tx.access.upsert_client(client)
    content = {
        "roles": sorted(client.roles),
        "authority_code": client.authority_code,
        "active": client.active,
        "by": client.proves_by,
    }
    record(tx, deps, kind="access.client_set", subject=client.client_id, actor=actor, content=content, at=now)


def _check_person(deps: Deps, person: Person) -> None:
    _check_roles(person.roles)
    if person.authority_code:
        _check_authority(deps, person.authority_code)
        _check_on_consent(deps, person.authority_code, person.roles)
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
