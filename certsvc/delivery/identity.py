"""The identity provider's token endpoint: what its page gave a browser becomes an access token (RFC 6749 §4.1.3).

The browser proves that it began the sign-in (PKCE, RFC 7636); the service proves itself by a secret, where it has one.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote_plus, urlencode

from certsvc.errors import Unauthenticated, Unavailable

if TYPE_CHECKING:
    from certsvc.delivery.egress import Egress

MAX_TOKEN_CHARS = 4096
"""Characters of an access token, as the doors take them; a longer one would be refused there anyway."""
_FAULTS_FROM = 500


class CodeRedeemer:
    """Implements ``token_ports.IdentityProvider`` over HTTP; threads may share it."""

    def __init__(self, egress: Egress, token_url: str, *, client_id: str, secret: str, return_url: str) -> None:
        """Redeem codes for ``return_url`` at ``token_url``; without a secret the client is a public one."""
        self._egress = egress
        self._token_url = token_url
        self._client_id = client_id
        self._secret = secret
        self._return_url = return_url

    def redeem(self, code: str, verifier: str) -> str:
        """The access token; Unauthenticated when the provider does not take the code, Unavailable without an answer."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._return_url,
            "client_id": self._client_id,
            "code_verifier": verifier,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self._secret:
            named = f"{quote_plus(self._client_id)}:{quote_plus(self._secret)}"
            headers["Authorization"] = "Basic " + base64.b64encode(named.encode()).decode()
        try:
            answer = self._egress.post(self._token_url, headers, urlencode(form).encode())
        except OSError as error:
            raise Unavailable("统一身份认证平台没有应答，请稍后重新登录") from error
        if answer.status >= _FAULTS_FROM:
            raise Unavailable("统一身份认证平台暂时不能登录，请稍后重新登录")
        token = _token_in(answer.body) if answer.status == 200 else ""  # noqa: PLR2004
        if not token:
            raise Unauthenticated("统一身份认证平台没有接受这次登录，请重新登录")
        return token


def _token_in(body: bytes) -> str:
    """The access token of an answer (RFC 6749 §5.1); empty when there is none."""
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    token = said.get("access_token") if isinstance(said, dict) else None
    bearer = isinstance(said, dict) and str(said.get("token_type", "")).lower() == "bearer"
    return token if bearer and isinstance(token, str) and len(token) <= MAX_TOKEN_CHARS else ""
