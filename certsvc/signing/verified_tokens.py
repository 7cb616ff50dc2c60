"""Tokens whose signature was found good in this process, so that it is not computed anew for every request.

Only what cannot change while the process runs is remembered: that a key of the configuration signed these bytes for us.
When the token ends, and whether its subject is still active and in which roles, is asked at every request.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_KEPT = 4096
"""The least recently used is forgotten first: whoever may ask for many tokens cannot fill the memory with them."""


class VerifiedTokens:
    """Claims by the digest of the token, which itself is not kept; threads may share it."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._guard = threading.Lock()
        self._claims: OrderedDict[bytes, Mapping[str, object]] = OrderedDict()

    def find(self, token: str) -> Mapping[str, object] | None:
        """The claims of a token that was kept."""
        digest = _digest(token)
        with self._guard:
            claims = self._claims.get(digest)
            if claims is not None:
                self._claims.move_to_end(digest)
        return claims

    def keep(self, token: str, claims: Mapping[str, object]) -> None:
        """Remember a token whose signature is good."""
        with self._guard:
            self._claims[_digest(token)] = MappingProxyType(dict(claims))
            while len(self._claims) > MAX_KEPT:
                self._claims.popitem(last=False)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
