"""Records for tests: complete and synthetic, each different by its number ``n``; change fields by keyword."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

from certsvc.catalog.publication import Proposal, Publication
from certsvc.events.envelope import Event
from certsvc.events.evidence import EvidenceRow, make_evidence
from certsvc.license.consents import CounterConsent, Party, UseRequest, Withholding
from certsvc.license.dues import Due, DueKind, DueRow
from certsvc.license.facts import Fact, FactKind
from certsvc.license.links import LinkKind, VersionLink
from certsvc.license.model import Artifact, Decision, Holder, IssueIntent, LicenseVersion, MoveRecord
from certsvc.license.notices import Notice, NoticeKind
from certsvc.license.parties import Client, Person
from certsvc.license.request import Action, IssuancePayload, IssuanceRequest, RequestState
from certsvc.license.states import State
from certsvc.license.uses import Fetch, Grant, Scan, Show
from certsvc.seal.model import Seal, SealKind, SealReservation, SealState, StampSpec

T0 = datetime(2026, 3, 2, 4, 5, 6, 789, tzinfo=UTC)
DAY_START = datetime(2026, 3, 1, 16, tzinfo=UTC)
DAY_END = DAY_START + timedelta(days=1)
HOLDER = Holder(name="示例张三", code="990101199001011234", code_type="111")
ISSUER = "11990000MB00000000"


def make_payload(n: int = 1, **changes: Any) -> IssuancePayload:
    """A payload with a business number of its own."""
    payload = IssuancePayload(
        authority_code=ISSUER,
        business_no=f"YW-{n:06d}",
        type_slug="food-operation",
        action=Action.ISSUE,
        holder=HOLDER,
        data={"business_scope": "热食类食品制售", "address": "示例市示例区示例路1号"},
        issued_on=date(2026, 3, 2),
        valid_from=date(2026, 3, 2),
        valid_until=None,
        number="",
        region="990100",
        matter_code="11990000MB000000004000131001000",
        previous="",
    )
    return dataclasses.replace(payload, **changes)


def make_request(n: int = 1, **changes: Any) -> IssuanceRequest:
    """An accepted request with keys of its own."""
    at = T0 + timedelta(seconds=n)
    request = IssuanceRequest(
        request_id=f"req_{n:06d}",
        caller="client_a",
        payload=make_payload(n),
        body_hash=hashlib.sha256(str(n).encode()).hexdigest(),
        idempotency_key=f"key-{n}",
        event_source="",
        event_id="",
        photo_id="",
        state=RequestState.ACCEPTED,
        attempts=0,
        reason_code="",
        reason_detail="",
        version_id="",
        created_at=at,
        updated_at=at,
    )
    return dataclasses.replace(request, **changes)


def make_intent(n: int = 1, **changes: Any) -> IssueIntent:
    """The intent of request ``n``."""
    intent = IssueIntent(
        request_id=f"req_{n:06d}",
        version_id=f"ver_{n:06d}",
        license_id=f"lic_{n:06d}",
        identifier=f"1.2.156.3005.2.{n:06d}",
        root=f"1.2.156.3005.2.{n:06d}",
        version=1,
        number=f"JY199{n:06d}",
        printed_token=f"token-{n}",
        document_id=hashlib.md5(str(n).encode(), usedforsecurity=False).digest(),
        issued_on=date(2026, 3, 2),
        first_issued_on=date(2026, 3, 2),
        signed_at=T0 + timedelta(seconds=n),
        previous_version_id="",
    )
    return dataclasses.replace(intent, **changes)


def make_version(n: int = 1, **changes: Any) -> LicenseVersion:
    """A valid version with an artifact; ``version_id`` and ``sha256`` follow ``n``."""
    at = T0 + timedelta(seconds=n)
    version_id = changes.get("version_id", f"ver_{n:06d}")
    digest = hashlib.sha256(f"pdf {n}".encode()).hexdigest()
    version = LicenseVersion(
        version_id=version_id,
        license_id=f"lic_{n:06d}",
        identifier=f"1.2.156.3005.2.{n:06d}",
        root=f"1.2.156.3005.2.{n:06d}",
        version=1,
        type_slug="food-operation",
        number=f"JY199{n:06d}",
        issuer_code=ISSUER,
        issuer_name="示例市市场监督管理局",
        holder=HOLDER,
        data={"business_scope": "热食类食品制售", "address": "示例市示例区示例路1号"},
        photo_id="",
        issued_on=date(2026, 3, 2),
        first_issued_on=date(2026, 3, 2),
        valid_from=date(2026, 3, 2),
        valid_until=date(2031, 3, 1),
        state=State.VALID,
        suspended_until=None,
        previous_version_id="",
        replaced_by_version_id="",
        request_id=f"req_{n:06d}",
        printed_token=f"token-{n}",
        created_at=at,
        revision=1,
        artifact=Artifact(
            artifact_id=f"art_{n:06d}",
            version_id=version_id,
            kind="original",
            sha256=digest,
            size=33_000 + n,
            object_name=f"originals/{digest[:2]}/{digest}.pdf",
            created_at=at,
        ),
    )
    return dataclasses.replace(version, **changes)


def make_move(n: int = 1, **changes: Any) -> MoveRecord:
    """A suspension of version 1."""
    record = MoveRecord(
        move_id=f"mov_{n:06d}",
        version_id="ver_000001",
        name="suspend",
        from_state=State.VALID,
        to_state=State.SUSPENDED,
        decision=Decision(
            authority_code=ISSUER,
            document_no="示市监罚〔2026〕1号",
            decided_on=date(2026, 3, 3),
            basis="《食品安全法》第一百二十六条",
            until=date(2026, 6, 3),
        ),
        actor="client_a",
        at=T0 + timedelta(hours=n),
    )
    return dataclasses.replace(record, **changes)


def make_seal(n: int = 1, **changes: Any) -> Seal:
    """An active seal with a budget of 100."""
    seal = Seal(
        seal_id=f"seal_{n:03d}",
        owner_code=ISSUER,
        owner_name="示例市市场监督管理局",
        name="示例市市场监督管理局行政审批专用章",
        kind=SealKind.OTHER,
        state=SealState.ACTIVE,
        key_id=f"key_{n:03d}",
        algorithm="p256",
        stamp=StampSpec(ring_text="示例市市场监督管理局", second_line="行政审批专用章", number="(1)"),
        scope_types=("food-operation",),
        valid_from=datetime(2026, 1, 1, tzinfo=UTC),
        valid_until=datetime(2028, 1, 1, tzinfo=UTC),
        daily_budget=100,
    )
    return dataclasses.replace(seal, **changes)


def make_reservation(n: int = 1, **changes: Any) -> SealReservation:
    """An open reservation of seal 1."""
    reservation = SealReservation(
        reservation_id=f"res_{n:06d}",
        seal_id="seal_001",
        purpose=f"issue:req_{n:06d}",
        digest=hashlib.sha256(str(n).encode()).hexdigest(),
        reserved_at=T0 + timedelta(milliseconds=n),
    )
    return dataclasses.replace(reservation, **changes)


def make_show(n: int = 1, **changes: Any) -> Show:
    """A show of version 1, good for 60 s from ``T0``."""
    show = Show(
        show_id=f"shw_{n:06d}",
        token_sha256=hashlib.sha256(f"show {n}".encode()).hexdigest(),
        version_id="ver_000001",
        holder_subject="person-1",
        scene="catering_inspection",
        created_at=T0,
        expires_at=T0 + timedelta(seconds=60),
    )
    return dataclasses.replace(show, **changes)


def make_scan(n: int = 1, **changes: Any) -> Scan:
    """A scan of version 1, ``n`` seconds after ``T0``."""
    scan = Scan(
        scan_id=f"scn_{n:06d}",
        code_kind="show",
        show_id="shw_000001",
        version_id="ver_000001",
        officer="officer-1",
        authority_code=ISSUER,
        badge="99010012345",
        scene="catering_inspection",
        outcome="ok",
        fields=("holder_name", "business_scope"),
        at=T0 + timedelta(seconds=n),
    )
    return dataclasses.replace(scan, **changes)


def make_grant(n: int = 1, **changes: Any) -> Grant:
    """A consent for version 1, good for an hour."""
    grant = Grant(
        grant_id=f"grt_{n:06d}",
        token_sha256=hashlib.sha256(f"grant {n}".encode()).hexdigest(),
        version_id="ver_000001",
        holder_subject="person-1",
        client_id="client_b",
        matter_code="11990000MB000000004000131001000",
        case_no="BJ-1",
        fields=("holder_name", "*copy"),
        created_at=T0 + timedelta(seconds=n),
        expires_at=T0 + timedelta(hours=1),
    )
    return dataclasses.replace(grant, **changes)


def make_fetch(n: int = 1, **changes: Any) -> Fetch:
    """A fetch of version 1, ``n`` seconds after ``T0``."""
    fetch = Fetch(
        fetch_id=f"fet_{n:06d}",
        version_id="ver_000001",
        client_id="client_b",
        client_name="示例综合窗口系统",
        authority_code=ISSUER,
        matter_code="11990000MB000000004000131001000",
        case_no="BJ-1",
        operator="示例李四",
        purpose="办理食品经营许可变更",
        basis="consent",
        grant_id="grt_000001",
        fields=("holder_name",),
        outcome="given",
        at=T0 + timedelta(seconds=n),
    )
    return dataclasses.replace(fetch, **changes)


def make_use_request(n: int = 1, **changes: Any) -> UseRequest:
    """A question of a client to the holder, good for an hour."""
    request = UseRequest(
        request_id=f"urq_{n:06d}",
        client_id="client_b",
        client_name="示例综合窗口系统",
        authority_code=ISSUER,
        matter_code="11990000MB000000004000131001000",
        case_no="BJ-1",
        operator="示例李四",
        purpose="办理食品经营许可变更",
        holder=HOLDER,
        items={"food_operation": ("number", "?valid")},
        created_at=T0 + timedelta(seconds=n),
        lapses_at=T0 + timedelta(hours=1),
        until=T0 + timedelta(days=1),
    )
    return dataclasses.replace(request, **changes)


def make_party(n: int = 1, **changes: Any) -> Party:
    """The holder of request 1, who was asked."""
    party = Party(
        party_id=f"upt_{n:06d}",
        request_id="urq_000001",
        holder=HOLDER,
        version_id="",
        created_at=T0 + timedelta(seconds=n),
    )
    return dataclasses.replace(party, **changes)


def make_counter(n: int = 1, **changes: Any) -> CounterConsent:
    """A consent on paper, good for an hour."""
    consent = CounterConsent(
        consent_id=f"cns_{n:06d}",
        client_id="client_b",
        authority_code=ISSUER,
        clerk="clerk-1",
        matter_code="11990000MB000000004000131001000",
        case_no="BJ-1",
        operator="示例李四",
        purpose="办理食品经营许可变更",
        holder=HOLDER,
        signer=HOLDER,
        picture_sha256="00" * 32,
        object_name=f"consents/cns_{n:06d}.bin",
        created_at=T0,
        expires_at=T0 + timedelta(hours=1),
    )
    return dataclasses.replace(consent, **changes)


def make_withholding(n: int = 1, **changes: Any) -> Withholding:
    """A wish to keep uses for a case quiet for a day."""
    made = Withholding(
        withholding_id=f"whd_{n:06d}",
        authority_code=ISSUER,
        matter_code="11990000MB000000004000131001000",
        case_no="BJ-1",
        legal_basis="告知示例王五将妨碍调查",
        until=T0 + timedelta(days=1),
        asked_by="person-1",
        asked_at=T0 + timedelta(seconds=n),
    )
    return dataclasses.replace(made, **changes)


def make_notice(n: int = 1, **changes: Any) -> Notice:
    """A notice about version 1, ``n`` seconds after ``T0``."""
    notice = Notice(
        notice_id=f"ntc_{n:06d}",
        version_id="ver_000001",
        kind=NoticeKind.ISSUED,
        text="您的食品经营许可证已签发",
        at=T0 + timedelta(seconds=n),
    )
    return dataclasses.replace(notice, **changes)


def make_client(n: int = 1, **changes: Any) -> Client:
    """An active client with a secret."""
    client = Client(
        client_id=f"client_{n}",
        name="示例审批系统",
        authority_code=ISSUER,
        roles=frozenset({"approval", "verifier"}),
        secret_sha256=hashlib.sha256(b"secret").hexdigest(),
        jwks="",
        active=True,
    )
    return dataclasses.replace(client, **changes)


def make_person(n: int = 1, **changes: Any) -> Person:
    """A citizen."""
    person = Person(
        subject=f"person-{n}",
        name=HOLDER.name,
        roles=frozenset({"holder"}),
        holder_code=HOLDER.code,
        holder_code_type=HOLDER.code_type,
        authority_code="",
        badge="",
        verified_by="sandbox",
        created_at=T0,
    )
    return dataclasses.replace(person, **changes)


def make_event(n: int = 1, **changes: Any) -> Event:
    """An event about license 1."""
    event = Event(
        event_id=f"evt_{n:06d}",
        type="example.certsvc.license.issued.v1",
        source="https://certsvc.example",
        subject="1.2.156.3005.2.000001",
        time=T0 + timedelta(seconds=n),
        data={"n": n, "state": "valid", "list": [1, None, True]},
    )
    return dataclasses.replace(event, **changes)


def make_evidence_row(n: int = 1) -> EvidenceRow:
    """An evidence row whose details name the holder's code."""
    return make_evidence(
        evidence_id=f"evd_{n:06d}",
        kind="license.issued",
        at=T0 + timedelta(seconds=n),
        salt=hashlib.md5(f"salt {n}".encode(), usedforsecurity=False).digest(),
        subject=HOLDER.code,
        actor="client_a",
        content={"holder": HOLDER.name, "n": n},
    )


