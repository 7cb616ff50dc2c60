"""Access tokens: ours (RFC 9068), those of a configured OIDC issuer, and client assertions (RFC 7523)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.jwk import ECKey, KeySet

from certsvc.clock import check_aware
from certsvc.errors import ConfigurationError, Unauthenticated
from certsvc.signing.client_certificates import canonical_subject, read_client_certificate
from certsvc.signing.jws import (
    ASYMMETRIC,
    decode_segment,
    encode_segment,
    load_public_keys,
    read_claims,
    read_header,
    verify_jws,
)
from certsvc.signing.verified_tokens import VerifiedTokens

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from certsvc.ids import Ids
    from certsvc.signing.keyring import KeyRing

ACCESS_TOKEN_TYPE = "at+jwt"  # noqa: S105  (a media type)
OWN_ALGORITHM = "ES256"

MAX_LIFETIME_S = 24 * 3600
"""No access token of ours lives longer: a stolen one must die by itself."""

MAX_ASSERTION_LIFETIME_S = 600
"""How far ahead ``exp`` of a client assertion may lie: bounds how long its ``jti`` must be remembered."""

CLOCK_TOLERANCE_S = 60
"""How far another party's clock may run ahead (``iat``, ``nbf``). ``exp`` has no tolerance."""

MAX_EPOCH_S = 10**11
"""No moment in a token is later (about the year 5138); keeps arithmetic on numbers of other parties small."""

MAX_JTI_CHARS = 128
MAX_CLIENT_ID = 64
"""Characters of a client id that an assertion may name before it is checked; as in the form."""
UNKNOWN_CLIENT_ZH = "客户端标识或凭据不正确"

_RESERVED = frozenset({"iss", "aud", "iat", "nbf", "exp", "jti"})
_COORDINATE_BYTES = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class OidcIssuer:
    """An identity provider whose access tokens are accepted.

    Attributes:
        issuer: exact value of ``iss``.
        audience: value that ``aud`` must be or contain.
        jwks: its public keys as JWKS text, from configuration (nothing is fetched here).
        types: accepted values of the header ``typ``, in lower case.
        algorithms: accepted signature algorithms.
        acr_values: strengths of login (``acr``, RFC 9068 §2.2.1) that are enough; empty: it is not looked at.
        max_auth_age_s: seconds since the person proved who they are (``auth_time``); 0: it is not looked at.
    """

    issuer: str
    audience: str
    jwks: str
    types: tuple[str, ...] = (ACCESS_TOKEN_TYPE,)
    algorithms: tuple[str, ...] = ASYMMETRIC
    acr_values: tuple[str, ...] = ()
    max_auth_age_s: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Trusted:
    issuer: str
    audience: str
    keys: KeySet
    types: tuple[str, ...]
    algorithms: tuple[str, ...]
    acr_values: tuple[str, ...] = ()
    max_auth_age_s: int = 0


