"""The fast and strict verification of our own sealed pages (PERFORMANCE E): one shape, compared byte for byte.

A page passes here only when every byte is explained: the file is one revision as our renderer writes it, the gap is the
canonical hexadecimal of a CMS equal to our own template but for digest, time and signature, the padding is zeros, and
the signature of one of our own keys holds over everything else. Anything else gives no answer here and goes to pyHanko,
so this path can only say yes. What makes such a path unsafe elsewhere (brackets, case of hexadecimal, padding, a second
revision, certificates that are not looked at) is compared and not interpreted.

Chain, key usage and algorithms of a certificate come from pyHanko: the first page of each certificate is judged by it,
and only after it passed are later pages of that certificate matched, under the very same anchors; their periods are
compared each time.
"""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from certsvc.clock import check_aware
from certsvc.seal.trust_list import SEAL
from certsvc.seal.verdict import Check, FileFindings, Indication, Reason, SignatureReport
from certsvc.signing.bytes_rules import MAX_FILE_BYTES
from certsvc.signing.cms import make_template
from certsvc.signing.der import element_size
from certsvc.signing.formats import TEMPLATED
from certsvc.signing.inspector import NOT_CHECKED_REVOCATION, PdfInspector
from certsvc.signing.listed_anchors import ListedAnchors, listed
from certsvc.signing.own_revocations import OwnRevocations
from certsvc.signing.primitives import verify_signature

if TYPE_CHECKING:
    from certsvc.commands.ports import TrustChoice
    from certsvc.seal.prepared import PreparedPdf
    from certsvc.seal.verdict import RevocationQuery
    from certsvc.signing.cms import CmsTemplate
    from certsvc.signing.keyring import KeyCertificate, KeyRing
    from certsvc.signing.trust import TrustAnchors

_HEAD = b"%PDF-1.7\n"
_TAIL = b"%%EOF\n"
_WIDGET = b"<</Type/Annot/Subtype/Widget/FT/Sig/T("
_SIGNATURE = re.compile(
    rb"<</Type/Annot/Subtype/Widget/FT/Sig/T\(([A-Za-z0-9_-]{1,64})\)/F 132/Rect\[[-0-9. ]{7,80}\]/P \d{1,6} 0 R"
    rb"/V (\d{1,6}) 0 R/AP<</N \d{1,6} 0 R>>>>\nendobj\n(\d{1,6}) 0 obj\n"
    rb"<</Type/Sig/Filter/Adobe\.PPKLite/SubFilter/([A-Za-z0-9.]{1,32})"
    rb"/ByteRange\[0 (\d{1,8}) (\d{1,8}) (\d{1,8}) *\]/Contents<"
)
_TIME = re.compile(rb">/M\(D:(\d{14})([+-]\d\d)'(\d\d)'\)/")
_SIGNED_DATA_HEAD = 23
"""Bytes before the version of a SignedData of 256 to 65,535 bytes: three headers of 4 and the content type of 11."""

_FIRST_YEAR, _LAST_YEAR = 2020, 2048
"""Years that UTCTime holds in every time zone, beyond this software's own time."""

SEALS = frozenset({SEAL})
"""The purpose of the anchors of our own pages."""

_RSA = frozenset({"rsa2048", "rsa3072"})
_SHORTEST_DER, _LONGEST_DER = 8, 72
_OCTET_STRING, _SEQUENCE = 0x04, 0x30


@dataclass(kw_only=True, slots=True)
class _Own:
    """One certificate of ours in one form, with everything that does not depend on the page."""

    public: KeyCertificate
    template: CmsTemplate
    sub_filter: str
    signer: str
    fingerprint: str
    begins: datetime
    ends: datetime
    confirmed_under: tuple[bytes, ...] | None = None
    """the anchors under which pyHanko passed a page of this certificate, or None"""
    wanted: tuple[RevocationQuery, ...] | None = None
    """what can be asked about its chain; None while no page was judged without lists that speak of it"""
    anchor: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Gap:
    """Where the signature of a page is, and what the page says of it."""

    start: int
    end: int
    field_name: str
    sub_filter: str
    signed_at: datetime


