"""Signs checkpoints of the evidence log as C2SP signed notes (ECDSA P-256, type 0x02), and has them timestamped.

Keys are called ``log-<n>``: the highest signs, all verify, and none is removed. A key that was made after the start is
taken up when a signature names one that is not known.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from certsvc.errors import SigningError
from certsvc.events.checkpoint import NoteSignature
from certsvc.seal.trust_list import TIMESTAMP
from certsvc.seal.verdict import Reason
from certsvc.signing.chains import judge_certificate
from certsvc.signing.primitives import verify_signature
from certsvc.signing.revoked import UseTime
from certsvc.signing.statements import StatementKeys, read_p256_jwk
from certsvc.signing.timestamps import TimestampClient, read_token
from certsvc.signing.trust import TrustStore

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric import ec

    from certsvc.ids import Ids
    from certsvc.signing.keyring import KeyRing
    from certsvc.signing.listed_anchors import ListedAnchors

ECDSA = b"\x02"
"""Signature type of signed-note: ECDSA; the key id is the beginning of SHA-256 over the SPKI in DER."""

IN_PROCESS = "sandbox"
_HALF = 32
_AHEAD = 3
"""Numbers behind the last known one that are looked for: keys are numbered without large gaps."""


class _Held:
    """The keys as they were read once, and their public halves, the newest first."""

    def __init__(self, keys: StatementKeys) -> None:
        self.keys = keys
        listed = keys.jwks()["keys"]
        self.public = [read_p256_jwk(jwk) for jwk in listed] if isinstance(listed, list) else []


class LogNotes:
    """Implements ``log_ports.LogSigner`` over the key ring. Threads may share one."""

    def __init__(
        self,
        ring: KeyRing,
        *,
        issuer: str,
        ids: Ids,
        timestamps: TimestampClient | None,
        anchors: ListedAnchors | None = None,
    ) -> None:
        """Sign under the keys ``log-<n>``; ``timestamps`` is the client of the configured authorities, if any.

        Authorities of timestamps are judged by ``anchors``.
        """
        self._anchors = anchors
        self._ring = ring
        self._read = partial(StatementKeys, ring, "log", "留痕日志", issuer=issuer, ids=ids)
        self._timestamps = timestamps
        self._held = _Held(self._read())

    def sign(self, text: str, name: str) -> NoteSignature:
        """A signature over the text of a checkpoint in the name of the log.

        Raises:
            Unavailable: no key ``log-<n>`` was made.
            SigningError: the key operation failed.
        """
        held = self._held  # one reading: the key that signs and the id that is told belong together
        raw = held.keys.sign_bytes(text.encode())
        r, s = (int.from_bytes(raw[at : at + _HALF], "big") for at in (0, _HALF))
        return NoteSignature(name=name, key_id=_key_id(held.public[0]), signature=encode_dss_signature(r, s))

    def is_signed(self, text: str, signatures: Sequence[NoteSignature]) -> bool:
        """Whether every signature is one of ours, in the name of the log, and right."""
        known = {_key_id(key): key for key in self._held.public}
        name, data = text.partition("\n")[0], text.encode()
        return bool(signatures) and all(
            one.name == name
            and one.key_id in known
            and verify_signature(known[one.key_id], one.signature, data, "sha256")
            for one in signatures
        )

    def knows(self, signatures: Sequence[NoteSignature]) -> bool:
        """Whether every signature names a key of ours; keys that were made since the start are looked for."""
        named = {one.key_id for one in signatures}
        if not named <= self._ids():
            self._look_again()
        return named <= self._ids()

    def check(self) -> None:
        """Unavailable when no key was made that signs checkpoints; one that was made since the start is taken up."""
        if not self._held.public:
            self._look_again()
        self._held.keys.kid()

    def _ids(self) -> set[bytes]:
        return {_key_id(key) for key in self._held.public}

    def _look_again(self) -> None:
        """A ring finds a key that was made later when it is asked for by name: the next numbers are."""
        for number in range(1, len(self._held.public) + 1 + _AHEAD):
            with suppress(SigningError):
                self._ring.certificate(f"log-{number}")
        self._held = _Held(self._read())

    def keys(self, name: str) -> tuple[str, ...]:
        """The verifier keys (C2SP signed-note): name, key id, and type with SPKI in base64; the newest first."""
        return tuple(
            f"{name}+{_key_id(key).hex()}+{base64.b64encode(ECDSA + _spki(key)).decode()}" for key in self._held.public
        )

    def jwks(self) -> Mapping[str, object]:
        """The same keys as JWKS (RFC 7517)."""
        return self._held.keys.jwks()

    def timestamp(self, data: bytes) -> bytes | None:
        """A token over ``data`` in DER; None where no authority is configured, SigningError when none answers."""
        return self._timestamps.token(data).der if self._timestamps else None

    def stamped_at(self, token: bytes, data: bytes) -> datetime:
        """The time of a token that is over ``data`` and holds by itself; SigningError otherwise."""
        return read_token(token, data).at

    def is_trusted(self, token: bytes, data: bytes) -> bool | None:
        """Whether the authority of a token leads to an anchor of timestamps at its time; None where there is none.

        Raises:
            SigningError: the token is not over ``data``, or does not hold by itself.
        """
        read = read_token(token, data)
        anchors = self._anchors.serving(frozenset({TIMESTAMP}), read.at) if self._anchors else None
        if anchors is None or not anchors.timestamping:
            return None
        store, used = TrustStore(anchors, read.at), UseTime(claimed=read.at)
        chain = asyncio.run(judge_certificate(read.certificate, read.beside, store, used, kind="timestamp"))
        return chain.outcome.reason is Reason.OK


def in_process(answer: Callable[[bytes], bytes], ids: Ids) -> TimestampClient:
    """A client of the development authority of this very process."""

    def post(_server: str, request: bytes) -> bytes:
        try:
            return answer(request)
        except SigningError as error:
            raise OSError(error.detail) from error

    return TimestampClient((IN_PROCESS,), post, ids)


def _spki(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _key_id(key: ec.EllipticCurvePublicKey) -> bytes:
    return hashlib.sha256(_spki(key)).digest()[:4]
