"""A CMS in a prepared page: PAdES B-B (EN 319 142-1) and the SM2 form of GB/T 35275 (STANDARDS.md 4.4, 4.6).

Both fill the hole with a detached SignedData made from a template; they differ in ``/SubFilter`` and in the signed
attributes. With an SM2 key PAdES B-B has the same shape, with SM3 digests.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

from certsvc.errors import SigningError
from certsvc.signing.cms import make_template
from certsvc.signing.der import element_size
from certsvc.signing.keyring import verify

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.seal.prepared import PreparedPdf
    from certsvc.signing.cms import CmsTemplate
    from certsvc.signing.keyring import KeyCertificate, KeyRing

MARGIN_BYTES = 64
"""Room beyond the measured maximum, for a re-issued certificate whose serial or times take a few bytes more."""

MAX_TEMPLATES = 1000
"""Templates kept in memory, one per certificate; a province has fewer seals than this per process."""

_BYTE_RANGE_KEY = b"/ByteRange"
_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")
_CONTENTS_BEFORE = re.compile(rb"/Contents\s*$")


class TemplatedCms:
    """Fills a prepared page with a CMS that the key ring signed; never sees a private key."""

    name: str
    sub_filter: str
    filter = "Adobe.PPKLite"
    signing_time: bool
    algorithms: frozenset[str]

    def __init__(self) -> None:
        """Start without templates; each certificate's is made at its first use."""
        self._templates: dict[bytes, CmsTemplate] = {}
        self._lock = threading.Lock()

    def reserved_bytes(self, ring: KeyRing, key_id: str) -> int:
        """Size of the largest CMS of this certificate, measured on a dry one without the key, and a margin."""
        return self.template(ring.certificate(key_id)).max_size + MARGIN_BYTES

    def sign(self, prepared: PreparedPdf, ring: KeyRing, key_id: str, *, signed_at: datetime) -> bytes:
        """The sealed file.

        Raises:
            SigningError: the page's ``/ByteRange`` is not that of its hole, the CMS does not fit, the key operation
                failed, or the result does not verify over the page as it was prepared.
        """
        check_hole(prepared)
        public = ring.certificate(key_id)
        template = self.template(public)
        check_room(prepared, template.max_size)
        at = signed_at if self.signing_time else None
        digest = prepared.digest(template.suite.digest)
        signed = template.to_be_signed(digest, at)
        signature = ring.sign_digest(key_id, template.suite.digest, signed)
        der = self.finished(template, digest, signature, at)
        check_room(prepared, len(der))
        sealed = prepared.fill(der)
        # The template was read back as a CMS when it was made, so that what remains is compared and not parsed.
        good = check_unchanged(sealed, prepared) == der
        if not good or not verify(public.public_key, signature, signed, template.suite.digest):
            msg = "签章结果自检未通过：签名与准备的页面不符，文件已丢弃"
            raise SigningError(msg)
        return sealed

    def finished(self, template: CmsTemplate, digest: bytes, signature: bytes, signed_at: datetime | None) -> bytes:
        """The CMS in DER; forms with unsigned attributes add them here."""
        return template.assemble(digest, signature, signed_at)

    def template(self, public: KeyCertificate) -> CmsTemplate:
        """The template for a certificate; SigningError for a key of an algorithm that the form does not know."""
        if public.algorithm not in self.algorithms:
            msg = f"签章格式 {self.name} 不能使用 {public.algorithm} 密钥：请改用 {'、'.join(sorted(self.algorithms))}"
            raise SigningError(msg)
        with self._lock:
            found = self._templates.get(public.fingerprint)
        if found is None:
            found = make_template(public, signing_time=self.signing_time)
            with self._lock:
                if len(self._templates) >= MAX_TEMPLATES:
                    self._templates.clear()
                self._templates[public.fingerprint] = found
        return found


class PadesBaseline(TemplatedCms):
    """PAdES B-B."""

    name = "pades-b-b"
    sub_filter = "ETSI.CAdES.detached"
    signing_time = False
    algorithms = frozenset({"p256", "rsa2048", "rsa3072", "sm2"})


class Sm2Cms(TemplatedCms):
    """SM2 with SM3 in a CMS: content-type, signing-time and message-digest signed, digest without Z."""

    name = "sm2-cms"
    sub_filter = "adbe.pkcs7.detached"
    signing_time = True
    algorithms = frozenset({"sm2"})


def check_room(prepared: PreparedPdf, needed: int) -> None:
    """SigningError when the hole is smaller than ``needed`` bytes: asked before the key is used."""
    if needed > prepared.capacity:
        msg = f"预留的签名空间 {prepared.capacity} 字节不足，需要 {needed} 字节"
        raise SigningError(msg)


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
    if _byte_ranges(prepared).count(prepared.byte_range) != 1:
        msg = "页面的 /ByteRange 与签名空位不一致"
        raise SigningError(msg)


def _byte_ranges(prepared: PreparedPdf) -> list[tuple[int, ...]]:
    """The numbers of every ``/ByteRange``; found by plain search, which takes a tenth of the pattern's time."""
    data, prefix = prepared.data, prepared.known_prefix()
    # A known prefix was searched when the first page came; a key that reaches over its end is still found.
    skip = len(prefix.data) - len(_BYTE_RANGE_KEY) if prefix and not prefix.holds(_BYTE_RANGE_KEY) else 0
    found = []
    place = data.find(_BYTE_RANGE_KEY, max(skip, 0))
    while place >= 0:
        match = _BYTE_RANGE.match(data, place)
        if match is not None:
            found.append(tuple(int(number) for number in match.groups()))
        place = data.find(_BYTE_RANGE_KEY, place + 1)
    return found


def check_unchanged(sealed: bytes, prepared: PreparedPdf) -> bytes:
    """The DER in the hole; SigningError when any other byte of the page changed."""
    start, end = prepared.hole_start, prepared.hole_end
    before, after = memoryview(prepared.data)[:start], memoryview(prepared.data)[end:]
    # Views are compared without being copied.
    same = len(sealed) == len(prepared.data) and sealed.startswith(before)
    if not same or not sealed.endswith(after):
        msg = "签章结果自检未通过：签名与准备的页面不符，文件已丢弃"
        raise SigningError(msg)
    der = bytes.fromhex(sealed[start + 1 : end - 1].decode("ascii"))
    return der[: element_size(der)]
