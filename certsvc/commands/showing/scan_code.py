"""An officer or a clerk scans a code: state now, the scene's fields, the photo, the seal, and why.

Data are given once per show code, to the first scanner in time; looking at the state costs nothing. A printed code
or an offline code gives state, type, issuer and the masked name. Every scan is an inspection record and a row the
holder can see; it belongs to the visit that the officer is in. Scans that come together are one transaction with an
answer each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.commands.offline.look import SHOW_AGAIN
from certsvc.commands.showing.codes import read_code
from certsvc.commands.showing.scan_reads import Asked, Found, Reads, find_all, read_all, seal_id_of
from certsvc.commands.showing.values import ShownField, shown_fields
from certsvc.commands.verifying.facts import amber_reasons, public_facts, reason_of
from certsvc.commands.visits.repeats import name_who_is_visited
from certsvc.events.payloads import LicenseScanned
from certsvc.license.standing import Light
from certsvc.license.uses import Scan
from certsvc.seal.reason_words import WORDS
from certsvc.seal.verdict import LicenseFacts, Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.model import LicenseVersion
    from certsvc.license.visits import Duty
    from certsvc.seal.model import Seal

GREEN, RED, AMBER = "green", "red", "amber"
CARD_NEEDED_ZH = "扣留或暂扣前须核对实体证照，电子证照不能代替收缴"


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

    @property
    def text_zh(self) -> str:
        """The first reason in Chinese."""
        return WORDS[self.reasons[0]].zh


def scan_code(deps: Deps, caller: Principal, *, text: str) -> ScanAnswer:
    """Answer a scan and record it.

    Raises:
        Forbidden: the caller is neither officer nor clerk.
    """
    return scan_codes(deps, [(caller, text)])[0]


def scan_codes(deps: Deps, scans: Sequence[tuple[Principal, str]]) -> list[ScanAnswer]:
    """Answer several scans, each by whom it is of, in their order, and record them in one transaction.

    Raises:
        Forbidden: one of the callers is neither officer nor clerk; nothing is recorded.
    """
    for caller, _ in scans:
        roles.require(caller, roles.OFFICER, roles.CLERK)
    now = deps.clock.now()
    asked = [Asked(caller=caller, code=read_code(text, deps.policy.public_base)) for caller, text in scans]
    with deps.uow() as tx:
        inspecting = [one.caller.subject for one in asked if roles.OFFICER in one.caller.roles]
        duties = tx.visits.duties(inspecting, now=now)
        found = find_all(deps, tx, asked, duties, now)
        reads = read_all(deps, tx, found, now)
        shown = [
            (duties[one.caller.subject], where.version)
            for one, where in zip(asked, found, strict=True)
            if where.data and where.version is not None and one.caller.subject in duties
        ]
        warnings = name_who_is_visited(deps, tx, shown, now)
        answers = [
            _answer(deps, tx, one, where, reads, duties.get(one.caller.subject), warnings, now)
            for one, where in zip(asked, found, strict=True)
        ]
        tx.showing.insert_scans([answer.scan for answer in answers])
        for one, where, answer in zip(asked, found, answers, strict=True):
            if where.version is not None:
                announce(deps, tx, where.version, answer.scan)
            _record(deps, tx, one, answer, now)
    return answers


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


def _record(deps: Deps, tx: UnitOfWork, one: Asked, answer: ScanAnswer, now: datetime) -> None:
    scan = answer.scan
    content = {"scan_id": scan.scan_id, "outcome": scan.outcome, "fields": list(scan.fields), "badge": scan.badge}
    if scan.visit_id:
        content["visit_id"] = scan.visit_id
    subject = answer.facts.identifier if answer.facts else one.code.kind
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
    show, caller = found.show, one.caller
    scan = Scan(
        scan_id=deps.ids.new("scn"),
        code_kind=one.code.kind,
        show_id=show.show_id if show else found.core_id,
        version_id="",
        officer=caller.subject,
        authority_code=caller.authority_code,
        badge=duty.officer.badge if duty else caller.name,
        scene=show.scene if show else "",
        outcome="",
        fields=(),
        at=now,
        visit_id=duty.visit.visit_id if duty else "",
    )
    if found.version is not None:
        warning = warnings.pop(scan.visit_id, "") if found.data else ""
        return _of_license(deps, tx, one, found.version, found, reads, scan, warning)
    light = AMBER if found.reasons[0] in SHOW_AGAIN else RED
    return ScanAnswer(
        scan=replace(scan, outcome=found.reasons[0].value),
        light=light,
        reasons=found.reasons,
        facts=None,
        fields=(),
        photo=None,
        seal=None,
        scene_name="",
        notes=(),
        at=now,
    )


def _of_license(
    deps: Deps,
    tx: UnitOfWork,
    one: Asked,
    version: LicenseVersion,
    found: Found,
    reads: Reads,
    scan: Scan,
    warning: str,
) -> ScanAnswer:
    kind, how = deps.catalog.type(version.type_slug), reads.standings[version.version_id]
    # An ended license outranks everything else; "already used" outranks what is amber, and that a mere OK.
    why = amber_reasons(how) or (Reason.OK,)
    reasons = (*found.reasons, *why) if how.good else (reason_of(how), *found.reasons)
    scene = kind.scene(found.show.scene) if found.show else None
    fields: tuple[ShownField, ...] = ()
    photo: bytes | None = None
    if scene is not None and found.data:
        fields = shown_fields(kind, version, scene.fields, unmasked=scene.unmasked)
        photo = reads.photos.get(version.photo_id) if scene.photo else None
    card_needed = kind.paper.card_before_detention and roles.OFFICER in one.caller.roles
    notes = [
        version.registration.sentence if version.registration else "",
        found.why_not,
        "请核对持证人与照片、身份证件是否一致" if photo else "本码证明证照状态，请另行核对持证人身份",
        CARD_NEEDED_ZH if card_needed else "",
        warning,
    ]
    return ScanAnswer(
        scan=replace(
            scan,
            version_id=version.version_id,
            outcome=reasons[0].value,
            fields=tuple(field.key for field in fields),
        ),
        light=RED if not how.good else (AMBER if found.reasons or how.light is Light.AMBER else GREEN),
        reasons=reasons,
        facts=public_facts(deps, tx, version, scan.at, how, newest=reads.newest.get(version.version_id, ())),
        fields=fields,
        photo=photo,
        seal=reads.seals.get(seal_id_of(deps, version)),
        scene_name=scene.name if scene else "",
        notes=tuple(note for note in notes if note),
        at=scan.at,
        card_needed=card_needed,
    )
