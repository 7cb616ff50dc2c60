"""The other side of each ratio: raw cryptography, stock pyHanko, ReportLab; imported only when measured."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from certsvc.ids import SystemIds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from certsvc.commands.page_ports import PageJob

MM = 72 / 25.4
STAMP_PX = 400


def _key(algorithm: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    if algorithm == "p256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=int(algorithm.removeprefix("rsa")))


def raw_rsa_signer(bits: int = 2048) -> Callable[[], object]:
    """One RSA signature (PKCS#1 v1.5, SHA-256) over 32 bytes."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    key = _key(f"rsa{bits}")
    scheme, digest = padding.PKCS1v15(), hashes.SHA256()
    return lambda: key.sign(b"0" * 32, scheme, digest)


def _simple_signer(algorithm: str) -> Any:
    """PyHanko's own signer with a key and a self-signed certificate, as its documentation shows."""
    from asn1crypto import keys
    from asn1crypto import x509 as asn1_x509
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509.oid import NameOID
    from pyhanko.sign import signers
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    key = _key(algorithm)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bench")])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(SystemIds().cert_serial()).not_valid_before(start)
    certificate = builder.not_valid_after(start + timedelta(days=3650)).sign(key, hashes.SHA256())
    der = certificate.public_bytes(serialization.Encoding.DER)
    private = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return signers.SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(der),
        signing_key=keys.PrivateKeyInfo.load(private),
        cert_registry=SimpleCertificateStore(),  # type: ignore[no-untyped-call]
    )


def _without_signature(sealed: bytes) -> bytes:
    """The same finished page, without its signature field: what a stock tool would be given."""
    import pikepdf

    with pikepdf.open(io.BytesIO(sealed)) as document:
        for name in ("/AcroForm", "/Perms"):
            if name in document.Root:
                del document.Root[name]
        if "/Annots" in document.pages[0]:
            del document.pages[0]["/Annots"]
        out = io.BytesIO()
        document.save(out)
    return out.getvalue()


def stock_pyhanko_sealer(sealed: bytes, algorithm: str) -> Callable[[], object]:
    """``signers.PdfSigner.sign_pdf`` with a visible picture of the seal, as a user of pyHanko would write it."""
    return _stock_sealer(_without_signature(sealed), algorithm, certify=True)


def stock_pyhanko_stamper(page: bytes, algorithm: str) -> Callable[[], object]:
    """The same over an upload of others, as an approval signature."""
    return _stock_sealer(page, algorithm, certify=False)


def uploaded_page() -> bytes:
    """A letter of one page as an office program writes it, drawn by ReportLab."""
    from reportlab.pdfgen.canvas import Canvas

    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(595.28, 841.89), pageCompression=1, invariant=1)
    for row in range(40):
        canvas.drawString(
            72, 780 - 16 * row, f"Example line {row}: the application of the example company is approved."
        )
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _stock_sealer(page: bytes, algorithm: str, *, certify: bool) -> Callable[[], object]:
    from PIL import Image, ImageDraw
    from pyhanko.pdf_utils.images import PdfImage
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers
    from pyhanko.stamp import StaticStampStyle

    signer = _simple_signer(algorithm)
    picture = Image.new("RGBA", (STAMP_PX, STAMP_PX), (0, 0, 0, 0))
    ImageDraw.Draw(picture).ellipse((8, 8, STAMP_PX - 8, STAMP_PX - 8), outline=(230, 0, 18, 255), width=12)

    def seal() -> bytes:
        writer = IncrementalPdfFileWriter(io.BytesIO(page))
        spec = fields.SigFieldSpec("Seal", box=(380, 120, 499, 239))
        metadata = signers.PdfSignatureMetadata(
            field_name="Seal",
            md_algorithm="sha256",
            certify=certify,
            docmdp_permissions=fields.MDPPerm.NO_CHANGES if certify else fields.MDPPerm.FILL_FORMS,
            subfilter=fields.SigSeedSubFilter.PADES,
        )
        style = StaticStampStyle(background=PdfImage(picture), border_width=0, background_opacity=1)
        tool = signers.PdfSigner(metadata, signer, stamp_style=style, new_field_spec=spec)
        out: io.BytesIO = tool.sign_pdf(writer)
        return out.getvalue()

    return seal


