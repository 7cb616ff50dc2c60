"""Reporting upward (汇聚): nothing is lost or doubled while the province is full, slow, away, or says no."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from command_line import environment
from fixtures_city import ServedCity
from province import Province, provincial
from typer.testing import CliRunner

from certsvc.cli.commands import app
from certsvc.commands.evidence.resend import resend_by
from certsvc.delivery.reports import NAME, ReportSender
from certsvc.license.reports import pause_after
from certsvc.settings import Settings

SLUG = "tour_guide"


@pytest.fixture
def province() -> Iterator[Province]:
    with provincial() as found:
        yield found


def reporting(make_city: Callable[..., ServedCity], url: str, province: Province, tmp_path: Path) -> ServedCity:
    token = tmp_path / "province.token"
    token.write_text(province.token + "\n")
    return make_city(url, report_url=province.url, report_token_file=token)


@pytest.fixture
def city(make_city: Callable[..., ServedCity], database_url: str, province: Province, tmp_path: Path) -> ServedCity:
    return reporting(make_city, database_url, province, tmp_path)


@pytest.fixture
def small(make_city: Callable[..., ServedCity], sqlite_url: str, province: Province, tmp_path: Path) -> ServedCity:
    return reporting(make_city, sqlite_url, province, tmp_path)


def send(city: ServedCity, *, hurry: bool = True) -> list[float]:
    """Send until nothing is due; how long the sender would have stayed away each time."""
    city.drain()
    if hurry:
        city.execute("UPDATE reports SET ready_at = (SELECT min(created_at) FROM licenses)")
    sender, waits = ReportSender(city.service.deps, owner="test"), []
    deps = city.service.deps
    for _ in range(20):
        with deps.uow.read() as tx:
            if not tx.reports.due(now=deps.clock.now(), limit=1):
                break
        waits.append(sender.once())
    return waits


def standing(city: ServedCity) -> dict[tuple[str, str], str]:
    return {(a, b): c for a, b, c in city.rows("SELECT identifier, state, status FROM reports")}


def test_every_license_and_state_arrives_once_with_the_elements_of_the_standard(
    city: ServedCity, province: Province
) -> None:
    first, second = (city.issue(SLUG, f"UP-{n}")["identifier"] for n in (1, 2))
    assert send(city) == [0.0]
    city.answer(city.move(second, "revoke", slug=SLUG), 201)
    send(city)
    assert {key: item["state"] for key, item in province.taken.items()} == {first: "valid", second: "revoked"}
    assert standing(city) == {
        (first, "valid"): "accepted",
        (second, "valid"): "accepted",
        (second, "revoked"): "accepted",
    }
    sample, item = city.catalog.sample(SLUG), province.taken[first]
    assert item["certificateTypeCode"] == city.catalog.type(SLUG).type_code
    assert item["certificateHolderCode"] == sample["holder_code"]
    assert item["certificateHolderType"] == "111"
    assert item["certificateIssuingAuthorityCode"] == sample["issuer_code"]
    assert len(item["certificateIssuedDate"]) == 8
    assert city.rows(f"SELECT sha256 FROM artifacts WHERE sha256 = '{item['sha256']}'")
    assert province.bodies[0]["source"] == city.service.settings.issuer

    # The whole feed once more, as after a restore: every report is known, nothing is sent.
    sendings = len(province.bodies)
    resend_by(city.service.deps, NAME, after=0, actor="test")
    assert send(city) == []
    assert len(province.bodies) == sendings
    # A state that comes again is reported again, behind the one in between.
    for name in ("suspend", "resume"):
        city.answer(city.move(first, name, slug=SLUG), 201)
        send(city)
    assert province.taken[first]["state"] == "valid"
    assert len(province.seen) == 5


def test_a_province_that_is_full_or_away_gets_everything_later(small: ServedCity, province: Province) -> None:
    city, issued = small, [small.issue(SLUG, f"AWAY-{n}")["identifier"] for n in range(3)]
    province.quota = 2
    assert send(city) == [7.0], "as long as the province asks for"
    assert province.taken == {}
    province.quota, province.status = None, 503
    assert send(city) == [pause_after(2).total_seconds()]
    assert send(city, hurry=False) == [], "put off"
    province.status, province.forgets = 0, True
    send(city)
    assert set(province.taken) == set(issued)
    province.forgets, province.token = False, "another"
    send(city)
    assert set(standing(city).values()) == {"waiting"}
    assert {row[0] for row in city.rows("SELECT attempts FROM reports")} == {4}
    province.token = "province-token"
    send(city)
    assert set(standing(city).values()) == {"accepted"}
    assert len(province.seen) == 3, "sent more than once, and known again by their ids"


def test_what_is_rejected_is_listed_with_its_reason_holds_up_nothing_and_is_sent_again(
    small: ServedCity, province: Province
) -> None:
    city = small
    bad, good, broken = (city.issue(SLUG, f"SAY-{n}")["identifier"] for n in range(3))
    province.rejects = lambda item: "持证主体代码有误" if item["certificateIdentifier"] == bad else ""
    province.refuses = lambda item: bool(item["certificateIdentifier"] == broken)
    send(city)
    assert standing(city) == {(bad, "valid"): "rejected", (good, "valid"): "accepted", (broken, "valid"): "rejected"}
    ((reason,),) = city.rows(f"SELECT reason FROM reports WHERE identifier = '{bad}'")
    assert "代码".encode() not in bytes(reason), "encrypted: it may quote the holder"
    listed = run(city, "list", "--state", "rejected")
    assert "持证主体代码有误" in listed
    assert "HTTP 422" in listed
    assert good not in listed
    assert "待上报 0 件，已接收 1 件，被退回 2 件" in listed
    province.rejects, province.refuses = (lambda _item: ""), (lambda _item: False)
    assert "1 件" in run(city, "resend", bad)
    assert "1 件" in run(city, "resend", "--all")
    send(city)
    assert set(standing(city).values()) == {"accepted"}
    assert city.rows("SELECT count(*) FROM evidence WHERE kind = 'reports.resent'") == [(2,)]


def run(city: ServedCity, *arguments: str) -> str:
    settings = city.service.settings
    env = environment(city) | {
        "CERTSVC_REPORT_URL": settings.report_url,
        "CERTSVC_REPORT_TOKEN_FILE": str(settings.report_token_file),
    }
    return CliRunner().invoke(app, ["reports", *arguments], env=env, catch_exceptions=False).stdout


def test_a_slow_province_holds_up_no_event_and_a_paper_that_is_no_license_is_not_reported(
    small: ServedCity, province: Province
) -> None:
    province.delay_s = 0.5
    small.issue(SLUG, "SLOW")
    small.issue(next(kind.slug for kind in small.catalog.types if kind.document), "PAPER")
    assert province.bodies == [], "the relay writes a row and goes on"
    send(small)
    assert len(province.taken) == len(standing(small)) == 1


def test_the_pauses_grow_and_go_on_for_ever() -> None:
    pauses = [pause_after(n) for n in (1, 2, 3, 4, 5, 6, 1000)]
    assert pauses == sorted(pauses)
    assert pauses[0] == timedelta(seconds=10)
    assert pauses[-1] == timedelta(hours=2)


def test_the_address_of_the_province_and_its_token_are_set_together(tmp_path: Path) -> None:
    values: dict[str, Any] = {"profile": "sandbox", "var_dir": tmp_path}
    with pytest.raises(ValueError, match="report_url"):
        Settings.model_validate({**values, "report_url": "https://province.example/reports"})
