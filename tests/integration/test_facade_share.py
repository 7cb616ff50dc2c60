"""Facade B, the 共享平台: every verb in its recorded shape, every code that can happen on a license in that state."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
from facade_city import CLIENT, SHARE_ID, SHARE_TOKEN, FacadeCity, facade_city, recorded, same_shape
from store_records import make_fetch

from certsvc.clock import SHANGHAI, FixedClock, SystemClock
from certsvc.commands.showing.codes import PRINTED_PATH
from certsvc.license.facades import FacadeName

BASE = "/zzgxpt"
SLUG = "food_operation"
EXCHANGES = recorded("facade_share.json")


@pytest.fixture(scope="module")
def share(city_keys: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FacadeCity]:
    with facade_city(city_keys, sqlite_template, tmp_path_factory.mktemp("share")) as found:
        found.account(FacadeName.CERT_SHARE, SHARE_ID, SHARE_TOKEN, purpose="")
        city = found.city
        done = city.one_of(SLUG)
        [(printed,)] = city.rows(f"SELECT printed_token FROM licenses WHERE identifier = '{done['identifier']}'")
        base = city.service.settings.public_base
        found.names = {
            "id": SHARE_ID,
            "token": SHARE_TOKEN,
            "zzbs": done["identifier"],
            "holder_code": city.catalog.sample(SLUG)["holder_code"],
            "nobody": "91990000MA0000023K",
            "type_code": city.catalog.type(SLUG).type_code,
            "file": base64.b64encode(city.file(done["identifier"])).decode(),
            "qrcode": f"{base}{PRINTED_PATH}{printed}",
            "show_code": city.show(SLUG, done["identifier"], "catering_inspection")["code"],
        }
        first = EXCHANGES[0]  # what getCertRemarkInfo tells of
        found.post(f"{BASE}/{first['verb']}", found.filled(first["request"]))
        yield found


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda e: f"{e['verb']}-{e['response']['head']['status']}")
def test_every_verb_answers_in_its_recorded_shape(share: FacadeCity, exchange: dict[str, Any]) -> None:
    found = share.post(f"{BASE}/{exchange['verb']}", share.filled(exchange["request"]))
    expected = exchange["response"]
    if exchange["verb"] == "getCertRemarkInfo":
        # Tests of this city run in any order, and others fetch too.
        cause = expected["data"][0]["certificateCopyCause"]
        found = {**found, "data": [row for row in found["data"] if row["certificateCopyCause"] == cause][:1]}
    same_shape(expected, found)


def test_every_verb_is_recorded() -> None:
    from certsvc.api.facades.cert_share import VERBS

    assert {one["verb"] for one in EXCHANGES if one["response"]["head"]["status"] == 0} == {v.name for v in VERBS}


def ask(share: FacadeCity, verb: str, **data: Any) -> Any:
    why = {"useCause": "核对", "bizNum": "BJ-2", "operator": "jingban01"}
    head = {"accessId": SHARE_ID, "accessToken": SHARE_TOKEN}
    return share.post(f"{BASE}/{verb}", {"head": head, "data": {**why, **data}})


def test_a_client_reads_its_own_copies_though_their_holder_is_not_told_of_them_yet(share: FacadeCity) -> None:
    """暂缓告知 keeps a use from the holder; another client's is nobody's business here."""
    deps, identifier = share.city.service.deps, share.names["zzbs"]
    now = deps.clock.now()
    withheld = {"withheld_until": now + timedelta(days=9), "withheld_why": "依示例条例第十条"}
    with deps.uow() as tx:
        version = tx.licenses.by_identifier(identifier)
        assert version is not None
        for n, (client, cause) in enumerate([(CLIENT, "暂缓告知的一件"), ("using-neighbour", "别的系统的一件")]):
            about = {"version_id": version.version_id, "client_id": client, "purpose": cause, "at": now}
            tx.sharing.insert_fetch(make_fetch(800 + n, **about, basis="duty", fields=("*copy",), **withheld))
    causes = [one["certificateCopyCause"] for one in ask(share, "getCertRemarkInfo", certIdentifier=identifier)["data"]]
    assert "暂缓告知的一件" in causes
    assert "别的系统的一件" not in causes


def test_a_copy_of_one_day_is_one_and_its_remark_says_so(share: FacadeCity) -> None:
    """加注件有效期截止时间 and 制作事由 of STANDARDS.md 2.4 B go onto the copy and come back in its remark."""
    identifier, now = share.names["zzbs"], share.city.service.deps.clock.now().astimezone(SHANGHAI)
    day, week = (f"{now + timedelta(days=days):%Y%m%d%H%M}00" for days in (1, 7))
    for number, (verb, times) in enumerate(
        (
            ("downloadFile", {"certificateCopyExpiringTime": day}),
            ("downloadFile", {"expiryTime": day}),
            ("downloadFile", {"certificateCopyExpiringTime": week, "expiryTime": day}),
            ("downloadUrl", {"certificateCopyExpiringTime": day}),
        )
    ):
        cause = f"留存一天之{number}"
        given = ask(share, verb, certIdentifier=identifier, certificateCopyCause=cause, **times)
        assert given["head"]["status"] == 0, given
        if verb == "downloadUrl":
            file = share.city.client.get(BASE + str(given["data"]["content"]).partition(BASE)[2])
            assert (file.status_code, file.content[:4]) == (200, b"%PDF")
        rows = ask(share, "getCertRemarkInfo", certIdentifier=identifier)["data"]
        [remark] = [row for row in rows if row["certificateCopyCause"] == cause]
        assert remark["certificateCopyExpiringTime"] == day, times
        assert remark["certificateCopyCreator"] == "示例省政务服务局", "who made it, not who asked for it"
    [(ends,)] = share.city.rows("SELECT until FROM copies WHERE fetch_id = (SELECT max(fetch_id) FROM copies)")
    assert str(ends).startswith(f"{(now + timedelta(days=1)).astimezone(UTC):%Y-%m-%dT%H:%M}")
    yesterday = f"{now - timedelta(days=1):%Y%m%d%H%M%S}"
    for name in ("certificateCopyExpiringTime", "expiryTime"):
        for verb in ("downloadFile", "downloadUrl", "downloadUrlsByHolderCode"):
            asked = {"certIdentifier": identifier, "holderCode": share.names["holder_code"]}
            for text in (yesterday, "明天"):
                found = ask(share, verb, **asked, **{name: text})
                assert (found["head"]["status"], name in found["head"]["message"]) == (102, True), (verb, text)


def test_codes_of_licenses_that_are_not_in_force(city_keys: Path, sqlite_template: Path, tmp_path: Path) -> None:
    """23 suspended, 21 ended, 22 expired: of the file, the address, the information and the file that was brought."""
    clock = FixedClock(SystemClock().now())
    with facade_city(city_keys, sqlite_template, tmp_path, clock=clock) as share:
        share.account(FacadeName.CERT_SHARE, SHARE_ID, SHARE_TOKEN)
        city = share.city
        done = city.issue(SLUG, "A-1")
        identifier = done["identifier"]
        file = base64.b64encode(city.file(identifier)).decode()

        def codes() -> set[int]:
            data = {"certificateHolderName": "示例餐饮有限公司"}
            answers = (
                ask(share, "downloadFile", certIdentifier=identifier),
                ask(share, "downloadUrl", certIdentifier=identifier),
                ask(share, "verifyCertInfo", certIdentifier=identifier, certData=data),
                ask(share, "verifyFile", content=file),
            )
            return {answer["head"]["status"] for answer in answers}

        assert codes() == {0}
        city.answer(city.move(identifier, "suspend", slug=SLUG), 201)
        assert codes() == {23}
        known = ask(share, "queryCertInfo", certIdentifier=identifier)["data"]
        assert (known["certStatus"], known["certStatusName"]) == ("02", "暂扣"), "the state may be asked"
        city.answer(city.move(identifier, "resume", slug=SLUG), 201)
        clock.advance(timedelta(days=20 * 366))
        city.tokens.clear()
        share.city.execute("UPDATE facade_accounts SET expires_at = '2099-01-01T00:00:00.000000+00:00'")
        assert codes() == {22}
        clock.advance(timedelta(days=-20 * 366))
        city.tokens.clear()
        city.answer(city.move(identifier, "revoke", slug=SLUG), 201)
        assert codes() == {21}


def test_the_address_gives_the_file_once(share: FacadeCity) -> None:
    url = ask(share, "downloadUrl", certIdentifier=share.names["zzbs"])["data"]["content"]
    path = BASE + str(url).partition(BASE)[2]
    given = share.city.client.get(path)
    assert (given.status_code, given.content[:4]) == (200, b"%PDF")
    again = share.city.client.get(path)
    assert (again.status_code, again.json()["head"]["status"]) == (404, 10)
    other = share.city.client.get(path.replace(f"{BASE}/download?id=", "/rest/v1.0/zzgx/zzxzfile?fid="))
    assert other.status_code == 404


def test_an_unanswered_policy_gives_no_type_and_every_call_is_in_the_evidence(share: FacadeCity) -> None:
    before = share.city.rows("SELECT count(*) FROM evidence WHERE kind = 'facade.called'")[0][0]
    found = ask(share, "queryCertInfoByHolderCode", holderCode=share.names["holder_code"])
    assert [row["certTypeCode"] for row in found["data"]] == [share.names["type_code"]], "as far as the matter goes"
    tour = share.city.catalog.type("tour_guide").type_code
    asked = {"holderCode": share.names["holder_code"], "certTypeCode": tour}
    assert ask(share, "queryCertInfoByHolderCode", **asked)["head"]["status"] == 100
    assert share.city.rows("SELECT count(*) FROM evidence WHERE kind = 'facade.called'")[0][0] == before + 2


def test_wrong_tokens_are_counted_and_then_nobody_is_heard(
    city_keys: Path, sqlite_template: Path, tmp_path: Path
) -> None:
    with facade_city(city_keys, sqlite_template, tmp_path, rate_limit_per_minute=100) as share:
        share.account(FacadeName.CERT_SHARE, SHARE_ID, SHARE_TOKEN)
        body = {"head": {"accessId": SHARE_ID, "accessToken": "guess"}, "data": {}}
        for _ in range(10):
            assert share.post(f"{BASE}/queryCertInfo", body)["head"]["status"] == 11
        good = {"head": {"accessId": SHARE_ID, "accessToken": SHARE_TOKEN}, "data": {}}
        found = share.city.client.post(f"{BASE}/queryCertInfo", json=good)
        assert (found.status_code, found.json()["head"]["status"]) == (429, 23)
        assert int(found.headers["retry-after"]) > 0
