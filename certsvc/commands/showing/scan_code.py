"""An officer or a clerk scans a code: state now, the scene's fields, the photo, the seal, and why.

Data are given once per show code, to the first scanner in time; looking at the state costs nothing. A printed code
or an offline code gives state, type, issuer and the masked name. Every scan is an inspection record and a row the
holder can see.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.issuance.authority import issuer_today
from certsvc.commands.offline.look import SHOW_AGAIN, look_now
from certsvc.commands.showing.codes import Code, read_code, token_sha256
from certsvc.commands.showing.values import ShownField, shown_fields
from certsvc.commands.verifying.facts import amber_reasons, public_facts, reason_of
from certsvc.commands.verifying.stands import stands
from certsvc.events.payloads import LicenseScanned
from certsvc.license.standing import Light
from certsvc.license.uses import Scan, Show
from certsvc.seal.reason_words import WORDS
from certsvc.seal.verdict import LicenseFacts, Reason

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.seal.model import Seal

GREEN, RED, AMBER = "green", "red", "amber"


@dataclass(frozen=True, kw_only=True, slots=True)
class ScanAnswer:
    """What the officer's screen shows; word, symbol and colour always together.

    Attributes:
        light: ``green`` in force, ``red`` ended or not ours, ``amber`` when the code must be shown again, or when a
            flag of the license says so.
        reasons: reason codes, most important first.
        photo: JPEG, or None.
        notes: sentences for the officer (compare the person with the photo …).
    """

    scan: Scan
    light: str
    reasons: tuple[Reason, ...]
    facts: LicenseFacts | None
    fields: tuple[ShownField, ...]
    photo: bytes | None
    seal: Seal | None
    scene_name: str
    notes: tuple[str, ...]
    at: datetime

    @property
    def text_zh(self) -> str:
        """The first reason in Chinese."""
        return WORDS[self.reasons[0]].zh


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """Where a code led."""

    version: LicenseVersion | None
    show: Show | None
    reasons: tuple[Reason, ...]
    data: bool
    """whether the scene's fields may be given"""
    core_id: str = ""
    """of an offline code"""


def scan_code(deps: Deps, caller: Principal, *, text: str) -> ScanAnswer:
    """Answer a scan and record it.

    Raises:
        Forbidden: the caller is neither officer nor clerk.
    """
    roles.require(caller, roles.OFFICER, roles.CLERK)
    now = deps.clock.now()
    code = read_code(text, deps.policy.public_base)
    with deps.uow() as tx:
        found = _find(deps, tx, caller, code, now)
        answer = _answer(deps, tx, caller, code, found, now)
        tx.showing.insert_scan(answer.scan)
        if found.version is not None:
            announce(deps, tx, found.version, answer.scan)
        record(
            tx,
            deps,
            kind="scan.answered",
            subject=answer.facts.identifier if answer.facts else code.kind,
            actor=caller.subject,
            content={
                "scan_id": answer.scan.scan_id,
                "outcome": answer.scan.outcome,
                "fields": list(answer.scan.fields),
                "badge": answer.scan.badge,
            },
            at=now,
        )
    return answer


def announce(deps: Deps, tx: UnitOfWork, version: LicenseVersion, scan: Scan) -> None:
    """Tell the feed that a license was scanned."""
    payload = LicenseScanned(
        identifier=version.identifier,
        license_type=version.type_slug,
        authority_code=scan.authority_code,
        code_kind=scan.code_kind,
        outcome=scan.outcome,
        origin=version.origin.value,
    )
    event_id, source = deps.ids.new("evt"), deps.policy.event_source
    tx.outbox.add(payload.event(event_id=event_id, source=source, subject=version.identifier, at=scan.at))


