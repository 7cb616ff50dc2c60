"""Is this code, number or digest good? For anyone: state, type, issuer and the masked name, nothing more."""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import TYPE_CHECKING

from certsvc.clock import rfc3339
from certsvc.commands.evidence.record import record
from certsvc.commands.showing.codes import read_code, token_sha256
from certsvc.commands.verifying.conclusion import FILE_CHECKS, conclude_not_then
from certsvc.commands.verifying.facts import reason_of, sub_indication_of
from certsvc.commands.verifying.register import checked_moment, view_of
from certsvc.commands.verifying.verify_file import ANYONE, look_up
from certsvc.errors import UnknownLicenseType
from certsvc.seal.verdict import Check, Indication, Reason, RegistryMatch, SubIndication, Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.commands.verifying.verify_file import Known
    from certsvc.license.model import LicenseVersion


def verify_code(deps: Deps, text: str, *, at: datetime | None = None) -> Verdict:
    """The verdict over a scanned or typed code, now or as of ``at``. A show code is looked at, not redeemed.

    Raises:
        InvalidInput: a moment that is still to come.
    """
    now = deps.clock.now()
    at = checked_moment(at, now)
    code = read_code(text, deps.policy.public_base)
    reason = Reason.NOT_OURS
    version: LicenseVersion | None = None
    with deps.uow.read() as tx:
        if code.kind == "printed":
            version = tx.licenses.by_printed_token(code.token)
            reason = Reason.CODE_UNKNOWN
        elif code.kind == "show":
            show = tx.showing.show_by_token(token_sha256(code.token))
            reason = Reason.CODE_UNKNOWN
            if show is not None and now < show.expires_at:
                version = tx.licenses.by_version_id(show.version_id)
            elif show is not None:
                reason = Reason.CODE_EXPIRED
        verdict = register_verdict(deps, tx, version, reason, now, at)
    _on_record(deps, verdict, code.kind, now)
    return verdict


def verify_number(deps: Deps, *, type_slug: str, number: str, holder_name: str, at: datetime | None = None) -> Verdict:
    """The verdict over a number; the holder's full name must match, so that numbers cannot be counted through.

    Raises:
        InvalidInput: a moment that is still to come.
    """
    now = deps.clock.now()
    at = checked_moment(at, now)
    with deps.uow.read() as tx:
        try:
            deps.catalog.type(type_slug)
            version = tx.licenses.by_number(type_slug, number.strip())
        except UnknownLicenseType:
            version = None
        name = version.holder.name if version is not None else ""
        if not hmac.compare_digest(name.encode(), holder_name.strip().encode()):
            version = None
        verdict = register_verdict(deps, tx, version, Reason.LICENSE_UNKNOWN, now, at)
    _on_record(deps, verdict, "number", now)
    return verdict


def verify_digest(deps: Deps, sha256: str, *, at: datetime | None = None) -> Verdict:
    """The verdict over a file that stays with its owner: its SHA-256 (hex) against the register.

    Equal digests are equal bytes, and those were judged before they were registered; the file's checks say
    "not checked" all the same, because nobody looked at it now.

    Raises:
        InvalidInput: a moment that is still to come.
    """
    now = deps.clock.now()
    at = checked_moment(at, now)
    known = look_up(deps, sha256.lower(), at, now)
    if known.document is not None or known.stamping is not None:
        return _of_document(known, now, at)
    with deps.uow.read() as tx:
        verdict = register_verdict(deps, tx, known.version, Reason.NOT_OURS, now, at)
    if known.later:
        verdict = replace(conclude_not_then(None, now), as_of=at)
    _on_record(deps, verdict, "digest", now)
    return verdict


def _of_document(known: Known, now: datetime, at: datetime | None) -> Verdict:
    """A document that was stamped or signed here is on the register too, and is no license."""
    document = known.document
    finished = document is None or document.final
    reason = Reason.OK if document is None else Reason.OK_SIGNED_DOCUMENT if finished else Reason.SIGNING_UNFINISHED
    return Verdict(
        indication=Indication.TOTAL_PASSED if finished else Indication.INDETERMINATE,
        sub_indication=None if finished else SubIndication.GENERIC,
        reason=reason,
        detail="本机关登记的盖章或签署文件，不是证照",
        registry_match=RegistryMatch.EXACT,
        integrity=Check.NOT_CHECKED,
        coverage=Check.NOT_CHECKED,
        modification=Check.NOT_CHECKED,
        trust=Check.NOT_CHECKED,
        status=Check.NOT_CHECKED,
        checked_at=now,
        not_checked=(*FILE_CHECKS, "license_state"),
        as_of=at,
    )


def register_verdict(
    deps: Deps,
    tx: UnitOfWork,
    version: LicenseVersion | None,
    unknown: Reason,
    now: datetime,
    at: datetime | None = None,
) -> Verdict:
    """A verdict from the register alone, as of ``at``; ``unknown`` is the reason when there is no version."""
    view = view_of(deps, tx, version, now, at) if version is not None else None
    if view is None and version is not None:
        return replace(conclude_not_then(None, now), as_of=at)
    if view is None:
        return Verdict(
            indication=Indication.INDETERMINATE if unknown is Reason.CODE_EXPIRED else Indication.TOTAL_FAILED,
            sub_indication=SubIndication.GENERIC,
            reason=unknown,
            detail="",
            registry_match=RegistryMatch.NONE,
            integrity=Check.NOT_CHECKED,
            coverage=Check.NOT_CHECKED,
            modification=Check.NOT_CHECKED,
            trust=Check.NOT_CHECKED,
            status=Check.NOT_CHECKED,
            checked_at=now,
            not_checked=(*FILE_CHECKS, "license_state"),
            as_of=at,
        )
    how = view.how
    return Verdict(
        indication=Indication.TOTAL_PASSED if how.good else Indication.TOTAL_FAILED,
        sub_indication=sub_indication_of(how),
        reason=reason_of(how),
        detail="",
        registry_match=RegistryMatch.EXACT,
        integrity=Check.NOT_CHECKED,
        coverage=Check.NOT_CHECKED,
        modification=Check.NOT_CHECKED,
        trust=Check.NOT_CHECKED,
        status=Check.GOOD if how.good else Check.BAD,
        checked_at=now,
        license=view.facts,
        not_checked=FILE_CHECKS,
        as_of=at,
        later=view.later,
    )


def _on_record(deps: Deps, verdict: Verdict, kind: str, now: datetime) -> None:
    if verdict.license is None:
        return  # an anonymous miss leaves nothing: it would let anyone fill the database
    with deps.uow() as tx:
        record(
            tx,
            deps,
            kind="verify.answered",
            subject=verdict.license.identifier,
            actor=ANYONE,
            content={
                "code_kind": kind,
                "reason": verdict.reason.value,
                "indication": verdict.indication.value,
                "as_of": rfc3339(verdict.as_of) if verdict.as_of is not None else "",
            },
            at=now,
        )
