"""Keys of the service itself, and certificates of outside CAs, by hand on the machine."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from certsvc.app_keys import open_egress, open_ring
from certsvc.clock import SystemClock, local_day
from certsvc.ids import SystemIds
from certsvc.settings import load_settings
from certsvc.signing.certificate_requests import accept_certificate, expiring, make_request
from certsvc.signing.master_key import create_master_key, load_master_key
from certsvc.signing.service_keys import create_service_key

if TYPE_CHECKING:
    from certsvc.settings import Settings
    from certsvc.signing.keyring import KeyRing


def create_master(path: Path) -> Path:
    """Make a new master key in ``path`` (mode 0600); ConfigurationError when there is a file already.

    No settings are read: in production no other command runs before there is a master key.
    """
    create_master_key(path, SystemIds())
    return path


def create_key(key_id: str, algorithm: str, name: str) -> Path:
    """Make a key of the service with a certificate of its own; in the sandbox also a missing master key.

    Raises:
        ConfigurationError: the key is there already, the directory cannot be written, or, in production, no master
            key: one that a wrong path or a missing mount hides must not be replaced by a new one.
    """
    settings, ids, now = load_settings(), SystemIds(), SystemClock().now()
    if settings.sandbox and not settings.master_key.exists():
        create_master_key(settings.master_key, ids)
    master, keys = load_master_key(settings.master_key), settings.keys
    return create_service_key(keys, key_id, algorithm, name, master=master, now=now, ids=ids, sandbox=settings.sandbox)


def write_request(key_id: str, out: Path) -> Path:
    """Write a PKCS#10 request for a key, with the subject of its present certificate."""
    _, ring = _opened()
    out.write_bytes(make_request(ring, key_id, ring.certificate(key_id).certificate.subject))
    return out


def accept(key_id: str, answer: Path) -> Path:
    """Put a CA's answer in the place of the key's certificate; where it is now."""
    settings, ring = _opened()
    now = SystemClock().now()
    return accept_certificate(settings.keys, ring.certificate(key_id), answer.read_bytes(), now, SystemIds())


def expiring_rows(days: int) -> list[tuple[str, str, str, str]]:
    """Key, subject, last day and days left of every certificate that ends within ``days``."""
    _, ring = _opened()
    found = expiring(map(ring.certificate, ring.key_ids()), SystemClock().now(), timedelta(days=days))
    return [(one.key_id, one.subject, local_day(one.ends).isoformat(), str(one.days_left)) for one in found]


def _opened() -> tuple[Settings, KeyRing]:
    settings = load_settings()
    return settings, open_ring(settings, load_master_key(settings.master_key), open_egress(settings))
