"""The sandbox's parties, made from the catalog's samples: client systems, holders, officers. Synthetic, region 99."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.access.issue_token import hash_secret
from certsvc.commands.access.principals import SANDBOX
from certsvc.commands.access.register_party import register_parties
from certsvc.commands.delegating.party import PartyBody
from certsvc.commands.delegating.relations import RelationBody, state_relation
from certsvc.commands.ports import Principal
from certsvc.errors import NotFound
from certsvc.identifiers.holder_code import HolderCodeType
from certsvc.license.model import Holder
from certsvc.license.officers import Officer
from certsvc.license.parties import Client, Person
from certsvc.license.relations import RelationKind, needs_guardian

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from certsvc.commands.ports import Deps

SERVICE_BUREAU = "11990000MB0000086D"
"""示例省政务服务局: runs the approval platform of the sandbox."""

NOTARY = "32990100MB0001273M"
"""示例市示例公证处: acts on the holder's consent alone."""

PLATFORM = "approval-platform"
GATE = "gate-1"
REGULATOR = "regulator-1"
"""A regulator's own system (审管双推送)."""
FACTS = "facts-1"
"""States who is guardian, who is 法定代表人, who has died."""

COLLEAGUE = "9999"
"""How the badges of the sandbox begin whose people have no account; the rest is that of an officer with one."""
REGISTER_YEARS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class SandboxParties:
    """What was registered; secrets are new each time and shown once."""

    secrets: Mapping[str, str]
    people: tuple[Person, ...]


def using_client_id(authority_code: str) -> str:
    """Client id of the sandbox's using system of an authority."""
    return f"using-{authority_code.lower()}"


def source_client_id(source_id: str) -> str:
    """Client id of the sandbox's system of a source."""
    return f"source-{source_id}"


def seed_sandbox(deps: Deps, known: Mapping[str, str] | None = None) -> SandboxParties:
    """Register clients and people of the sandbox; secrets in ``known`` are kept. NotFound in production."""
    if not deps.policy.sandbox:
        raise NotFound("体验数据仅在沙箱环境提供")
    secrets: dict[str, str] = {}
    clients: list[Client] = []

    def client(client_id: str, name: str, authority_code: str, client_roles: frozenset[str]) -> None:
        secrets[client_id] = (known or {}).get(client_id) or deps.ids.secret()
        clients.append(
            Client(
                client_id=client_id,
                name=name,
                authority_code=authority_code,
                roles=client_roles,
                secret_sha256=hash_secret(secrets[client_id]),
                jwks="",
                active=True,
            )
        )

    client(PLATFORM, "示例省一体化审批平台", SERVICE_BUREAU, frozenset({roles.APPROVAL_ANY, roles.EVENTS}))
    for code in sorted({matter.authority_code for matter in deps.catalog.matters}):
        name = f"{deps.catalog.authority(code).name}业务系统"
        client(using_client_id(code), name, code, frozenset({roles.USING}))
    for code in sorted({issuer for kind in deps.catalog.types for issuer in kind.issuers}):
        name = f"{deps.catalog.authority(code).name}审批系统"
        client(f"approval-{code.lower()}", name, code, frozenset({roles.APPROVAL}))
    for source in deps.catalog.sources:
        client(source_client_id(source.id), source.name, source.authority_code, frozenset({roles.SOURCE}))

    client(GATE, "示例省政务大厅闸机", SERVICE_BUREAU, frozenset({roles.SCAN}))
    client(REGULATOR, "示例省综合监管系统", SERVICE_BUREAU, frozenset({roles.REGULATOR, roles.EVENTS}))
    client(FACTS, "示例省人口与市场主体登记系统", SERVICE_BUREAU, frozenset({roles.KINSHIP, roles.REGISTRY}))

    children = _children(deps)
    people = [*_holders(deps), *(guardian for _, guardian in children), *_officers(deps)]
    register_parties(deps, clients, people, actor=SANDBOX)
    _seed_register(deps, people)
    for child, guardian in children:
        _state_guardian(deps, child, guardian)
    return SandboxParties(secrets=secrets, people=tuple(people))