def _find(deps: Deps, tx: UnitOfWork, caller: Principal, code: Code, now: datetime) -> _Found:
    if code.kind == "foreign":
        return _Found(version=None, show=None, reasons=(Reason.NOT_OURS,), data=False)
    if code.kind == "printed":
        version = tx.licenses.by_printed_token(code.token)
        reasons = () if version else (Reason.CODE_UNKNOWN,)
        return _Found(version=version, show=None, reasons=reasons, data=False)
    if code.kind == "offline":
        there = look_now(deps, tx, code.token, now)
        reasons = (there.reason,) if there.reason else ()
        return _Found(version=there.version, show=None, reasons=reasons, data=False, core_id=there.core_id)
    show = tx.showing.show_by_token(token_sha256(code.token))
    if show is None:
        return _Found(version=None, show=None, reasons=(Reason.CODE_UNKNOWN,), data=False)
    if now >= show.expires_at:
        # A screenshot: it tells nothing of the license, not even its state.
        return _Found(version=None, show=show, reasons=(Reason.CODE_EXPIRED,), data=False)
    version = tx.licenses.by_version_id(show.version_id)
    if version is None or not _scene_is_for(deps, version, show, caller):
        return _Found(version=version, show=show, reasons=(Reason.SCENE_NOT_FOR_YOU,), data=False)
    given = tx.showing.redeem(show.show_id, by=caller.subject, now=now)
    return _Found(version=version, show=show, reasons=() if given else (Reason.CODE_USED,), data=given)


def _scene_is_for(deps: Deps, version: LicenseVersion, show: Show, caller: Principal) -> bool:
    """Whether the scene the holder chose is meant for this kind of reader."""
    scene = deps.catalog.type(version.type_slug).scene(show.scene)
    if scene is None:
        return False
    wanted = {"officer": {roles.OFFICER}, "clerk": {roles.CLERK, roles.OFFICER}}.get(
        scene.audience, {roles.OFFICER, roles.CLERK}
    )
    return not caller.roles.isdisjoint(wanted)


def _answer(deps: Deps, tx: UnitOfWork, caller: Principal, code: Code, found: _Found, now: datetime) -> ScanAnswer:
    version, show = found.version, found.show
    fields: tuple[ShownField, ...] = ()
    photo: bytes | None = None
    seal: Seal | None = None
    scene_name = ""
    notes: list[str] = []
    reasons = list(found.reasons)
    light = AMBER if set(found.reasons) & SHOW_AGAIN else RED
    if version is not None:
        kind = deps.catalog.type(version.type_slug)
        how = stands(deps, tx, version, now)
        # An ended license outranks everything else; "already used" outranks what is amber, and that a mere OK.
        why = amber_reasons(how) or (Reason.OK,)
        reasons = [*reasons, *why] if how.good else [reason_of(how), *reasons]
        light = RED if not how.good else (AMBER if found.reasons or how.light is Light.AMBER else GREEN)
        scene = kind.scene(show.scene) if show else None
        if version.registration is None:
            sealed_by = issuer_today(deps, version) if version.stock is not None else version.issuer_code
            seal = tx.seals.by_id(deps.catalog.authority(sealed_by).seal_id)
        else:
            notes.append(version.registration.sentence)
        if scene is not None:
            scene_name = scene.name
            if found.data:
                fields = shown_fields(kind, version, scene.fields, unmasked=scene.unmasked)
                photo = tx.photos.get(version.photo_id) if scene.photo and version.photo_id else None
        notes.append("请核对持证人与照片、身份证件是否一致" if photo else "本码证明证照状态，请另行核对持证人身份")
    scan = Scan(
        scan_id=deps.ids.new("scn"),
        code_kind=code.kind,
        show_id=show.show_id if show else found.core_id,
        version_id=version.version_id if version else "",
        officer=caller.subject,
        authority_code=caller.authority_code,
        badge=caller.name,
        scene=show.scene if show else "",
        outcome=reasons[0].value,
        fields=tuple(field.key for field in fields),
        at=now,
    )
    return ScanAnswer(
        scan=scan,
        light=light,
        reasons=tuple(reasons),
        facts=public_facts(deps, tx, version, now) if version else None,
        fields=fields,
        photo=photo,
        seal=seal,
        scene_name=scene_name,
        notes=tuple(notes),
        at=now,
    )
