"""Several key rings behind one port: software keys, an HSM's, a province's, each key in the ring that has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.signing.keyring import KeyCertificate, KeyRing


class CombinedKeyRing:
    """One ring over several. A key id belongs to exactly one of them."""

    def __init__(self, rings: Sequence[KeyRing]) -> None:
        """Take ``rings``; the first one answers for keys that none has (with its error, or one made since).

        Raises:
            ConfigurationError: two rings have a key of the same id, so that nobody could say which one signs.
        """
        self._rings = tuple(rings)
        seen: set[str] = set()
        for key_id in (key_id for ring in self._rings for key_id in ring.key_ids()):
            if key_id in seen:
                msg = f"密钥编号 {key_id} 在两个密钥库中都有：请改名，否则无法确定由谁签章"
                raise ConfigurationError(msg)
            seen.add(key_id)

    @property
    def rings(self) -> tuple[KeyRing, ...]:
        """Each by itself."""
        return self._rings

    def ring_of(self, key_id: str) -> KeyRing:
        """The ring that has ``key_id``."""
        return next((ring for ring in self._rings[1:] if key_id in ring.key_ids()), self._rings[0])

    def key_ids(self) -> tuple[str, ...]:
        """The ids of all keys of all rings, sorted."""
        return tuple(sorted(key_id for ring in self._rings for key_id in ring.key_ids()))

    def certificate(self, key_id: str) -> KeyCertificate:
        """The public half of ``key_id``; SigningError when no ring has it."""
        return self.ring_of(key_id).certificate(key_id)

    def sign_digest(self, key_id: str, digest_algorithm: str, data: bytes) -> bytes:
        """Signature over ``data`` by the ring that has the key; SigningError as there."""
        return self.ring_of(key_id).sign_digest(key_id, digest_algorithm, data)

    def operations(self, key_id: str) -> int:
        """How often the key was used in this process."""
        return self.ring_of(key_id).operations(key_id)


def ring_of(ring: KeyRing, key_id: str) -> KeyRing:
    """The ring that itself has ``key_id``: what a format asks that depends on the kind of ring."""
    return ring.ring_of(key_id) if isinstance(ring, CombinedKeyRing) else ring