def _holders(deps: Deps) -> list[Person]:
    """One person per distinct holder of the samples; a company is signed in by its code."""
    people: dict[str, Person] = {}
    for kind in deps.catalog.types:
        sample = deps.catalog.sample(kind.slug)
        people.setdefault(
            sample["holder_code"],
            Person(
                subject=f"holder-{len(people) + 1}",
                name=sample["holder_name"],
                roles=frozenset({roles.HOLDER}),
                holder_code=sample["holder_code"],
                holder_code_type=sample["holder_code_type"],
                authority_code="",
                badge="",
                verified_by=SANDBOX,
                created_at=deps.clock.now(),
            ),
        )
    return list(people.values())


def _children(deps: Deps) -> list[tuple[Holder, Person]]:
    """The sample holders who are too young to show alone, and the mothers of whom their licenses tell."""
    found: list[tuple[Holder, Person]] = []
    today = local_day(deps.clock.now())
    for kind in deps.catalog.types:
        sample = deps.catalog.sample(kind.slug)
        child = Holder(name=sample["holder_name"], code=sample["holder_code"], code_type=sample["holder_code_type"])
        mother, code = sample["data"].get("mother", ""), sample["data"].get("mother_code", "")
        if not (mother and code and needs_guardian(child, today)):
            continue
        guardian = Person(
            subject=f"guardian-{len(found) + 1}",
            name=mother,
            roles=frozenset({roles.HOLDER}),
            holder_code=code,
            holder_code_type=HolderCodeType.CITIZEN_ID.value,
            authority_code="",
            badge="",
            verified_by=SANDBOX,
            created_at=deps.clock.now(),
        )
        found.append((child, guardian))
    return found


def _state_guardian(deps: Deps, child: Holder, guardian: Person) -> None:
    """As the register of people does it."""
    caller = Principal(
        subject=FACTS, kind="system", roles=frozenset({roles.KINSHIP}), authority_code=SERVICE_BUREAU, name=FACTS
    )
    body = RelationBody(
        kind=RelationKind.GUARDIAN,
        subject=PartyBody(name=child.name, code_type=child.code_type, code=child.code),
        other=PartyBody(name=guardian.name, code_type=guardian.holder_code_type, code=guardian.holder_code),
        document_no="示例出生登记",
        from_on=local_day(deps.clock.now()),
    )
    state_relation(deps, caller, body)