class StrictInspector:
    """The ``FileInspector`` port for pages that we made ourselves: strict match first, pyHanko for the rest.

    Threads may share one. Fast answers are given only under the configured anchors. Where revocation lists are at hand
    every certificate of the chain is looked up in them; one that is revoked, or not known where an answer is demanded,
    sends the file to the slow path, which knows what that means at which time.
    """

    def __init__(self, ring: KeyRing, anchors: TrustAnchors | ListedAnchors) -> None:
        """Know the certificates of every key of ``ring``; the templates of one are made when its first page comes."""
        self._slow = PdfInspector(anchors)
        self._anchors = listed(anchors)
        self._revocations = OwnRevocations()
        self._own: dict[int, dict[bytes, list[_Own]]] = {}
        self._lock = threading.Lock()
        self._ring = ring
        self._known: set[bytes] = set()
        self._unseen: dict[bytes, KeyCertificate] = {}
        self._look_again()

    def inspect(self, data: bytes, trust: TrustChoice, now: datetime) -> FileFindings:
        """Findings in the words of EN 319 102-1; never raises for a bad file.

        Raises:
            InvalidInput: an extra anchor of ``trust`` is not a PEM certificate.
        """
        moment = check_aware(trust.at if trust.at is not None else now)
        found = None if _needs_more(trust) else self._matched(data, _gap_of(data), moment)
        return self._answer(data, found, trust, now)

    def inspect_sealed(self, prepared: PreparedPdf, sealed: bytes, trust: TrustChoice, now: datetime) -> FileFindings:
        """As :meth:`inspect`, for a page of which the prepared bytes are at hand: all but the hole must be theirs."""
        start, end = prepared.hole_start, prepared.hole_end
        same = len(sealed) == len(prepared.data) and sealed[:start] == prepared.data[:start]
        if not same or sealed[end:] != prepared.data[end:]:
            return self._slow.inspect(sealed, trust, now)
        gap = _gap_of(sealed)
        if gap is not None and (gap.start, gap.end) != (start, end):
            gap = None
        moment = check_aware(trust.at if trust.at is not None else now)
        found = None if _needs_more(trust) else self._matched(sealed, gap, moment)
        return self._answer(sealed, found, trust, now)

    def match(self, data: bytes, moment: datetime) -> FileFindings | None:
        """Findings of a page that matches strictly and passes, or None: nothing is known of it here."""
        anchors = self._anchors.serving(SEALS, moment)
        if anchors.crls or anchors.revocation_required:
            return None
        found = self._matched(data, _gap_of(data), check_aware(moment))
        if found is None or found[0].confirmed_under != anchors.certificates:
            return None
        return replace(found[1], anchors=(found[0].anchor,))

    def _answer(
        self, data: bytes, found: tuple[_Own, FileFindings] | None, trust: TrustChoice, now: datetime
    ) -> FileFindings:
        if found is None:
            return self._slow.inspect(data, trust, now)
        own, findings = found
        anchors = self._anchors.chosen(trust, now)
        crls = (*anchors.crls, *trust.crls)
        known = self._revocations.known_good(own.public, crls, now, anchors.certificates) if crls else False
        if own.confirmed_under == anchors.certificates:
            if known:
                return replace(findings, anchors=(own.anchor,), not_checked=())
            if known is False and own.wanted is not None and not anchors.revocation_required:
                return replace(findings, anchors=(own.anchor,), wanted=own.wanted)
        judged = self._slow.inspect(data, trust, now)
        # Both must say the very same before this certificate's pages are matched alone.
        same = replace(judged, not_checked=findings.not_checked, wanted=(), anchors=findings.anchors)
        if known is not None and same == findings:
            with self._lock:
                if own.confirmed_under != anchors.certificates:
                    own.wanted = None
                own.wanted = own.wanted if known else judged.wanted
                own.anchor = judged.anchors[0]
                own.confirmed_under = anchors.certificates
        return judged

    def _add(self, public: KeyCertificate) -> None:
        chain = (public.certificate, *public.issuers)
        names = public.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        for form in TEMPLATED:
            if public.algorithm not in form.algorithms:
                continue
            template = make_template(public, signing_time=form.signing_time)
            own = _Own(
                public=public,
                template=template,
                sub_filter=form.sub_filter,
                signer=str(names[0].value) if names else "",
                fingerprint=public.certificate.fingerprint(hashes.SHA256()).hex(),
                begins=max(one.not_valid_before_utc for one in chain),
                ends=min(one.not_valid_after_utc for one in chain),
            )
            by_start = self._own.setdefault(len(template.before_signers), {})
            by_start.setdefault(template.before_signers, []).append(own)

    def _matched(self, data: bytes, gap: _Gap | None, moment: datetime) -> tuple[_Own, FileFindings] | None:
        if gap is None:
            return None
        der = _canonical_der(data, gap)
        own = self._owner(der, gap.sub_filter) if der else None
        if own is None or not own.begins <= moment <= own.ends:
            return None
        covered, whole = _digests(data, gap, own.template.suite.digest)
        signature = _signature_of(der, own)
        at = gap.signed_at if own.template.signing_time else None
        if not signature or own.template.assemble(covered, signature, at) != der:
            return None
        signed = own.template.to_be_signed(covered, at)
        if not verify_signature(own.public.public_key, signature, signed, own.template.suite.digest):
            return None
        return own, _passed(own, gap, whole, len(data))

    def _owner(self, der: bytes, sub_filter: str) -> _Own | None:
        found = self._templated(der, sub_filter)
        if found is not None:
            return found
        with self._lock:
            self._look_again()
            for certificate in [one for one in self._unseen if one in der]:
                self._add(self._unseen.pop(certificate))
        return self._templated(der, sub_filter)

    def _look_again(self) -> None:
        """Take up certificates that the ring has found since: of a new seal, or another one of a key that was known."""
        for key_id in self._ring.key_ids():
            public = self._ring.certificate(key_id)
            if public.fingerprint not in self._known:
                self._unseen[public.certificate.public_bytes(Encoding.DER)] = public
                self._known.add(public.fingerprint)

    def _templated(self, der: bytes, sub_filter: str) -> _Own | None:
        for size, by_start in tuple(self._own.items()):
            for own in by_start.get(der[_SIGNED_DATA_HEAD : _SIGNED_DATA_HEAD + size], ()):
                if own.sub_filter == sub_filter:
                    return own
        return None


