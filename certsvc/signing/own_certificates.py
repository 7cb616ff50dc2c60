"""Which certificates are, or were, ours: those of a ring's directory, also of seals made after the start."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes

from certsvc.signing.certificate_requests import RETIRED
from certsvc.signing.certificates import read_chain

if TYPE_CHECKING:
    from pathlib import Path


class OwnCertificates:
    """Fingerprints of ``certs/`` and ``certs/retired/``; a file that was not seen before is read when one is asked.

    A question about a stranger's certificate costs one listing of two directories: files of certificates are written
    whole under names that never come again, so a name that is known needs no second look. Threads may share one.
    """

    def __init__(self, directory: Path) -> None:
        """Know the certificates of a key ring's ``directory``."""
        self._places = (directory / "certs", directory / "certs" / RETIRED)
        self._seen: frozenset[str] = frozenset()
        self._found: frozenset[str] = frozenset()
        self._lock = threading.Lock()

    def __contains__(self, cert_sha256: str) -> bool:
        """Whether this (hex SHA-256 of the DER) is one of them."""
        if cert_sha256 in self._found:
            return True
        self._read_new()
        return cert_sha256 in self._found

    def _read_new(self) -> None:
        files = [path for place in self._places if place.is_dir() for path in place.glob("*.pem")]
        new = [path for path in files if str(path) not in self._seen]
        if not new:
            return
        with self._lock:
            found = {read_chain(path)[0].fingerprint(hashes.SHA256()).hex() for path in new}
            self._found |= found
            self._seen |= {str(path) for path in new}
