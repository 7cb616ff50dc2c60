"""People are told: from the event to the message, its failure, its reading, and service in another way."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from fixtures_city import ServedCity, lay_keys, sandbox_settings
from smtp_process import PASSWORD, USER, MailBox, mail_server
from test_bad_input import problem
from test_notice_channels import free_port
from typer.testing import CliRunner

from certsvc.app import build
from certsvc.catalog.notice_texts import KEYS, read_notice_texts
from certsvc.cli.commands import app
from certsvc.clock import FixedClock, SystemClock, local_day
from certsvc.commands.access.seed_sandbox import seed_sandbox
from certsvc.delivery.channels import FileChannel, MailSecurity, MailServer, SmtpChannel
from certsvc.delivery.notices import LEASE_S, NoticeSender, send_notices
from certsvc.errors import ConfigurationError
from certsvc.events.payloads import MOVED, LicenseFetched
from certsvc.license.dues import DueKind
from certsvc.license.notices import SCHEDULE, Way

SLUG = "tour_guide"
PHONE = "13800000001"
MAIL = "guide@example.com"


def faults(response: Any) -> list[tuple[str, str]]:
    return [(item["pointer"], item["code"]) for item in problem(response, 422)["errors"]]


@dataclass
class Town:
    """A city whose clock a test moves, and what its holder, its staff and its gateway do."""

    city: ServedCity
    clock: FixedClock
    box: MailBox

    @property
    def sms(self) -> Path:
        """Directory from which the SMS gateway takes messages."""
        return self.city.service.settings.var_dir / "notices" / "sms"

    def make_due(self) -> None:
        """Let everything that is tried later be due now."""
        self.city.execute("UPDATE notices SET ready_at = at WHERE state = 'waiting'")

    @property
    def deps(self) -> Any:
        return self.city.service.deps

    def holder(self, method: str, path: str, **sent: Any) -> Any:
        headers = self.city.person(self.city.holder_of(SLUG))
        return self.city.client.request(method, f"/v1/wallet{path}", headers=headers, **sent)

    def set_contact(self, **changes: Any) -> dict[str, Any]:
        return dict(self.city.answer(self.holder("PATCH", "/contact", json=changes), 200))

    def send(self) -> int:
        self.city.drain()
        return send_notices(self.deps)

    def texts(self) -> list[str]:
        """What lies in the directory of the SMS gateway, oldest first."""
        return [json.loads(path.read_text("utf-8"))["text"] for path in sorted(self.sms.glob("*.json"))]

    def service_of(self, identifier: str) -> list[dict[str, Any]]:
        """送达 as the authority sees it, oldest first."""
        found = self.city.client.get(f"/v1/licenses/{identifier}", headers=self.city.system())
        return list(reversed(self.city.answer(found, 200)["notices"]))

    def failed(self, who: str = "service-clerk-1", **query: Any) -> list[dict[str, Any]]:
        found = self.city.client.get("/v1/notices", headers=self.city.person(who), params=query)
        return list(self.city.answer(found, 200)["notices"])

    def suspend(self, identifier: str) -> None:
        self.city.answer(self.city.move(identifier, "suspend", slug=SLUG), 201)


@pytest.fixture(scope="module")
def town_module(city_keys: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A city with an SMS gateway's directory and a mail server."""
    place = tmp_path_factory.mktemp("notices")
    var = place / "var"
    lay_keys(city_keys, var)
    shutil.copyfile(sqlite_template, var / "notices.sqlite3")
    (place / "smtp.password").write_text(PASSWORD + "\n", encoding="utf-8")
    clock = FixedClock(SystemClock().now())
    with contextlib.ExitStack() as stack:
        box = stack.enter_context(mail_server(place))
        settings = sandbox_settings(
            var,
            f"sqlite:///{var / 'notices.sqlite3'}",
            smtp_host="127.0.0.1",
            smtp_port=box.port,
            smtp_from="zz@city.example",
            smtp_user=USER,
            smtp_password_file=place / "smtp.password",
            smtp_ca_file=box.ca_file,
        )
        service = build(settings, clock=clock)
        stack.callback(service.close)
        parties = seed_sandbox(service.deps)
        client = stack.enter_context(TestClient(service.application(), raise_server_exceptions=False))
        city = ServedCity(
            client=client,
            out=var,
            secrets=dict(parties.secrets),
            people=parties.people,
            catalog=service.deps.catalog,
            anchor=settings.keys / "trust",
            service=service,
        )
        yield Town(city, clock, box)


@pytest.fixture
def town(town_module: Town) -> Iterator[Town]:
    """The same for every test, without what the one before left."""
    yield town_module
    town_module.city.drain()
    for statement in ("DELETE FROM notices", "DELETE FROM holder_contacts", "DELETE FROM evidence"):
        town_module.city.execute(statement)
    for path in town_module.sms.glob("*"):
        path.unlink()
    town_module.box.got.clear()
    town_module.box.rcpt = "250 OK"