class JwtTokenService:
    """The ``TokenService`` port. Our tokens are signed by a key of the ring, which never leaves it."""

    def __init__(
        self,
        ring: KeyRing,
        *,
        key_id: str,
        issuer: str,
        audience: str,
        ids: Ids,
        oidc: tuple[OidcIssuer, ...] = (),
        assertion_audiences: tuple[str, ...] = (),
    ) -> None:
        """Sign with ``key_id``; client assertions are for ``issuer`` or one of ``assertion_audiences``.

        Raises:
            ConfigurationError: the key is not P-256, or an OIDC issuer's keys cannot be used or its name is ours.
        """
        public = ring.certificate(key_id).public_key
        if not isinstance(public, ec.EllipticCurvePublicKey):
            msg = f"令牌签名密钥 {key_id} 应为 P-256"
            raise ConfigurationError(msg)
        self._ring = ring
        self._key_id = key_id
        self._ids = ids
        self._verified = VerifiedTokens()
        self._jwk = _public_jwk(public)
        self._kid = ECKey.import_key(self._jwk).thumbprint()
        self._own = _Trusted(
            issuer=issuer,
            audience=audience,
            keys=KeySet([ECKey.import_key({**self._jwk, "kid": self._kid, "use": "sig"})]),
            types=(ACCESS_TOKEN_TYPE,),
            algorithms=(OWN_ALGORITHM,),
        )
        self._trusted = {issuer: self._own}
        for other in oidc:
            if other.issuer in self._trusted or not set(other.algorithms) <= set(ASYMMETRIC):
                msg = f"身份提供方 {other.issuer} 的配置有误：名称重复或算法不被接受"
                raise ConfigurationError(msg)
            self._trusted[other.issuer] = _Trusted(
                issuer=other.issuer,
                audience=other.audience,
                keys=load_public_keys(other.jwks),
                types=other.types,
                algorithms=other.algorithms,
                acr_values=other.acr_values,
                max_auth_age_s=other.max_auth_age_s,
            )
        self._assertion_audiences = (issuer, *assertion_audiences)

    def issue(self, claims: Mapping[str, object], *, now: datetime, lifetime_s: int) -> str:
        """A signed access token of type ``at+jwt`` with ``iss``, ``aud``, ``iat``, ``exp``, ``jti`` added.

        Raises:
            SigningError: the key operation failed.
            RuntimeError: our own mistake: a reserved claim, or a lifetime of more than :data:`MAX_LIFETIME_S`.
        """
        if _RESERVED & set(claims) or not 0 < lifetime_s <= MAX_LIFETIME_S:
            msg = "claims must leave out the registered ones, and a token lives at most a day"
            raise RuntimeError(msg)
        issued = int(check_aware(now).timestamp())
        body = {
            **claims,
            "iss": self._own.issuer,
            "aud": self._own.audience,
            "iat": issued,
            "exp": issued + lifetime_s,
            "jti": self._ids.token(),
        }
        header = {"alg": OWN_ALGORITHM, "kid": self._kid, "typ": ACCESS_TOKEN_TYPE}
        signed = f"{encode_segment(_json(header))}.{encode_segment(_json(body))}"
        der = self._ring.sign_digest(self._key_id, "sha256", signed.encode("ascii"))
        # RFC 7518 §3.4: R and S as 32-byte numbers side by side, not DER.
        signature = b"".join(number.to_bytes(_COORDINATE_BYTES, "big") for number in decode_dss_signature(der))
        return f"{signed}.{encode_segment(signature)}"

    def check(self, token: str, *, now: datetime) -> Mapping[str, object]:
        """The claims of a token of ours or of a configured OIDC issuer.

        Raises:
            Unauthenticated: wrong signature, algorithm, type, issuer, audience or time, or a login that is too weak
                or too long ago.
        """
        claims = self._verified.find(token)
        if claims is None:
            claims = self._verify(token)
            self._verified.keep(token, claims)
        moment = check_aware(now)
        _check_times(claims, moment)
        if _number(claims, "iat") is None:  # RFC 9068 §2.2; without it nobody could tell what a sign-out ended
            msg = "凭证缺少签发时间（iat），请联系统一身份认证平台"
            raise Unauthenticated(msg)
        _check_login(claims, self._trusted[str(claims["iss"])], moment)
        return claims

    def _verify(self, token: str) -> Mapping[str, object]:
        """The claims of a token whose time is not looked at; what it is compared with does not change in a process."""
        header = read_header(token)
        # Not verified yet: it only says whose keys to try, and is compared again afterwards.
        named = read_claims(decode_segment(token.split(".")[1])).get("iss")
        trusted = self._trusted.get(named) if isinstance(named, str) else None
        if trusted is None:
            msg = "凭证的签发方不受信任"
            raise Unauthenticated(msg)
        if str(header.get("typ", "")).lower().removeprefix("application/") not in trusted.types:
            msg = "凭证类型不是访问令牌"
            raise Unauthenticated(msg)
        claims = read_claims(verify_jws(token, trusted.keys, trusted.algorithms).payload)
        if claims.get("iss") != trusted.issuer:
            msg = "凭证的签发方不受信任"
            raise Unauthenticated(msg)
        _check_audience(claims, (trusted.audience,))
        return claims

    def claimed_client(self, assertion: str) -> str:
        """Whom an assertion names (``sub``), not verified; empty when it names nobody."""
        try:
            read_header(assertion)
            named = read_claims(decode_segment(assertion.split(".")[1])).get("sub")
        except Unauthenticated:
            return ""
        return named if isinstance(named, str) and len(named) <= MAX_CLIENT_ID else ""

    def client_certificate(self, presented: str, *, now: datetime) -> tuple[str, str]:
        """Subject and SHA-256 of the certificate that a proxy passed on; Unauthenticated when it is no good one."""
        return read_client_certificate(presented, now=now)

    def certificate_subject(self, text: str) -> str:
        """A subject as :meth:`client_certificate` gives it; InvalidInput when it is none."""
        return canonical_subject(text)

    def check_client_assertion(self, assertion: str, jwks: str, *, client_id: str, now: datetime) -> str:
        """The ``jti`` of a valid ``private_key_jwt`` assertion of ``client_id`` (RFC 7523 §3).

        The caller refuses a ``jti`` that it has seen before, until :data:`MAX_ASSERTION_LIFETIME_S` have passed.

        Raises:
            Unauthenticated: anything about it is wrong, the client's key set included.
        """
        # Until the signature is good the words are those for a client that nobody knows: they tell no stranger who is.
        try:
            verified = verify_jws(assertion, load_public_keys(jwks), ASYMMETRIC)
        except (ConfigurationError, Unauthenticated) as error:
            raise Unauthenticated(UNKNOWN_CLIENT_ZH) from error
        if str(verified.header.get("typ", "JWT")).lower() not in {"jwt", "client-authentication+jwt"}:
            msg = "客户端断言的类型不对"
            raise Unauthenticated(msg)
        claims = read_claims(verified.payload)
        if claims.get("iss") != client_id or claims.get("sub") != client_id:
            msg = "客户端断言的 iss 与 sub 应为客户端编号"
            raise Unauthenticated(msg)
        _check_sole_audience(claims, self._assertion_audiences)
        moment = check_aware(now)
        expires = _check_times(claims, moment)
        if expires - moment.timestamp() > MAX_ASSERTION_LIFETIME_S:
            msg = f"客户端断言的有效期过长：最多 {MAX_ASSERTION_LIFETIME_S} 秒"
            raise Unauthenticated(msg)
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI_CHARS:
            msg = f"客户端断言缺少 jti，或其长度超过 {MAX_JTI_CHARS}"
            raise Unauthenticated(msg)
        return jti

    def public_jwks(self) -> str:
        """Our public key as JWKS text, for services that check our tokens themselves."""
        own = {**self._jwk, "kid": self._kid, "use": "sig", "alg": OWN_ALGORITHM}
        return json.dumps({"keys": [own]}, separators=(",", ":"), sort_keys=True)


