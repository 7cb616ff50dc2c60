"""Whether keys can be used now: a trial with a key of the service, and a look at the session of an HSM.

No seal's key is tried: every use of one is a reservation, and a probe has none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from certsvc.signing.rings import CombinedKeyRing
from certsvc.signing.token_ring import TokenKeyRing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from certsvc.signing.keyring import KeyRing

_PROBE = b"certsvc: is this key usable?"
_OF_SERVICE = re.compile(r"(token|receipt|status|log|code|bundle|trust|maker)-[0-9]+")
"""Ids of keys of the service itself, as the ceremony names them (docs/operations.md)."""


def check_keys(ring: KeyRing, key_id: str) -> None:
    """Sign with ``key_id``, and ask an HSM beside the ring whether it still knows us.

    Raises:
        SigningError: the key is not there or does not sign, or the HSM does not answer.
    """
    ring.sign_digest(key_id, "sha256", _PROBE)
    for one in ring.rings if isinstance(ring, CombinedKeyRing) else (ring,):
        if isinstance(one, TokenKeyRing):
            one.check()


def key_ends(ring: KeyRing) -> Mapping[str, datetime]:
    """Per kind of key of the service when the newest certificate of it ends: an old one that was replaced may end."""
    found: dict[str, datetime] = {}
    for key_id in ring.key_ids():
        if named := _OF_SERVICE.fullmatch(key_id):
            ends = ring.certificate(key_id).valid_until
            found[named[1]] = max(found.get(named[1], ends), ends)
    return found