def test_issue_decision_and_use_are_told_once_in_plain_words_without_personal_data(town: Town) -> None:
    assert town.set_contact(phone=PHONE) == {"phone": "138****0001", "mail": "", "source": "own", "tell_uses": False}
    done = town.city.issue(SLUG, "TOLD-1")
    identifier = done["identifier"]
    scene = town.city.catalog.type(SLUG).scenes[0].code
    town.city.scan("officer-1", town.city.show(SLUG, identifier, scene)["code"])
    town.city.drain()
    town.set_contact(tell_uses=True)
    town.city.scan("officer-1", town.city.show(SLUG, identifier, scene)["code"])
    town.suspend(identifier)
    assert town.send() == 3, "a scan before the holder asked to be told of them is none"
    assert town.send() == 0
    issued, suspended, scanned = sorted(town.texts(), key=lambda text: ("核验" in text, "暂扣" in text))
    name = town.city.catalog.sample(SLUG)["holder_name"]
    assert "已签发" in issued
    assert "已暂扣（文书号：示例决〔2026〕suspend号），至2030年12月31日" in suspended
    assert "行政复议" in suspended
    assert "核验了您的" in scanned
    for text in (issued, suspended, scanned):
        assert text.startswith(f"{name[0]}*：")
        assert name not in text
        assert done["number"] not in text
        assert len(text) < 140
    lines = [use for use in town.city.answer(town.holder("GET", "/uses"), 200) if use["kind"] == "notice"]
    assert sorted(line["outcome"] for line in lines) == ["issued", "moved"], "the use itself stands in the ledger"


def test_service_is_on_record_and_opening_the_license_is_reading_it(town: Town) -> None:
    town.set_contact(phone=PHONE)
    identifier = town.city.issue(SLUG, "READ-1")["identifier"]
    town.suspend(identifier)
    town.city.drain()
    assert [one["state"] for one in town.service_of(identifier)] == ["waiting", "waiting"]
    assert town.send() == 2
    sent = town.service_of(identifier)[-1]
    assert (sent["state"], sent["way_zh"], sent["to"], sent["about"]) == (
        "sent",
        "短信",
        "138****0001",
        "license.suspended.v1",
    )
    assert sent["sent_at"]
    assert [one["state"] for one in town.service_of(identifier)] == ["sent", "sent"], (
        "the authority's look reads nothing"
    )
    town.clock.advance(timedelta(minutes=5))
    town.city.answer(town.holder("GET", f"/{identifier}/moves"), 200)
    read = town.service_of(identifier)[-1]
    assert (read["state"], read["way"], read["state_zh"]) == ("read", "sms", "已查阅")
    assert read["ended_at"] > read["sent_at"]
    kinds = [row[0] for row in town.city.rows("SELECT kind FROM evidence WHERE kind LIKE 'notice.%'")]
    assert sorted(kinds) == ["notice.read", "notice.read", "notice.sent", "notice.sent"]
    stored = str(town.city.rows("SELECT * FROM notices") + town.city.rows("SELECT * FROM holder_contacts"))
    assert PHONE not in stored
    assert PHONE not in str(town.city.events())


@pytest.mark.parametrize("how", ["file", "face"])
def test_every_way_to_open_a_license_reads_its_notices(town: Town, how: str) -> None:
    identifier = town.city.issue(SLUG, f"OPEN-{how}")["identifier"]
    headers = {"Accept": "application/json"} if how == "face" else {}
    headers |= town.city.person(town.city.holder_of(SLUG))
    assert town.service_of(identifier)[0]["state"] == "posted"
    assert town.city.client.get(f"/v1/wallet/{identifier}/file", headers=headers).status_code == 200
    assert (town.service_of(identifier)[0]["state"], town.service_of(identifier)[0]["way"]) == ("read", "page")


