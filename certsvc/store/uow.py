"""Units of work: one transaction over every noun."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING

from sqlalchemy import exc

from certsvc.store.access import AccessRows
from certsvc.store.archives import ArchiveRows
from certsvc.store.audit import AuditRows
from certsvc.store.bases import BasisRows
from certsvc.store.bulks import BulkStore
from certsvc.store.care import CareRows
from certsvc.store.case_clocks import CaseClockRows
from certsvc.store.challenges import ChallengeRows
from certsvc.store.clock import ClockRows
from certsvc.store.complaints import ComplaintRows
from certsvc.store.console import ConsoleReads
from certsvc.store.contacts import ContactRows
from certsvc.store.copies import CopyRows
from certsvc.store.counter import CounterRows
from certsvc.store.day_counts import DayCountRows
from certsvc.store.delegations import DelegationRows
from certsvc.store.departments import DepartmentRows
from certsvc.store.devices import DeviceRows, OfflineCoreRows
from certsvc.store.disposals import DisposalRows
from certsvc.store.disputes import DisputeRows
from certsvc.store.erasing import ErasedRows
from certsvc.store.facades import FacadeRows
from certsvc.store.failures import in_our_words
from certsvc.store.feed import FeedRows
from certsvc.store.group_commit import SharedTransactions, commit
from certsvc.store.import_rows import ImportRowStore
from certsvc.store.imports import ImportStore
from certsvc.store.inspections import InspectionRows
from certsvc.store.intents import IntentRows
from certsvc.store.licenses import LicenseRows
from certsvc.store.life import DueRows, FactRows, LinkRows
from certsvc.store.log import LogRows
from certsvc.store.materials import MaterialRows
from certsvc.store.matters import MatterRows
from certsvc.store.notices import NoticeRows
from certsvc.store.officers import OfficerRows
from certsvc.store.offline import BundlePartRows, QueuedInspectionRows
from certsvc.store.operations import OperationRows
from certsvc.store.outbox import OutboxRows
from certsvc.store.oversights import InspectionResultRows, OversightRows
from certsvc.store.parked import ParkedRows
from certsvc.store.photos import PhotoRows
from certsvc.store.policies import PolicyRows
from certsvc.store.publications import PublicationRows
from certsvc.store.quality import QualityRows
from certsvc.store.receipts import ReceiptRows
from certsvc.store.reconciling import ReconcilingRows
from certsvc.store.relations import CoHolderRows, RelationRows
from certsvc.store.reports import ReportRows
from certsvc.store.requests import RequestRows
from certsvc.store.reseal import ResealRows
from certsvc.store.round_seals import RoundSealRows
from certsvc.store.seal_approvals import ApprovalRows
from certsvc.store.seal_fences import SealFenceRows
from certsvc.store.seal_lives import SealLifeRows
from certsvc.store.seal_watch import SealWatchRows
from certsvc.store.seals import SealRows
from certsvc.store.services import ServiceRows
from certsvc.store.sharing import SharingRows
from certsvc.store.showing import ShowingRows
from certsvc.store.signers import SignerRows
from certsvc.store.signing_codes import SignerCodeRows, SigningCodeRows
from certsvc.store.signings import SigningRows
from certsvc.store.source_reports import SourceReportRows
from certsvc.store.staff import StaffRows
from certsvc.store.stampings import StampingRows
from certsvc.store.statuses import StatusRows
from certsvc.store.supervision_cards import CardRows
from certsvc.store.tickets import TicketRows
from certsvc.store.transaction import Transaction
from certsvc.store.trust import TrustRows
from certsvc.store.use_alerts import AlertRows
from certsvc.store.visits import VisitRows
from certsvc.store.webhook_deliveries import DeliveryRows
from certsvc.store.webhooks import SubscriptionRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlalchemy import Engine

    from certsvc.commands import (
        archive_ports,
        basis_ports,
        care_ports,
        clock_ports,
        consent_ports,
        console_ports,
        copy_ports,
        counter_ports,
        department_ports,
        device_ports,
        disposal_ports,
        facade_ports,
        import_ports,
        issuance_ports,
        license_ports,
        life_ports,
        log_ports,
        matter_ports,
        notice_ports,
        operations_ports,
        oversight_ports,
        parked_ports,
        quality_ports,
        reconcile_ports,
        report_ports,
        seal_ports,
        sharing_ports,
        signer_ports,
        stamping_ports,
        store_ports,
        supervision_ports,
        trust_ports,
        visit_ports,
        webhook_ports,
    )
    from certsvc.commands.ports import Cipher
    from certsvc.store.turnstile import Turnstile


class Work:
    """Implements ``store_ports.UnitOfWork``."""

    requests: issuance_ports.Requests
    receipts: life_ports.Receipts
    intents: issuance_ports.Intents
    licenses: license_ports.Licenses
    photos: store_ports.Photos
    seals: seal_ports.Seals
    showing: store_ports.Showing
    challenges: consent_ports.Challenges
    delegations: consent_ports.Delegations
    relations: consent_ports.Relations
    co_holders: consent_ports.CoHolders
    disputes: consent_ports.Disputes
    sharing: sharing_ports.Sharing
    bases: basis_ports.Bases
    copies: copy_ports.Copies
    alerts: copy_ports.Alerts
    access: store_ports.Access
    outbox: store_ports.Outbox
    parked: parked_ports.Parked
    links: life_ports.Links
    facts: life_ports.Facts
    dues: life_ports.Dues
    publications: life_ports.Publications
    seal_lives: seal_ports.SealLives
    seal_watch: seal_ports.SealWatch
    seal_fences: seal_ports.SealFences
    approvals: seal_ports.SealApprovals
    signers: signer_ports.Signers
    signings: signer_ports.Signings
    signing_codes: signer_ports.SigningCodes
    signer_codes: signer_ports.SignerCodes
    round_seals: signer_ports.RoundSeals
    stampings: stamping_ports.Stampings
    statuses: life_ports.Statuses
    source_reports: life_ports.SourceReports
    quality: quality_ports.Quality
    trust: trust_ports.TrustRows
    webhooks: webhook_ports.Subscriptions
    deliveries: webhook_ports.Deliveries
    feed: webhook_ports.Feed
    imports: import_ports.Imports
    import_rows: import_ports.ImportRows
    bulks: import_ports.Bulks
    notices: notice_ports.Notices
    contacts: notice_ports.Contacts
    reconciling: reconcile_ports.Reconciling
    reports: report_ports.Reports
    devices: device_ports.Devices
    offline_cores: device_ports.OfflineCores
    queued_inspections: device_ports.InspectionRecords
    bundle_parts: device_ports.BundleParts
    officers: visit_ports.Officers
    visits: visit_ports.Visits
    inspections: visit_ports.Inspections
    matters: matter_ports.Matters
    policies: matter_ports.Policies
    staff: matter_ports.Staff
    facades: facade_ports.Facades
    oversights: oversight_ports.Oversights
    inspection_results: oversight_ports.InspectionResults
    counter: counter_ports.CounterCases
    tickets: counter_ports.Tickets
    departments: department_ports.Departments
    log: log_ports.Log
    audited: log_ports.Audited
    clock: clock_ports.ClockMarks
    case_clocks: supervision_ports.CaseClocks
    cards: supervision_ports.Cards
    day_counts: supervision_ports.DayCounts
    services: supervision_ports.Services
    complaints: supervision_ports.Complaints
    operations: operations_ports.Operations
    archives: archive_ports.Archives
    materials: archive_ports.Materials
    care: care_ports.Care
    reseals: care_ports.Reseals
    disposals: disposal_ports.Disposals
    erased: disposal_ports.Erased
    console: console_ports.ConsoleRows

    def __init__(self, tx: Transaction) -> None:
        """Give every noun the same transaction."""
        self._tx = tx

    def __getattr__(self, name: str) -> object:
        """A noun is made when it is first asked for: most units of work need a few of many."""
        if name not in _NOUNS:
            raise AttributeError(name)
        noun = _NOUNS[name](self._tx)
        setattr(self, name, noun)
        return noun


_NOUNS: Mapping[str, Callable[[Transaction], object]] = {
    "requests": RequestRows,
    "receipts": ReceiptRows,
    "intents": IntentRows,
    "licenses": LicenseRows,
    "photos": PhotoRows,
    "seals": SealRows,
    "showing": ShowingRows,
    "challenges": ChallengeRows,
    "delegations": DelegationRows,
    "relations": RelationRows,
    "co_holders": CoHolderRows,
    "disputes": DisputeRows,
    "sharing": SharingRows,
    "bases": BasisRows,
    "copies": CopyRows,
    "alerts": AlertRows,
    "access": AccessRows,
    "outbox": OutboxRows,
    "parked": ParkedRows,
    "links": LinkRows,
    "facts": FactRows,
    "dues": DueRows,
    "publications": PublicationRows,
    "seal_lives": SealLifeRows,
    "seal_watch": SealWatchRows,
    "seal_fences": SealFenceRows,
    "approvals": ApprovalRows,
    "signers": SignerRows,
    "signings": SigningRows,
    "signing_codes": SigningCodeRows,
    "signer_codes": SignerCodeRows,
    "round_seals": RoundSealRows,
    "stampings": StampingRows,
    "statuses": StatusRows,
    "source_reports": SourceReportRows,
    "quality": QualityRows,
    "trust": TrustRows,
    "webhooks": SubscriptionRows,
    "deliveries": DeliveryRows,
    "feed": FeedRows,
    "imports": ImportStore,
    "import_rows": ImportRowStore,
    "bulks": BulkStore,
    "notices": NoticeRows,
    "contacts": ContactRows,
    "reconciling": ReconcilingRows,
    "reports": ReportRows,
    "devices": DeviceRows,
    "offline_cores": OfflineCoreRows,
    "queued_inspections": QueuedInspectionRows,
    "bundle_parts": BundlePartRows,
    "officers": OfficerRows,
    "visits": VisitRows,
    "inspections": InspectionRows,
    "matters": MatterRows,
    "policies": PolicyRows,
    "staff": StaffRows,
    "facades": FacadeRows,
    "oversights": OversightRows,
    "inspection_results": InspectionResultRows,
    "counter": CounterRows,
    "tickets": TicketRows,
    "departments": DepartmentRows,
    "log": LogRows,
    "audited": AuditRows,
    "clock": ClockRows,
    "case_clocks": CaseClockRows,
    "cards": CardRows,
    "day_counts": DayCountRows,
    "services": ServiceRows,
    "complaints": ComplaintRows,
    "operations": OperationRows,
    "archives": ArchiveRows,
    "materials": MaterialRows,
    "care": CareRows,
    "reseals": ResealRows,
    "disposals": DisposalRows,
    "erased": ErasedRows,
    "console": ConsoleReads,
}


class UnitsOfWork:
    """Implements ``store_ports.UnitOfWorkFactory``."""

    def __init__(
        self, *, writing: Engine, reading: Engine, looking: Engine, cipher: Cipher, turnstile: Turnstile | None = None
    ) -> None:
        """Write through one engine, read through another and look through a third (they may be one).

        ``turnstile`` is for a database with one writer.
        """
        self._writing = writing
        self._reading = reading
        self._looking = looking
        self._cipher = cipher
        self._turn = turnstile.turn if turnstile else nullcontext
        self._shared = SharedTransactions(writing, cipher, turnstile) if turnstile else None

    @contextmanager
    def __call__(self) -> Iterator[store_ports.UnitOfWork]:
        """A new transaction for writing (and reading): commits when the block ends, rolls back when it raises.

        Raises:
            Unavailable: no connection or no lock in time, or the answer to the commit was lost: then whether it took
                effect is unknown, and the work is asked for again under the same key.
        """
        with self._turn(), self._transaction(self._writing, read_only=False) as work:
            yield work

    @contextmanager
    def shared(self) -> Iterator[store_ports.UnitOfWork]:
        """A short transaction that may be committed together with others of its kind, where there is one writer."""
        if self._shared is None:
            with self() as work:
                yield work
        else:
            with self._shared.unit() as statements:
                yield Work(statements)

    @contextmanager
    def read(self) -> Iterator[store_ports.UnitOfWork]:
        """A read-only transaction over one snapshot; a write in it raises."""
        with self._transaction(self._reading, read_only=True) as work:
            yield work

    @contextmanager
    def look(self) -> Iterator[store_ports.UnitOfWork]:
        """As :meth:`read`, but each statement may see a moment of its own, later than those before it.

        On PostgreSQL it is one way to the database per statement instead of three for the first.
        """
        with self._transaction(self._looking, read_only=True) as work:
            yield work

    @contextmanager
    def _transaction(self, engine: Engine, *, read_only: bool) -> Iterator[Work]:
        with in_our_words():
            connection = engine.connect()
        try:
            with in_our_words():
                transaction = connection.begin()
            statements = Transaction(connection, self._cipher, read_only=read_only)
            try:
                yield Work(statements)
                if not read_only:
                    statements.finish()
            except BaseException:
                # What went wrong in the block matters more than a connection that cannot even roll back: the server
                # (or the next opening of the file) rolls back by itself.
                with suppress(exc.SQLAlchemyError):
                    transaction.rollback()
                raise
            commit(connection, transaction)
        finally:
            with suppress(exc.SQLAlchemyError):
                connection.close()
