"""Ways to holders: a real mail server with TLS and a password, and files that a gateway takes up."""

from __future__ import annotations

import json
import socket
import stat
import time
from collections.abc import Iterator
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from smtp_process import PASSWORD, USER, MailBox, mail_server
from store_records import T0

from certsvc.delivery.channels import FileChannel, MailSecurity, MailServer, SmtpChannel
from certsvc.errors import ConfigurationError
from certsvc.license.notices import Letter, SendFault, Way
from certsvc.settings import Settings

LETTER = Letter(
    letter_id="ntc_01",
    address="zhang@example.com",
    subject="电子证照通知：导游证",
    text="示*：您的导游证已签发。",
    at=T0,
)


@pytest.fixture(scope="module", params=["starttls", "tls"])
def security(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def server(security: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailBox]:
    with mail_server(tmp_path_factory.mktemp("smtp"), tls=security == "tls") as box:
        yield box


@pytest.fixture
def box(server: MailBox) -> MailBox:
    server.rcpt = server.data = "250 OK"
    server.got.clear()
    server.secure.clear()
    return server


def account(box: MailBox, security: str) -> MailServer:
    return MailServer(
        host="127.0.0.1",
        port=box.port,
        security=MailSecurity(security),
        sender="zz@city.example",
        user=USER,
        password=PASSWORD,
        ca_file=box.ca_file,
        timeout_s=3.0,
    )


def test_a_message_arrives_over_tls_with_an_id_that_stays(box: MailBox, security: str) -> None:
    channel = SmtpChannel(account(box, security))
    assert channel.send(LETTER) is SendFault.NONE
    assert channel.send(LETTER) is SendFault.NONE
    first, second = box.got
    assert box.secure == [security == "starttls"] * 2, "with TLS from the first byte the library sees no STARTTLS"
    assert (first["To"], first["From"], first["Subject"]) == (LETTER.address, "zz@city.example", LETTER.subject)
    assert first.get_content().strip() == LETTER.text
    assert first["Message-ID"] == second["Message-ID"] == "<ntc_01@city.example>"
    assert first["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    "address",
    [
        "zhang@example.com\r\nBcc: other@example.com",
        "zhang@example.com\nSubject: x",
        "zhang@example.com, other@example.com",
        "Zhang <other@example.com>",
        "zhang@example.com\u2028Bcc: other@example.com",
        "zhang@@example.com",
        "zhang",
        "",
    ],
)
def test_what_is_not_one_address_reaches_no_server_and_no_file(address: str, tmp_path: Path) -> None:
    nowhere = MailServer(host="127.0.0.1", port=1, security=MailSecurity.NONE, sender="zz@city.example")
    letter = replace(LETTER, address=address)
    assert SmtpChannel(nowhere).send(letter) is SendFault.ADDRESS, "a server that is away would be another fault"
    assert FileChannel(Way.MAIL, tmp_path, sender="zz@city.example").send(letter) is SendFault.ADDRESS
    assert not list(tmp_path.iterdir())


def test_no_text_of_a_letter_begins_a_header(tmp_path: Path) -> None:
    subject, text = "通知\r\nBcc: other@example.com\n\n.\r\n", "一\r\n.\r\nBcc: other@example.com\r\n"
    letter = replace(LETTER, subject=subject, text=text)
    assert FileChannel(Way.MAIL, tmp_path, sender="zz@city.example").send(letter) is SendFault.NONE
    [file] = tmp_path.iterdir()
    read = message_from_bytes(file.read_bytes(), policy=default)
    assert "Bcc" not in read
    assert sorted(read.keys()) == sorted(set(read.keys())), "every header once"
    assert str(read["Subject"]).startswith("通知")
    assert read.get_content().splitlines()[:3] == text.splitlines()


@pytest.mark.parametrize(
    ("rcpt", "data", "fault"),
    [
        ("550 no such user", "250 OK", SendFault.ADDRESS),
        ("450 mailbox busy", "250 OK", SendFault.LATER),
        ("250 OK", "554 spam", SendFault.REFUSED),
        ("250 OK", "451 try later", SendFault.LATER),
    ],
)
def test_what_the_server_answers_decides_whether_it_is_tried_again(
    box: MailBox, security: str, rcpt: str, data: str, fault: SendFault
) -> None:
    box.rcpt, box.data = rcpt, data
    assert SmtpChannel(account(box, security)).send(LETTER) is fault
    assert not box.got


def test_a_fault_of_ours_or_of_the_way_is_never_the_letters(box: MailBox, security: str, tmp_path: Path) -> None:
    good = account(box, security)
    with mail_server(tmp_path) as stranger:
        wrong = {
            "password": replace(good, password="not this one"),
            "certificate of somebody else": replace(good, ca_file=stranger.ca_file),
            "nobody there": replace(good, port=free_port()),
            "no TLS to be had": replace(good, security=MailSecurity.NONE),
        }
    found = {name: SmtpChannel(server).send(LETTER) for name, server in wrong.items()}
    assert set(found.values()) == {SendFault.AWAY}, found
    assert not box.got


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_server_that_says_nothing_is_given_up_in_time() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        server = MailServer(
            host="127.0.0.1",
            port=silent.getsockname()[1],
            security=MailSecurity.STARTTLS,
            sender="zz@city.example",
            timeout_s=0.3,
        )
        began = time.monotonic()
        assert SmtpChannel(server).send(LETTER) is SendFault.AWAY
        assert time.monotonic() - began < 20


def test_a_file_is_whole_for_the_owner_alone_and_the_same_letter_is_one_file(tmp_path: Path) -> None:
    sms, mail = (
        FileChannel(Way.SMS, tmp_path / "sms"),
        FileChannel(Way.MAIL, tmp_path / "mail", sender="zz@city.example"),
    )
    for channel in (sms, sms, mail):
        assert channel.send(LETTER) is SendFault.NONE
    (text,), (message,) = (tmp_path / "sms").iterdir(), (tmp_path / "mail").iterdir()
    assert json.loads(text.read_text("utf-8")) | {"at": ""} == {
        "id": "ntc_01",
        "to": LETTER.address,
        "text": LETTER.text,
        "at": "",
    }
    assert (text.name, message.name) == ("ntc_01.json", "ntc_01.eml")
    assert b"Message-ID: <ntc_01@city.example>\r\n" in message.read_bytes()
    assert {stat.S_IMODE(one.stat().st_mode) for one in (text, message)} == {0o600}
    (tmp_path / "a file").write_text("")
    assert FileChannel(Way.SMS, tmp_path / "a file" / "sms").send(LETTER) is SendFault.AWAY


@pytest.mark.parametrize(
    "wrong",
    [
        {"smtp_host": "mail.example"},
        {"smtp_from": "a@example.com"},
        {"smtp_user": "a"},
        {"smtp_host": "mail.example", "smtp_from": "a@example.com", "smtp_security": "none"},
        {"smtp_host": "mail.example", "smtp_from": "a@example.com\r\nBcc: b@example.com"},
        {"smtp_timeout_s": 60},
    ],
)
def test_half_a_mail_server_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises((ValueError, ConfigurationError)):
        Settings.model_validate({"profile": "sandbox", **wrong})
