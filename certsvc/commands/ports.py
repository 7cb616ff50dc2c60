"""The ports of the commands; one frozen :class:`Deps`, built in ``app.py``, carries them all.

A port exists only where a real and a fake both exist. Ports are synchronous. What the store offers stands in
``store_ports.py``; here are the key ring, the page maker, the inspector of files, objects, ciphers and tokens.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from certsvc.commands.catalog.fixed import FixedCatalog

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date
    from pathlib import Path

    from certsvc.catalog.loader import Catalog
    from certsvc.catalog.model import LicenseType
    from certsvc.clock import Clock
    from certsvc.commands.life_ports import CatalogSource
    from certsvc.commands.store_ports import UnitOfWorkFactory
    from certsvc.ids import Ids
    from certsvc.seal.model import Seal, StampSpec
    from certsvc.seal.prepared import PreparedPdf
    from certsvc.seal.verdict import FileFindings


@dataclass(frozen=True, kw_only=True, slots=True)
class SignatureField:
    """What the signature dictionary of a page says (ISO 32000-2 table 255).

    Attributes:
        name: field name.
        sub_filter: ``ETSI.CAdES.detached`` for PAdES.
        reason, location: shown by readers.
        signed_at: value of ``/M``.
        docmdp: DocMDP permission (1-3) of a certification signature, or 0 for an approval signature.
        reserved_bytes: how many bytes of DER the hole must hold.
    """

    name: str
    sub_filter: str
    reason: str
    location: str
    signed_at: datetime
    docmdp: int
    reserved_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PageJob:
    """Everything a page needs; the same job always makes the same bytes.

    Attributes:
        values: text per ``FaceItem.source`` (``field:<key>``, ``holder_name`` …), face masks already applied.
        photo: baseline JPEG as :meth:`Renderer.normalise_photo` gave it, or None.
        printed_code: text of the printed QR code (an https URL).
        metadata: GB/T 36903 element name -> value, for XMP, the info dictionary and the attached file.
        issued_on: 成文日期, printed under the stamp.
        sandbox: whether 样本 仅供测试 不具有法律效力 goes across the page.
        document_id: 16 bytes, both halves of the trailer's ``/ID``.
        copy_label: ``副本`` and the like, printed in place of the face's subtitle, or empty.
        copy_number: number of the copy such as ``2-1``, or empty.
        annex: whether this is the 附页: what flows (``FaceItem.flow``) in full, from the same record.
    """

    license_type: LicenseType
    values: Mapping[str, str]
    photo: bytes | None
    printed_code: str
    issuer_name: str
    issued_on: date
    metadata: Mapping[str, str]
    stamp: StampSpec
    signature: SignatureField
    sandbox: bool
    document_id: bytes
    copy_label: str = ""
    copy_number: str = ""
    annex: bool = False


class Renderer(Protocol):
    """Makes pages. Fonts, templates and colour profiles are loaded once, at construction."""

    def render(self, job: PageJob) -> PreparedPdf:
        """The page with a hole for the signature.

        Raises:
            MissingGlyph: a character that no font has, naming it and its field.
            RenderingError: a value that does not fit its box at the smallest size.
        """
        ...

    def prove(self, types: Iterable[LicenseType], stamp: StampSpec) -> None:
        """Draw the constant part of every face, base pages included, without touching what runs.

        Raises:
            ConfigurationError: names the type whose face cannot be used, and says why.
        """
        ...

    def normalise_photo(self, data: bytes) -> bytes:
        """A baseline sRGB JPEG without metadata, at most 50 kB, 358 x 441 px or smaller.

        Raises:
            InvalidInput: not a JPEG or PNG picture, or damaged.
            TooLarge: more bytes or pixels than the limits.
        """
        ...

    def sample_photo(self) -> bytes:
        """A drawn silhouette, normalised: what stands for a photo on the page of a sample."""
        ...

    def qr_png(self, text: str, *, scale: int = 6) -> bytes:
        """A QR picture of ``text`` (level M, quiet zone of 4 modules) as PNG."""
        ...

    def preview_png(self, data: bytes, width_px: int, *, page: int = 0) -> bytes:
        """Page ``page`` (from 0) of a PDF of ours as an opaque PNG, ``width_px`` wide.

        Raises:
            InvalidInput: no PDF, or no such page.
            TooLarge: a file or picture over the limits.
        """
        ...

    def table_xlsx(self, title: str, header: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> bytes:
        """A table of text as XLSX; no cell is ever a formula."""
        ...

    def check_glyphs(self, text: str) -> tuple[str, ...]:
        """The characters of ``text`` that no font draws."""
        ...

    def check_text(self, text: str) -> tuple[str, ...]:
        """The extracted-text form of a page is compared with this in tests: characters as printed, in order."""
        ...


class KeyRing(Protocol):
    """Holds private keys and never lets them go; key and certificate were proven to match at load."""

    def sign_digest(self, key_id: str, digest_algorithm: str, data: bytes) -> bytes:
        """Signature over ``data`` (hashed inside); raises SigningError."""
        ...


class Sealer(Protocol):
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

    def seal(self, prepared: PreparedPdf, seal: Seal, format_name: str, *, signed_at: datetime) -> bytes:
        """The sealed file.

        Raises:
            SigningError: no key, certificate out of its period, or the signature does not verify.
        """
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class TrustChoice:
    """Which anchors and moment a verification stands on.

    Attributes:
        extra_anchors: PEM certificates that the CLI's caller brought; HTTP callers may not.
        at: the verification moment, or None for now.
    """

    extra_anchors: tuple[bytes, ...] = ()
    at: datetime | None = None


class FileInspector(Protocol):
    """Judges the signatures of an uploaded file, without asking the register."""

    def inspect(self, data: bytes, trust: TrustChoice, now: datetime) -> FileFindings:
        """Findings in the words of EN 319 102-1; never raises for a bad file."""
        ...


class ObjectStore(Protocol):
    """Files by name. Names are made by us from digests; never from user input."""

    def put(self, name: str, data: bytes, *, content_type: str) -> None:
        """Store durably, unless the very same bytes are there already; other bytes under the name: IntegrityError."""
        ...

    def get(self, name: str) -> bytes:
        """The bytes; NotFound when there are none."""
        ...

    def delete(self, name: str) -> None:
        """Remove, if there."""
        ...

    def names(self, prefix: str, *, before: datetime | None = None) -> tuple[str, ...]:
        """All names that start with ``prefix``, sorted; with ``before`` only what was last written before it."""
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
    """

    subject: str
    kind: str
    roles: frozenset[str]
    authority_code: str = ""
    name: str = ""
    holder_code: str = ""
    holder_code_type: str = ""


