"""PAdES B-B: a detached CMS under ``ETSI.CAdES.detached`` (ETSI EN 319 142-1, STANDARDS.md 4.6 mode 1)."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes

from certsvc.errors import SigningError
from certsvc.signing.cms import DIGEST, make_template, message_digest_of
from certsvc.signing.der import element_size
from certsvc.signing.keyring import verify

if TYPE_CHECKING:
    from certsvc.seal.prepared import PreparedPdf
    from certsvc.signing.cms import CmsTemplate
    from certsvc.signing.keyring import KeyCertificate, SoftwareKeyRing

MARGIN_BYTES = 64
"""Room beyond the measured maximum, for a re-issued certificate whose serial or times take a few bytes more."""

MAX_TEMPLATES = 1000
"""Templates kept in memory, one per certificate; a province has fewer seals than this per process."""

_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")
_CONTENTS_BEFORE = re.compile(rb"/Contents\s*$")


class PadesBaseline:
    """Fills a prepared page with a CMS that the key ring signed; never sees a private key."""

    name = "pades-b-b"
    sub_filter = "ETSI.CAdES.detached"

    def __init__(self) -> None:
        """Start without templates; each certificate's is made at its first use."""
        self._templates: dict[bytes, CmsTemplate] = {}
        self._lock = threading.Lock()

    def reserved_bytes(self, ring: SoftwareKeyRing, key_id: str) -> int:
        """Size of the largest CMS of this certificate, measured on a dry one without the key, and a margin."""
        return self._template(ring.certificate(key_id)).max_size + MARGIN_BYTES

    def sign(self, prepared: PreparedPdf, ring: SoftwareKeyRing, key_id: str) -> bytes:
        """The sealed file.

        Raises:
            SigningError: the page's ``/ByteRange`` is not that of its hole, the CMS does not fit, the key operation
                failed, or the result does not verify over the page as it was prepared.
        """
        check_hole(prepared)
        public = ring.certificate(key_id)
        template = self._template(public)
        if template.max_size > prepared.capacity:
            msg = f"预留的签名空间 {prepared.capacity} 字节不足，需要 {template.max_size} 字节"
            raise SigningError(msg)
        digest = prepared.digest(DIGEST)
        signature = ring.sign_digest(key_id, DIGEST, template.to_be_signed(digest))
        sealed = prepared.fill(template.assemble(digest, signature))
        _check_sealed(sealed, prepared, digest, public)
        return sealed

    def _template(self, public: KeyCertificate) -> CmsTemplate:
        fingerprint = public.certificate.fingerprint(hashes.SHA256())
        with self._lock:
            found = self._templates.get(fingerprint)
        if found is None:
            found = make_template(public)
            with self._lock:
                if len(self._templates) >= MAX_TEMPLATES:
                    self._templates.clear()
                self._templates[fingerprint] = found
        return found


def check_hole(prepared: PreparedPdf) -> None:
    """Refuse a page whose ``/ByteRange`` and hole disagree: the seal would cover other bytes than those checked.

    Raises:
        SigningError: no hole, a hole that is not zeros, or no ``/ByteRange`` with exactly its numbers.
    """
    data, start, end = prepared.data, prepared.hole_start, prepared.hole_end
    if not 0 < start < end <= len(data) or (end - start) % 2 or prepared.capacity < 1:
        msg = "页面没有可用的签名空位"
        raise SigningError(msg)
    if data[start:end] != b"<" + b"0" * (end - start - 2) + b">" or not _CONTENTS_BEFORE.search(
        data, start - 16, start
    ):
        msg = "页面的签名空位已被占用或位置不对"
        raise SigningError(msg)
    ranges = [tuple(int(number) for number in match.groups()) for match in _BYTE_RANGE.finditer(data)]
    if ranges.count(prepared.byte_range) != 1:
        msg = "页面的 /ByteRange 与签名空位不一致"
        raise SigningError(msg)


def _check_sealed(sealed: bytes, prepared: PreparedPdf, digest: bytes, public: KeyCertificate) -> None:
    """Verify what was written: the same bytes but for the hole, and a signature over the digest that was checked."""
    start, end = prepared.hole_start, prepared.hole_end
    same = len(sealed) == len(prepared.data) and sealed[:start] == prepared.data[:start]
    same = same and sealed[end:] == prepared.data[end:]
    der = bytes.fromhex(sealed[start + 1 : end - 1].decode("ascii"))
    read_digest, signed, signature = message_digest_of(der[: element_size(der)])
    if not same or read_digest != digest or not verify(public.public_key, signature, signed, DIGEST):
        msg = "签章结果自检未通过：签名与准备的页面不符，文件已丢弃"
        raise SigningError(msg)
