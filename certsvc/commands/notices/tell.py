"""From an event to a notice: the sentence, and whether and how it is sent. Sending is another's work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from certsvc.catalog.validation import face_date
from certsvc.commands.issuance.authority import issuer_today
from certsvc.commands.sharing.answerers import deciders_of
from certsvc.commands.sharing.grounds import best_of, of_type
from certsvc.events.consent_payloads import ConsentAsked, ConsentPartyAdded
from certsvc.events.envelope import PREFIX
from certsvc.events.payloads import (
    MOVED,
    LicenseDue,
    LicenseFetched,
    LicenseIssued,
    LicenseRegistered,
    LicenseScanned,
    LicenseSimulated,
)
from certsvc.license.consents import RequestState
from certsvc.license.notices import (
    NO_CONTACT,
    NO_LINES,
    NO_WAY,
    SENT_BY,
    Contact,
    Notice,
    NoticeKind,
    NoticeState,
    Way,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.envelope import Event
    from certsvc.license.consents import Party, UseRequest
    from certsvc.license.model import Holder, LicenseVersion
    from certsvc.license.notices import HolderContact

_ISSUED = {
    PREFIX + LicenseIssued.NAME: "issued",
    PREFIX + LicenseRegistered.NAME: "registered",
    PREFIX + LicenseSimulated.NAME: "simulated",
}
_USED = {PREFIX + LicenseFetched.NAME: "fetched", PREFIX + LicenseScanned.NAME: "scanned"}
_MOVED = {PREFIX + payload.NAME: name for name, payload in MOVED.items()}
_DUE = PREFIX + LicenseDue.NAME
_ASKED = PREFIX + ConsentAsked.NAME
_ADDED = PREFIX + ConsentPartyAdded.NAME


@dataclass(frozen=True, slots=True)
class _Occasion:
    """What kind of notice an event makes, and the key of its sentence."""

    kind: NoticeKind
    key: str


def tell(deps: Deps, tx: UnitOfWork, events: Sequence[Event]) -> None:
    """Write the notices that events make, in the transaction of their inbox rows; other events leave nothing."""
    told = [(event, occasion) for event in events if (occasion := _occasion(event)) is not None]
    versions = tx.licenses.by_identifiers(sorted({event.subject for event, _ in told}))
    contacts = tx.contacts.of_all([version.holder for version in versions.values()]) if deps.channels else {}
    made = [
        _notice(deps, tx, event, occasion, version, contacts.get(version.holder))
        for event, occasion in told
        if (version := versions.get(event.subject)) is not None
    ]
    tx.notices.insert(*(notice for notice in made if notice is not None), *_requests(deps, tx, events))


def _requests(deps: Deps, tx: UnitOfWork, events: Sequence[Event]) -> list[Notice]:
    """Of use requests that still wait, to those who have to answer, where the holder has what was asked for.

    To the holder, or to a co-holder who came in with the holder's yes; and to who may answer for either: a child has no
    telephone, and a company reads no messages. A notice is about a license: who has none could not say yes anyway.
    Nothing of it comes back to who asked. The issuer has to serve it, like every notice about a license, and never the
    body that asked: what became of a notice would tell that body who has a license.
    """
    now = deps.clock.now()
    asked = [event for event in events if event.type in {_ASKED, _ADDED}]
    requests = tx.bases.requests(sorted({event.subject for event in asked}))
    made: list[Notice | None] = []
    for event in asked:
        request = requests.get(event.subject)
        if request is None or request.stands(now) is not RequestState.ASKED:
            continue
        wanted = str(event.data.get("party_id", ""))
        for party in tx.bases.parties_of(request.request_id):
            mine = party.party_id == wanted if wanted else not party.version_id
            if mine and party.state is RequestState.ASKED:
                made += _party(deps, tx, event, request, party)
    return [notice for notice in made if notice is not None]


def _party(deps: Deps, tx: UnitOfWork, event: Event, request: UseRequest, party: Party) -> list[Notice | None]:
    """The notices to one who has to answer, and to who may answer instead and can be reached."""
    now = deps.clock.now()
    version = tx.licenses.by_version_id(party.version_id) if party.version_id else _held(deps, tx, request)
    if version is None:
        return []
    deciders = deciders_of(tx, party, request, now)
    known = tx.contacts.of_all([version.holder, party.holder, *deciders]) if deps.channels else {}
    occasion = _Occasion(NoticeKind.USE_REQUEST, NoticeKind.USE_REQUEST.value)
    for_another = _Occasion(NoticeKind.USE_REQUEST, "use_request_for")
    made: list[Notice | None] = []
    if not party.version_id:
        made.append(_notice(deps, tx, event, occasion, version, known.get(version.holder)))
    for one in ([party.holder] if party.version_id else []) + deciders:
        contact = known.get(one)
        if contact is None or not open_ways(deps, contact.effective):
            continue  # the list of requests has it; who is no holder of the license has no page of its notices
        how = occasion if one is party.holder else for_another
        made.append(_notice(deps, tx, event, how, version, contact, recipient=one))
    return made


def _held(deps: Deps, tx: UnitOfWork, request: UseRequest) -> LicenseVersion | None:
    """The first license that was asked for and that the holder has."""
    now = deps.clock.now()
    for slug in request.items:
        held = [version for version in of_type(tx, request.holder, slug) if not version.provisional]
        best = best_of(deps, tx, held, now)
        if best is not None:
            return best
    return None


def _notice(
    deps: Deps,
    tx: UnitOfWork,
    event: Event,
    occasion: _Occasion,
    version: LicenseVersion,
    known: HolderContact | None,
    *,
    recipient: Holder | None = None,
) -> Notice | None:
    ways = open_ways(deps, known.effective if known else Contact())
    if occasion.kind is NoticeKind.USED and not (known and known.tell_uses and ways):
        return None
    state, reason = _state(deps, event, version, occasion, ways)
    return Notice(
        notice_id=deps.ids.new("ntc"),
        version_id=version.version_id,
        kind=occasion.kind,
        text=_sentence(deps, tx, event, version, occasion),
        at=event.time,
        about=event.type.removeprefix(PREFIX),
        authority_code=_responsible(deps, event, version),
        state=state,
        way=ways[0] if state is NoticeState.WAITING else Way.NONE,
        ready_at=deps.clock.now() if state is NoticeState.WAITING else None,
        reason=reason,
        ended_at=deps.clock.now() if state is NoticeState.FAILED else None,
        recipient=recipient,
    )


def open_ways(deps: Deps, contact: Contact) -> tuple[Way, ...]:
    """Ways by which this service can reach this contact, the first one first."""
    served = {channel.way for channel in deps.channels}
    return tuple(way for way in SENT_BY if way in served and contact.address(way))


def _occasion(event: Event) -> _Occasion | None:
    if event.type in _ISSUED:
        again = bool(event.data.get("previous_identifier"))
        return _Occasion(NoticeKind.ISSUED, "reissued" if again else _ISSUED[event.type])
    if event.type in _MOVED:
        return _Occasion(NoticeKind.MOVED, _MOVED[event.type])
    if event.type == _DUE:
        return _Occasion(NoticeKind.DUE, str(event.data["kind"]))
    if event.type in _USED:
        return _Occasion(NoticeKind.USED, _USED[event.type])
    return None


def _state(
    deps: Deps, event: Event, version: LicenseVersion, occasion: _Occasion, ways: tuple[Way, ...]
) -> tuple[NoticeState, str]:
    """Whether a message goes out; a decision that has no way out is for staff to serve."""
    if occasion.kind is NoticeKind.ISSUED and version.stock is not None:
        return NoticeState.POSTED, ""  # 存量: the holder has had the license for years
    if ways:
        return NoticeState.WAITING, ""
    if occasion.kind is NoticeKind.MOVED and event.data.get("document_no"):
        return NoticeState.FAILED, NO_CONTACT if deps.channels else NO_WAY
    return NoticeState.POSTED, ""


def _responsible(deps: Deps, event: Event, version: LicenseVersion) -> str:
    """Who has to serve it: whose decision it was, if that body is one of ours; else who issues or registered it."""
    decided = str(event.data.get("deciding_authority", ""))
    if decided and deps.catalog.has_authority(decided):
        return decided
    return version.registration.authority_code if version.registration else issuer_today(deps, version)


def _sentence(deps: Deps, tx: UnitOfWork, event: Event, version: LicenseVersion, occasion: _Occasion) -> str:
    said = {key: str(event.data.get(key, "")) for key in ("document_no", "until", "due_on")}
    source = version.registration.sentence if version.registration and occasion.kind is NoticeKind.ISSUED else ""
    return deps.notice_texts.sentence(
        occasion.key,
        type=deps.catalog.type(version.type_slug).name,
        document=f"（文书号：{said['document_no']}）" if said["document_no"] else "",
        until=f"，至{face_date(said['until'])}" if said["until"] else "",
        due_on=face_date(said["due_on"]) if said["due_on"] else "",
        source=f"（{source}）" if source else "",
        body=_body(deps, tx, event) if occasion.kind in NO_LINES else "",
    )


def _body(deps: Deps, tx: UnitOfWork, event: Event) -> str:
    """Name of the body that used the license or asks to: an office, never a person."""
    client = tx.access.client(str(event.data.get("client_id", "")))
    code = client.authority_code if client else str(event.data.get("authority_code", ""))
    if deps.catalog.has_authority(code):
        return deps.catalog.authority(code).name
    return client.name if client else "有关机关"
