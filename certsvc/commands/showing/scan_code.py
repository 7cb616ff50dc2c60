"""An officer or a clerk scans a code: state now, the scene's fields, the photo, the seal, and why.

Data are given once per show code, to the first scanner in time; looking at the state costs nothing. A printed code
or an offline code gives state, type, issuer and the masked name. Every scan is an inspection record and a row the
holder can see, of a bundle one for each license; it belongs to the visit that the officer is in. Scans that come
together are one transaction with an answer each.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import rows_of
from certsvc.commands.offline.look import SHOW_AGAIN
from certsvc.commands.showing.codes import read_code
from certsvc.commands.showing.readers import SCANNERS, reader_of
from certsvc.commands.showing.reading import AMBER, RED, Presenter, presenter_of, read_all, read_license
from certsvc.commands.showing.scan_bundle import BundleReading, Look, bundle_of
from certsvc.commands.showing.scan_reads import Asked, Found, duties_of, find_all
from certsvc.commands.showing.values import ShownField, scene_fields
from certsvc.commands.visits.repeats import name_who_is_visited
from certsvc.events.payloads import LicenseScanned
from certsvc.events.trace import tracing
from certsvc.license.uses import Scan
from certsvc.seal.reason_words import WORDS
from certsvc.seal.verdict import LicenseFacts, Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.showing.reading import Reading, Reads
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.visits import Duty
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
        card_needed: whether 扣留 or 暂扣 needs the physical card in hand (需核对实体证).
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
    card_needed: bool = False
    presenter: Presenter | None = None
    bundle: BundleReading | None = None

    @property
    def text_zh(self) -> str:
        """The first reason in Chinese."""
        return WORDS[self.reasons[0]].zh

    @property
    def scans(self) -> tuple[Scan, ...]:
        """The inspection records: of a bundle one for each license."""
        return tuple(one.scan for one in self.bundle.members) if self.bundle is not None else (self.scan,)


def scan_code(deps: Deps, caller: Principal, *, text: str) -> ScanAnswer:
    """Answer a scan and record it.

    Raises:
        Forbidden: the caller is neither officer nor clerk nor what stands in for one.
    """
    return scan_codes(deps, [(caller, text)])[0]


def scan_codes(deps: Deps, scans: Sequence[tuple[Principal, str]], *, traces: Sequence[str] = ()) -> list[ScanAnswer]:
    """Answer several scans, each by whom it is of, in their order, and record them in one transaction.

    ``traces`` are those that they belong to; without, that of the moment is everybody's.

    Raises:
        Forbidden: one of the callers is none of those who scan; nothing is recorded.
    """
    for caller, _ in scans:
        roles.require(caller, *SCANNERS)
    now = deps.clock.sure()
    asked = [Asked(caller=caller, code=read_code(text, deps.policy.public_base)) for caller, text in scans]
    with deps.uow() as tx:
        duties = duties_of(tx, [one.caller for one in asked], now)
        found = find_all(deps, tx, asked, duties, now)
        looks = [look for where in found for look in where.looks]
        versions = [look.version for look in looks if look.version is not None]
        reads = read_all(deps, tx, versions, {look.photo_id for look in looks}, now)
        shown = [
            (duties[one.caller.subject], look.version)
            for one, where in zip(asked, found, strict=True)
            for look in where.looks
            if look.data and look.version is not None and one.caller.subject in duties
        ]
        warnings = name_who_is_visited(deps, tx, shown, now)
        answers = [
            _answer(deps, tx, one, where, reads, duties.get(one.caller.subject), warnings, now)
            for one, where in zip(asked, found, strict=True)
        ]
        tx.showing.insert_scans([scan for answer in answers for scan in answer.scans])
        for one, where, answer, trace in zip(asked, found, answers, traces or [""] * len(asked), strict=True):
            with tracing(trace):
                _tell(deps, tx, one, where, answer, now)
    return answers


def _tell(deps: Deps, tx: UnitOfWork, one: Asked, where: Found, answer: ScanAnswer, now: datetime) -> None:
    """The events and the evidence of one answer."""
    for scan, look in zip(answer.scans, where.looks, strict=True):
        if look.version is not None:
            announce(deps, tx, look.version, scan)
        _record(deps, tx, one, scan, look.version, now)


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


def scan_row(
    deps: Deps,
    caller: Principal,
    duty: Duty | None,
    now: datetime,
    *,
    code_kind: str,
    source_id: str,
    outcome: Reason,
    version: LicenseVersion | None = None,
    scene: str = "",
    fields: tuple[ShownField, ...] = (),
) -> Scan:
    """The inspection record of one look; ``source_id`` is the show, the core or the challenge that led to it."""
    return Scan(
        scan_id=deps.ids.new("scn"),
        code_kind=code_kind,
        show_id=source_id,
        version_id=version.version_id if version else "",
        officer=caller.subject,
        authority_code=caller.authority_code,
        badge=duty.officer.badge if duty else caller.name,
        scene=scene,
        outcome=outcome.value,
        fields=tuple(field.key for field in fields),
        at=now,
        visit_id=duty.visit.visit_id if duty else "",
    )


def answer_of(
    scan: Scan, read: Reading, *, scene_name: str, presenter: Presenter | None, warning: str = ""
) -> ScanAnswer:
    """One license that was read; ``warning`` is for the officer, or empty."""
    return ScanAnswer(
        scan=scan,
        light=read.light,
        reasons=read.reasons,
        facts=read.facts,
        fields=read.fields,
        photo=read.photo,
        seal=read.seal,
        scene_name=scene_name,
        notes=(*read.notes, *((warning,) if warning else ())),
        at=scan.at,
        card_needed=read.card_needed,
        presenter=presenter,
    )


def _record(deps: Deps, tx: UnitOfWork, one: Asked, scan: Scan, version: LicenseVersion | None, now: datetime) -> None:
    content = {"scan_id": scan.scan_id, "outcome": scan.outcome, "fields": list(scan.fields), "badge": scan.badge}
    content["rows"] = rows_of([scan])
    if scan.visit_id:
        content["visit_id"] = scan.visit_id
    subject = version.identifier if version else one.code.kind
    record(tx, deps, kind="scan.answered", subject=subject, actor=one.caller.subject, content=content, at=now)


def _answer(
    deps: Deps,
    tx: UnitOfWork,
    one: Asked,
    found: Found,
    reads: Reads,
    duty: Duty | None,
    warnings: dict[str, str],
    now: datetime,
) -> ScanAnswer:
    warning = warnings.pop(duty.visit.visit_id, "") if duty is not None and found.data else ""
    show = found.show
    seen = [_look(deps, tx, one, look, look.version, reads, duty, now) for look in found.looks if look.version]
    if not seen:
        return _of_nothing(deps, one, found, duty, now)
    presenter = presenter_of(show.basis, show.presenter) if show else None
    if found.members and show is not None:
        bundle = bundle_of(deps, show.bundle, tuple(seen), found.reasons)
        return _of_bundle(bundle, presenter, warning)
    [only] = seen
    name = only.scene.name if only.scene else ""
    return answer_of(only.scan, only.read, scene_name=name, presenter=presenter, warning=warning)


def _look(
    deps: Deps,
    tx: UnitOfWork,
    one: Asked,
    found: Found,
    version: LicenseVersion,
    reads: Reads,
    duty: Duty | None,
    now: datetime,
) -> Look:
    kind, scene = deps.catalog.type(version.type_slug), found.scene
    given = scene is not None and found.data
    read = read_license(
        deps,
        tx,
        reads,
        version,
        now,
        reader=reader_of(one.caller),
        refusals=found.reasons,
        why_not=found.why_not,
        fields=scene_fields(kind, version, scene) if scene is not None and given else (),
        photo=found.photo_id != "",
        sound=Reason.OK_REGISTERED if one.code.kind == "printed" else Reason.OK,
    )
    scan = scan_row(
        deps,
        one.caller,
        duty,
        now,
        code_kind=one.code.kind,
        source_id=found.source_id,
        outcome=read.reasons[0],
        version=version,
        scene=found.scene_code,
        fields=read.fields,
    )
    return Look(kind=kind, scene=scene, read=read, scan=scan)


def _of_bundle(bundle: BundleReading, presenter: Presenter | None, warning: str) -> ScanAnswer:
    """Of the whole: what is said of several licenses is said once."""
    first = bundle.members[0]
    notes = dict.fromkeys(note for one in bundle.members for note in one.read.notes)
    return ScanAnswer(
        scan=first.scan,
        light=bundle.light,
        reasons=bundle.reasons,
        facts=first.read.facts,
        fields=(),
        photo=None,
        seal=first.read.seal,
        scene_name=bundle.bundle.name,
        notes=(*notes, *((warning,) if warning else ())),
        at=first.scan.at,
        card_needed=any(one.read.card_needed for one in bundle.members),
        presenter=presenter,
        bundle=bundle,
    )


def _of_nothing(deps: Deps, one: Asked, found: Found, duty: Duty | None, now: datetime) -> ScanAnswer:
    """A code that leads to no license, or tells nothing of it."""
    scan = scan_row(
        deps,
        one.caller,
        duty,
        now,
        code_kind=one.code.kind,
        source_id=found.source_id,
        outcome=found.reasons[0],
        scene=found.scene_code,
    )
    return ScanAnswer(
        scan=scan,
        light=AMBER if found.reasons[0] in SHOW_AGAIN else RED,
        reasons=found.reasons,
        facts=None,
        fields=(),
        photo=None,
        seal=None,
        scene_name="",
        notes=(),
        at=now,
    )
