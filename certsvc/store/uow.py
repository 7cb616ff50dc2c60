"""Units of work: one transaction over every noun. The only file that commits."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING

from sqlalchemy import exc

from certsvc.store.access import AccessRows
from certsvc.store.bulks import BulkStore
from certsvc.store.failures import in_our_words
from certsvc.store.feed import FeedRows
from certsvc.store.import_rows import ImportRowStore
from certsvc.store.imports import ImportStore
from certsvc.store.intents import IntentRows
from certsvc.store.licenses import LicenseRows
from certsvc.store.life import DueRows, FactRows, LinkRows
from certsvc.store.outbox import OutboxRows
from certsvc.store.parked import ParkedRows
from certsvc.store.photos import PhotoRows
from certsvc.store.publications import PublicationRows
from certsvc.store.quality import QualityRows
from certsvc.store.receipts import ReceiptRows
from certsvc.store.reconciling import ReconcilingRows
from certsvc.store.reports import ReportRows
from certsvc.store.requests import RequestRows
from certsvc.store.round_seals import RoundSealRows
from certsvc.store.seal_approvals import ApprovalRows
from certsvc.store.seal_lives import SealLifeRows
from certsvc.store.seal_watch import SealWatchRows
from certsvc.store.seals import SealRows
from certsvc.store.sharing import SharingRows
from certsvc.store.showing import ShowingRows
from certsvc.store.signers import SignerRows
from certsvc.store.signing_codes import SignerCodeRows, SigningCodeRows
from certsvc.store.signings import SigningRows
from certsvc.store.source_reports import SourceReportRows
from certsvc.store.stampings import StampingRows
from certsvc.store.statuses import StatusRows
from certsvc.store.transaction import Transaction
from certsvc.store.trust import TrustRows
from certsvc.store.webhook_deliveries import DeliveryRows
from certsvc.store.webhooks import SubscriptionRows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Engine

    from certsvc.commands import (
        import_ports,
        life_ports,
        parked_ports,
        quality_ports,
        reconcile_ports,
        report_ports,
        seal_ports,
        signer_ports,
        stamping_ports,
        store_ports,
        trust_ports,
        webhook_ports,
    )
    from certsvc.commands.ports import Cipher
    from certsvc.store.turnstile import Turnstile


class Work:
    """Implements ``store_ports.UnitOfWork``."""

    __slots__ = (
        "access",
        "approvals",
        "bulks",
        "deliveries",
        "dues",
        "facts",
        "feed",
        "import_rows",
        "imports",
        "intents",
        "licenses",
        "links",
        "outbox",
        "parked",
        "photos",
        "publications",
        "quality",
        "receipts",
        "reconciling",
        "reports",
        "requests",
        "round_seals",
        "seal_lives",
        "seal_watch",
        "seals",
        "sharing",
        "showing",
        "signer_codes",
        "signers",
        "signing_codes",
        "signings",
        "source_reports",
        "stampings",
        "statuses",
        "trust",
        "webhooks",
    )

    def __init__(self, tx: Transaction) -> None:
        """Give every noun the same transaction."""
        self.requests: store_ports.Requests = RequestRows(tx)
        self.receipts: life_ports.Receipts = ReceiptRows(tx)
        self.intents: store_ports.Intents = IntentRows(tx)
        self.licenses: store_ports.Licenses = LicenseRows(tx)
        self.photos: store_ports.Photos = PhotoRows(tx)
        self.seals: seal_ports.Seals = SealRows(tx)
        self.showing: store_ports.Showing = ShowingRows(tx)
        self.sharing: store_ports.Sharing = SharingRows(tx)
        self.access: store_ports.Access = AccessRows(tx)
        self.outbox: store_ports.Outbox = OutboxRows(tx)
        self.parked: parked_ports.Parked = ParkedRows(tx)
        self.links: life_ports.Links = LinkRows(tx)
        self.facts: life_ports.Facts = FactRows(tx)
        self.dues: life_ports.Dues = DueRows(tx)
        self.publications: life_ports.Publications = PublicationRows(tx)
        self.seal_lives: seal_ports.SealLives = SealLifeRows(tx)
        self.seal_watch: seal_ports.SealWatch = SealWatchRows(tx)
        self.approvals: seal_ports.SealApprovals = ApprovalRows(tx)
        self.signers: signer_ports.Signers = SignerRows(tx)
        self.signings: signer_ports.Signings = SigningRows(tx)
        self.signing_codes: signer_ports.SigningCodes = SigningCodeRows(tx)
        self.signer_codes: signer_ports.SignerCodes = SignerCodeRows(tx)
        self.round_seals: signer_ports.RoundSeals = RoundSealRows(tx)
        self.stampings: stamping_ports.Stampings = StampingRows(tx)
        self.statuses: life_ports.Statuses = StatusRows(tx)
        self.source_reports: life_ports.SourceReports = SourceReportRows(tx)
        self.quality: quality_ports.Quality = QualityRows(tx)
        self.trust: trust_ports.TrustRows = TrustRows(tx)
        self.webhooks: webhook_ports.Subscriptions = SubscriptionRows(tx)
        self.deliveries: webhook_ports.Deliveries = DeliveryRows(tx)
        self.feed: webhook_ports.Feed = FeedRows(tx)
        self.imports: import_ports.Imports = ImportStore(tx)
        self.import_rows: import_ports.ImportRows = ImportRowStore(tx)
        self.bulks: import_ports.Bulks = BulkStore(tx)
        self.reconciling: reconcile_ports.Reconciling = ReconcilingRows(tx)
        self.reports: report_ports.Reports = ReportRows(tx)


class UnitsOfWork:
    """Implements ``store_ports.UnitOfWorkFactory``."""

    def __init__(self, *, writing: Engine, reading: Engine, cipher: Cipher, turnstile: Turnstile | None = None) -> None:
        """Write through one engine and read through the other (they may be one).

        ``turnstile`` is for a database with one writer.
        """
        self._writing = writing
        self._reading = reading
        self._cipher = cipher
        self._turn = turnstile.turn if turnstile else nullcontext

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
    def read(self) -> Iterator[store_ports.UnitOfWork]:
        """A read-only transaction over one snapshot; a write in it raises."""
        with self._transaction(self._reading, read_only=True) as work:
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
                    statements.check()
            except BaseException:
                # What went wrong in the block matters more than a connection that cannot even roll back: the server
                # (or the next opening of the file) rolls back by itself.
                with suppress(exc.SQLAlchemyError):
                    transaction.rollback()
                raise
            with in_our_words():
                transaction.commit()
        finally:
            with suppress(exc.SQLAlchemyError):
                connection.close()