def stock_pyhanko_validator(sealed: io.BytesIO, anchors: Iterable[bytes]) -> Callable[[], object]:
    """``validate_pdf_signature`` of the first signature, with a context that is used again."""
    from asn1crypto import pem, x509
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    data = sealed.getvalue()
    roots = [x509.Certificate.load(pem.unarmor(text)[2]) for text in anchors]
    context = ValidationContext(trust_roots=roots, allow_fetching=False)

    def validate() -> object:
        reader = PdfFileReader(io.BytesIO(data))
        return validate_pdf_signature(reader.embedded_signatures[0], context)

    if not getattr(validate(), "bottom_line", False):
        msg = "the rival does not accept the file; the comparison would be empty"
        raise RuntimeError(msg)
    return validate


def reportlab_page(job: PageJob, font_dirs: Sequence[Path]) -> Callable[[], object]:
    """The same page drawn by ReportLab: same texts, fonts, photo, code, frame and stamp; fonts registered once."""
    import segno
    from reportlab.lib.utils import ImageReader
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont
    from reportlab.pdfgen.canvas import Canvas

    file = next(path for place in font_dirs for path in place.glob("NotoSerifSC_400*.ttf"))
    pdfmetrics.registerFont(TTFont("song", str(file)))
    face = job.license_type.face
    height = (297 if face.orientation == "portrait" else 210) * MM
    width = (210 if face.orientation == "portrait" else 297) * MM

    def draw() -> bytes:
        out = io.BytesIO()
        canvas = Canvas(out, pagesize=(width, height), pageCompression=1)
        for inset in (8, 10, 14):
            canvas.rect(inset * MM, inset * MM, width - 2 * inset * MM, height - 2 * inset * MM)
        canvas.setFont("song", 28)
        canvas.drawCentredString(width / 2, height - 40 * MM, face.title)
        for item in face.items:
            baseline = height - (item.box.y + item.box.h * 0.7) * MM
            canvas.setFont("song", item.size)
            canvas.drawString(item.label_x * MM, baseline, item.label)
            canvas.drawString(item.box.x * MM, baseline, job.values.get(item.source, ""))
        canvas.drawString(face.issuer.x * MM, height - (face.issuer.y + 6) * MM, job.issuer_name)
        canvas.drawString(face.date.x * MM, height - (face.date.y + 6) * MM, job.values["issued_on"])
        if job.photo is not None and face.photo is not None:
            box = face.photo
            picture = ImageReader(io.BytesIO(job.photo))
            canvas.drawImage(picture, box.x * MM, height - (box.y + box.h) * MM, box.w * MM, box.h * MM)
        code = segno.make(job.printed_code, error="m", micro=False)
        module = face.code.w * MM / (code.symbol_size(border=0)[0] + 8)
        for row, line in enumerate(code.matrix):
            for column, dark in enumerate(line):
                if dark:
                    x = face.code.x * MM + (column + 4) * module
                    canvas.rect(x, height - face.code.y * MM - (row + 5) * module, module, module, stroke=0, fill=1)
        centre = ((face.stamp.x + face.stamp.w / 2) * MM, height - (face.stamp.y + face.stamp.h / 2) * MM)
        canvas.setStrokeColorRGB(0.9, 0, 0.07)
        canvas.circle(*centre, job.stamp.diameter_mm / 2 * MM)
        canvas.drawCentredString(*centre, job.stamp.ring_text)
        canvas.showPage()
        canvas.save()
        return out.getvalue()

    return draw
