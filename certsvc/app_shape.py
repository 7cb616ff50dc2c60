"""What the shape decides (DESIGN.md 6): where files lie, whether there is a broker; part of the composition root."""

from __future__ import annotations

import os
import socket
from datetime import timedelta
from typing import TYPE_CHECKING

from certsvc.delivery.broker import Broker, BrokerAddress
from certsvc.delivery.channels import FileChannel, MailSecurity, MailServer, SmtpChannel
from certsvc.delivery.jetstream import JetStreamCarrier
from certsvc.delivery.object_locks import ObjectLocks
from certsvc.delivery.reports import ReportQueue
from certsvc.errors import ConfigurationError
from certsvc.license.notices import Way
from certsvc.store.objects_dir import DirectoryObjectStore
from certsvc.store.objects_s3 import S3ObjectStore

if TYPE_CHECKING:
    from certsvc.clock import Clock
    from certsvc.commands.notice_ports import NoticeChannel
    from certsvc.commands.ports import Carrier
    from certsvc.settings import Settings

NO_REPLY = "noreply@certsvc.example"
"""Sender of mail that is only written to a directory, when none was set."""


def open_objects(settings: Settings, clock: Clock) -> DirectoryObjectStore | S3ObjectStore:
    """The store of files: an S3 server when ``s3_url`` is set, else a directory.

    The directory is freed of what writers that died left in it.

    Raises:
        ConfigurationError: credentials that cannot be read.
    """
    if settings.s3_url:
        return _open_s3(settings)
    objects = DirectoryObjectStore(settings.objects)
    objects.sweep_incoming(before=clock.now() - timedelta(days=1))
    return objects


def prepare_objects(settings: Settings) -> None:
    """Make the bucket, where there is an S3 server; a directory is made when it is opened."""
    if settings.s3_url:
        store = _open_s3(settings)
        try:
            store.prepare()
        finally:
            store.close()


def process_name() -> str:
    """A name that no other process has."""
    return f"{socket.gethostname()}-{os.getpid()}"


def open_broker(settings: Settings) -> Broker | None:
    """The broker, not connected yet; None in the embedded shape."""
    if not settings.nats_servers:
        return None
    address = BrokerAddress(
        servers=settings.nats_servers,
        credentials=settings.nats_credentials_file,
        prefix=settings.nats_prefix,
        replicas=settings.nats_replicas,
    )
    return Broker(address, name=process_name())


def open_carriers(settings: Settings, broker: Broker | None) -> tuple[Carrier, ...]:
    """What the relay takes events to, outside the database."""
    carriers: list[Carrier] = []
    if settings.s3_url:
        carriers.append(ObjectLocks())
    if broker is not None:
        carriers.append(JetStreamCarrier(broker))
    if settings.report_url:
        carriers.append(ReportQueue())
    return tuple(carriers)


def open_channels(settings: Settings) -> tuple[NoticeChannel, ...]:
    """Ways to holders: SMS through a directory, mail through a server or a directory; none where nothing is set.

    Raises:
        ConfigurationError: a password or a CA that cannot be read.
    """
    directory = settings.notices
    sms: tuple[NoticeChannel, ...] = (FileChannel(Way.SMS, directory / "sms"),) if directory else ()
    if settings.smtp_host:
        try:
            return (*sms, SmtpChannel(_mail_server(settings)))
        except OSError as error:
            raise ConfigurationError(f"邮件服务器的 CA 文件 {settings.smtp_ca_file} 无法使用，应为 PEM 证书") from error
    if directory is None:
        return sms
    return (*sms, FileChannel(Way.MAIL, directory / "mail", sender=settings.smtp_from or NO_REPLY))


def _mail_server(settings: Settings) -> MailServer:
    path, password = settings.smtp_password_file, ""
    if path is not None:
        try:
            password = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"邮件服务器的密码文件 {path} 无法读取，请检查路径和权限") from error
    return MailServer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        security=MailSecurity(settings.smtp_security),
        sender=settings.smtp_from,
        user=settings.smtp_user,
        password=password,
        ca_file=settings.smtp_ca_file,
        timeout_s=settings.smtp_timeout_s,
    )


def _open_s3(settings: Settings) -> S3ObjectStore:
    access_key, secret_key = _credentials(settings)
    return S3ObjectStore(
        settings.s3_url,
        settings.s3_bucket,
        access_key=access_key,
        secret_key=secret_key,
        region=settings.s3_region,
        public_url=settings.s3_public_url,
    )


def _credentials(settings: Settings) -> tuple[str, str]:
    """Access key and secret key, the two lines of a file (a mounted secret)."""
    path = settings.s3_credentials_file
    if path is None:
        raise ConfigurationError("s3_url 须与 s3_credentials_file 一并设置：文件两行，先访问密钥，后私密密钥")
    try:
        lines = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"s3_credentials_file {path} 无法读取") from error
    if len(lines) != 2:  # noqa: PLR2004
        raise ConfigurationError(f"s3_credentials_file {path} 应有两行：先访问密钥，后私密密钥")
    return lines[0], lines[1]
