"""What operators run by hand: keys, schema, seals, orphans, catalog."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.app import build
from certsvc.app_shape import prepare_objects
from certsvc.catalog.loader import load_catalog
from certsvc.clock import SystemClock
from certsvc.commands.access import roles
from certsvc.commands.access.end_session import end_sessions_of
from certsvc.commands.access.issue_token import hash_secret
from certsvc.commands.access.principals import OIDC
from certsvc.commands.access.register_party import bind_person, register_client
from certsvc.commands.catalog.live import SAMPLE_STAMP
from certsvc.commands.evidence.sweep import orphans, remove_orphans
from certsvc.commands.issuance.list_dues import list_dues
from certsvc.commands.issuance.remind import remind
from certsvc.commands.ports import Principal
from certsvc.commands.seals.settle_use import settle_use_by_hand
from certsvc.commands.seals.use_seal import unanswered_makings, unanswered_uses
from certsvc.errors import ConfigurationError, InvalidInput
from certsvc.ids import SystemIds
from certsvc.license.dues import DueKind
from certsvc.license.parties import CLIENT_SECRET, PRIVATE_KEY_JWT, TLS_CLIENT_AUTH, Client, Person
from certsvc.rendering.page import PageRenderer
from certsvc.settings import load_settings
from certsvc.signing.devpki import init_dev_keys
from certsvc.signing.master_key import create_master_key, load_master_key
from certsvc.store.migrate import current, upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from certsvc.app import Service
    from certsvc.license.request import IssuanceRequest

OPERATOR = "operator-cli"
"""Who acts, in evidence rows, when a command is run by hand on the machine."""


def init_keys() -> tuple[str, ...]:
    """Make the development PKI; the ids of the keys that are new."""
    settings = load_settings()
    if not settings.sandbox:
        raise ConfigurationError("开发用密钥只能用于沙箱；请设置 CERTSVC_PROFILE=sandbox，正式密钥按密钥仪式办理")
    ids = SystemIds()
    if not settings.master_key.exists():
        create_master_key(settings.master_key, ids)
    master = load_master_key(settings.master_key)
    return init_dev_keys(settings.keys_file, settings.keys, master, SystemClock(), ids).made


def upgrade_database() -> str:
    """Bring the schema to the newest revision; which one it is."""
    settings = load_settings()
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    upgrade(settings.database)
    prepare_objects(settings)
    return current(settings.database)


def unanswered(older_than_s: int) -> list[tuple[str, str, str, str]]:
    """Uses and makings of seals without an answer: id, seal, purpose and time, the oldest first."""
    with _service() as service:
        uses = unanswered_uses(service.deps, older_than_s=older_than_s)
        makings = unanswered_makings(service.deps, older_than_s=older_than_s)
    rows = [(use.reserved_at, use.reservation_id, use.seal_id, use.purpose) for use in uses]
    rows += [(one.reserved_at, one.making_id, one.seal_id, f"make:{one.purpose}") for one in makings]
    return [(reserved_id, seal, purpose, at.isoformat()) for at, reserved_id, seal, purpose in sorted(rows)]


def settle(reservation_id: str, *, used: bool, reason: str) -> str:
    """Say what became of a use; what was done, in a sentence."""
    with _service() as service:
        use = settle_use_by_hand(service.deps, reservation_id, used=used, reason=reason, actor=OPERATOR)
    return f"已核定 {use.reservation_id}（印章 {use.seal_id}）：{'已用印' if used else '未用印，额度不退'}"


def stuck(older_than_s: int) -> Sequence[IssuanceRequest]:
    """Requests that nobody has touched for a while and that are not decided."""
    with _service() as service:
        deps = service.deps
        before = deps.clock.now() - timedelta(seconds=older_than_s)
        with deps.uow.read() as tx:
            return tx.requests.stuck(before=before, limit=200)


def add_client(
    client_id: str,
    name: str,
    authority_code: str,
    roles: Sequence[str],
    jwks: Path | None,
    *,
    tls: tuple[str, str] = ("", ""),
    purpose: str = "",
    staff_required: bool = False,
) -> str:
    """Register a client system; its new secret, or empty when it signs assertions or has a certificate.

    ``tls`` is subject or SHA-256 of its certificate.
    """
    with _service(seeds_only=True) as service:
        secret = "" if jwks or any(tls) else service.deps.ids.secret()
        with service.deps.uow.read() as tx:
            known = tx.access.client(client_id)
        # A new secret for a known system leaves what its body set.
        client = Client(
            client_id=client_id,
            name=name,
            authority_code=authority_code,
            roles=frozenset(roles),
            secret_sha256=hash_secret(secret) if secret else "",
            jwks=jwks.read_text(encoding="utf-8") if jwks else "",
            active=True,
            auth_method=TLS_CLIENT_AUTH if any(tls) else PRIVATE_KEY_JWT if jwks else CLIENT_SECRET,
            tls_subject=tls[0],
            tls_sha256=tls[1].replace(":", "").lower(),
            purpose=purpose or (known.purpose if known is not None else ""),
            staff_required=staff_required or (known is not None and known.staff_required),
        )
        register_client(service.deps, client, actor=OPERATOR)
        return secret


def add_person(
    subject: str, issuer: str, name: str, roles: Sequence[str], *, holder: tuple[str, str], unit: tuple[str, str]
) -> None:
    """Bind a person of an identity provider; ``holder`` is code type and code, ``unit`` authority and badge.

    Raises:
        InvalidInput: in production an issuer whose tokens are not taken: the person could never sign in.
    """
    with _service(seeds_only=True) as service:
        configured = service.settings.oidc_issuer
        if not service.settings.sandbox and issuer != configured:
            known = f"已配置的是 {configured}" if configured else "尚未配置"
            raise InvalidInput(f"身份提供方 {issuer} 与设置 oidc_issuer 不符（{known}）：须逐字相同，否则此人无法登录")
        person = Person(
            subject=subject,
            name=name,
            roles=frozenset(roles),
            holder_code=holder[1],
            holder_code_type=holder[0],
            authority_code=unit[0],
            badge=unit[1],
            verified_by=OIDC + issuer,
            created_at=service.deps.clock.now(),
        )
        bind_person(service.deps, person, actor=OPERATOR)


def sign_out_person(subject: str, *, close: bool) -> None:
    """End every session of a person; ``close`` takes the roles too. NotFound for an account that is not bound."""
    with _service(seeds_only=True) as service:
        end_sessions_of(service.deps, subject, actor=OPERATOR, close=close)


def list_people() -> tuple[list[tuple[str, ...]], int]:
    """Account, name, roles and unit of everybody with a duty, and how many accounts belong to holders alone."""
    with _service(seeds_only=True) as service:
        deps = service.deps
        with deps.uow.read() as tx:
            people = tx.access.people()
    known = deps.catalog
    rows: list[tuple[str, ...]] = [
        (
            one.subject,
            one.name,
            "、".join(roles.ROLE_ZH.get(role, role) for role in sorted(one.roles)),
            known.authority(one.authority_code).name if known.has_authority(one.authority_code) else one.authority_code,
        )
        for one in people
        if one.roles != {roles.HOLDER}
    ]
    return rows, len(people) - len(rows)


@contextmanager
def _service(*, seeds_only: bool = False) -> Iterator[Service]:
    """A service for one command; over the seeds for parties: those who publish the first types come before them."""
    service = build(load_settings(), seeds_only=seeds_only)
    try:
        yield service
    finally:
        service.close()


def sweep(*, delete: bool) -> Sequence[str]:
    """Names of license files that no artifact registers; removed when asked."""
    with _service() as service:
        return remove_orphans(service.deps) if delete else orphans(service.deps)


def check_catalog() -> tuple[int, int]:
    """Load the whole catalog and draw every face; how many license types and how many documents (文书) it has.

    Raises:
        ConfigurationError: the first fault found, or fonts that are missing, without which no face can be drawn.
    """
    try:
        settings = load_settings()
    except ConfigurationError:
        settings = load_settings({"profile": "sandbox"})  # the catalog can be checked without a configured service
    types = load_catalog(settings.catalog_dir).types
    try:
        renderer = PageRenderer(settings.font_dirs)
    except ConfigurationError as error:
        raise ConfigurationError(f"类型文件无误，但版面未能检查：{error.detail}") from error
    renderer.prove(types, SAMPLE_STAMP)
    documents = sum(kind.document for kind in types)
    return len(types) - documents, documents


def sweep_dues() -> str:
    """Finish today's sweep of what falls due; a sentence on what it did."""
    service = build(load_settings())
    try:
        done = remind(service.deps)
    finally:
        service.close()
    return f"本次检查证照 {done.looked_at} 件，新提醒 {done.announced} 条；今日检查已完成"


def awaiting_cancellation(authority_code: str) -> list[str]:
    """待注销: identifier and last day of each license of an authority that expired and has no renewal pending."""
    service = build(load_settings())
    operator = Principal(subject="cli", kind="system", roles=frozenset({roles.APPROVAL_ANY}))
    lines: list[str] = []
    after = ""
    try:
        while True:
            page = list_dues(service.deps, operator, authority_code=authority_code, kind=DueKind.EXPIRED, after=after)
            lines += [f"{item.version.identifier}\t{item.due.due_on.isoformat()}" for item in page.items]
            after = page.next
            if not after:
                return lines
    finally:
        service.close()
