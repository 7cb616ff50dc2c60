"""Is this file good? The one verifier, in the steps of DESIGN.md 4; each names the clause that it follows.

1. **Door**: size, moment. Nothing is parsed.
2. **Ours or foreign**: SHA-256 against the register: an artifact of a license, a signed document, a stamped document,
   or none of them. Registered bytes provably existed when they were registered (EN 319 102-1 §5.6.3.4).
3. **Structure, coverage, every signature, chains, times, revocation at hand** (EN 319 102-1 §5.3 to §5.5; GB/T 38540
   §7; the gate of RELIABILITY.md 1.2): the signing room. Registered bytes are compared in this process, uploads are
   judged in a process of their own. Our own CAs' revocations always count.
4. **Revocation still unknown**: asked of the publishers on the operator's list, and step 3 again (RFC 5280 §6.3,
   RFC 6960).
5. **License state**, now or as the register knew it at the moment asked about.
6. **Recognition** (互认): a file of another city that a confirmed recognition covers; its own register is asked.
7. **Verdict**: one indication, sub-indication and reason code for all of this.

A check that was not made says so in ``not_checked``. A good signature over bytes that we did not register is never
"passed" on the trust list's anchors alone: our own seal gives "not our bytes" (no trick on the file survives that
comparison, RELIABILITY 1.3), a foreign one "not issued here", unless the register of a recognised city answers for it.
Only anchors that the caller of the command line brings make another foreign file pass.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from certsvc.clock import rfc3339
from certsvc.commands.evidence.record import record
from certsvc.commands.ports import TrustChoice
from certsvc.commands.seals.authorities import own_crls
from certsvc.commands.signings.verdict import registered_document, with_register
from certsvc.commands.verifying.conclusion import Times, conclude, conclude_not_then, conclude_stamped, with_times
from certsvc.commands.verifying.copies import conclude_copy, copy_view, marked_as_copy
from certsvc.commands.verifying.judged import judged
from certsvc.commands.verifying.recognise import with_recognition
from certsvc.commands.verifying.register import checked_moment, view_of
from certsvc.commands.verifying.seal_objects import conclude_seal_object
from certsvc.errors import TooLarge
from certsvc.license.model import LATER_FORMS, RESEALED
from certsvc.seal.trust_list import PERSON, SEAL
from certsvc.seal.verdict import Indication, Reason, Remark

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.signings.verdict import RegisteredDocument
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.commands.verifying.copies import CopyView
    from certsvc.commands.verifying.register import RegisterView
    from certsvc.license.model import Artifact, LicenseVersion
    from certsvc.seal.stampings import Stamping
    from certsvc.seal.trust_list import TrustList
    from certsvc.seal.verdict import FileFindings, Verdict

ANYONE = "anyone"


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """What the register holds under a digest.

    Attributes:
        version: of which these bytes are an artifact.
        view: its standing at the moment asked about; None when it was not registered then.
        proven: when the bytes were registered; of a later form, its pages and seals with the first one.
        judged_at: when certificates are judged that ended since; None for ``proven``. A later form has timestamps that
            are younger than its seals.
        later: they are on the register now, and were not at the moment asked about.
        earlier: the license has a later form of this file.
        copy: the annotated copy that they are, beside the license that it was made of.
    """

    version: LicenseVersion | None = None
    view: RegisterView | None = None
    document: RegisteredDocument | None = None
    stamping: Stamping | None = None
    proven: datetime | None = None
    judged_at: datetime | None = None
    later: bool = False
    earlier: bool = False
    copy: CopyView | None = None


def verify_file(
    deps: Deps, data: bytes, trust: TrustChoice | None = None, *, on_record: bool = True, used_by: str = ""
) -> Verdict:
    """The verdict over an uploaded file: a PDF or a seal object.

    Args:
        deps: the ports.
        data: the file.
        trust: the moment asked about, and extra anchors, which only the command line may pass.
        on_record: whether the check is written to the evidence rows.
        used_by: USCC of the body to which the file was handed in, if the caller says so; an annotated copy is good for
            one body only.

    Raises:
        TooLarge: more bytes than the limit.
        InvalidInput: a moment that is still to come, or an anchor that is none.
    """
    limit = deps.policy.max_upload_bytes
    if len(data) > limit:
        raise TooLarge(f"文件超过 {limit // (1024 * 1024)} MB，请上传电子证照原文件")
    asked = trust or TrustChoice()
    now = deps.clock.now()
    asked = replace(asked, at=checked_moment(asked.at, now), crls=(*asked.crls, *own_crls(deps)))
    digest = hashlib.sha256(data).hexdigest()
    known = look_up(deps, digest, asked.at, now)
    verdict = judge_known(deps, data, asked, known, now, used_by=used_by)
    # An anonymous check of a file that is not ours leaves nothing: it would let anyone fill the database.
    if on_record and known.version is not None:
        _on_record(deps, known.version, digest, verdict)
    return verdict


def judge_known(
    deps: Deps, data: bytes, asked: TrustChoice, known: Known, now: datetime, *, used_by: str = ""
) -> Verdict:
    """Steps 3, 4, 6 and 7: the verdict over a file of which the register said what it holds.

    ``asked.crls`` hold the lists of our own CAs.
    """
    # One version of the trust list for the whole question: that which was known at the moment asked about.
    listed = deps.trust.log.known_at(asked.at) if asked.at is not None else deps.trust.current
    findings, unreachable = _inspect(deps, data, _stand_on(asked, known, listed), known, now)
    if known.later:
        verdict = conclude_not_then(findings, now)
    elif findings.reason is Reason.OK_SEAL_OBJECT:
        verdict = conclude_seal_object(deps, data, findings, foreign=bool(asked.extra_anchors), now=now)
    elif known.copy is not None:
        verdict = conclude_copy(findings, known.copy, now, used_by=used_by)
    elif known.stamping is not None:
        verdict = conclude_stamped(findings, known.stamping, now)
    else:
        verdict = conclude(deps, findings, known.view, foreign=bool(asked.extra_anchors), now=now)
        verdict = marked_as_copy(verdict)
        if known.view is not None and known.proven is not None:  # a later form was registered after its license
            verdict = replace(verdict, detail=f"时间依据：登记时间 {rfc3339(known.proven)}")
        if known.earlier and verdict.indication is Indication.TOTAL_PASSED:
            verdict = replace(verdict, remarks=(*verdict.remarks, Remark.EARLIER_FORM))
    if known.document is not None:
        verdict = replace(
            with_register(verdict, findings, known.document), detail=f"时间依据：登记时间 {rfc3339(known.document.at)}"
        )
    times = Times(at=asked.at, proven=known.proven, list_version=listed.version)
    verdict = with_times(verdict, times, unreachable)
    if known == Known() and findings.reason is not Reason.OK_SEAL_OBJECT:
        verdict = with_recognition(deps, findings, verdict, listed, at=asked.at)
    return verdict


def look_up(deps: Deps, digest: str, at: datetime | None, now: datetime) -> Known:
    """Steps 2 and 5, in one reading of the register; what was registered later than ``at`` proves nothing then."""
    with deps.uow.read() as tx:
        version = tx.licenses.by_sha256(digest)
        if version is not None:
            return _form_of(deps, tx, version, digest, at, now)
        copy = tx.copies.by_sha256(digest)
        if copy is not None:
            made = copy_view(deps, tx, copy, now, at)
            of = made.license.version if made else tx.licenses.by_version_id(copy.version_id)
            return Known(version=of, copy=made, proven=copy.given_at if made else None, later=made is None)
        document = registered_document(tx, digest)
        stamping = tx.stampings.by_sha256(digest)
    times = [row.at for row in (document, stamping) if row is not None]
    if times and at is not None and at < min(times):
        return Known(later=True)
    return Known(document=document, stamping=stamping, proven=min(times, default=None))


def _form_of(
    deps: Deps, tx: UnitOfWork, version: LicenseVersion, digest: str, at: datetime | None, now: datetime
) -> Known:
    """A license by one of the forms of its file: what a later one adds, its registration proves; the rest, the first's.

    A seal whose certificate was revoked between the two was good, and a renewal must not make it look otherwise.
    """
    newest = version.artifact
    form = newest if newest.sha256 == digest else tx.care.form(digest)
    since = form.created_at if form is not None and form.kind in LATER_FORMS else version.created_at
    begun = _begun(tx, version, form) if since > version.created_at else version.created_at
    view = view_of(deps, tx, version, now, at) if at is None or at >= since else None
    return Known(
        version=version,
        view=view,
        proven=begun if view else None,
        judged_at=since if view else None,
        later=view is None,
        earlier=form is not newest,
    )


def _begun(tx: UnitOfWork, version: LicenseVersion, form: Artifact | None) -> datetime:
    """When pages and seals of a later form were registered: with the newest re-sealed form up to it, or the first."""
    if form is None:
        return version.created_at
    forms = tx.care.forms_of([version.version_id]).get(version.version_id, ())
    sealed = [one.created_at for one in forms if one.kind == RESEALED and one.created_at <= form.created_at]
    return max(sealed, default=version.created_at)


def _stand_on(asked: TrustChoice, known: Known, listed: TrustList) -> TrustChoice:
    """Certificates are judged when the bytes were registered, else at the moment asked about.

    Anchors of people's certificates hold documents that people signed here and nothing else; those of other cities only
    what is not on our register.
    """
    uses = {SEAL}
    if known.document is not None:
        uses.add(PERSON)
    elif known.version is None and known.stamping is None:
        uses |= listed.partner_purposes
    return replace(
        asked,
        at=known.judged_at or known.proven or asked.at,
        proven=known.proven,
        uses=frozenset(uses),
        listed=listed,
    )


def _inspect(
    deps: Deps, data: bytes, choice: TrustChoice, known: Known, now: datetime
) -> tuple[FileFindings, tuple[str, ...]]:
    """Steps 3 and 4; what others made is judged in a process of its own, whether it was registered or not."""
    ours = known.copy is not None or (known.version is not None and known.version.registration is None)
    return judged(deps, deps.self_inspector if ours else deps.inspector, data, choice, now)


def _on_record(deps: Deps, version: LicenseVersion, digest: str, verdict: Verdict) -> None:
    with deps.uow() as tx:
        record(
            tx,
            deps,
            kind="verify.answered",
            subject=version.identifier,
            actor=ANYONE,
            content={
                "sha256": digest,
                "reason": verdict.reason.value,
                "indication": verdict.indication.value,
                "as_of": rfc3339(verdict.as_of) if verdict.as_of is not None else "",
            },
            at=verdict.checked_at,
        )