def test_a_decision_that_no_message_reaches_is_for_staff_to_serve(town: Town) -> None:
    identifier = town.city.issue(SLUG, "HAND-1")["identifier"]
    town.suspend(identifier)
    town.city.drain()
    (row,) = town.city.answer(town.city.client.get("/v1/notices", headers=town.city.system()), 200)["notices"]
    notice = row["notice"]
    assert (row["identifier"], notice["state"], notice["reason"]) == (identifier, "failed", "no_contact")
    assert "没有登记" in notice["reason_zh"]
    own = town.city.service.deps.catalog.sample(SLUG)["issuer_code"]
    staff = {person.subject: person.authority_code for person in town.city.people}
    assert (staff["service-clerk-1"] == own) == bool(town.failed()), "only the body that has to serve it sees it"
    clerk = town.city.system(f"approval-{own.lower()}")
    path = f"/v1/notices/{notice['notice_id']}/services"

    def serve(**changes: Any) -> Any:
        body = {"way": "direct", "served_on": local_day(town.clock.now()).isoformat(), "note": "回证 1 号", **changes}
        return town.city.client.post(path, headers=clerk, json=body)

    assert faults(serve(served_on="2199-01-01")) == [("/served_on", "service")]
    assert faults(serve(served_on="2020-01-01")) == [("/served_on", "service")]
    assert serve(way="sms").status_code == 422
    other = town.city.client.post(path, headers=town.city.system("approval-11990000mb00000430"), json={})
    assert other.status_code in {404, 422}
    served = town.city.answer(serve(), 201)["notice"]
    assert (served["state"], served["way_zh"], served["note"]) == ("served", "直接送达", "回证 1 号")
    assert town.city.answer(serve(), 201)["notice"] == served, "the same again is the same"
    assert serve(note="回证 2 号").status_code == 409
    assert not town.city.answer(town.city.client.get("/v1/notices", headers=town.city.system()), 200)["notices"]
    assert town.service_of(identifier)[-1]["served_on"] == served["served_on"]


def test_a_dead_mail_server_delays_nobody_and_is_given_up_with_its_reason(town: Town) -> None:
    town.set_contact(mail=MAIL)
    identifier = town.city.issue(SLUG, "DEAD-1")["identifier"]
    town.suspend(identifier)
    town.city.drain()
    dead = SmtpChannel(MailServer(host="127.0.0.1", port=free_port(), security=MailSecurity.NONE, sender="a@b.example"))
    sender = NoticeSender(town.deps, dead)
    assert sender.once()
    assert not sender.once(), "a gateway that is away rests"
    town.set_contact(phone=PHONE)
    town.city.issue(SLUG, "DEAD-2")
    assert town.send() == 1, "another way is not delayed"
    assert len(town.texts()) == 1
    town.set_contact(phone="")
    for _ in range(2 * len(SCHEDULE)):
        town.make_due()
        NoticeSender(town.deps, dead).once()
    first, last = town.service_of(identifier)
    assert (first["state"], first["reason"], first["attempts"]) == ("failed", "away", len(SCHEDULE))
    assert (last["state"], last["reason_zh"]) == ("failed", "短信或邮件网关一直不能连通")
    kinds = [row[0] for row in town.city.rows("SELECT kind FROM evidence WHERE kind LIKE 'notice.%'")]
    assert sorted(kinds) == ["notice.failed", "notice.failed", "notice.sent"]
    assert not town.box.got


def test_the_second_way_is_tried_when_the_first_is_used_up_and_staff_may_send_again(town: Town, tmp_path: Path) -> None:
    (tmp_path / "sms").write_text("not a directory", encoding="utf-8")
    broken = FileChannel(Way.SMS, tmp_path / "sms")
    town.set_contact(phone=PHONE, mail=MAIL)
    identifier = town.city.issue(SLUG, "WAYS-1")["identifier"]
    town.city.drain()
    for _ in SCHEDULE:
        town.make_due()
        assert NoticeSender(town.deps, broken).once()
    town.box.rcpt = "550 no such user"
    town.send()
    (failed,) = town.service_of(identifier)
    assert (failed["state"], failed["way"], failed["reason"]) == ("failed", "mail", "address")
    assert failed["to"] == "g***@example.com"
    assert not town.texts()
    town.box.rcpt = "250 OK"
    town.set_contact(phone="", mail="right@example.com")
    path = f"/v1/notices/{failed['notice_id']}/sendings"
    town.city.answer(town.city.client.post(path, headers=town.city.system()), 202)
    assert town.send() == 1
    (message,) = town.box.got
    assert message["To"] == "right@example.com"
    assert message["Subject"] == f"电子证照通知：{town.city.catalog.type(SLUG).name}"
    assert "已签发" in message.get_content()
    assert town.service_of(identifier)[0]["state"] == "sent"


class Crash(Exception):
    """The process is gone."""


@dataclass
class CrashAt:
    """A fault point that ends the process at one step."""

    step: str

    def reach(self, name: str) -> None:
        if name == self.step:
            raise Crash


@pytest.mark.parametrize("step", ["notice.sending", "notice.sent", "notice.recorded"])
def test_a_crash_at_any_step_loses_nothing_and_is_one_message(town: Town, step: str) -> None:
    town.set_contact(phone=PHONE)
    identifier = town.city.issue(SLUG, f"CRASH-{step}")["identifier"]
    town.city.drain()
    with pytest.raises(Crash):
        send_notices(replace(town.deps, faults=CrashAt(step)))
    assert town.send() == 0, "the dead one's lease stands"
    town.clock.advance(timedelta(seconds=LEASE_S))
    assert town.send() == int(step != "notice.recorded")
    assert len(town.texts()) == 1
    assert town.service_of(identifier)[0]["state"] == "sent"


