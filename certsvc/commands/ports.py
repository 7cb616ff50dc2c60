"""The ports of the commands; one frozen :class:`Deps`, built in ``app.py``, carries them all.

A port exists only where a real and a fake both exist. Ports are synchronous. What the store offers stands in
``store_ports.py``, the makers of pages in ``page_ports.py``; here are the key ring, the inspector of files, objects,
ciphers and tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from certsvc.catalog.oversight_file import NO_LISTS, OversightLists
from certsvc.commands.care_ports import FactTeller
from certsvc.commands.catalog.fixed import FixedCatalog
from certsvc.commands.sharing.policy_board import PolicyBoard
from certsvc.events.spans import NO_SPANS, Tracer
from certsvc.seal.trust_list import SEAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from certsvc.catalog.loader import Catalog
    from certsvc.catalog.notice_texts import NoticeTexts
    from certsvc.clock import Clock
    from certsvc.commands.device_ports import OfflineSigner
    from certsvc.commands.life_ports import CatalogSource
    from certsvc.commands.log_ports import LogSigner
    from certsvc.commands.notice_ports import NoticeChannel
    from certsvc.commands.page_ports import Press, Renderer
    from certsvc.commands.report_ports import Province
    from certsvc.commands.seal_ports import Authorities, SealMaker
    from certsvc.commands.signer_ports import Notifier, PersonKeys, SigningPages, UploadCheck
    from certsvc.commands.stamping_ports import MarkPainter, UploadDesk
    from certsvc.commands.store_ports import UnitOfWorkFactory
    from certsvc.commands.token_ports import IdentityProvider, TokenService
    from certsvc.commands.trust_ports import PartnerRegisters, RevocationSource, TrustDocuments, TrustSource
    from certsvc.commands.webhook_ports import Receivers
    from certsvc.events.envelope import Event
    from certsvc.ids import Ids
    from certsvc.license.status_list import StatusClaims
    from certsvc.seal.model import Seal
    from certsvc.seal.prepared import PreparedPdf
    from certsvc.seal.trust_list import TrustList
    from certsvc.seal.verdict import FileFindings


class KeyRing(Protocol):
    """Holds private keys and never lets them go; key and certificate were proven to match at load."""

    def sign_digest(self, key_id: str, digest_algorithm: str, data: bytes) -> bytes:
        """Signature over ``data`` (hashed inside); raises SigningError."""
        ...


class Sealer(FactTeller, Protocol):
    """Fills the hole of a prepared page with a seal's signature."""

    def is_own(self, cert_sha256: str) -> bool:
        """Whether this certificate (hex SHA-256 of its DER) is that of a seal kept here."""
        ...

    def reserved_bytes(self, seal: Seal, format_name: str) -> int:
        """How many bytes the hole must hold for this seal and format (measured, not guessed)."""
        ...

    def sub_filter(self, format_name: str) -> str:
        """The /SubFilter of the format."""
        ...

    def filter(self, format_name: str) -> str:
        """The /Filter of the format."""
        ...

    def seal(self, prepared: PreparedPdf, seal: Seal, format_name: str, *, signed_at: datetime) -> bytes:
        """The sealed file.

        Raises:
            SigningError: no key, certificate out of its period, or the signature does not verify.
        """
        ...

    def outlives(self, seal: Seal, until: datetime | None) -> bool:
        """Whether a file in force until ``until`` (None: for good) is to be preserved before it is registered."""
        ...

    def preserve(self, sealed: bytes, seal: Seal, *, crls: Sequence[bytes] = (), ocsps: Sequence[bytes] = ()) -> bytes:
        """The sealed file with proofs that outlive its certificate (B-LTA).

        ``crls`` and ``ocsps`` are lists and answers of its CAs in DER; lists of other CAs are left out.

        Raises SigningError when no timestamping authority answers.
        """
        ...

    def is_away(self, format_name: str) -> bool:
        """Whether signatures in this format come from somewhere else over the network and may take seconds."""
        ...

    def format_for(self, seal: Seal, planned: str) -> str:
        """The format in which this seal can do what a plan asks for in ``planned``; empty when it cannot.

        A seal that a province's platform keeps does it in the platform's form.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustChoice:
    """Which anchors and moment a verification stands on, and what is known beside the file.

    Attributes:
        extra_anchors: PEM certificates that the CLI's caller brought; HTTP callers may not.
        at: the verification moment, or None for now.
        proven: when these bytes existed at the latest, proven by our register; a certificate revoked later was good.
        uses: purposes of which an anchor must have one: seals of organisations, unless told otherwise.
        listed: the version of the trust list to stand on; None for the one in force.
        crls, ocsps: revocation lists and answers in DER beside the configured ones; believed as far as their
            signatures go.
    """

    extra_anchors: tuple[bytes, ...] = ()
    at: datetime | None = None
    proven: datetime | None = None
    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    uses: frozenset[str] = frozenset({SEAL})
    listed: TrustList | None = None


class FileInspector(Protocol):
    """Judges the signatures of an uploaded file, without asking the register."""

    def inspect(self, data: bytes, trust: TrustChoice, now: datetime) -> FileFindings:
        """Findings in the words of EN 319 102-1; never raises for a bad file."""
        ...


class ReceiptSigner(Protocol):
    """Signs receipts of verifications, and reads them again."""

    def sign(self, claims: Mapping[str, object], *, now: datetime) -> str:
        """A compact JWS over the claims, with ``iss``, ``iat`` and ``jti`` added."""
        ...

    def read(self, receipt: str) -> Mapping[str, object]:
        """The claims of a receipt of ours; InvalidInput when it is none or was changed."""
        ...

    def sign_answer(self, claims: Mapping[str, object], *, now: datetime) -> str:
        """The same over an answer about a license (数据核验), of a type of its own."""
        ...

    def keys(self) -> Mapping[str, object]:
        """The public keys as JWKS (RFC 7517), those of before included."""
        ...


class StatusSigner(Protocol):
    """Signs status lists under keys of its own."""

    def sign_jwt(self, claims: StatusClaims) -> bytes:
        """The list as ``application/statuslist+jwt``; Unavailable when no key was made."""
        ...

    def sign_cwt(self, claims: StatusClaims) -> bytes:
        """The list as ``application/statuslist+cwt``; Unavailable when no key was made."""
        ...

    def keys(self) -> Mapping[str, object]:
        """The public keys as JWKS (RFC 7517), those of before included."""
        ...


class ObjectStore(Protocol):
    """Files by name. Names are made by us from digests; never from user input."""

    def put(self, name: str, data: bytes, *, content_type: str) -> None:
        """Store durably, unless the very same bytes are there already; other bytes under the name: IntegrityError."""
        ...

    def get(self, name: str) -> bytes:
        """The bytes; NotFound when there are none."""
        ...

    def put_all(self, files: Mapping[str, bytes], *, content_type: str) -> None:
        """Store each durably, as :meth:`put`; after an error some may be there, whole, and all may be put again."""
        ...

    def get_all(self, names: Sequence[str]) -> Mapping[str, bytes]:
        """The bytes by name; NotFound when there are none under one of them."""
        ...

    def delete(self, name: str) -> None:
        """Remove, if there."""
        ...

    def retain(self, name: str, *, until: datetime) -> None:
        """Lock against deletion until then, where the store can; never shortened. NotFound when there is none."""
        ...

    def retain_all(self, until: Mapping[str, datetime]) -> None:
        """Lock each until its moment, as :meth:`retain`; after an error all may be locked again."""
        ...

    def link(self, name: str, *, file_name: str, lifetime_s: int) -> str | None:
        """A short-lived URL that gives the object to whoever holds it; None where the store has no address."""
        ...

    def names(self, prefix: str, *, before: datetime | None = None) -> tuple[str, ...]:
        """All names that start with ``prefix``, sorted; with ``before`` only what was last written before it."""
        ...

    def walk(self, prefix: str, *, before: datetime | None = None) -> Iterator[str]:
        """The same in no order, without ever holding all of them."""
        ...

    def close(self) -> None:
        """End its connections."""
        ...


class Cipher(Protocol):
    """Encrypts personal columns under a key from outside the database (DESIGN.md 8)."""

    def seal_text(self, text: str, context: str) -> bytes:
        """AES-256-GCM of ``text`` bound to ``context`` (table.column)."""
        ...

    def open_text(self, blob: bytes, context: str) -> str:
        """The text again; IntegrityError when the blob or its context was changed."""
        ...

    def blind(self, text: str, context: str) -> bytes:
        """Keyed digest for equality search (HMAC-SHA-256), 32 bytes."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """Who calls.

    Attributes:
        subject: stable id (client id, or the person's subject at the identity provider).
        kind: ``system`` or ``person``.
        roles: from ``commands/access/roles.py``.
        authority_code: USCC of the authority a system or officer belongs to, or empty.
        name: shown in ledgers (a client's name, an officer's 执法证号).
        holder_code: verified holder code of a citizen or company, or empty.
        holder_code_type: 持证主体代码类型代码, or empty.
        staff_required: whether a system names one of its registered staff with every fetch.
        purpose: 使用目的 of a system where a request says none, or empty.
    """

    subject: str
    kind: str
    roles: frozenset[str]
    authority_code: str = ""
    name: str = ""
    holder_code: str = ""
    holder_code_type: str = ""
    staff_required: bool = False
    purpose: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Deps:
    """Everything a command may use."""

    uow: UnitOfWorkFactory
    catalogs: CatalogSource
    renderer: Renderer
    sealer: Sealer
    press: Press
    """renderer and sealer for the pages of a batch"""
    inspector: FileInspector
    """judges uploads, in a process of its own"""
    self_inspector: FileInspector
    """judges what we have just sealed, or have on the register, in this process"""
    revocations: RevocationSource
    verification_receipts: ReceiptSigner
    """signs statements about verdicts; ``tx.receipts`` are something else: what a caller sent under a key"""
    trust: TrustSource
    trust_lists: TrustDocuments
    partners: PartnerRegisters
    status_signer: StatusSigner
    log_signer: LogSigner
    offline: OfflineSigner
    uploads: UploadDesk
    """reads uploads to be stamped, in processes of its own"""
    painter: MarkPainter
    objects: ObjectStore
    tokens: TokenService
    seal_maker: SealMaker
    authorities: Authorities
    clock: Clock
    ids: Ids
    policy: Policy
    faults: FaultPoints
    person_keys: PersonKeys
    signing_pages: SigningPages
    upload_check: UploadCheck
    notifier: Notifier
    receivers: Receivers
    notice_texts: NoticeTexts
    channels: tuple[NoticeChannel, ...] = ()
    """ways to holders; without one a notice is a line on the own page"""
    carriers: tuple[Carrier, ...] = ()
    """what the relay takes events to, outside the database"""
    oversight_lists: OversightLists = NO_LISTS
    """which fields of which type may go to regulators"""
    province: Province | None = None
    """where licenses are reported to, if anywhere"""
    identity: IdentityProvider | None = None
    """where people sign in, if pages may send them there"""
    tracer: Tracer = NO_SPANS
    policies: PolicyBoard = field(default_factory=PolicyBoard)
    """what matters may ask for, as this process drew it last"""

    @property
    def catalog(self) -> Catalog:
        """The catalog in effect."""
        return self.catalogs.current

    def pinned(self) -> Deps:
        """The same over the catalog in effect now: one piece of work follows one catalog from beginning to end."""
        return replace(self, catalogs=FixedCatalog(self.catalogs.current))


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """The settings that commands need, as plain values.

    Attributes:
        public_base: base URL of printed codes, such as ``https://zz.gov.cn.example``.
        show_code_ttl_s: how long a show code is accepted.
        max_upload_bytes: size limit of uploads.
        simulation_matters: codes of the matters of 模拟审批, which may see provisional opinions of their project.
        trusted_proxies: addresses and networks of the proxies whose headers are believed.
        certificate_header: the header in which they pass the certificate of a client; empty: none is believed.
    """

    sandbox: bool
    public_base: str
    event_source: str
    """``source`` of our CloudEvents"""
    show_code_ttl_s: int = 60
    officers_show_first: bool = False
    """whether an officer is given data in an open visit only: production, unless told otherwise"""
    visit_repeat_days: int = 30
    """within how many days another visit of the same holder needs a reason"""
    picture_days: int = 3 * 366
    """how long pictures of inspections are kept"""
    token_lifetime_s: int = 1800
    max_upload_bytes: int = 20 * 1024 * 1024
    sm2_required: bool = False
    """whether a license must bear an SM2 seal: production, unless told otherwise"""
    simulation_matters: frozenset[str] = frozenset()
    sharing_seal: str = ""
    """id of the seal of the sharing service, which seals annotated copies; empty: none can be made"""
    alert_days: int = 0
    """how far back uses count when a license changes; 0: as long as :data:`certsvc.license.use_alerts.ALERT_DAYS`"""
    log_stamp_minutes: int = 10
    """how often a checkpoint of the evidence log is timestamped, where an authority is configured"""
    catalog_dir: Path | None = None
    """where the seed files of the catalog are, or None for those of the program"""
    trusted_proxies: tuple[str, ...] = ()
    certificate_header: str = ""


class Carrier(Protocol):
    """Takes events to something outside the database, in order; to take one again must be as if it was taken once."""

    @property
    def name(self) -> str:
        """Under which its place in the feed is kept; never changed once in use."""
        ...

    def carry(self, deps: Deps, events: Sequence[Event]) -> None:
        """Return when every one of ``events`` has arrived; whatever is raised, all of them are brought again."""
        ...

    def close(self) -> None:
        """End its connections."""
        ...


class FaultPoints(Protocol):
    """Named places where a test may kill the process; the production one does nothing."""

    def reach(self, name: str) -> None:
        """Called at the named step."""
        ...
