"""Rows of the ledger 谁用过我的证: what was given, answered or refused, on what basis; with its event and evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.catalog.material_file import FETCHED_KEYS
from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import rows_of
from certsvc.commands.showing.values import BUILT_IN
from certsvc.errors import NoLawfulBasis
from certsvc.events.archive_payloads import MaterialFetched
from certsvc.events.payloads import LicenseFetched
from certsvc.identifiers.policy_key import COPY, field_of, is_question
from certsvc.license.archives import Material
from certsvc.license.model import LicenseVersion
from certsvc.license.uses import GIVEN, Fetch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.sharing.grounds import Ground, UseBody
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.errors import CertsvcError
    from certsvc.license.consents import Withholding


UNKNOWN_TYPE = "unknown_type"
"""Subject of evidence about what is no type: anything may stand in a request, also what is personal."""
_QUESTIONS = frozenset({"?valid", "?holder"})


Used = LicenseVersion | Material
"""What a use is about."""


def type_of(deps: Deps, slug: str) -> str:
    """A type that was asked for, empty where there is none: anything may stand there, also what is personal."""
    return slug if deps.catalog.has_use(slug) else ""


def used_id(used: Used | None) -> str:
    """Id of what was used, in the ledger; empty for nothing."""
    return "" if used is None else used.material_id if isinstance(used, Material) else used.version_id


def used_name(used: Used) -> str:
    """How evidence and events name what was used: 证照标识, or 材料登记号."""
    return used.material_id if isinstance(used, Material) else used.identifier


def subject_of(deps: Deps, body: UseBody, used: Used | None) -> str:
    """What evidence of a use is about: the license or material, else the type."""
    return used_name(used) if used is not None else type_of(deps, body.type) or UNKNOWN_TYPE


def known_keys(deps: Deps, slug: str, keys: Sequence[str]) -> tuple[str, ...]:
    """Those of the keys that name something of the type, each once: what else was sent stays out of the ledger."""
    if deps.catalog.material_kind(slug) is not None:
        return tuple(key for key in dict.fromkeys(keys) if key == COPY or key in FETCHED_KEYS)
    if not deps.catalog.has_type(slug):
        return ()
    kind = deps.catalog.type(slug)

    def is_known(key: str) -> bool:
        if key == COPY or key in _QUESTIONS:
            return True
        field = field_of(key)
        return not is_question(field) and (field in BUILT_IN or kind.field(field) is not None)

    return tuple(key for key in dict.fromkeys(keys) if is_known(key))


def reason_of(error: CertsvcError) -> str:
    """The reason of a refusal on record."""
    return (error.why if isinstance(error, NoLawfulBasis) else "") or error.code


def use_row(
    deps: Deps,
    caller: Principal,
    body: UseBody,
    ground: Ground,
    keys: tuple[str, ...],
    now: datetime,
    *,
    said: str = "",
    answer: str = "",
    fetch_id: str = "",
    material: Material | None = None,
) -> Fetch:
    """What was given, or answered; a ground has no version where it is about a material."""
    return _row(
        deps,
        caller,
        body,
        now,
        used=material or ground.version,
        basis=ground.basis,
        grant_id=ground.grant.grant_id if ground.grant else "",
        keys=keys,
        outcome=GIVEN,
        said=said,
        answer=answer,
        withheld=ground.withheld,
        fetch_id=fetch_id,
    )


def refusal_row(
    deps: Deps,
    caller: Principal,
    body: UseBody,
    used: Used | None,
    error: CertsvcError,
    now: datetime,
    *,
    said: str = "",
    withheld: Withholding | None = None,
) -> Fetch:
    """What was refused; the holder sees it too: it is the holder's license that somebody wanted."""
    return _row(
        deps,
        caller,
        body,
        now,
        used=used,
        basis=body.basis,
        grant_id="",
        keys=known_keys(deps, body.type, body.asked_keys),
        outcome=reason_of(error),
        said=said,
        answer="",
        withheld=withheld,
    )


def _row(
    deps: Deps,
    caller: Principal,
    body: UseBody,
    now: datetime,
    *,
    used: Used | None,
    basis: str,
    grant_id: str,
    keys: tuple[str, ...],
    outcome: str,
    said: str,
    answer: str,
    withheld: Withholding | None,
    fetch_id: str = "",
) -> Fetch:
    return Fetch(
        fetch_id=fetch_id or deps.ids.new("fch"),
        version_id=used_id(used),
        client_id=caller.subject,
        client_name=caller.name,
        authority_code=caller.authority_code,
        matter_code=body.matter_code,
        case_no=body.case_no,
        operator=body.operator,
        purpose=body.purpose,
        basis=str(basis),
        grant_id=grant_id,
        fields=keys,
        outcome=outcome,
        at=now,
        said=said,
        answer=answer,
        withheld_until=withheld.until if withheld else None,
        withheld_why=withheld.legal_basis if withheld else "",
        type_slug=type_of(deps, body.type),
    )


def note(deps: Deps, tx: UnitOfWork, row: Fetch, used: Used | None, subject: str, *, actor: str = "") -> None:
    """Evidence of a row at once, and its event unless the holder must not learn of it yet.

    ``actor`` is the account where no client system acted.
    """
    if used is not None and row.outcome == GIVEN and row.withheld_until is None:
        announce(deps, tx, row, used, row.at)
    kind = "fetch.refused" if row.outcome != GIVEN else "fetch.answered" if row.answer else "fetch.given"
    content = {
        "fetch_id": row.fetch_id,
        "matter_code": row.matter_code,
        "case_no": row.case_no,
        "basis": row.basis,
        "fields": list(row.fields),
        "rows": rows_of([row]),
        **({"reason": row.outcome} if row.outcome != GIVEN else {}),
        **({"answer": row.answer} if row.answer else {}),
        **({"withheld_until": row.withheld_until.isoformat()} if row.withheld_until else {}),
    }
    record(tx, deps, kind=kind, subject=subject, actor=actor or row.client_id, content=content, at=row.at)


def announce(deps: Deps, tx: UnitOfWork, row: Fetch, used: Used, at: datetime) -> None:
    """Tell the feed, and through it the holder of a license."""
    payload = _material_fetched(row, used) if isinstance(used, Material) else _license_fetched(row, used)
    event_id, source = deps.ids.new("evt"), deps.policy.event_source
    tx.outbox.add(payload.event(event_id=event_id, source=source, subject=used_name(used), at=at))


def _material_fetched(row: Fetch, material: Material) -> MaterialFetched:
    return MaterialFetched(
        material_id=material.material_id,
        kind=row.type_slug,
        authority_code=material.authority_code,
        client_id=row.client_id,
        matter_code=row.matter_code,
        case_no=row.case_no,
        basis=row.basis,
        fields=list(row.fields),
    )


def _license_fetched(row: Fetch, version: LicenseVersion) -> LicenseFetched:
    return LicenseFetched(
        identifier=version.identifier,
        license_type=version.type_slug,
        client_id=row.client_id,
        matter_code=row.matter_code,
        case_no=row.case_no,
        basis=row.basis,
        fields=list(row.fields),
        origin=version.origin.value,
    )