def _check_sole_audience(claims: Mapping[str, object], accepted: Collection[str]) -> None:
    """All of ``aud`` is us: an assertion that is good elsewhere too could be used here by whoever it was shown to."""
    _check_audience(claims, accepted)
    stated = claims.get("aud")
    if isinstance(stated, list) and not all(isinstance(one, str) and one in accepted for one in stated):
        msg = "客户端断言的 aud 只能是本服务"
        raise Unauthenticated(msg)


def _check_audience(claims: Mapping[str, object], accepted: Collection[str]) -> None:
    stated = claims.get("aud")
    audiences = stated if isinstance(stated, list) else [stated]
    if not any(isinstance(one, str) and one in accepted for one in audiences):
        msg = "凭证不是发给本服务的"
        raise Unauthenticated(msg)


def _check_times(claims: Mapping[str, object], now: datetime) -> float:
    """``exp`` in seconds, after ``exp``, ``nbf`` and ``iat`` were compared with ``now``."""
    moment = now.timestamp()
    expires = _number(claims, "exp")
    if expires is None or expires <= moment:
        msg = "凭证已过期，请重新获取"
        raise Unauthenticated(msg)
    for name in ("nbf", "iat"):
        begins = _number(claims, name)
        if begins is not None and begins > moment + CLOCK_TOLERANCE_S:
            msg = "凭证尚未生效"
            raise Unauthenticated(msg)
    return expires


def _check_login(claims: Mapping[str, object], trusted: _Trusted, now: datetime) -> None:
    """How and when the person logged in, where that is asked for; what a token does not say is not enough."""
    if trusted.acr_values and claims.get("acr") not in trusted.acr_values:
        msg = "登录方式的强度不够，请以要求的方式重新登录"
        raise Unauthenticated(msg)
    if trusted.max_auth_age_s:
        logged_in = _number(claims, "auth_time")
        if logged_in is None or not -CLOCK_TOLERANCE_S <= now.timestamp() - logged_in <= trusted.max_auth_age_s:
            msg = "登录已久，请重新登录"
            raise Unauthenticated(msg)


def _number(claims: Mapping[str, object], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < MAX_EPOCH_S:
        msg = f"凭证的 {name} 不是时间"
        raise Unauthenticated(msg)
    return float(value)


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode("utf-8")


def _public_jwk(key: ec.EllipticCurvePublicKey) -> dict[str, str | list[str]]:
    numbers = key.public_numbers()
    x, y = (encode_segment(number.to_bytes(_COORDINATE_BYTES, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