class TokenService(Protocol):
    """Makes and checks access tokens (JWS); checks those of a configured OIDC issuer too.

    Claims go in and come out as plain mappings; ``commands/access/principals.py`` turns them into a Principal.
    """

    def issue(self, claims: Mapping[str, object], *, now: datetime, lifetime_s: int) -> str:
        """A signed ``at+jwt`` access token (RFC 9068) with ``iss``, ``aud``, ``iat``, ``exp`` and ``jti`` added."""
        ...

    def check(self, token: str, *, now: datetime) -> Mapping[str, object]:
        """Its claims; Unauthenticated for a wrong signature, algorithm, type, issuer, audience or time."""
        ...

    def check_client_assertion(self, assertion: str, jwks: str, *, client_id: str, now: datetime) -> str:
        """The ``jti`` of a valid ``private_key_jwt`` assertion (RFC 7523 §3) of ``client_id``; else Unauthenticated."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Deps:
    """Everything a command may use."""

    uow: UnitOfWorkFactory
    catalogs: CatalogSource
    renderer: Renderer
    sealer: Sealer
    inspector: FileInspector
    """judges uploads, in a process of its own"""
    self_inspector: FileInspector
    """judges what we have just sealed, in this process"""
    objects: ObjectStore
    tokens: TokenService
    clock: Clock
    ids: Ids
    policy: Policy
    faults: FaultPoints

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
        sandbox: profile is sandbox.
        public_base: base URL of printed codes, such as ``https://zz.gov.cn.example``.
        show_code_ttl_s: how long a show code is accepted.
        max_upload_bytes: size limit of uploads.
        simulation_matters: codes of the matters of 模拟审批, which may see provisional opinions of their project.
    """

    sandbox: bool
    public_base: str
    event_source: str
    """``source`` of our CloudEvents"""
    show_code_ttl_s: int = 60
    token_lifetime_s: int = 1800
    max_upload_bytes: int = 20 * 1024 * 1024
    simulation_matters: frozenset[str] = frozenset()
    catalog_dir: Path | None = None
    """where the seed files of the catalog are, or None for those of the program"""


class FaultPoints(Protocol):
    """Named places where a test may kill the process; the production one does nothing."""

    def reach(self, name: str) -> None:
        """Called at the named step."""
        ...
