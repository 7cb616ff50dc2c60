"""Records of facades and of regulators' subscriptions, each different by its number."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import date, timedelta
from typing import Any

from store_records import T0

from certsvc.license.facades import AuthCode, Download, FacadeAccount, FacadeName
from certsvc.license.oversight import (
    InspectionResult,
    Oversight,
    OversightState,
    Push,
    PushKind,
    ResultOutcome,
    Suggestion,
)

OPERATOR, PURPOSE, GRANT = "示例经办李四", "办理示例许可延续", "planted-grant-code-22"
TASK, BASIS = "双随机检查示例王五", "示例赵六之违法事实"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def make_account(n: int = 1, **changes: Any) -> FacadeAccount:
    """An active account of client 1."""
    account = FacadeAccount(
        account_id=f"fac_{n:06d}",
        facade=FacadeName.APP,
        login=f"app-key-{n}",
        secret_sha256=digest(f"secret {n}"),
        client_id="client_1",
        verbs=("*",),
        types=("food_operation", "tour_guide"),
        matter_code="11990000MB0000019F2990131002003",
        purpose="办理许可",
        active=True,
        expires_at=T0 + timedelta(days=300),
        created_at=T0,
    )
    return dataclasses.replace(account, **changes)


def make_code(n: int = 1, **changes: Any) -> AuthCode:
    """A code of account 1."""
    code = AuthCode(
        code_sha256=digest(f"code {n}"),
        account_id="fac_000001",
        client_id="client_1",
        basis="consent",
        identifier=f"1.2.156.3005.2.{n:06d}",
        type_slug="food_operation",
        matter_code="11990000MB0000019F2990131002003",
        case_no="BJ-1",
        operator=OPERATOR,
        purpose=PURPOSE,
        grant_code=GRANT,
        created_at=T0,
        expires_at=T0 + timedelta(minutes=10),
    )
    return dataclasses.replace(code, **changes)


def make_download(n: int = 1, **changes: Any) -> Download:
    """An address of account 1."""
    download = Download(
        id_sha256=digest(f"download {n}"),
        account_id="fac_000001",
        client_id="client_1",
        asked={"operator": OPERATOR, "holder_code": "990101199001011234"},
        created_at=T0,
        expires_at=T0 + timedelta(seconds=600),
    )
    return dataclasses.replace(download, **changes)


def make_oversight(n: int = 1, **changes: Any) -> Oversight:
    """One that was asked for."""
    oversight = Oversight(
        oversight_id=f"ovs_{n:06d}",
        client_id="client_1",
        authority_code="11990000MB0000086D",
        region="990000",
        kinds=(PushKind.ISSUED, PushKind.ENDED),
        fields={"food_operation": ("holder_name", "premises")},
        state=OversightState.ASKED,
        reason="",
        decided_by="",
        after=0,
        created_at=T0,
        changed_at=T0,
    )
    return dataclasses.replace(oversight, **changes)


def make_push(n: int = 1, **changes: Any) -> Push:
    """A push of subscription 1 about version 1."""
    push = Push(
        push_id=f"evt_push{n}",
        oversight_id="ovs_000001",
        event_id=f"evt_{n}",
        position=n,
        kind=PushKind.ISSUED,
        version_id="ver_000001",
        at=T0,
    )
    return dataclasses.replace(push, **changes)


def make_result(n: int = 1, **changes: Any) -> InspectionResult:
    """A result about version 1."""
    result = InspectionResult(
        result_id=f"ins_{n:06d}",
        client_id="client_1",
        result_no=f"JC-{n}",
        body_hash=digest(f"body {n}"),
        version_id="ver_000001",
        authority_code="11990000MB0000086D",
        outcome=ResultOutcome.CORRECT,
        checked_on=date(2026, 3, 2),
        restricted=True,
        disclosed_on=date(2026, 4, 1),
        suggestion=Suggestion.SUSPEND,
        task=TASK,
        document_no="示监改〔2026〕1号",
        next_step="复查",
        basis=BASIS,
        at=T0 + timedelta(minutes=n),
    )
    return dataclasses.replace(result, **changes)