def _needs_more(trust: TrustChoice) -> bool:
    """Whether a question goes beyond what a match looks at."""
    return bool(trust.extra_anchors or trust.ocsps)


def _gap_of(data: bytes) -> _Gap | None:
    """The one signature of a page in our renderer's shape, or None."""
    if len(data) > MAX_FILE_BYTES or not data.startswith(_HEAD) or not data.endswith(_TAIL):
        return None
    match = _SIGNATURE.match(data, max(data.find(_WIDGET), 0))
    if match is None or match[2] != match[3]:
        return None
    start, end, rest = (int(number) for number in match.group(5, 6, 7))
    if start != match.end() - 1 or not start < end or end + rest != len(data) or data[end - 1 : end] != b">":
        return None
    # One revision, one signature: a second of either is none of our renderer's pages.
    if data.count(b"startxref") != 1 or data.count(b"/ByteRange") != 1:
        return None
    time = _TIME.match(data, end - 1)
    if time is None:
        return None
    try:
        signed_at = _moment(time)
    except ValueError:
        return None
    name, sub_filter = match[1].decode("ascii"), match[4].decode("ascii")
    return _Gap(start=start, end=end, field_name=name, sub_filter=sub_filter, signed_at=signed_at)


def _moment(time: re.Match[bytes]) -> datetime:
    hours, minutes = int(time[2]), int(time[3])
    zone = timezone(timedelta(hours=hours, minutes=minutes if hours >= 0 else -minutes))
    found = datetime.strptime(time[1].decode("ascii"), "%Y%m%d%H%M%S").replace(tzinfo=zone)
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        msg = "no year of ours"
        raise ValueError(msg)
    return found


def _canonical_der(data: bytes, gap: _Gap) -> bytes:
    """The CMS in the gap when the gap is its lower-case hexadecimal and zeros, else nothing."""
    hexed = data[gap.start + 1 : gap.end - 1]
    try:
        raw = bytes.fromhex(hexed.decode("ascii"))
        size = element_size(raw)
    except ValueError:
        return b""
    # fromhex takes white space and capitals: the text must be what we would have written.
    if size > len(raw) or raw[size:].strip(b"\x00") or raw.hex().encode("ascii") != hexed:
        return b""
    return raw[:size]


def _signature_of(der: bytes, own: _Own) -> bytes:
    """The signature value at the end of the CMS; the caller compares the whole, so a wrong guess only fails."""
    size = own.template.suite.signature_size
    if own.public.algorithm in _RSA:
        return der[-size:]
    for length in range(_LONGEST_DER, _SHORTEST_DER - 1, -1):
        if der[-length - 2 : -length + 1] == bytes((_OCTET_STRING, length, _SEQUENCE)):
            return der[-length:]
    return b""


def _digests(data: bytes, gap: _Gap, digest: str) -> tuple[bytes, str]:
    """Digest of the covered bytes, and SHA-256 of the file; the bytes before the gap are hashed once for both."""
    view = memoryview(data)
    whole = hashlib.sha256(view[: gap.start])
    covered = whole.copy() if digest == "sha256" else hashlib.new(digest, view[: gap.start])
    covered.update(view[gap.end :])
    whole.update(view[gap.start :])
    return covered.digest(), whole.hexdigest()


def _passed(own: _Own, gap: _Gap, sha256: str, size: int) -> FileFindings:
    good = Check.GOOD
    report = SignatureReport(
        field_name=gap.field_name,
        format=gap.sub_filter,
        kind="seal",
        intact=good,
        valid=good,
        trust=good,
        coverage="entire_file",
        modification="none",
        signer=own.signer,
        signer_cert_sha256=own.fingerprint,
        digest_algorithm=own.template.suite.digest,
        claimed_time=gap.signed_at.astimezone(UTC) if own.template.signing_time else gap.signed_at,
        reason=Reason.OK,
        signed_end=size,
    )
    return FileFindings(
        indication=Indication.TOTAL_PASSED,
        sub_indication=None,
        reason=Reason.OK,
        detail="",
        integrity=good,
        coverage=good,
        modification=good,
        trust=good,
        sha256=sha256,
        signatures=(report,),
        not_checked=(NOT_CHECKED_REVOCATION,),
    )