def _officers(deps: Deps) -> list[Person]:
    """One officer per issuing authority, the duties of the catalog, and those of the seals."""
    codes = sorted({issuer for kind in deps.catalog.types for issuer in kind.issuers})
    officers = [
        _person(deps, f"officer-{index}", deps.catalog.authority(code).name, code, f"99{index:08d}", roles.OFFICER)
        for index, code in enumerate(codes, start=1)
    ]
    owner = codes[0]
    duties = (
        ("clerk-1", "综合窗口", SERVICE_BUREAU, "窗口01", roles.CLERK),
        ("keeper-1", "印章保管人", owner, "保管01", roles.SEAL_KEEPER),
        ("applicant-1", "印章经办人", owner, "经办01", roles.SEAL_APPLICANT),
        ("use-approver-1", "用印审批人甲", owner, "审批01", roles.SEAL_USE_APPROVER),
        ("use-approver-2", "用印审批人乙", owner, "审批02", roles.SEAL_USE_APPROVER),
        ("use-approver-3", "首席代表", owner, "审批03", roles.SEAL_USE_APPROVER),
        ("approver-1", "印章制发部门", SERVICE_BUREAU, "制发01", roles.SEAL_APPROVER),
        ("maker-1", "印章制作管理单位", SERVICE_BUREAU, "制作01", roles.SEAL_MAKER),
        ("security-1", "安全保密管理员", SERVICE_BUREAU, "安全01", roles.SECURITY),
        ("auditor-1", "审计管理员", SERVICE_BUREAU, "审计01", roles.AUDITOR),
        ("proposer-1", "目录管理员", owner, "目录01", roles.CATALOG_PROPOSER),
        ("publisher-1", "目录发布员", SERVICE_BUREAU, "目录02", roles.CATALOG_PUBLISHER),
        ("trust-1", "信任列表管理员", SERVICE_BUREAU, "信任01", roles.TRUST_PROPOSER),
        ("trust-2", "信任列表确认员", SERVICE_BUREAU, "信任02", roles.TRUST_CONFIRMER),
        ("batch-clerk-1", "批量经办人", owner, "批量01", roles.BATCH_CLERK),
        ("batch-verifier-1", "批量核实人", owner, "批量02", roles.BATCH_VERIFIER),
        ("service-clerk-1", "送达经办人", owner, "送达01", roles.SERVICE_CLERK),
        ("registrar-1", "执法名册管理员", owner, "名册01", roles.OFFICER_REGISTRAR),
        ("dispute-clerk-1", "异议经办人", owner, "异议01", roles.DISPUTE_CLERK),
        ("use-clerk-1", "暂缓告知经办人", owner, "用证03", roles.USE_CLERK),
        ("use-checker-1", "暂缓告知审批人", owner, "用证04", roles.USE_APPROVER),
        ("policy-clerk-1", "用证管理员", owner, "用证01", roles.POLICY_REQUESTER),
        ("policy-approver-1", "用证审批人", owner, "用证02", roles.POLICY_APPROVER),
        ("notary-1", "公证处用证管理员", NOTARY, "公证01", roles.POLICY_REQUESTER),
        ("supervisor-1", "电子监察员", SERVICE_BUREAU, "监察01", roles.SUPERVISOR),
        ("supervision-clerk-1", "监察整改经办人", owner, "监察02", roles.SUPERVISION_CLERK),
        ("archivist-1", "档案员", owner, "档案01", roles.ARCHIVIST),
        ("archivist-2", "档案审批员", owner, "档案02", roles.ARCHIVIST),
        ("operator-1", "系统管理员", SERVICE_BUREAU, "系统01", roles.OPERATOR),
    )
    present = [duty for duty in duties if duty[2] != NOTARY or deps.catalog.has_authority(NOTARY)]
    return [*officers, *(_person(deps, *duty) for duty in present)]


def _seed_register(deps: Deps, people: Sequence[Person]) -> None:
    """Every officer stands on the register of the own body, with its trades, and so does a colleague without account.

    What a registrar entered in the meantime stays.
    """
    now = deps.clock.now()
    entries: list[Officer] = []
    for person in people:
        if roles.OFFICER not in person.roles:
            continue
        body = deps.catalog.authority(person.authority_code)
        trades = {kind.domain for kind in deps.catalog.types if body.code in (*kind.issuers, *kind.penalisers)}
        first = Officer(
            badge=person.badge,
            subject=person.subject,
            name=person.name,
            authority_code=body.code,
            unit=f"{body.name}执法支队",
            kinds=tuple(sorted(trades)),
            region=body.region,
            valid_until=date(local_day(now).year + REGISTER_YEARS, 12, 31),
            ended_on=None,
            entered_by=SANDBOX,
            entered_at=now,
        )
        colleague = replace(first, badge=f"{COLLEAGUE}{person.badge[len(COLLEAGUE) :]}", subject="", name="示例同事")
        entries += [first, colleague]
    with deps.uow() as tx:
        known = tx.officers.by_badges([one.badge for one in entries])
        tx.officers.enter([one for one in entries if one.badge not in known])


def _person(deps: Deps, subject: str, name: str, authority_code: str, badge: str, role: str) -> Person:
    return Person(
        subject=subject,
        name=name,
        roles=frozenset({role}),
        holder_code="",
        holder_code_type="",
        authority_code=authority_code,
        badge=badge,
        verified_by=SANDBOX,
        created_at=deps.clock.now(),
    )
