"""Ways to holders: files of a directory that a gateway takes up (SMS, mail), and a mail server (SMTP)."""

from __future__ import annotations

import json
import re
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from enum import StrEnum
from typing import TYPE_CHECKING

import structlog

from certsvc.clock import rfc3339
from certsvc.delivery.spool import put_file
from certsvc.license.notices import SendFault, Way

if TYPE_CHECKING:
    from pathlib import Path

    from certsvc.license.notices import Letter

log = structlog.get_logger("certsvc.notices")

TIMEOUT_S = 10.0
"""One answer of a mail server."""

SMTP_PERMANENT = 500


class MailSecurity(StrEnum):
    """How the way to the mail server is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"
    """a relay on this machine only"""


@dataclass(frozen=True, kw_only=True, slots=True)
class MailServer:
    """Where mail is handed over, and as whom.

    Attributes:
        sender: address of the From line.
        password: empty when the server asks for none.
        ca_file: its CA, when that is not one of the system's.
    """

    host: str
    port: int
    security: MailSecurity
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    timeout_s: float = TIMEOUT_S


_ONE_ADDRESS = re.compile(r"[^\s,;:<>()\[\]\\\"@\x00-\x20\x7f]{1,64}@[^\s,;:<>()\[\]\\\"@\x00-\x20\x7f]{1,255}")
"""One mailbox and nothing else: what could begin another header or name another reader is no address."""


class FileChannel:
    """Implements ``notice_ports.NoticeChannel``: a file per message, named by its id, so that twice is once."""

    def __init__(self, way: Way, directory: Path, *, sender: str = "") -> None:
        """Write to ``directory``: JSON for SMS, ``.eml`` for mail."""
        self.way = way
        self._directory = directory
        self._sender = sender

    def send(self, letter: Letter) -> SendFault:
        """Write the file; it is on the disk, whole, or not there."""
        if self.way is Way.MAIL and not _ONE_ADDRESS.fullmatch(letter.address):
            return SendFault.ADDRESS
        if self.way is Way.MAIL:
            name, content = f"{letter.letter_id}.eml", mail_of(letter, self._sender).as_bytes(policy=SMTP)
        else:
            name, content = f"{letter.letter_id}.json", _json_of(letter)
        try:
            put_file(self._directory, name, content)
        except OSError as error:
            log.warning("cannot write", action="notice.unwritable", way=self.way.value, error=type(error).__name__)
            return SendFault.AWAY
        return SendFault.NONE


class SmtpChannel:
    """Implements ``notice_ports.NoticeChannel`` over SMTP (RFC 5321), with STARTTLS (RFC 3207) or TLS (RFC 8314)."""

    way = Way.MAIL

    def __init__(self, server: MailServer) -> None:
        """Connect anew for every message; the CAs are read once.

        Raises:
            OSError: ``ca_file`` cannot be read, or is none.
        """
        self._server = server
        cas = str(server.ca_file) if server.ca_file else None
        self._context = None if server.security is MailSecurity.NONE else ssl.create_default_context(cafile=cas)

    def send(self, letter: Letter) -> SendFault:
        """Hand it over; taken is taken when the server has answered 250 to the data."""
        if not _ONE_ADDRESS.fullmatch(letter.address):
            return SendFault.ADDRESS
        server = self._server
        connection: smtplib.SMTP | None = None
        try:
            connection = self._connect()
            if server.password:
                connection.login(server.user, server.password)
            connection.send_message(mail_of(letter, server.sender), server.sender, [letter.address])
        except smtplib.SMTPRecipientsRefused as error:
            return _fault(max(code for code, _ in error.recipients.values()), SendFault.ADDRESS)
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPSenderRefused, smtplib.SMTPNotSupportedError) as error:
            return self._away(error)  # our own account or address is at fault, never the letter
        except smtplib.SMTPDataError as error:
            return _fault(error.smtp_code, SendFault.REFUSED)
        except (smtplib.SMTPException, OSError) as error:
            return self._away(error)
        finally:
            if connection is not None:
                _leave(connection)
        return SendFault.NONE

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        if self._context is None:
            return smtplib.SMTP(server.host, server.port, timeout=server.timeout_s)
        if server.security is MailSecurity.TLS:
            return smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout_s, context=self._context)
        connection = smtplib.SMTP(server.host, server.port, timeout=server.timeout_s)
        try:
            connection.starttls(context=self._context)
        except BaseException:
            connection.close()
            raise
        return connection

    def _away(self, error: Exception) -> SendFault:
        # What the server says may quote an address: only the kind of the fault is logged.
        code = getattr(error, "smtp_code", 0)
        log.warning("mail server", action="notice.smtp", error=type(error).__name__, code=code)
        return SendFault.AWAY


def mail_of(letter: Letter, sender: str) -> EmailMessage:
    """The message (RFC 5322); its Message-ID is the letter's, whenever it is sent."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = letter.address
    message["Subject"] = "".join(char if char.isprintable() else " " for char in letter.subject)
    message["Date"] = format_datetime(letter.at)
    message["Message-ID"] = f"<{letter.letter_id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text, charset="utf-8", cte="base64")
    return message


def _json_of(letter: Letter) -> bytes:
    value = {"id": letter.letter_id, "to": letter.address, "text": letter.text, "at": rfc3339(letter.at)}
    return json.dumps(value, ensure_ascii=False).encode()


def _leave(connection: smtplib.SMTP) -> None:
    """Say goodbye; whatever the server makes of it, what it took it has."""
    with suppress(smtplib.SMTPException, OSError):
        connection.quit()
    connection.close()


def _fault(code: int, permanent: SendFault) -> SendFault:
    """5yz is final, 4yz is for now (RFC 5321 4.2.1)."""
    return permanent if code >= SMTP_PERMANENT else SendFault.LATER
