"""Is this code, number or digest good? For anyone: state, type, issuer and the masked name, nothing more."""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import TYPE_CHECKING

from certsvc.clock import rfc3339
from certsvc.commands.evidence.record import record
from certsvc.commands.offline.look import SHOW_AGAIN, look_now
from certsvc.commands.showing.codes import read_code, token_sha256
from certsvc.commands.showing.rights import grounds_of, still_right
from certsvc.commands.verifying.conclusion import FILE_CHECKS, conclude_not_then, unseen
from certsvc.commands.verifying.copies import conclude_copy_code, copy_view
from certsvc.commands.verifying.facts import reason_of, sub_indication_of
from certsvc.commands.verifying.register import checked_moment, view_of
from certsvc.commands.verifying.stands import stands_all
from certsvc.commands.verifying.verify_file import ANYONE, look_up
from certsvc.errors import UnknownLicenseType
from certsvc.license.standing import Light
from certsvc.seal.verdict import Check, Indication, Reason, RegistryMatch, SubIndication

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.signings.verdict import RegisteredDocument
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.commands.verifying.copies import CopyView
    from certsvc.commands.verifying.register import RegisterView
    from certsvc.license.model import LicenseVersion
    from certsvc.seal.verdict import Verdict


_LOOKED_UP = frozenset({Reason.CODE_UNKNOWN, Reason.LICENSE_UNKNOWN})
"""The register was asked and has nothing; by any other reason nobody asked it for a license."""
_BADNESS = (Light.GREEN, Light.AMBER, Light.RED)


def verify_code(deps: Deps, text: str) -> Verdict:
    """The verdict over a scanned or typed code. A show code is looked at, not redeemed; an offline code judged live."""
    now = deps.clock.now()
    code = read_code(text, deps.policy.public_base)
    reason = Reason.NOT_OURS
    version: LicenseVersion | None = None
    copy: CopyView | None = None
    with deps.uow.read() as tx:
        if code.kind == "printed":
            version = tx.licenses.by_printed_token(code.token)
            reason = Reason.CODE_UNKNOWN
            found = tx.copies.by_token(token_sha256(code.token)) if version is None else None
            copy = copy_view(deps, tx, found, now) if found is not None else None
        elif code.kind == "challenge":
            reason = Reason.CODE_FOR_HOLDER
        elif code.kind == "show":
            version, reason = _shown(deps, tx, code.token, now)
        elif code.kind == "offline":
            there = look_now(deps, tx, code.token, now)
            version, reason = there.version, there.reason or reason
        verdict = conclude_copy_code(copy, now) if copy else _of_version(deps, tx, version, reason, now)
    _on_record(deps, verdict, code.kind, now)
    return verdict


def _shown(deps: Deps, tx: UnitOfWork, token: str, now: datetime) -> tuple[LicenseVersion | None, Reason]:
    """The license of a show code as it may be seen, or why there is none; of a bundle the license that stands worst."""
    show = tx.showing.show_by_token(token_sha256(token))
    if show is None:
        return None, Reason.CODE_UNKNOWN
    version = tx.licenses.by_version_id(show.version_id) if now < show.expires_at else None
    if version is not None and show.bundle:
        members = list(tx.licenses.by_version_ids([version_id for version_id, _ in show.members]).values())
        how = stands_all(deps, tx, members, now)
        version, _ = max(zip(members, how, strict=True), key=lambda one: _BADNESS.index(one[1].light))
    elif version is not None:
        grounds = grounds_of(tx, [(show.basis, show.basis_id)])
        version = still_right(deps, grounds, version, show.basis, show.basis_id, show.scene, now)
    return version, Reason.CODE_EXPIRED


def verify_number(deps: Deps, *, type_slug: str, number: str, holder_name: str) -> Verdict:
    """The verdict over a number; the holder's full name must match, so that numbers cannot be counted through."""
    now = deps.clock.now()
    with deps.uow.read() as tx:
        try:
            deps.catalog.type(type_slug)
            version = tx.licenses.by_number(type_slug, number.strip())
        except UnknownLicenseType:
            version = None
        name = version.holder.name if version is not None else ""
        if not hmac.compare_digest(name.encode(), holder_name.strip().encode()):
            version = None
        verdict = _of_version(deps, tx, version, Reason.LICENSE_UNKNOWN, now)
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
    if known.later:
        verdict = conclude_not_then(None, now)
    elif known.copy is not None:
        verdict = conclude_copy_code(known.copy, now, masked=False)
    elif known.view is not None:
        verdict = _of_view(known.view, now)
    elif known.document is not None or known.stamping is not None:
        verdict = _of_document(known.document, now)
    else:
        verdict = unseen(Reason.NOT_OURS, now)
    verdict = replace(verdict, as_of=at)
    _on_record(deps, verdict, "digest", now)
    return verdict


def _of_version(deps: Deps, tx: UnitOfWork, version: LicenseVersion | None, unknown: Reason, now: datetime) -> Verdict:
    """From the register alone; ``unknown`` is the reason when there is no version."""
    view = view_of(deps, tx, version, now) if version is not None else None
    if view is not None:
        return _of_view(view, now)
    verdict = unseen(unknown, now)
    if unknown not in _LOOKED_UP:
        verdict = replace(verdict, registry_match=RegistryMatch.NOT_CHECKED)
    return replace(verdict, indication=Indication.INDETERMINATE) if unknown in SHOW_AGAIN else verdict


def _of_view(view: RegisterView, now: datetime) -> Verdict:
    """What the register says of a license."""
    how = view.how
    return replace(
        unseen(reason_of(how), now),
        indication=Indication.TOTAL_PASSED if how.good else Indication.TOTAL_FAILED,
        sub_indication=sub_indication_of(how),
        registry_match=RegistryMatch.EXACT,
        status=Check.GOOD if how.good else Check.BAD,
        license=view.facts,
        not_checked=FILE_CHECKS,
        later=view.later,
    )


def _of_document(document: RegisteredDocument | None, now: datetime) -> Verdict:
    """A document that was signed here (None: stamped by hand) is on the register too, and is no license."""
    finished = document is None or document.final
    reason = Reason.OK if document is None else Reason.OK_SIGNED_DOCUMENT if finished else Reason.SIGNING_UNFINISHED
    return replace(
        unseen(reason, now),
        indication=Indication.TOTAL_PASSED if finished else Indication.INDETERMINATE,
        sub_indication=None if finished else SubIndication.GENERIC,
        detail="本机关登记的盖章或签署文件，不是证照",
        registry_match=RegistryMatch.EXACT,
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