def make_link(n: int = 1, **changes: Any) -> VersionLink:
    """Version 2 changes version 1."""
    link = VersionLink(predecessor_id="ver_000001", successor_id="ver_000002", kind=LinkKind.CHANGE, case_no="", at=T0)
    return dataclasses.replace(link, **changes)


def make_fact(n: int = 1, **changes: Any) -> Fact:
    """A check of license 1 that was passed, on the ``n``-th day of March."""
    fact = Fact(
        fact_id=f"fct_{n:06d}",
        license_id="lic_000001",
        version_id="ver_000001",
        kind=FactKind.CHECK_PASSED,
        code="年审",
        on=date(2026, 3, 1) + timedelta(days=n - 1),
        due=None,
        reference="",
        text="示例张三到场",
        authority_code=ISSUER,
        document_no="",
        actor="client_a",
        at=T0 + timedelta(seconds=n),
    )
    return dataclasses.replace(fact, **changes)


def make_due_row(n: int = 1, **changes: Any) -> DueRow:
    """License 1 has expired."""
    row = DueRow(
        version_id=f"ver_{n:06d}",
        issuer_code=ISSUER,
        due=Due(kind=DueKind.EXPIRED, ref="", due_on=date(2031, 3, 1)),
        at=T0,
    )
    return dataclasses.replace(row, **changes)


def make_proposal(n: int = 1, **changes: Any) -> Proposal:
    """Version ``n`` of a type, proposed."""
    file = f"version = {n}".encode()
    proposal = Proposal(
        proposal_id=f"pro_{n:06d}",
        slug="food_operation",
        version=n,
        digest=hashlib.sha256(file).hexdigest(),
        file=file,
        proposed_by="proposer-1",
        authority_code=ISSUER,
        proposed_at=T0,
    )
    return dataclasses.replace(proposal, **changes)


def make_publication(n: int = 1, **changes: Any) -> Publication:
    """The proposal of the same number, published."""
    proposal = make_proposal(n)
    publication = Publication(
        slug=proposal.slug,
        version=n,
        digest=proposal.digest,
        file=proposal.file,
        proposed_by=proposal.proposed_by,
        proposed_at=proposal.proposed_at,
        published_by="publisher-1",
        published_at=T0 + timedelta(seconds=n),
    )
    return dataclasses.replace(publication, **changes)
