"""An officer or a clerk scans a code: state now, the scene's fields, the photo, the seal, and why.

Data are given once per show code, to the first scanner in time; looking at the state costs nothing. A printed code
gives state, type, issuer and the masked name. Every scan is an inspection record and a row the holder can see.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.showing.codes import Code, read_code, token_sha256
from certsvc.commands.showing.readers import SCANNERS, is_for, reader_of
from certsvc.commands.showing.reading import AMBER, RED, Presenter, presenter_of, read_license
from certsvc.commands.showing.rights import still_right
from certsvc.commands.showing.scan_bundle import BundleReading, read_bundle
from certsvc.commands.showing.values import ShownField, scene_fields
from certsvc.events.payloads import LicenseScanned
from certsvc.license.uses import Scan, Show
from certsvc.seal.reason_words import WORDS
from certsvc.seal.verdict import LicenseFacts, Reason

if TYPE_CHECKING:
    from certsvc.catalog.model import SceneSpec
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.seal.model import Seal


@dataclass(frozen=True, kw_only=True, slots=True)
class ScanAnswer:
    """What the officer's screen shows; word, symbol and colour always together.

    Attributes:
        light: ``green`` in force, ``red`` ended or not ours, ``amber`` when the code must be shown again, or when a
            flag of the license says so.
        reasons: reason codes, most important first.
        photo: JPEG, or None.
        notes: sentences for the officer (compare the person with the photo …).
        presenter: who shows when it is not the holder, or None.
        bundle: every license of a 一业一证; the other fields are then those of the first one, without its data.
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
    presenter: Presenter | None = None
    bundle: BundleReading | None = None

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


def scan_code(deps: Deps, caller: Principal, *, text: str) -> ScanAnswer:
    """Answer a scan and record it.

    Raises:
        Forbidden: the caller is neither officer nor clerk nor what stands in for one.
    """
    roles.require(caller, *SCANNERS)
    now = deps.clock.now()
    code = read_code(text, deps.policy.public_base)
    with deps.uow() as tx:
        found = _find(deps, tx, caller, code, now)
        if found.show is not None and found.show.bundle and found.version is not None:
            answer = _answer_bundle(deps, tx, caller, found.show, found, now)
        else:
            answer = _answer(deps, tx, caller, code, found, now)
            keep(deps, tx, answer.scan, found.version)
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


def keep(deps: Deps, tx: UnitOfWork, scan: Scan, version: LicenseVersion | None) -> None:
    """Store an inspection record, and tell of it when it is about a license."""
    tx.showing.insert_scan(scan)
    if version is None:
        return
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
    if code.kind == "challenge":
        return _Found(version=None, show=None, reasons=(Reason.CODE_FOR_HOLDER,), data=False)
    if code.kind == "printed":
        version = tx.licenses.by_printed_token(code.token)
        reasons = () if version else (Reason.CODE_UNKNOWN,)
        return _Found(version=version, show=None, reasons=reasons, data=False)
    show = tx.showing.show_by_token(token_sha256(code.token))
    if show is None:
        return _Found(version=None, show=None, reasons=(Reason.CODE_UNKNOWN,), data=False)
    version = tx.licenses.by_version_id(show.version_id) if now < show.expires_at else None
    if version is not None:
        version = still_right(deps, tx, version, show.basis, show.basis_id, show.scene, now)
    if version is None:
        # A screenshot, or the right to show has ended: it tells nothing of the license, not even its state.
        return _Found(version=None, show=show, reasons=(Reason.CODE_EXPIRED,), data=False)
    scene = _scene(deps, version, show)
    if scene is None or not is_for(scene, reader_of(caller)):
        return _Found(version=version, show=show, reasons=(Reason.SCENE_NOT_FOR_YOU,), data=False)
    given = tx.showing.redeem(show.show_id, by=caller.subject, now=now)
    return _Found(version=version, show=show, reasons=() if given else (Reason.CODE_USED,), data=given)


def _scene(deps: Deps, version: LicenseVersion, show: Show) -> SceneSpec | None:
    return deps.catalog.type(version.type_slug).scene(show.scene)


def _answer(deps: Deps, tx: UnitOfWork, caller: Principal, code: Code, found: _Found, now: datetime) -> ScanAnswer:
    version, show = found.version, found.show
    if version is None:
        scan = scan_row(deps, caller, code.kind, None, now, show=show, outcome=found.reasons[0])
        return ScanAnswer(
            scan=scan,
            light=AMBER if found.reasons == (Reason.CODE_EXPIRED,) else RED,
            reasons=found.reasons,
            facts=None,
            fields=(),
            photo=None,
            seal=None,
            scene_name="",
            notes=(),
            at=now,
        )
    kind = deps.catalog.type(version.type_slug)
    scene = kind.scene(show.scene) if show else None
    fields = scene_fields(kind, version, scene) if scene is not None and found.data else ()
    photo = scene is not None and found.data and scene.photo
    read = read_license(deps, tx, version, now, refusals=found.reasons, fields=fields, photo=photo)
    scan = scan_row(deps, caller, code.kind, version, now, show=show, outcome=read.reasons[0], fields=fields)
    return ScanAnswer(
        scan=scan,
        light=read.light,
        reasons=read.reasons,
        facts=read.facts,
        fields=read.fields,
        photo=read.photo,
        seal=read.seal,
        scene_name=scene.name if scene is not None else "",
        notes=read.notes,
        at=now,
        presenter=presenter_of(show.basis, show.presenter) if show else None,
    )


def _answer_bundle(
    deps: Deps, tx: UnitOfWork, caller: Principal, show: Show, found: _Found, now: datetime
) -> ScanAnswer:
    """Every license of a 一业一证, each with an inspection record of its own."""
    bundle = read_bundle(deps, tx, caller, show, refusals=found.reasons, given=found.data, now=now)
    scans = [
        scan_row(
            deps,
            caller,
            "show",
            one.version,
            now,
            show=show,
            scene=one.scene.code if one.scene else "",
            outcome=one.read.reasons[0],
            fields=one.read.fields,
        )
        for one in bundle.members
    ]
    for scan, one in zip(scans, bundle.members, strict=True):
        keep(deps, tx, scan, one.version)
    first = bundle.members[0]
    return ScanAnswer(
        scan=scans[0],
        light=bundle.light,
        reasons=bundle.reasons,
        facts=first.read.facts,
        fields=(),
        photo=None,
        seal=first.read.seal,
        scene_name=bundle.bundle.name,
        notes=(),
        at=now,
        presenter=presenter_of(show.basis, show.presenter),
        bundle=bundle,
    )


def scan_row(
    deps: Deps,
    caller: Principal,
    code_kind: str,
    version: LicenseVersion | None,
    now: datetime,
    *,
    outcome: Reason,
    show: Show | None = None,
    source_id: str = "",
    scene: str = "",
    fields: tuple[ShownField, ...] = (),
) -> Scan:
    """The inspection record of one look; ``source_id`` is what led to it when that was no show."""
    return Scan(
        scan_id=deps.ids.new("scn"),
        code_kind=code_kind,
        show_id=show.show_id if show else source_id,
        version_id=version.version_id if version else "",
        officer=caller.subject,
        authority_code=caller.authority_code,
        badge=caller.name,
        scene=scene or (show.scene if show else ""),
        outcome=outcome.value,
        fields=tuple(field.key for field in fields),
        at=now,
    )
