"""What the store offers the commands: one unit of work, operations named after what they mean, per noun.

A unit of work is one transaction::

    with deps.uow() as tx:
        tx.requests.insert(request)
        tx.outbox.add(event)

It commits when the block ends and rolls back when it raises; nobody calls commit. Writes that guard on a state return
whether they took effect, and the caller decides. No operation takes a position in time from the database: ``now`` is
passed in.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from certsvc.commands.archive_ports import Archives, Materials
    from certsvc.commands.basis_ports import Bases
    from certsvc.commands.care_ports import Care, Reseals
    from certsvc.commands.clock_ports import ClockMarks
    from certsvc.commands.consent_ports import Challenges, CoHolders, Delegations, Disputes, Relations
    from certsvc.commands.console_ports import ConsoleRows
    from certsvc.commands.copy_ports import Alerts, Copies
    from certsvc.commands.counter_ports import CounterCases, Tickets
    from certsvc.commands.department_ports import Departments
    from certsvc.commands.device_ports import BundleParts, Devices, InspectionRecords, OfflineCores
    from certsvc.commands.disposal_ports import Disposals, Erased
    from certsvc.commands.facade_ports import Facades
    from certsvc.commands.import_ports import Bulks, ImportRows, Imports
    from certsvc.commands.issuance_ports import Intents, Requests
    from certsvc.commands.license_ports import Licenses
    from certsvc.commands.life_ports import Dues, Facts, Links, Publications, Receipts, SourceReports, Statuses
    from certsvc.commands.log_ports import Audited, Log
    from certsvc.commands.matter_ports import Matters, Policies, Staff
    from certsvc.commands.notice_ports import Contacts, Notices
    from certsvc.commands.operations_ports import Operations
    from certsvc.commands.oversight_ports import InspectionResults, Oversights
    from certsvc.commands.parked_ports import Parked
    from certsvc.commands.quality_ports import Quality
    from certsvc.commands.reconcile_ports import Reconciling
    from certsvc.commands.report_ports import Reports
    from certsvc.commands.seal_ports import SealApprovals, SealFences, SealLives, Seals, SealWatch
    from certsvc.commands.sharing_ports import Sharing
    from certsvc.commands.signer_ports import RoundSeals, SignerCodes, Signers, SigningCodes, Signings
    from certsvc.commands.stamping_ports import Stampings
    from certsvc.commands.supervision_ports import Cards, CaseClocks, Complaints, DayCounts, Services
    from certsvc.commands.trust_ports import TrustRows
    from certsvc.commands.visit_ports import Inspections, Officers, Visits
    from certsvc.commands.webhook_ports import Deliveries, Feed, Subscriptions
    from certsvc.events.envelope import Event
    from certsvc.events.evidence import EvidenceRow
    from certsvc.license.parties import Asking, Client, Person
    from certsvc.license.uses import Scan, Show


class Photos(Protocol):
    """Photos, encrypted; found by a keyed digest of their bytes."""

    def put(self, data: bytes) -> str:
        """Store once and return the id."""
        ...

    def id_of(self, data: bytes) -> str:
        """The id that these bytes have, whether they are stored or not."""
        ...

    def put_all(self, several: Collection[bytes]) -> None:
        """Store each once; they are read in no earlier unit of work than the next."""
        ...

    def get(self, photo_id: str) -> bytes:
        """The JPEG; NotFound."""
        ...

    def get_all(self, photo_ids: Sequence[str]) -> Mapping[str, bytes]:
        """The JPEGs that are there, by id."""
        ...


class Showing(Protocol):
    """Show codes and scans."""

    def insert_show(self, show: Show) -> None:
        """Store a show code."""
        ...

    def show_by_token(self, token_sha256: str) -> Show | None:
        """The show, whatever its age."""
        ...

    def shows(self, show_ids: Sequence[str]) -> Mapping[str, Show]:
        """Those of these shows that there are, by id."""
        ...

    def redeem(self, show_id: str, *, by: str, now: datetime) -> bool:
        """Redeem for data, once and in time; False otherwise."""
        ...

    def hold_by_tokens(self, digests: Sequence[str]) -> Mapping[str, Show]:
        """Those of these shows that there are, by digest; nobody else redeems them until the end of the transaction."""
        ...

    def redeem_held(self, redeemed: Mapping[str, str], *, now: datetime) -> None:
        """Redeem shows that are held and were not redeemed, each by whom it is mapped to."""
        ...

    def insert_scan(self, scan: Scan) -> None:
        """Store an inspection record."""
        ...

    def insert_scans(self, made: Sequence[Scan]) -> None:
        """Store inspection records."""
        ...

    def scans_of(
        self, version_ids: Sequence[str], *, limit: int, behind: tuple[datetime, str] | None = None
    ) -> Sequence[Scan]:
        """Scans of these versions, newest first; only what comes ``behind`` a time and an id, if given."""
        ...

    def scans_by_authority(self, authority_code: str, *, limit: int) -> Sequence[Scan]:
        """Scans made by officers of this authority, newest first."""
        ...


class Access(Protocol):
    """Clients, people and what was seen once."""

    def upsert_client(self, client: Client) -> None:
        """Register or replace a client."""
        ...

    def client(self, client_id: str) -> Client | None:
        """The client."""
        ...

    def clients(self, client_ids: Sequence[str]) -> Mapping[str, Client]:
        """Those of these clients that are registered, by id."""
        ...

    def clients_asking(self, client_ids: Sequence[str], tokens: Sequence[str]) -> Mapping[str, Asking[Client]]:
        """Those of these clients that are registered, by id, and which of the tokens named were ended."""
        ...

    def clients_of(self, authority_code: str, *, limit: int) -> Sequence[Client]:
        """The clients of this body, by id."""
        ...

    def active_clients_of(self, authority_code: str, role: str, *, limit: int) -> Sequence[Client]:
        """The active clients of this body that have a role, by id."""
        ...

    def upsert_person(self, person: Person) -> None:
        """Bind a person."""
        ...

    def person(self, subject: str) -> Person | None:
        """The person."""
        ...

    def persons(self, subjects: Sequence[str]) -> Mapping[str, Person]:
        """Those of these people that are bound, by subject."""
        ...

    def persons_asking(self, subjects: Sequence[str], tokens: Sequence[str]) -> Mapping[str, Asking[Person]]:
        """Those of these people that are bound, by subject, and which of the tokens named were ended."""
        ...

    def end_session(self, kind: str, subject: str, token_key: str = "", *, at: datetime, until: datetime) -> None:
        """Let a token end at once, or without one every token issued until ``at``."""
        ...

    def people(self) -> Sequence[Person]:
        """Every person, by subject (the sandbox login lists them)."""
        ...

    def remember_once(self, key: str, *, until: datetime, now: datetime) -> bool:
        """True the first time ``key`` is seen before ``until`` (assertion ids); False on replay."""
        ...


class Outbox(Protocol):
    """Events to go out, the feed of those that have a position, and evidence."""

    def add(self, event: Event) -> None:
        """Store an event without a position."""
        ...

    def add_evidence(self, row: EvidenceRow) -> None:
        """Store an evidence row without a position."""
        ...

    def sequence(self, *, limit: int) -> int:
        """Give committed events and evidence rows their positions, in order of insertion; how many were done.

        Only the holder of the ``sequencer`` lease calls this.
        """
        ...

    def after(self, position: int, *, limit: int) -> Sequence[Event]:
        """Sequenced events behind ``position``, in order."""
        ...

    def evidence_after(self, position: int, *, limit: int) -> Sequence[EvidenceRow]:
        """Sequenced evidence rows behind ``position``, in order."""
        ...

    def lease(self, name: str, *, owner: str, now: datetime, lease_s: int) -> bool:
        """Take or keep the lease ``name``; False while another owner holds it."""
        ...

    def release(self, *names: str, owner: str) -> None:
        """Give up these leases where ``owner`` holds them: another takes over at once instead of after the lease."""
        ...

    def cursor(self, consumer: str) -> int:
        """The last position a consumer has handled (0 at first)."""
        ...

    def advance(self, consumer: str, *, position: int) -> None:
        """Move a consumer's cursor, in the transaction of its effect."""
        ...

    def first_time(self, consumer: str, event_id: str, *, now: datetime) -> bool:
        """Inbox row: True the first time this consumer sees this event."""
        ...

    def first_times(self, consumer: str, event_ids: Sequence[str], *, now: datetime) -> Collection[str]:
        """Inbox rows: those of ``event_ids`` that this consumer sees for the first time."""
        ...


