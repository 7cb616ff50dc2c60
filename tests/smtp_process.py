"""A mail server of one's own on loopback (aiosmtpd), with TLS and a password; tests choose what it answers."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

USER, PASSWORD = "notices", "a password for tests"


@dataclass
class MailBox:
    """What arrived, and what the server answers to recipients and to data."""

    rcpt: str = "250 OK"
    data: str = "250 OK"
    got: list[EmailMessage] = field(default_factory=list)
    secure: list[bool] = field(default_factory=list)
    asked: int = 0
    port: int = 0
    ca_file: Path = Path()

    async def handle_RCPT(  # noqa: N802  (the library's name)
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take the recipient, or what the test says."""
        self.asked += 1
        if self.rcpt.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep the message, or refuse it."""
        if self.data.startswith("2"):
            self.got.append(message_from_bytes(cast("bytes", envelope.content), policy=policy.default))
            self.secure.append(session.ssl is not None)
        return self.data


class _Controller(Controller):
    """Takes the port that the system chose."""

    def _trigger_server(self) -> None:
        self.port = cast("Any", self.server).sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


def _check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=False)


@contextmanager
def mail_server(place: Path, *, tls: bool = False) -> Iterator[MailBox]:
    """Listen: with STARTTLS before everything else, or with TLS from the first byte."""
    box = MailBox(ca_file=place / "smtp-ca.pem")
    context = _context(place, box.ca_file)
    secure: dict[str, Any] = {"ssl_context": context} if tls else {"tls_context": context, "require_starttls": True}
    controller = _Controller(
        box,
        hostname="127.0.0.1",
        port=0,
        authenticator=_check,
        auth_required=not tls,
        auth_require_tls=not tls,
        **secure,
    )
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop(no_assert=True)


def _context(place: Path, ca_file: Path) -> ssl.SSLContext:
    """A key and a certificate for 127.0.0.1, made now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file = place / "smtp-key.pem"
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(ca_file, key_file)
    return context
