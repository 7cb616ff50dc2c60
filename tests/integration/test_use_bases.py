"""On what uses rest: use requests, delegates, co-holders, guardians, consents on paper, and duties told of later."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from consent_city import bind, citizen, company, given, holder, party, state, today
from fixtures_city import ServedCity
from log_city import settle
from PIL import Image
from test_bad_input import problem
from test_fetch import CLIENT, COPY, MATTER, SLUG, fetch, uses

from certsvc.clock import FixedClock, SystemClock
from certsvc.commands.access import roles
from certsvc.commands.access.principals import of_person
from certsvc.commands.access.seed_sandbox import using_client_id
from certsvc.commands.evidence.sweep import orphans, remove_orphans
from certsvc.commands.sharing.counter_consent import KEPT_FOR, CounterBody, read_consent, take_consent
from certsvc.commands.sharing.withhold import tell_withheld
from certsvc.errors import NotFound
from certsvc.license.consents import MAX_OPEN_PER_HOLDER, MAX_WITHHELD_DAYS

FOOD = "food_operation"
RENEWAL = "11990000MB0000019F2990131002003"
"""食品经营许可（延续）: two types, consent or duty"""
SUBSIDY = "11990000MB0000019F2991099001001"
"""餐饮业稳岗补贴: answers, and a type whose co-holders must all confirm"""
HOUSE = "real_estate"


def ask(city: ServedCity, to: dict[str, str], items: dict[str, list[str]], **changes: Any) -> Any:
    """A use request; the bare answer."""
    body: dict[str, Any] = {
        "holder": to,
        "matter_code": RENEWAL,
        "case_no": "YX-1",
        "operator": "jingban01",
        "purpose": "办理食品经营许可延续",
        "items": [{"type": slug, "fields": fields} for slug, fields in items.items()],
        **changes,
    }
    return city.client.post("/v1/use-requests", headers=city.system(CLIENT), json=body)


def party_id(city: ServedCity, who: dict[str, str], request_id: str, **only: str) -> str:
    """For which party somebody answers, by the own list: one that waits, if there is one."""
    rows = city.answer(city.client.get("/v1/use-requests", headers=who), 200)
    mine = [row for row in rows if row["request_id"] == request_id and only.items() <= row.items()]
    mine.sort(key=lambda row: row["answer"] != "asked")
    return str(mine[0]["party_id"]) if mine else "upt_none"


def reply(city: ServedCity, who: dict[str, str], request_id: str, *, accept: bool = True, **more: Any) -> Any:
    body = {"accept": accept, "party_id": party_id(city, who, request_id), **more}
    return city.client.post(f"/v1/use-requests/{request_id}/answers", headers=who, json=body)


def by_request(city: ServedCity, request_id: str, slug: str = SLUG, **changes: Any) -> Any:
    """A fetch on a confirmed request."""
    lawful: dict[str, Any] = {
        "basis": "consent",
        "matter_code": RENEWAL,
        "case_no": "YX-1",
        "consent_id": request_id,
        "holder_code": None,
        "holder_code_type": None,
        "fields": ["holder_name"],
    }
    return fetch(city, type=slug, **{**lawful, **changes})


def read(city: ServedCity, request_id: str) -> dict[str, Any]:
    return dict(city.answer(city.client.get(f"/v1/use-requests/{request_id}", headers=city.system(CLIENT)), 200))


def the_holder(city: ServedCity, slug: str) -> dict[str, str]:
    sample = city.catalog.sample(slug)
    return party(sample["holder_name"], sample["holder_code"], sample["holder_code_type"])


def test_a_holder_confirms_a_request_for_two_licenses_and_each_is_used_once(city: ServedCity) -> None:
    city.issue(SLUG, "U-1")
    city.issue(FOOD, "U-2")
    wanted = {SLUG: ["holder_name", "address"], FOOD: ["number", "?scope:business_items"]}
    made = city.answer(ask(city, company(city), wanted), 201)
    assert (made["state"], made["waiting"]) == ("asked", 1)
    problem(by_request(city, made["request_id"]), 403)
    me = holder(city, SLUG)
    [seen] = city.answer(city.client.get("/v1/use-requests", headers=me), 200)
    assert seen["operator"] == "jingban01"
    assert [field["name"] for field in seen["items"][1]["fields"]] == [
        "证照编号",
        "“经营项目”是否包含某内容（只答是或否）",
    ]
    assert city.answer(reply(city, me, made["request_id"]), 201)["state"] == "confirmed"
    assert [row["type"] for row in read(city, made["request_id"])["given"]] == [SLUG, FOOD]
    for wrong in (
        {"case_no": "YX-2"},
        {"operator": "jingban02"},
        {"matter_code": MATTER},
        {"fields": ["number"]},
        {"fields": [COPY]},
    ):
        problem(by_request(city, made["request_id"], **wrong), 403)
    given_fields = city.answer(by_request(city, made["request_id"], fields=[]), 201)["fields"]
    assert [field["key"] for field in given_fields] == ["holder_name", "address"]
    problem(by_request(city, made["request_id"]), 403)
    city.answer(by_request(city, made["request_id"], FOOD, fields=["number"]), 201)
    newest = uses(city)[0]
    assert (newest["outcome"], newest["fields"]) == ("given", ["number"])
    page = city.answer(city.client.get("/v1/uses", headers=me), 200)["uses"]
    assert {row["use_basis_zh"] for row in page if row["outcome"] == "given"} == {"持证人授权"}
    city.drain()
    [event] = [event for event in city.events() if event["type"].endswith("consent.answered.v1")]
    assert event["data"]["outcome"] == "confirmed"


def test_a_request_tells_nothing_before_a_yes_and_is_answered_once(city: ServedCity) -> None:
    city.issue(SLUG, "U-1")
    nobody = ask(city, party("示例无名", citizen(today(city).replace(year=1980))), {SLUG: []})
    somebody = ask(city, company(city), {SLUG: []})
    one, other = city.answer(nobody, 201), city.answer(somebody, 201)
    vary = {"request_id", "created_at", "lapses_at", "until"}
    assert {k: v for k, v in one.items() if k not in vary} == {k: v for k, v in other.items() if k not in vary}
    stranger = bind(city, "stranger", "示例路人", code=citizen(today(city).replace(year=1981), 7))
    missing = problem(reply(city, stranger, "urq_none"), 404)
    assert problem(reply(city, stranger, other["request_id"]), 404) == missing
    neighbour = city.system(using_client_id("11990000MB00000355"))
    assert problem(city.client.get(f"/v1/use-requests/{other['request_id']}", headers=neighbour), 404)
    me = holder(city, SLUG)
    assert city.answer(reply(city, me, other["request_id"], accept=False), 201)["state"] == "declined"
    problem(reply(city, me, other["request_id"]), 409)
    problem(by_request(city, other["request_id"]), 403)
    assert read(city, other["request_id"])["given"] == []


def test_a_request_lapses_and_a_holder_is_not_pressed(make_city: Callable[..., ServedCity], sqlite_url: str) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(sqlite_url, clock=clock)
    city.issue(SLUG, "U-1")
    made = [city.answer(ask(city, company(city), {SLUG: []}, hours=1), 201) for _ in range(MAX_OPEN_PER_HOLDER)]
    problem(ask(city, company(city), {SLUG: []}), 409)
    me = holder(city, SLUG)
    city.answer(reply(city, me, made[0]["request_id"]), 201)
    clock.advance(timedelta(hours=1))
    city.tokens.clear()
    assert read(city, made[1]["request_id"])["state"] == "lapsed"
    problem(reply(city, holder(city, SLUG), made[1]["request_id"]), 409)
    city.answer(ask(city, company(city), {SLUG: []}), 201)
    city.answer(by_request(city, made[0]["request_id"]), 201)


@pytest.mark.parametrize(
    ("items", "changes"),
    [
        ({SLUG: ["registered_capital"]}, {}),
        ({SLUG: ["?holder"]}, {}),
        ({"tour_guide": []}, {}),
        ({SLUG: []}, {"matter_code": "11990000MB0000019F2990631001001"}),
    ],
)
def test_no_more_is_asked_than_the_matter_needs(
    small_city: ServedCity, items: dict[str, list[str]], changes: dict[str, Any]
) -> None:
    assert problem(ask(small_city, company(small_city), items, **changes), 403)["code"] == "no_lawful_basis"


def test_what_is_withdrawn_or_loses_its_ground_is_refused_at_the_next_call(city: ServedCity) -> None:
    city.issue(SLUG, "U-1")
    boss = bind(city, "boss", "示例法人", code=citizen(today(city).replace(year=1970)))
    city.answer(
        state(city, "representative", company(city), party("示例法人", citizen(today(city).replace(year=1970)))), 201
    )
    first, second = (city.answer(ask(city, company(city), {SLUG: []}), 201)["request_id"] for _ in range(2))
    for request_id in (first, second):
        city.answer(reply(city, boss, request_id), 201)
    [mine] = [
        row for row in city.answer(city.client.get("/v1/grants", headers=boss), 200) if row["consent_id"] == first
    ]
    assert city.client.delete(f"/v1/grants/{mine['grant_id']}", headers=holder(city, SLUG)).status_code == 204
    problem(by_request(city, first), 403)
    city.answer(by_request(city, second, fields=["number"]), 201)
    third = city.answer(ask(city, company(city), {SLUG: []}), 201)["request_id"]
    city.answer(reply(city, boss, third), 201)
    [(relation_id,)] = city.rows("SELECT relation_id FROM relations WHERE kind = 'representative'")
    path, body = f"/v1/relations/{relation_id}/endings", {"document_no": "示例〔2026〕2号"}
    assert city.client.post(path, headers=city.system("facts-1"), json=body).status_code == 204
    problem(by_request(city, third), 403)


def test_a_delegate_consents_within_what_was_given_and_no_longer(city: ServedCity) -> None:
    done = city.issue(SLUG, "U-1")
    me, number = holder(city, SLUG), citizen(today(city).replace(year=1985))
    aunt = bind(city, "aunt", "示例姑姑", code=number)
    scenes = [next(scene.code for scene in city.catalog.type(SLUG).scenes)]
    scope = {done["identifier"]: scenes}
    showing = given(city, me, party("示例姑姑", number), scope, aunt)
    made = city.answer(ask(city, company(city), {SLUG: ["number"]}), 201)["request_id"]
    problem(reply(city, aunt, made, delegation_id=showing), 404)
    other = given(city, me, party("示例姑姑", number), scope, aunt, use_matters=[MATTER])
    problem(reply(city, aunt, made, delegation_id=other), 404)
    using = given(city, me, party("示例姑姑", number), scope, aunt, use_matters=[RENEWAL])
    [seen] = city.answer(city.client.get("/v1/use-requests", headers=aunt), 200)
    assert (seen["delegation_id"], seen["holder_name"]) == (using, company(city)["name"])
    city.answer(reply(city, aunt, made, delegation_id=using), 201)
    later = city.answer(ask(city, company(city), {SLUG: ["number"]}), 201)["request_id"]
    city.answer(reply(city, aunt, later, delegation_id=using), 201)
    city.answer(by_request(city, made, fields=["number"]), 201)
    page = city.answer(city.client.get("/v1/uses", headers=me), 200)["uses"]
    assert page[0]["use_basis"] == "delegation"
    assert city.client.delete(f"/v1/delegations/{using}", headers=me).status_code == 204
    problem(by_request(city, later, fields=["number"]), 403)
    assert city.rows("SELECT count(*) FROM grants WHERE withdrawn_at IS NOT NULL") == [(1,)]
    body = {"identifier": done["identifier"], "client_id": CLIENT, "matter_code": MATTER, "delegation_id": other}
    coded = city.answer(city.client.post("/v1/grants", headers=aunt, json=body), 201)
    assert coded["code"]
    wrong = city.client.post("/v1/grants", headers=aunt, json={**body, "matter_code": RENEWAL})
    problem(wrong, 409)


def test_every_co_holder_confirms_where_the_type_says_so(city: ServedCity) -> None:
    house = city.issue(HOUSE, "U-1")
    wife_no = citizen(today(city).replace(year=1982), 3)
    wife = bind(city, "wife", "示例共有人", code=wife_no)
    path = f"/v1/licenses/{house['identifier']}/co-holders"
    body = {"person": party("示例共有人", wife_no)}
    city.answer(city.client.post(path, headers=city.system(), json=body), 201)
    me = holder(city, HOUSE)
    code = {"identifier": house["identifier"], "client_id": CLIENT, "matter_code": SUBSIDY}
    problem(city.client.post("/v1/grants", headers=me, json=code), 409)
    made = city.answer(ask(city, the_holder(city, HOUSE), {HOUSE: ["location"]}, matter_code=SUBSIDY), 201)[
        "request_id"
    ]
    assert city.answer(city.client.get("/v1/use-requests", headers=wife), 200) == []
    answered = city.answer(reply(city, me, made), 201)
    assert (answered["state"], answered["waiting"]) == ("asked", 1)
    problem(by_request(city, made, HOUSE, matter_code=SUBSIDY, fields=["location"]), 403)
    problem(reply(city, me, made), 409)
    assert [row["request_id"] for row in city.answer(city.client.get("/v1/use-requests", headers=wife), 200)] == [made]
    assert city.answer(reply(city, wife, made), 201)["state"] == "confirmed"
    city.answer(by_request(city, made, HOUSE, matter_code=SUBSIDY, fields=["location"]), 201)


def jpeg() -> bytes:
    """A white sheet."""
    file = io.BytesIO()
    Image.new("RGB", (400, 300), "white").save(file, "JPEG")
    return file.getvalue()


def counter_body(to: dict[str, str], **changes: Any) -> dict[str, Any]:
    return {
        "holder": to,
        "client_id": CLIENT,
        "matter_code": RENEWAL,
        "case_no": "YX-1",
        "operator": "jingban01",
        "purpose": "窗口办理延续",
        "items": [{"type": SLUG, "fields": ["holder_name", "number"]}],
        "picture": base64.b64encode(jpeg()).decode(),
        **changes,
    }


def counter(city: ServedCity, to: dict[str, str], *, who: dict[str, str] | None = None, **changes: Any) -> Any:
    headers = who or city.person("clerk-1")
    return city.client.post("/v1/counter-consents", headers=headers, json=counter_body(to, **changes))


def test_a_consent_on_paper_is_kept_used_seen_and_withdrawn(city: ServedCity) -> None:
    city.issue(SLUG, "U-1")
    made = [city.answer(counter(city, company(city)), 201) for _ in range(2)]
    path = f"/v1/counter-consents/{made[0]['consent_id']}/picture"
    picture = city.client.get(path, headers=city.person("clerk-1"))
    assert hashlib.sha256(picture.content).hexdigest() == made[0]["picture_sha256"]
    [(name,)] = city.rows(f"SELECT object_name FROM counter_consents WHERE consent_id = '{made[0]['consent_id']}'")
    assert picture.content not in city.service.deps.objects.get(name), "kept encrypted"
    me = holder(city, SLUG)
    listed = city.answer(city.client.get("/v1/grants", headers=me), 200)
    assert {row["basis_zh"] for row in listed} == {"现场授权"}
    city.answer(by_request(city, made[0]["consent_id"]), 201)
    page = city.answer(city.client.get("/v1/uses", headers=me), 200)["uses"]
    assert page[0]["use_basis"] == "counter"
    [left] = [row for row in listed if row["consent_id"] == made[1]["consent_id"]]
    assert city.client.delete(f"/v1/grants/{left['grant_id']}", headers=me).status_code == 204
    problem(by_request(city, made[1]["consent_id"]), 403)
    wrong_name = counter(city, {**company(city), "name": "示例别的公司"})
    nobody = counter(city, party("示例无名", citizen(today(city).replace(year=1980))))
    assert problem(wrong_name, 404) == problem(nobody, 404)
    signer = party("示例路人", citizen(today(city).replace(year=1980)))
    assert problem(counter(city, company(city), signer=signer), 404) == problem(wrong_name, 404)
    problem(counter(city, company(city), picture="AAAA"), 422)


def test_a_clerk_takes_consents_for_the_own_counter_and_each_type_once(small_city: ServedCity) -> None:
    city = small_city
    city.issue(SLUG, "U-1")
    far = bind(city, "clerk-far", "示例别处", roles=frozenset({roles.CLERK}), authority_code="11990000MB00000355")
    assert problem(counter(city, company(city), who=far), 403) == problem(
        counter(city, company(city), who=far, matter_code="11990000MB0000019F2990131009009"), 403
    )
    twice = [{"type": SLUG, "fields": ["number"]}, {"type": SLUG, "fields": ["holder_name"]}]
    refused = problem(counter(city, company(city), items=twice), 422)
    assert [(one["pointer"], one["code"]) for one in refused["errors"]] == [("/items/1/type", "repeated")]
    assert city.rows("SELECT count(*) FROM grants") == [(0,)]


class Cut(Exception):
    """The process ends here."""


class CutAtPicture:
    """Ends where the picture is kept and its row is not, in place of a kill."""

    def reach(self, name: str) -> None:
        """Raise there."""
        if name == "consent.pictured":
            raise Cut


def test_a_picture_without_a_row_and_one_past_its_time_are_swept(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(sqlite_url, clock=clock)
    deps = city.service.deps
    city.issue(SLUG, "U-1")
    made = city.answer(counter(city, company(city)), 201)
    body = CounterBody.model_validate(counter_body(company(city)))
    clerk = of_person(next(one for one in city.people if one.subject == "clerk-1"))
    with pytest.raises(Cut):
        take_consent(replace(deps, faults=CutAtPicture()), clerk, body)
    kept = f"consents/{made['consent_id']}.bin"
    [left] = set(deps.objects.names("consents/")) - {kept}
    assert orphans(deps, settle_s=-60) == [left]
    assert remove_orphans(deps, settle_s=-60) == [left]
    clock.advance(KEPT_FOR - timedelta(seconds=1))
    assert kept not in orphans(deps)
    assert read_consent(deps, clerk, made["consent_id"])
    clock.advance(timedelta(seconds=1))
    with pytest.raises(NotFound):
        read_consent(deps, clerk, made["consent_id"])
    assert kept in remove_orphans(deps)
    assert deps.objects.names("consents/") == ()


def withhold(city: ServedCity, moment: Any, **changes: Any) -> Any:
    body = {
        "matter_code": MATTER,
        "case_no": "BJ-2026-1",
        "until": moment.isoformat(),
        "legal_basis": "《示例办法》第十条第二款：告知将妨碍调查",
        **changes,
    }
    return city.client.post("/v1/withholdings", headers=city.person("use-clerk-1"), json=body)


def everything_of(city: ServedCity, me: dict[str, str]) -> list[Any]:
    """All that a holder can read, page by page."""
    paths = ("/v1/wallet/uses", "/v1/grants", "/v1/wallet")
    found: list[Any] = [city.answer(city.client.get(path, headers=me), 200) for path in paths]
    with zipfile.ZipFile(io.BytesIO(city.client.get("/v1/uses/export", headers=me).content)) as parts:
        found.append(parts.read("xl/worksheets/sheet1.xml"))
    settle(city)
    for card in found[2]:
        bundle = city.client.get(f"/v1/licenses/{card['identifier']}/evidence", headers=me)
        with zipfile.ZipFile(io.BytesIO(bundle.content)) as parts:
            leaves = json.loads(parts.read("bundle.json"))["leaves"]
            found.append([one["kind"] for one in leaves] + json.loads(parts.read("events.json")))
    cursor = ""
    while True:
        page = city.answer(city.client.get("/v1/uses", headers=me, params={"cursor": cursor, "limit": 1}), 200)
        found.append(page)
        cursor = page["next"]
        if not cursor:
            return found


@pytest.mark.parametrize("refused", [False, True])
def test_a_withheld_use_is_told_when_its_moment_comes(
    make_city: Callable[..., ServedCity], database_url: str, refused: bool
) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(database_url, clock=clock)
    city.issue(SLUG, "U-1")
    city.drain()
    until = clock.now() + timedelta(days=10)
    owner = next(one for one in city.people if one.subject == "use-clerk-1").authority_code
    assert owner == MATTER[:18]
    made = city.answer(withhold(city, until), 201)
    me = holder(city, SLUG)
    before = everything_of(city, me)
    problem(fetch(city, withholding_id=made["withholding_id"]), 403)
    assert everything_of(city, me) == before, "a try without approval tells nothing either"
    path = f"/v1/withholdings/{made['withholding_id']}/decisions"
    own = bind(city, "both", "示例一身", roles=frozenset({roles.USE_APPROVER}), authority_code=owner)
    city.answer(city.client.post(path, headers=own, json={"agrees": True}), 201)
    problem(city.client.post(path, headers=city.person("use-checker-1"), json={"agrees": True}), 409)
    problem(fetch(city, withholding_id=made["withholding_id"], case_no="BJ-2"), 403)
    events = len(city.events())
    changes: dict[str, Any] = {"fields": ["registered_capital"]} if refused else {"fields": ["number"]}
    response = fetch(city, withholding_id=made["withholding_id"], **changes)
    assert response.status_code == (403 if refused else 201)
    at = clock.now()
    clock.advance(timedelta(days=9))
    city.tokens.clear()
    city.drain()
    assert everything_of(city, holder(city, SLUG)) == before
    assert "fetch.refused" not in str(before)
    assert tell_withheld(city.service.deps) == 0
    assert len(city.events()) == events
    assert city.rows("SELECT count(*) FROM evidence WHERE kind LIKE 'fetch.%'") == [(3,)]
    clock.advance(timedelta(days=1))
    city.tokens.clear()
    page = city.answer(city.client.get("/v1/uses", headers=holder(city, SLUG)), 200)["uses"]
    [row] = [row for row in page if row["kind"] == "fetch"]
    assert row["at"] == at.isoformat().replace("+00:00", "Z")
    assert "第十条" in row["withheld_why"]
    assert [tell_withheld(city.service.deps) for _ in range(2)] == [1, 0]
    city.drain()
    assert len(city.events()) == events + (0 if refused else 1)
    assert ("fetch.refused" if refused else "fetch.given") in str(everything_of(city, holder(city, SLUG)))


def test_a_withholding_needs_a_duty_a_basis_a_term_and_two_people(city: ServedCity) -> None:
    now = city.service.deps.clock.now()
    problem(withhold(city, now + timedelta(days=MAX_WITHHELD_DAYS, minutes=1)), 422)
    problem(withhold(city, now - timedelta(minutes=1)), 422)
    problem(withhold(city, now + timedelta(days=1), legal_basis="依法"), 422)
    problem(withhold(city, now + timedelta(days=1), matter_code="11990000MB000003552990123001001"), 403)
    made = city.answer(withhold(city, now + timedelta(days=1)), 201)
    path = f"/v1/withholdings/{made['withholding_id']}/decisions"
    other = bind(city, "far", "示例外单位", roles=frozenset({roles.USE_APPROVER}), authority_code="11990000MB00000355")
    assert problem(city.client.post(path, headers=other, json={"agrees": True}), 404)
    problem(city.client.post(path, headers=city.person("use-clerk-1"), json={"agrees": True}), 403)
    answered = city.answer(city.client.post(path, headers=city.person("use-checker-1"), json={"agrees": False}), 201)
    assert answered["state"] == "refused"
    city.issue(SLUG, "U-1")
    problem(fetch(city, withholding_id=made["withholding_id"]), 403)
