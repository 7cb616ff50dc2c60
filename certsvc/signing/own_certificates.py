"""Which certificates are, or were, ours: those of a ring's directory, also of seals made after the start."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from cryptography.hazmat.primitives import hashes

from certsvc.signing.certificate_requests import RETIRED
from certsvc.signing.certificates import read_chain


class OwnCertificates:
    """Fingerprints of ``certs/`` and ``certs/retired/``; a file that was not seen before is read when one is asked.

    A question about a stranger's certificate costs one look at two directories: a file is read again only when it was
    replaced since, as by a second certificate for the same key. Threads may share one.
    """

    def __init__(self, directory: Path) -> None:
        """Know the certificates of a key ring's ``directory``."""
        self._places = (directory / "certs", directory / "certs" / RETIRED)
        self._seen: frozenset[tuple[str, int, int]] = frozenset()
        self._found: frozenset[str] = frozenset()
        self._lock = threading.Lock()

    def __contains__(self, cert_sha256: str) -> bool:
        """Whether this (hex SHA-256 of the DER) is one of them."""
        if cert_sha256 in self._found:
            return True
        self._read_new()
        return cert_sha256 in self._found

    def _read_new(self) -> None:
        new: dict[tuple[str, int, int], str] = {}
        for place in self._places:
            for file in os.scandir(place) if place.is_dir() else ():
                found = file.stat()
                mark = (file.path, found.st_mtime_ns, found.st_ino)
                if file.name.endswith(".pem") and mark not in self._seen:
                    new[mark] = file.path
        if not new:
            return
        with self._lock:
            self._found |= {read_chain(Path(path))[0].fingerprint(hashes.SHA256()).hex() for path in new.values()}
            self._seen |= set(new)
