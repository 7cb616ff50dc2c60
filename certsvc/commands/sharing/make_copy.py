"""An annotated copy (加注件) of a license for one client and one case: made, sealed by the sharing service, registered.

Two steps, because a seal is used between two commits of its own (DESIGN.md 8) and a ledger row is one transaction with
what it tells of:

1. :func:`make_copy`, outside of any unit of work: intent stored, page drawn, seal use reserved, sealed, answered,
   passed by our own verifier, object stored and read back. Nobody has been given anything yet.
2. :func:`give_copy`, in the transaction of the fetch: the copy is registered with its digest.

A crash before the second step leaves an intent that leads to nothing and perhaps an object without a row; both are
swept. The same fetch asked for again goes on from its intent, or gets the registered bytes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from certsvc.clock import SHANGHAI
from certsvc.commands.evidence.record import record
from certsvc.commands.page_ports import CopyJob, SealTask, SignatureField
from certsvc.commands.ports import TrustChoice
from certsvc.commands.seals.fence import ReservedPage, seal_fenced
from certsvc.commands.seals.use_seal import Asked, abandon_earlier, reserve_uses, settle_sealed
from certsvc.errors import CertsvcError, Conflict, IntegrityError, SealUnavailable, SigningError
from certsvc.identifiers.use_basis import CONSENT
from certsvc.license.copies import COPY_FIELD, COPY_SCOPE, AnnotatedCopy, CopyState
from certsvc.seal.use import SealUse
from certsvc.seal.verdict import Indication

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from certsvc.catalog.model import Matter
    from certsvc.commands.page_ports import TakenApart
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.seal.model import Seal

PREFIX = "copies/"
SM2, SM2_FORMAT, FORMAT = "sm2", "sm2-cms", "pades-b-b"
SEALED_NO_CHANGES = 1
"""DocMDP: a copy is certified, and nothing may be added."""
MAX_MARK_CHARS = 34
"""Characters of one line of the watermark; a longer name is cut there, and stands in full in the note."""
PDF = "application/pdf"


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeCopy:
    """A sealed copy and its row; ``registered`` when it had been handed out before."""

    copy: AnnotatedCopy
    data: bytes
    registered: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyWish:
    """For which fetch a copy is made.

    Attributes:
        version: of which license.
        client: whom it is for; the body that it belongs to stands on the page.
        matter, case_no: for which matter and case.
        purpose: as the client gave it; kept, not printed.
        basis: ``consent`` or ``duty``.
        until: when it ends; see :func:`certsvc.license.copies.copy_until`.
        fetch_id: one copy per fetch; the same one again gives the same bytes once it was handed out.
        at: when it is made.
    """

    version: LicenseVersion
    client: Principal
    matter: Matter
    case_no: str
    purpose: str
    basis: str
    until: datetime
    fetch_id: str
    at: datetime


def make_copy(deps: Deps, wish: CopyWish) -> MadeCopy:
    """The copy of a fetch; call it outside of any unit of work, and :func:`give_copy` in that of the fetch.

    Raises:
        SealUnavailable: no seal of the sharing service, or one that may not be used now.
        RenderingError, MissingGlyph, UploadRefused: the file or the note cannot be drawn.
        IntegrityError: the stored file is not the registered one.
        SigningError: the sealed copy does not pass our own verifier.
    """
    known = _begun(deps, wish)
    if known.state is not CopyState.MAKING:
        return MadeCopy(copy=known, data=stored_copy(deps, known), registered=True)
    deps.faults.reach("copy.intent_stored")
    seal = _sealed_by(deps)
    source = _source(deps, wish.version)
    form = deps.sealer.format_for(seal, SM2_FORMAT if seal.algorithm == SM2 else FORMAT)
    prepared = deps.renderer.render_copy(_job(deps, wish.version, known, seal, source, form), source)
    use = SealUse(type_slug=COPY_SCOPE, matter_code=wish.matter.code, region=_region(deps, wish.client))
    asked = Asked(seal=seal, purpose=f"copy:{known.copy_id}", digest=prepared.digest("sha256").hex(), use=use)
    (reservation,) = reserve_uses(deps, [asked])
    deps.faults.reach("copy.seal_reserved")
    task = SealTask(prepared=prepared, seal=seal, format=form, signed_at=known.signed_at)
    (data,) = seal_fenced(deps, [ReservedPage(asked=asked, task=task)])
    deps.faults.reach("copy.sealed")
    sha256 = hashlib.sha256(data).hexdigest() if isinstance(data, bytes) else ""
    settle_sealed(deps, [(reservation, data)])
    if isinstance(data, CertsvcError):
        raise data
    name = _kept(deps, data, sha256)
    deps.faults.reach("copy.object_stored")
    return MadeCopy(copy=replace(known, sha256=sha256, size=len(data), object_name=name), data=data)


def _kept(deps: Deps, data: bytes, sha256: str) -> str:
    """Name of the object that holds a sealed copy, after it passed our own verifier and was read back."""
    findings = deps.self_inspector.inspect(data, TrustChoice(), deps.clock.now())
    if findings.indication is not Indication.TOTAL_PASSED:
        raise SigningError(f"加注件签章后自检未通过（{findings.reason.value}），没有提供；请联系运维")
    name = f"{PREFIX}{sha256[:2]}/{sha256}.pdf"
    deps.objects.put(name, data, content_type=PDF)
    if deps.objects.get(name) != data:
        raise IntegrityError("对象存储读回内容与写入不一致，加注件没有提供；请联系运维")
    return name


def give_copy(deps: Deps, tx: UnitOfWork, made: MadeCopy, version: LicenseVersion, now: datetime) -> None:
    """Register the copy, in the transaction of its fetch.

    Raises:
        Conflict: it is a copy of another version than the one that is fetched by now, or somebody registered it.
    """
    copy = made.copy
    if made.registered:
        return
    given = copy.version_id == version.version_id and tx.copies.give(
        copy.copy_id, sha256=copy.sha256, size=copy.size, object_name=copy.object_name, now=now
    )
    if not given:
        raise Conflict("证照刚刚有变化，加注件没有提供，请重试")
    content = {
        "copy_id": copy.copy_id,
        "fetch_id": copy.fetch_id,
        "sha256": copy.sha256,
        "matter_code": copy.matter_code,
        "until": copy.until.isoformat(),
    }
    record(tx, deps, kind="copy.given", subject=version.identifier, actor=copy.client_id, content=content, at=now)


def stored_copy(deps: Deps, copy: AnnotatedCopy) -> bytes:
    """The registered bytes; IntegrityError when the object store has others."""
    data = deps.objects.get(copy.object_name)
    if hashlib.sha256(data).hexdigest() != copy.sha256:
        raise IntegrityError("加注件与登记的摘要不一致，已停止提供，请联系运维")
    return data


def _begun(deps: Deps, wish: CopyWish) -> AnnotatedCopy:
    """The intent of this fetch: a new one, or the one that a run before left."""
    wanted = AnnotatedCopy(
        copy_id=deps.ids.new("cpy"),
        fetch_id=wish.fetch_id,
        version_id=wish.version.version_id,
        client_id=wish.client.subject,
        authority_code=wish.client.authority_code,
        matter_code=wish.matter.code,
        matter_name=wish.matter.name,
        case_no=wish.case_no,
        purpose=wish.purpose,
        token=deps.ids.token(),
        document_id=deps.ids.salt().hex(),
        basis=wish.basis,
        until=wish.until,
        signed_at=wish.at,
    )
    with deps.uow.shared() as tx:
        if tx.copies.insert(wanted):
            return wanted
        known = tx.copies.by_fetch(wish.fetch_id)
    if known is None or known.client_id != wish.client.subject:
        msg = "a fetch belongs to one client"
        raise RuntimeError(msg)
    if known.state is CopyState.MAKING:
        abandon_earlier(deps, [f"copy:{known.copy_id}"])
    return known


def _sealed_by(deps: Deps) -> Seal:
    """The seal of the sharing service.

    Raises:
        SealUnavailable: none is configured or on the register, or not one with SM2 where that is required.
    """
    seal_id = deps.policy.sharing_seal
    with deps.uow.read() as tx:
        seal = tx.seals.by_id(seal_id) if seal_id else None
    if seal is None:
        raise SealUnavailable(
            "没有可用的共享专用章，不能提供加注件：请运维制作并启用用于加注件的印章，把印章编号写入 sharing_seal"
        )
    if deps.policy.sm2_required and seal.algorithm != SM2:
        raise SealUnavailable("正式环境的加注件须以国密（SM2）印章签章：请为共享专用章换制 SM2 印章")
    return seal


def _source(deps: Deps, version: LicenseVersion) -> TakenApart:
    """The pages of the registered file; what others made is read in a process of its own."""

    def load() -> bytes:
        data = deps.objects.get(version.artifact.object_name)
        if hashlib.sha256(data).hexdigest() != version.artifact.sha256:
            raise IntegrityError("证照文件与登记的摘要不一致，已停止提供，请联系运维")
        return data

    if version.registration is not None:
        return deps.uploads.take_apart(load())
    return deps.renderer.copy_source(version.artifact.sha256, load)


def _region(deps: Deps, client: Principal) -> str:
    code = client.authority_code
    return deps.catalog.authority(code).region if deps.catalog.has_authority(code) else ""


def _job(
    deps: Deps, version: LicenseVersion, copy: AnnotatedCopy, seal: Seal, source: TakenApart, form: str
) -> CopyJob:
    kind = deps.catalog.type(version.type_slug)
    known = deps.catalog.has_authority(copy.authority_code)
    body = deps.catalog.authority(copy.authority_code).name if known else copy.authority_code
    only = f"仅供{body}办理“{copy.matter_name}”（办件 {copy.case_no}）使用"
    ends = moment_zh(copy.until)
    by_whom = "依持证人授权" if copy.basis == CONSENT else "依法定职责"
    return CopyJob(
        title=f"{kind.name}（加注件）",
        watermark=(
            f"仅供{_short(body)}办理",
            f"“{_short(copy.matter_name)}”使用",
            f"办件 {_short(copy.case_no)}　有效至{ends}",
            f"加注件 {copy.number}",
        ),
        notes=(
            f"加注件：本件由{seal.owner_name}{by_whom}提供，不是证照原件。",
            f"{only}，有效至{ends}；证照失效的，本件同时失效。",
            f"加注件编号 {copy.number}　证照标识 {version.identifier}",
            f"扫码核验本件。页面上的印章是原件的图样，其电子签名不覆盖本件；本件由“{seal.name}”签章。",
        ),
        printed_code=f"{deps.policy.public_base}/q/{copy.token}",
        elements={**({} if source.elements else _identity(deps, version)), **_four(copy, seal, only)},
        signature=SignatureField(
            name=COPY_FIELD,
            sub_filter=deps.sealer.sub_filter(form),
            reason="制作加注件",
            location=seal.owner_name,
            signed_at=copy.signed_at,
            docmdp=SEALED_NO_CHANGES,
            reserved_bytes=deps.sealer.reserved_bytes(seal, form),
        ),
        signer=seal.owner_name,
        document_id=bytes.fromhex(copy.document_id),
    )


def _four(copy: AnnotatedCopy, seal: Seal, cause: str) -> Mapping[str, str]:
    """The four elements that only a 加注件 has (GB/T 36903-2018; STANDARDS.md 2.1), times in Asia/Shanghai."""
    return {
        "certificateCopyCreationTime": f"{copy.signed_at.astimezone(SHANGHAI):%Y%m%d%H%M%S}",
        "certificateCopyCreator": seal.owner_name,
        "certificateCopyCause": cause,
        "certificateCopyExpiringTime": f"{copy.until.astimezone(SHANGHAI):%Y%m%d%H%M%S}",
    }


def _identity(deps: Deps, version: LicenseVersion) -> Mapping[str, str]:
    """What names the license, for a file of others, which attaches nothing."""
    kind = deps.catalog.type(version.type_slug)
    return {
        "certificateIdentifier": version.identifier,
        "certificateName": kind.name,
        "certificateTypeName": kind.name,
        "certificateTypeCode": kind.type_code,
        "certificateVersion": f"{version.version:03d}",
        "certificateIssuingAuthorityName": version.issuer_name,
        "certificateIssuingAuthorityCode": version.issuer_code,
        "certificateIssuedDate": f"{version.issued_on:%Y%m%d}",
    }


def _short(text: str) -> str:
    return text if len(text) <= MAX_MARK_CHARS else text[: MAX_MARK_CHARS - 1] + "…"


def moment_zh(at: datetime) -> str:
    """``2026年12月1日9时05分``, in Asia/Shanghai."""
    there = at.astimezone(SHANGHAI)
    return f"{there.year}年{there.month}月{there.day}日{there.hour}时{there.minute:02d}分"