class UnitOfWork(Protocol):
    """One transaction over every noun."""

    requests: Requests
    receipts: Receipts
    intents: Intents
    licenses: Licenses
    photos: Photos
    seals: Seals
    showing: Showing
    challenges: Challenges
    delegations: Delegations
    relations: Relations
    co_holders: CoHolders
    disputes: Disputes
    sharing: Sharing
    bases: Bases
    copies: Copies
    alerts: Alerts
    access: Access
    outbox: Outbox
    parked: Parked
    links: Links
    facts: Facts
    dues: Dues
    source_reports: SourceReports
    publications: Publications
    seal_lives: SealLives
    seal_watch: SealWatch
    seal_fences: SealFences
    approvals: SealApprovals
    signers: Signers
    signings: Signings
    signing_codes: SigningCodes
    signer_codes: SignerCodes
    round_seals: RoundSeals
    stampings: Stampings
    statuses: Statuses
    quality: Quality
    trust: TrustRows
    webhooks: Subscriptions
    deliveries: Deliveries
    feed: Feed
    imports: Imports
    import_rows: ImportRows
    bulks: Bulks
    notices: Notices
    contacts: Contacts
    reconciling: Reconciling
    reports: Reports
    devices: Devices
    offline_cores: OfflineCores
    queued_inspections: InspectionRecords
    bundle_parts: BundleParts
    officers: Officers
    visits: Visits
    inspections: Inspections
    matters: Matters
    policies: Policies
    staff: Staff
    facades: Facades
    oversights: Oversights
    inspection_results: InspectionResults
    counter: CounterCases
    tickets: Tickets
    departments: Departments
    log: Log
    audited: Audited
    clock: ClockMarks
    case_clocks: CaseClocks
    cards: Cards
    day_counts: DayCounts
    services: Services
    complaints: Complaints
    operations: Operations
    archives: Archives
    materials: Materials
    care: Care
    reseals: Reseals
    disposals: Disposals
    erased: Erased
    console: ConsoleRows


class UnitOfWorkFactory(Protocol):
    """Opens units of work."""

    def __call__(self) -> AbstractContextManager[UnitOfWork]:
        """A new transaction for writing (and reading)."""
        ...

    def shared(self) -> AbstractContextManager[UnitOfWork]:
        """As a call, for short blocks that wait for nothing.

        Where the database has one writer, several are committed together; each is still undone alone when it raises.
        """
        ...

    def read(self) -> AbstractContextManager[UnitOfWork]:
        """A read-only transaction (no write lock on SQLite)."""
        ...

    def look(self) -> AbstractContextManager[UnitOfWork]:
        """As :meth:`read`, without one snapshot for all: for one statement, or for several that need not agree."""
        ...
