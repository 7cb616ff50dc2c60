"""Hand-made one-page files with a hole, independent of the rendering room; and key rings for the signing tests."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image

from certsvc.clock import FixedClock
from certsvc.ids import SystemIds
from certsvc.seal.marks import NextField, NextSignature
from certsvc.seal.model import Seal
from certsvc.seal.prepared import PreparedPdf
from certsvc.signing.declaration import load_seal_declarations
from certsvc.signing.devpki import DevKeys, init_dev_keys
from certsvc.signing.formats import FORMATS
from certsvc.signing.keyring import SoftwareKeyRing
from certsvc.signing.master_key import MasterKey
from certsvc.signing.seal_object import SealDirectory, SealDraft, export_seal, make_seal
from certsvc.signing.sealer import LicenseSealer
from certsvc.signing.ses_format import SesV4
from certsvc.signing.trust import TrustAnchors

PROJECT = Path(__file__).resolve().parents[2]
DEV_TOML = PROJECT / "keys" / "dev.toml"
NOW = datetime(2026, 3, 1, 4, 5, 6, tzinfo=UTC)

EC_SEAL = "seal_11990000MB0000019F"
RSA_SEAL = "seal_11990000MB0000027A"
SM2_SEAL = "seal_11990100MB00010113_sm2"

_NUMBER = b"%010d"
RANGE_PLACE = b"[" + b" ".join([_NUMBER % 0] * 4) + b"]"


MAKER = "seal-maker-1"
SES = "ses-v4"
ALL_FORMATS = (
    ("pades-b-b", EC_SEAL),
    ("pades-b-b", RSA_SEAL),
    ("pades-b-b", SM2_SEAL),
    ("sm2-cms", SM2_SEAL),
    (SES, SM2_SEAL),
)
"""Every format with a seal of every algorithm that it goes with."""


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """A development PKI in a temporary directory, at :data:`NOW`."""

    master: MasterKey
    keys: DevKeys
    ring: SoftwareKeyRing
    seals: dict[str, Seal]
    sealer: LicenseSealer
    seal_objects: Path
    anchors: TrustAnchors

    def sealed(self, format_name: str, seal_id: str, **how: Any) -> tuple[PreparedPdf, bytes]:
        """A page of :func:`one_page` and the same page sealed."""
        seal = self.seals[seal_id]
        how.setdefault("sub_filter", self.sealer.sub_filter(format_name))
        prepared = one_page(self.sealer.reserved_bytes(seal, format_name), **how)
        return prepared, self.sealer.seal(prepared, seal, format_name, signed_at=NOW)


def png() -> bytes:
    """A red picture."""
    out = io.BytesIO()
    Image.new("RGBA", (60, 60), (230, 0, 18, 255)).save(out, "PNG")
    return out.getvalue()


def seal_draft(seal: Seal, ring: SoftwareKeyRing, **changes: Any) -> SealDraft:
    """What the seal object of ``seal`` says."""
    draft = SealDraft(
        seal_id=seal.seal_id,
        name=seal.name,
        certificates=(ring.certificate(seal.key_id).certificate,),
        picture=png(),
        width_mm=42,
        height_mm=42,
        created=NOW,
        begins=NOW - timedelta(days=1),
        ends=NOW + timedelta(days=365),
    )
    return replace(draft, **changes)


def open_workshop(directory: Path) -> Workshop:
    """Make the PKI of keys/dev.toml below ``directory``."""
    master = MasterKey(base64.urlsafe_b64decode(SystemIds().secret() + "="))
    keys = init_dev_keys(DEV_TOML, directory, master, FixedClock(NOW), SystemIds())
    ring = SoftwareKeyRing(directory, master, profile="sandbox")
    seals = {seal.seal_id: seal for seal in load_seal_declarations(DEV_TOML, ring)}
    seal_objects = directory / "seals"
    for seal in seals.values():
        if seal.algorithm == "sm2":
            export_seal(seal_objects, seal.key_id, make_seal(seal_draft(seal, ring), ring, MAKER))
    return Workshop(
        master=master,
        keys=keys,
        ring=ring,
        seals=seals,
        sealer=LicenseSealer(ring, (*FORMATS, SesV4(SealDirectory(seal_objects)))),
        seal_objects=seal_objects,
        anchors=TrustAnchors.from_directory(keys.trust_dir).with_maker_of(directory, MAKER),
    )


def text_field(value: str) -> bytes:
    """The form field of :func:`one_page` that is no signature (object 8)."""
    return b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (Amount) /V (%b) /Rect [ 0 0 0 0 ] >>" % value.encode("ascii")


def page_object(*fields: int) -> bytes:
    """Object 3: the page, with these widgets."""
    annotations = b" ".join(b"%d 0 R" % field for field in fields)
    return (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [ 0 0 595 842 ] /Contents 4 0 R /Annots [ %b ]"
        b" /Resources << /Font << /F1 5 0 R >> >> >>" % annotations
    )


def catalog_object(*fields: int, docmdp: int) -> bytes:
    """Object 1: the catalog, with these form fields."""
    perms = b" /Perms << /DocMDP 7 0 R >>" if docmdp else b""
    listed = b" ".join(b"%d 0 R" % field for field in fields)
    return b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [ %b ] /SigFlags 3 >>%b >>" % (listed, perms)


def signature_object(
    reserved: int, *, sub_filter: str = "ETSI.CAdES.detached", docmdp: int = 0, kind: str = "Sig"
) -> bytes:
    """A signature dictionary whose hole and byte range are still to be filled in."""
    reference = (
        b" /Reference [ << /Type /SigRef /TransformMethod /DocMDP /TransformParams"
        b" << /Type /TransformParams /P %d /V /1.2 >> >> ]" % docmdp
        if docmdp
        else b""
    )
    return (
        b"<< /Type /%b /Filter /Adobe.PPKLite /SubFilter /%b /M (D:20260301040506Z)%b /ByteRange %b /Contents <%b> >>"
        % (
            kind.encode("ascii"),
            sub_filter.encode("ascii"),
            reference,
            RANGE_PLACE,
            b"0" * (2 * reserved),
        )
    )


def prepare(data: bytes) -> PreparedPdf:
    """Fill in the byte range of the one signature in ``data`` that has none yet."""
    out = bytearray(data)
    place = out.index(RANGE_PLACE)
    start = out.index(b"/Contents <", place) + len(b"/Contents ")
    end = out.index(b">", start) + 1
    numbers = (0, start, end, len(out) - end)
    out[place : place + len(RANGE_PLACE)] = b"[" + b" ".join(_NUMBER % number for number in numbers) + b"]"
    return PreparedPdf(data=bytes(out), hole_start=start, hole_end=end)


def one_page(
    reserved: int,
    *,
    text: str = "Example license 001",
    sub_filter: str = "ETSI.CAdES.detached",
    docmdp: int = 1,
    amount: str = "",
    later_field: str = "",
) -> PreparedPdf:
    """One A4 page with a signature field, a hole for ``reserved`` bytes of DER and, with ``amount``, a text field."""
    content = f"BT /F1 24 Tf 72 720 Td ({text}) Tj ET".encode("ascii")
    fields = (6, 8) if amount or later_field else (6,)
    later = (
        b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (%b) /P 3 0 R /F 132 /Rect [ 0 0 0 0 ] >>" % later_field.encode()
    )
    objects = [
        catalog_object(*fields, docmdp=docmdp),
        b"<< /Type /Pages /Kids [ 3 0 R ] /Count 1 >>",
        page_object(*fields),
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Seal1) /V 7 0 R /P 3 0 R /F 132 /Rect [ 0 0 0 0 ] >>",
        signature_object(reserved, sub_filter=sub_filter, docmdp=docmdp),
        *([text_field(amount)] if amount else [later] if later_field else []),
    ]
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    xref = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    identity = b"<00112233445566778899aabbccddeeff>"
    out += b"trailer\n<< /Size %d /Root 1 0 R /ID [ %b %b ] >>\n" % (len(objects) + 1, identity, identity)
    return prepare(bytes(out + b"startxref\n%d\n%%%%EOF\n" % xref))


def seal_twice(
    sealer: LicenseSealer,
    prepare_next: Callable[[bytes, NextField, NextSignature], PreparedPdf],
    prepared: PreparedPdf,
    seals: tuple[tuple[Seal, str], tuple[Seal, str]],
    field: NextField,
    *,
    signed_at: datetime,
) -> bytes:
    """The page with two seals: for readers abroad first (RSA or P-256, certification with P=2), then SM2.

    ``seals`` are pairs of a seal and a format's name, in the order of signing. Each is one use of its key.

    Raises:
        SigningError: a seal cannot sign (see :meth:`~certsvc.signing.sealer.LicenseSealer.seal`), the first one allows
            no changes, or the field is missing or taken.
    """
    (first, first_format), (second, second_format) = seals
    sealed = sealer.seal(prepared, first, first_format, signed_at=signed_at)
    again = prepare_next(
        sealed,
        field,
        NextSignature(
            filter=sealer.filter(second_format),
            sub_filter=sealer.sub_filter(second_format),
            signed_at=signed_at,
            signer=second.name,
            reserved_bytes=sealer.reserved_bytes(second, second_format),
        ),
    )
    return sealer.seal(again, second, second_format, signed_at=signed_at)
