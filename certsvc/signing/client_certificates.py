"""The certificate of a client system as a trusted proxy passes it on (RFC 8705 §2.1, RFC 9440).

The proxy ended the TLS connection and proved that the client holds the key and that the chain is good; here it is read
whose it is, and that it is in its time and made for clients.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from certsvc.clock import check_aware
from certsvc.errors import InvalidInput, Unauthenticated

if TYPE_CHECKING:
    from datetime import datetime

MAX_HEADER = 16 * 1024
"""Characters of the header; a certificate with an RSA key of 4096 bits has 6,000 when escaped. Stops large input."""

NOT_ONE_ZH = "代理传来的客户端证书无法读取：应为一张证书，PEM（URL 编码）或 RFC 9440 格式"
_PEM = re.compile(rb"\s*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*")
_CLIENT_USES = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}


def read_client_certificate(presented: str, *, now: datetime) -> tuple[str, str]:
    """Subject (RFC 4514) and hex SHA-256 of the certificate in a header.

    Raises:
        Unauthenticated: not exactly one certificate, outside its period, or made for something else than clients.
    """
    certificate = _certificate(presented)
    moment = check_aware(now)
    if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
        msg = "客户端证书不在有效期内，请更换证书"
        raise Unauthenticated(msg)
    try:
        uses = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        uses = None  # any use (RFC 5280 §4.2.1.12)
    except ValueError as error:
        raise Unauthenticated(NOT_ONE_ZH) from error
    if uses is not None and not _CLIENT_USES & set(uses):
        msg = "证书的用途不含客户端认证，请更换证书"
        raise Unauthenticated(msg)
    return certificate.subject.rfc4514_string(), certificate.fingerprint(hashes.SHA256()).hex()


def canonical_subject(text: str) -> str:
    """A subject as it is compared; InvalidInput when it is none in the form of RFC 4514."""
    try:
        name = x509.Name.from_rfc4514_string(text)
    except ValueError as error:
        msg = "证书主题应按 RFC 4514 书写，如 CN=api.example,O=示例单位,C=CN"
        raise InvalidInput(msg) from error
    if not list(name):
        msg = "证书主题不能为空"
        raise InvalidInput(msg)
    return name.rfc4514_string()


def _certificate(presented: str) -> x509.Certificate:
    try:
        if len(presented) > MAX_HEADER:
            raise Unauthenticated(NOT_ONE_ZH)
        if presented.startswith(":"):
            # A byte sequence of RFC 8941 §3.3.5, as RFC 9440 has it.
            if not presented.endswith(":"):
                raise Unauthenticated(NOT_ONE_ZH)
            return x509.load_der_x509_certificate(base64.b64decode(presented[1:-1], validate=True))
        data = unquote_to_bytes(presented)
        if not _PEM.fullmatch(data):
            raise Unauthenticated(NOT_ONE_ZH)
        return x509.load_pem_x509_certificate(data)
    except (ValueError, binascii.Error) as error:
        raise Unauthenticated(NOT_ONE_ZH) from error
