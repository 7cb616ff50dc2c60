"""Whether the chain of a certificate of ours is spoken well of by the revocation lists at hand, looked up once.

A list of thousands of entries is not searched per page: the answer for a chain holds for as long as the very same lists
are at hand, and is asked a minute ahead, so that no list runs out in between.
"""

from __future__ import annotations

import itertools
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from asn1crypto import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certsvc.signing.revocation import RevocationData, Standing

if TYPE_CHECKING:
    from certsvc.signing.keyring import KeyCertificate

AHEAD = timedelta(minutes=1)
MAX_KEPT = 4096
"""Answers kept: certificates of one deployment times the lists of an hour."""


class OwnRevocations:
    """Remembers per certificate and set of lists. Threads may share one."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._kept: dict[tuple[bytes, tuple[bytes, ...], tuple[bytes, ...]], tuple[bool | None, datetime]] = {}
        self._lock = threading.Lock()

    def known_good(
        self, public: KeyCertificate, crls: tuple[bytes, ...], now: datetime, anchors: tuple[bytes, ...]
    ) -> bool | None:
        """True when every certificate of the chain is known not to be revoked, False when not all are known.

        None when one is revoked: what that means depends on when the signature was made. Chains end at one of
        ``anchors``.
        """
        key = (public.fingerprint, crls, anchors)
        with self._lock:
            found = self._kept.get(key)
        if found is not None and now <= found[1]:
            return found[0]
        until = now + AHEAD
        answer = self._look(public, RevocationData(crls, (), until), anchors)
        with self._lock:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[key] = (answer, until)
        return answer

    def _look(self, public: KeyCertificate, data: RevocationData, anchors: tuple[bytes, ...]) -> bool | None:
        chain = [x509.Certificate.load(one.public_bytes(Encoding.DER)) for one in (public.certificate, *public.issuers)]
        answers = [{data.status(one, issuer).standing} for one, issuer in itertools.pairwise(chain)]
        # Anchors may share a name (a root that was given another key); a list counts under the key that signed it.
        tops = [one for one in map(x509.Certificate.load, anchors) if one.subject.dump() == chain[-1].issuer.dump()]
        if chain[-1].dump() not in {top.dump() for top in tops}:
            answers.append({data.status(chain[-1], top).standing for top in tops})
        if any(Standing.REVOKED in one for one in answers):
            return None
        return all(Standing.GOOD in one for one in answers)
