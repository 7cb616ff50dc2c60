"""The people of a seal's life, what they apply for, and the way to a seal in use; for tests."""

from __future__ import annotations

import dataclasses
from typing import Any

from certsvc.commands.access import roles
from certsvc.commands.access.seed_sandbox import SERVICE_BUREAU
from certsvc.commands.ports import Deps, Principal
from certsvc.commands.seals.apply_seal import apply_seal
from certsvc.commands.seals.check_application import SealWanted
from certsvc.commands.seals.make_seal import make_seal
from certsvc.commands.seals.move_seal import move_seal
from certsvc.commands.seals.note_move import Said
from certsvc.seal.model import Seal, SealKind, StampSpec
from certsvc.seal.rules import SealRules

OWNER = "11990000MB0000019F"
OWNER_NAME = "示例省市场监督管理局"


def person(subject: str, role: str, authority: str = OWNER) -> Principal:
    """A sandbox person as the doors give it."""
    return Principal(subject=subject, kind="person", roles=frozenset({role}), authority_code=authority, name=subject)


APPLICANT = person("applicant-1", roles.SEAL_APPLICANT)
KEEPER = person("keeper-1", roles.SEAL_KEEPER)
VOTERS = tuple(person(f"use-approver-{n}", roles.SEAL_USE_APPROVER) for n in (1, 2, 3))
APPROVER = person("approver-1", roles.SEAL_APPROVER, SERVICE_BUREAU)
MAKER = person("maker-1", roles.SEAL_MAKER, SERVICE_BUREAU)
SECURITY = person("security-1", roles.SECURITY, SERVICE_BUREAU)
AUDITOR = person("auditor-1", roles.AUDITOR, SERVICE_BUREAU)

SAID = Said(reason="测试", document_no="示例发〔2026〕1号", filing_no="备2026001")


def wanted(**changes: Any) -> SealWanted:
    """A small seal of the owner; fields of the rules may be given too."""
    rules = {name: changes.pop(name) for name in list(changes) if name in SealRules.__dataclass_fields__}
    base = SealWanted(
        name="示例省市场监督管理局行政审批专用章",
        kind=SealKind.OTHER,
        algorithm="p256",
        stamp=StampSpec(ring_text=OWNER_NAME, second_line="行政审批专用章", number="(9)"),
        scope_types=(),
        rules=SealRules(keepers=("keeper-1",), **rules),
        daily_budget=100,
        years=3,
    )
    return dataclasses.replace(base, **changes)


def seal_in_use(deps: Deps, **changes: Any) -> Seal:
    """A seal that went the whole way: applied, approved, made, activated."""
    seal_id = apply_seal(deps, APPLICANT, wanted(**changes), SAID).seal_id
    move_seal(deps, APPROVER, seal_id, "approve", SAID)
    make_seal(deps, MAKER, seal_id, outside=False)
    move_seal(deps, KEEPER, seal_id, "activate", SAID)
    return stored(deps, seal_id)


def stored(deps: Deps, seal_id: str) -> Seal:
    """The seal as it stands."""
    with deps.uow.read() as tx:
        seal = tx.seals.by_id(seal_id)
    assert seal is not None
    return seal