def test_a_system_passes_on_a_contact_and_the_holders_own_word_counts(town: Town) -> None:
    sample = town.city.catalog.sample(SLUG)
    given = {"holder_code": sample["holder_code"], "holder_code_type": sample["holder_code_type"], "phone": PHONE}

    def give(status: int = 200, **changes: Any) -> Any:
        sent = town.city.client.put("/v1/contacts", headers=town.city.system(), json={**given, **changes})
        return town.city.answer(sent, status) if status == 200 else faults(sent)

    assert give() == {"counts": True}
    assert town.city.answer(town.holder("GET", "/contact"), 200)["source"] == "given"
    assert give(422, phone="12345678901") == [("/phone", "phone")]
    assert give(422, mail="a@b.example\r\nBcc: c@d.example") == [("/mail", "mail")]
    assert give(422, holder_code="1") == [("/holder_code", "invalid_identifier")]
    town.set_contact(phone="", mail="")
    assert give() == {"counts": False}
    town.city.issue(SLUG, "GIVEN-1")
    assert town.send() == 0, "the holder wants no messages"


def test_a_fetch_is_told_with_the_name_of_the_office(town: Town) -> None:
    town.set_contact(phone=PHONE, tell_uses=True)
    identifier = town.city.issue(SLUG, "FETCH-1")["identifier"]
    client = next(name for name in town.city.secrets if name.startswith("using-"))
    payload = LicenseFetched(
        identifier=identifier,
        license_type=SLUG,
        client_id=client,
        matter_code="m",
        case_no="c",
        basis="duty",
        fields=[],
    )
    event = payload.event(event_id="evt_fetch", source="test", subject=identifier, at=town.clock.now())
    with town.deps.uow() as tx:
        tx.outbox.add(event)
        office = town.city.catalog.authority(tx.access.client(client).authority_code).name
    assert town.send() == 2
    assert any(f"：{office}调用了您的" in text for text in town.texts())


def test_a_contact_that_is_gone_at_the_time_of_sending_is_no_address(town: Town) -> None:
    town.set_contact(phone=PHONE)
    identifier = town.city.issue(SLUG, "GONE-1")["identifier"]
    town.city.drain()
    town.set_contact(phone="")
    town.send()
    assert not town.texts()
    assert town.service_of(identifier)[0]["reason"] == "no_contact"


def test_the_command_line_lists_and_sends_again(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = town.city.service.settings
    for name in ("profile", "var_dir", "database_url", "keys_file", "trust_dir"):
        monkeypatch.setenv(f"CERTSVC_{name.upper()}", str(getattr(settings, name)))
    monkeypatch.setenv("CERTSVC_FONT_DIRS", ":".join(str(one) for one in settings.font_dirs))
    monkeypatch.setenv("COLUMNS", "240")
    identifier = town.city.issue(SLUG, "CLI-1")["identifier"]
    town.suspend(identifier)
    town.city.drain()
    listed = CliRunner().invoke(app, ["notices", "list"])
    assert identifier in listed.output, listed.output
    assert "no_contact" in listed.output
    town.set_contact(phone=PHONE)
    assert "重新排队 1 条" in CliRunner().invoke(app, ["notices", "resend"]).output
    town.clock.advance(timedelta(minutes=1))
    assert town.send() == 1


def test_there_is_a_sentence_for_every_occasion_and_a_citys_own_are_checked(tmp_path: Path) -> None:
    plain = {"issued", "reissued", "registered", "simulated", "fetched", "scanned", "use_request", "use_request_for"}
    assert set(KEYS) == {*plain, *MOVED, *DueKind}
    whole = (Path(read_notice_texts.__code__.co_filename).parent / "notices.toml").read_text("utf-8")
    own = tmp_path / "notices.toml"
    own.write_text(whole.replace("您的{type}已签发{source}", "本市已为您签发{type}"), encoding="utf-8")
    assert read_notice_texts(tmp_path).sentence("issued", type="导游证").startswith("本市已为您签发导游证。")
    for wrong in (
        whole.replace("{type}已签发", "{holder}已签发"),
        whole.replace("{type}已签发", "{type!r}已签发"),
        whole.replace("{type}已签发", "{type已签发"),
        whole.replace("[issued]", "[isued]"),
        whole.replace("请登录“我的证照”查看和使用", "请" * 121),
    ):
        own.write_text(wrong, encoding="utf-8")
        with pytest.raises(ConfigurationError, match=r"notices\.toml"):
            read_notice_texts(tmp_path)
