"""Status List Tokens (draft-ietf-oauth-status-list §5): as JWT, and as CWT in a tagged COSE_Sign1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cbor2

from certsvc.clock import check_aware
from certsvc.signing.jws import encode_segment
from certsvc.signing.statements import StatementKeys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.ids import Ids
    from certsvc.license.status_list import StatusClaims
    from certsvc.signing.keyring import KeyRing

JWT_TYPE = "statuslist+jwt"
CWT_TYPE = "application/statuslist+cwt"

# COSE header parameters (RFC 9052 §3.1, RFC 9596) and algorithms (RFC 9053 §2.1).
_ALG, _KID, _TYP = 1, 4, 16
_ES256 = -7
_COSE_SIGN1 = 18
# Claims of CWT (RFC 8392 §4) and of the draft (§5.2).
_ISS, _SUB, _EXP, _IAT = 1, 2, 4, 6
_STATUS_LIST, _TTL = 65533, 65534


class StatusTokens:
    """Implements ``ports.StatusSigner`` over the key ring. Threads may share one."""

    def __init__(self, ring: KeyRing, *, issuer: str, ids: Ids) -> None:
        """Sign in the name of ``issuer`` under the keys ``status-<n>``."""
        self._keys = StatementKeys(ring, "status", "状态列表", issuer=issuer, ids=ids)
        self._issuer = issuer

    def sign_jwt(self, claims: StatusClaims) -> bytes:
        """The list as compact JWS; Unavailable without a key, SigningError when it failed."""
        body = {
            "iss": self._issuer,
            "sub": claims.uri,
            "iat": _seconds(claims)[0],
            "exp": _seconds(claims)[1],
            "ttl": claims.ttl_s,
            "status_list": {
                "bits": claims.bits,
                "lst": encode_segment(claims.lst),
                "aggregation_uri": claims.aggregation_uri,
            },
        }
        return self._keys.sign_compact(JWT_TYPE, body).encode("ascii")

    def sign_cwt(self, claims: StatusClaims) -> bytes:
        """The list as COSE_Sign1, tagged 18 and not with the tag of CWT (§5.2); raises as :meth:`sign_jwt`."""
        issued_at, expires_at = _seconds(claims)
        payload = _cbor(
            {
                _ISS: self._issuer,
                _SUB: claims.uri,
                _IAT: issued_at,
                _EXP: expires_at,
                _TTL: claims.ttl_s,
                _STATUS_LIST: {
                    "bits": claims.bits,
                    "lst": claims.lst,
                    "aggregation_uri": claims.aggregation_uri,
                },
            }
        )
        protected = _cbor({_ALG: _ES256, _TYP: CWT_TYPE})
        unprotected = {_KID: self._keys.kid().encode("ascii")}
        # RFC 9052 §4.4: what is signed names its purpose, so that no other COSE message of this key is taken for it.
        signature = self._keys.sign_bytes(_cbor(["Signature1", protected, b"", payload]))
        return _cbor(cbor2.CBORTag(_COSE_SIGN1, [protected, unprotected, payload, signature]))

    def keys(self) -> Mapping[str, object]:
        """The public keys as JWKS (RFC 7517), newest first; ``kid`` is the same in both forms."""
        return self._keys.jwks()


def _seconds(claims: StatusClaims) -> tuple[int, int]:
    return int(check_aware(claims.issued_at).timestamp()), int(check_aware(claims.expires_at).timestamp())


def _cbor(value: object) -> bytes:
    return cbor2.dumps(value, canonical=True)
