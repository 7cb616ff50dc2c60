"""审管双推送: each regulator gets its own types, region, kinds and fields; results come back once and move nothing."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fixtures_city import ServedCity, sandbox_settings
from killing import kill_at
from test_bad_input import problem
from webhook_receivers import receiving

from certsvc.app import build
from certsvc.catalog.oversight_file import NO_LISTS, read_oversight_lists
from certsvc.clock import FixedClock, SystemClock
from certsvc.commands.access import roles
from certsvc.commands.access.issue_token import hash_secret
from certsvc.commands.access.register_party import register_client
from certsvc.commands.access.seed_sandbox import REGULATOR
from certsvc.commands.showing.values import BUILT_IN
from certsvc.delivery.loops import drain
from certsvc.delivery.webhooks import send_due
from certsvc.license.oversight import PushKind
from certsvc.license.parties import Client

FOOD, GUIDE = "food_operation", "tour_guide"
MARKET, TOURISM = "11990000MB0000019F", "11990000MB00000430"
OTHER = "regulator-2"
KINDS = [kind.value for kind in PushKind]


def add_regulator(city: ServedCity, client_id: str = OTHER, authority: str = TOURISM) -> None:
    client = Client(
        client_id=client_id,
        name="示例省文旅监管系统",
        authority_code=authority,
        roles=frozenset({roles.REGULATOR, roles.EVENTS}),
        secret_sha256=hash_secret("other"),
        jwks="",
        active=True,
    )
    register_client(city.service.deps, client, actor="test")
    city.secrets = {**city.secrets, client_id: "other"}


def ask(city: ServedCity, who: str = REGULATOR, **changes: Any) -> Any:
    body = {"region": "990000", "types": [{"type": FOOD, "list": "routine"}], "kinds": KINDS, **changes}
    return city.client.post("/v1/oversights", headers=city.system(who), json=body)


def approver(city: ServedCity, slug: str) -> str:
    """Subject of a 目录管理员 of an issuer of the type."""
    issuer = city.catalog.sample(slug)["issuer_code"]
    subject = f"proposer-of-{issuer}"
    with city.service.deps.uow() as tx:
        person = tx.access.person("proposer-1")
        assert person is not None
        tx.access.upsert_person(replace(person, subject=subject, authority_code=issuer))
    return subject


def decide(city: ServedCity, oversight_id: str, slug: str, **body: Any) -> Any:
    headers = city.person(approver(city, slug))
    return city.client.post(f"/v1/oversights/{oversight_id}/decision", headers=headers, json={"agree": True, **body})


def active(city: ServedCity, who: str = REGULATOR, slug: str = FOOD, **changes: Any) -> str:
    made = city.answer(ask(city, who, **{"types": [{"type": slug, "list": "routine"}], **changes}), 201)
    city.answer(decide(city, made["oversight_id"], slug), 200)
    return str(made["oversight_id"])


def pushes(city: ServedCity, oversight_id: str, who: str = REGULATOR, after: int = 0) -> list[dict[str, Any]]:
    path = f"/v1/oversights/{oversight_id}/pushes"
    return list(city.answer(city.client.get(path, params={"after": after}, headers=city.system(who)), 200)["pushes"])


def read(city: ServedCity, event_id: str, who: str = REGULATOR) -> Any:
    return city.client.get(f"/v1/regulated/{event_id}", headers=city.system(who))


def test_two_regulators_get_only_what_is_theirs(city: ServedCity) -> None:
    add_regulator(city)
    food = active(city, types=[{"type": FOOD, "list": "routine", "fields": ["holder_name", "premises"]}])
    guide = active(city, OTHER, GUIDE, kinds=["ended"])
    elsewhere = active(city, OTHER, FOOD, region="880000")
    dish, tour = city.issue(FOOD, "O-1"), city.issue(GUIDE, "O-2")
    for name in ("suspend", "resume", "revoke"):
        city.answer(city.move(dish["identifier"], name, slug=FOOD), 201)
    city.answer(city.move(tour["identifier"], "suspend", slug=GUIDE), 201)
    city.answer(city.move(tour["identifier"], "revoke", slug=GUIDE), 201)
    city.drain()
    assert [one["kind"] for one in pushes(city, food)] == ["issued", "suspended", "resumed", "ended"]
    assert [one["kind"] for one in pushes(city, guide, OTHER)] == ["ended"]
    assert pushes(city, elsewhere, OTHER) == [], "another region"
    first = pushes(city, food)[0]["event_id"]
    given = city.answer(read(city, first), 200)
    assert given["license"]["identifier"] == dish["identifier"]
    assert [field["key"] for field in given["license"]["fields"]] == ["holder_name", "premises"]
    strange = problem(read(city, first, OTHER), 404)
    assert strange == problem(read(city, "evt_00000000000000000000000000"), 404), "another's looks like nobody's"
    assert problem(city.client.get(f"/v1/oversights/{food}/pushes", headers=city.system(OTHER)), 404)
    rows = city.rows(f"SELECT client_id, basis, fields FROM fetches WHERE case_no = '{food}'")
    assert rows == [(REGULATOR, "duty", '["holder_name","premises"]')], "what was read is on the ledger"
    holder = city.person(city.holder_of(FOOD))
    [use] = [u for u in city.answer(city.client.get("/v1/wallet/uses", headers=holder), 200) if u["kind"] == "fetch"]
    assert use["why"].startswith("审管双推送")


def test_no_field_leaves_that_lists_and_subscription_do_not_name(small_city: ServedCity) -> None:
    """A diff of every answer against both, for every type that has a list; nothing of it is in any event."""
    city = small_city
    lists = city.service.deps.oversight_lists
    assert len(lists.types) >= 5
    for slug in lists.types:
        kind = city.catalog.type(slug)
        known = {spec.key for spec in kind.fields} | set(BUILT_IN)
        assert lists.allowed(slug) <= known, slug
        assert "holder_code" not in lists.allowed(slug)
        wanted = list(lists.keys(slug, "routine"))[1::2]
        oversight = active(city, slug=slug, types=[{"type": slug, "list": "routine", "fields": wanted}])
        city.issue(slug, f"D-{slug}")
        city.drain()
        [push] = pushes(city, oversight)
        answer = city.answer(read(city, push["event_id"]), 200)
        assert [field["key"] for field in answer["license"].pop("fields")] == wanted
        sample = city.catalog.sample(slug)
        hidden = [sample["holder_name"], sample["holder_code"], *sample["data"].values()]
        assert not [value for value in hidden if len(value) > 4 and value in json.dumps(answer, ensure_ascii=False)]
        events = json.dumps([e for e in city.events(REGULATOR) if "oversight." in e["type"]], ensure_ascii=False)
        assert "oversight.pushed" in events
        assert not [value for value in hidden if len(value) > 4 and value in events]


def test_a_narrower_list_takes_fields_back_at_once(small_city: ServedCity, tmp_path: Path) -> None:
    city = small_city
    oversight = active(city)
    city.issue(FOOD, "N-1")
    city.drain()
    [push] = pushes(city, oversight)
    (tmp_path / "oversight.toml").write_text(
        '[[lists]]\ntype = "food_operation"\nname = "routine"\nfields = ["number"]\n', encoding="utf-8"
    )
    narrow = replace(city.service.deps, oversight_lists=read_oversight_lists(tmp_path))
    app: Any = city.client
    app.app.state.deps = narrow
    fields = city.answer(read(city, push["event_id"]), 200)["license"]["fields"]
    assert [field["key"] for field in fields] == ["number"]
    app.app.state.deps = replace(narrow, oversight_lists=NO_LISTS)
    assert city.answer(read(city, push["event_id"]), 200)["license"]["fields"] == []


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"types": [{"type": FOOD, "list": "everything"}]}, "/types/0/list"),
        ({"types": [{"type": "pawn", "list": "routine"}]}, "/types/0/list"),
        ({"types": [{"type": FOOD, "list": "routine", "fields": ["holder_code"]}]}, "/types/0/fields"),
        ({"types": []}, "/types"),
        ({"kinds": ["looked_at"]}, "/kinds/0"),
    ],
)
def test_what_cannot_be_asked_for(shared_city: ServedCity, changes: dict[str, Any], pointer: str) -> None:
    found = problem(ask(shared_city, **changes), 422)
    assert pointer in [item["pointer"] for item in found["errors"]]


def test_who_decides_and_that_nothing_comes_before(small_city: ServedCity) -> None:
    city = small_city
    add_regulator(city)
    before = city.issue(FOOD, "W-1")["identifier"]
    made = city.answer(ask(city), 201)["oversight_id"]
    assert problem(city.client.get(f"/v1/oversights/{made}/pushes", headers=city.system(REGULATOR)), 404)
    assert problem(decide(city, made, GUIDE), 404), "issues another type"
    assert problem(decide(city, made, FOOD, agree=False), 422), "a refusal says why"
    assert city.answer(decide(city, made, FOOD), 200)["state"] == "active"
    assert problem(decide(city, made, FOOD), 409)
    city.drain()
    assert pushes(city, made) == [], "what was before the approval is fetched, not pushed"
    path = f"/v1/oversights/{made}/licenses"
    page = city.answer(city.client.get(path, headers=city.system(REGULATOR)), 200)
    assert ([one["identifier"] for one in page["licenses"]], page["next"]) == ([before], "")
    mine = city.answer(city.client.get("/v1/oversights", headers=city.system(OTHER)), 200)["oversights"]
    assert mine == [], "others' subscriptions are not told"
    assert problem(city.client.delete(f"/v1/oversights/{made}", headers=city.system(OTHER)), 404)
    assert city.client.delete(f"/v1/oversights/{made}", headers=city.system(REGULATOR)).status_code == 204
    assert problem(city.client.get(path, headers=city.system(REGULATOR)), 404)


def test_a_backfill_goes_through_everything_once(small_city: ServedCity) -> None:
    city = small_city
    numbers = [city.issue(FOOD if n % 2 else GUIDE, f"B-{n}")["identifier"] for n in range(1, 8)]
    made = active(city)
    got: list[str] = []
    behind = ""
    while True:
        query: dict[str, Any] = {"behind": behind, "limit": 2}
        path = f"/v1/oversights/{made}/licenses"
        page = city.answer(city.client.get(path, params=query, headers=city.system(REGULATOR)), 200)
        got += [one["identifier"] for one in page["licenses"]]
        behind = page["next"]
        if not behind:
            break
    assert sorted(got) == sorted(one for n, one in enumerate(numbers, start=1) if n % 2)


def test_a_client_that_is_active_no_more_gets_nothing_and_its_subscription_ends(small_city: ServedCity) -> None:
    city = small_city
    made = active(city)
    city.execute(f"UPDATE clients SET active = 0 WHERE client_id = '{REGULATOR}'")
    city.issue(FOOD, "I-1")
    city.drain()
    assert city.rows("SELECT state, reason FROM oversights") == [("ended", "client_inactive")]
    assert city.rows("SELECT count(*) FROM oversight_pushes") == [(0,)]
    city.execute("UPDATE clients SET active = 1")
    assert problem(city.client.get(f"/v1/oversights/{made}/pushes", headers=city.system(REGULATOR)), 404)


def test_pushes_go_by_webhook_to_the_subscriber_alone_and_redelivery_changes_nothing(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    with contextlib.ExitStack() as stack:
        mine, others = (stack.enter_context(receiving()) for _ in range(2))
        city = make_city(sqlite_url, egress_allowed=(mine.base, others.base))
        add_regulator(city)
        for who, receiver in ((REGULATOR, mine), (OTHER, others)):
            wish = {"url": receiver.url, "types": ["oversight.*"]}
            city.answer(city.client.post("/v1/webhooks", headers=city.system(who), json=wish), 201)
        made = active(city)
        city.issue(FOOD, "H-1")
        city.drain()
        send_due(city.service.deps)
        types = [json.loads(got.body)["type"].rsplit(".", 3)[1:3] for got in mine.got]
        assert ["oversight", "pushed"] in types
        assert others.got == []
        [push] = pushes(city, made)
        assert push["event_id"] in [got.headers["webhook-id"] for got in mine.got], "the event's id reads the fields"
        # As after a restore of an older cursor: everything is handed to the consumer again.
        city.execute("UPDATE cursors SET position = 0 WHERE consumer = 'regulators'")
        city.execute("DELETE FROM inbox WHERE consumer = 'regulators'")
        city.drain()
        assert [one["event_id"] for one in pushes(city, made)] == [push["event_id"]]
        assert city.rows("SELECT count(*) FROM events WHERE type LIKE '%.oversight.pushed.v1'") == [(1,)]


def killed_relay(database_url: str, var: str) -> None:
    service = build(sandbox_settings(Path(var), database_url))
    drain(service.deps, worker="killed")


def test_a_kill_between_pushes_and_commit_loses_and_repeats_nothing(
    make_city: Callable[..., ServedCity], database_url: str, tmp_path: Path
) -> None:
    city = make_city(database_url)
    made = active(city)
    body = city.body(FOOD, "K-1")
    city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)
    kill_at("oversight.pushed", killed_relay, database_url, str(tmp_path / "var"))
    assert city.rows("SELECT count(*) FROM oversight_pushes") == [(0,)]
    # The dead one's leases stand for their time.
    city.execute("DELETE FROM leases")
    city.drain()
    assert [one["kind"] for one in pushes(city, made)] == ["issued"]
    assert city.rows("SELECT count(*) FROM events WHERE type LIKE '%.oversight.pushed.v1'") == [(1,)]


def result(identifier: str, **changes: Any) -> dict[str, Any]:
    return {
        "result_no": "JC-1",
        "identifier": identifier,
        "task": "双随机检查",
        "outcome": "passed",
        "checked_on": "2026-01-15",
        **changes,
    }


def send(city: ServedCity, body: dict[str, Any], who: str = REGULATOR) -> Any:
    return city.client.post("/v1/inspection-results", headers=city.system(who), json=body)


def in_history(city: ServedCity, identifier: str) -> list[dict[str, Any]]:
    return list(city.answer(city.client.get(f"/v1/licenses/{identifier}", headers=city.system()), 200)["inspections"])


def seen_by_holder(city: ServedCity, identifier: str) -> list[dict[str, Any]]:
    headers = city.person(city.holder_of(FOOD))
    return list(city.answer(city.client.get(f"/v1/wallet/{identifier}/inspections", headers=headers), 200))


def test_a_result_is_in_the_history_once_though_it_came_twice(city: ServedCity) -> None:
    identifier = city.issue(FOOD, "R-1")["identifier"]
    body = result(identifier, outcome="correct", document_no="示监改〔2026〕1号", next_step="30日后复查")
    assert problem(send(city, body), 404), "not in its charge"
    active(city)
    first = city.answer(send(city, body), 201)
    assert city.answer(send(city, body), 201) == first
    assert problem(send(city, {**body, "outcome": "passed"}), 409)["code"] == "business_key_conflict"
    [row] = in_history(city, identifier)
    assert (row["outcome_zh"], row["document_no"], row["next_step"]) == ("责令改正", "示监改〔2026〕1号", "30日后复查")
    assert [one["outcome"] for one in seen_by_holder(city, identifier)] == ["correct"]
    city.drain()
    told = [event["data"] for event in city.events() if event["type"].endswith("inspection.reported.v1")]
    assert [one["outcome"] for one in told] == ["correct"]
    card = city.answer(city.client.get(f"/v1/licenses/{identifier}", headers=city.system()), 200)["license"]
    public = city.public(type=FOOD, number=card["number"], holder_name=city.catalog.sample(FOOD)["holder_name"])
    assert public["license"]["identifier"] == identifier
    assert "责令改正" not in json.dumps(public, ensure_ascii=False)


def test_a_restricted_result_is_kept_from_the_holder_until_its_day(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(sqlite_url, clock=clock)
    identifier = city.issue(FOOD, "R-1")["identifier"]
    active(city)
    day = (clock.now() + timedelta(days=10)).date().isoformat()
    hidden = result(identifier, outcome="case", document_no="立〔2026〕1号", restricted=True, disclosed_on=day)
    city.answer(send(city, hidden), 201)
    city.answer(send(city, result(identifier, result_no="JC-2", restricted=True)), 201)
    assert seen_by_holder(city, identifier) == []
    assert len(in_history(city, identifier)) == 2, "the issuer sees both"
    city.drain()
    told = [event["data"] for event in city.events() if event["type"].endswith("inspection.reported.v1")]
    assert {(one["outcome"], one["restricted"]) for one in told} == {("", True)}
    clock.advance(timedelta(days=11))
    city.tokens.clear()
    assert [one["outcome"] for one in seen_by_holder(city, identifier)] == ["case"]


def test_a_suggestion_goes_to_the_issuer_and_moves_nothing(small_city: ServedCity) -> None:
    city = small_city
    identifier = city.issue(FOOD, "R-1")["identifier"]
    active(city)
    city.answer(send(city, result(identifier, outcome="failed", suggestion="revoke", basis="《食品安全法》")), 201)
    city.drain()
    [told] = [event["data"] for event in city.events() if event["type"].endswith("inspection.suggested.v1")]
    assert (told["suggestion"], told["issuer_code"]) == ("revoke", MARKET)
    license_ = city.answer(city.client.get(f"/v1/licenses/{identifier}", headers=city.system()), 200)
    assert license_["license"]["state"] == "valid"
    assert license_["moves"] == []
    assert license_["inspections"][0]["suggestion"] == "revoke"
    assert seen_by_holder(city, identifier)[0]["suggestion"] == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"outcome": "correct"},
        {"outcome": "fine"},
        {"suggestion": "revoke"},
        {"disclosed_on": "2026-02-01"},
        {"checked_on": "2126-01-01"},
        {"result_no": ""},
        {"task": "a\nb"},
    ],
)
def test_results_that_say_too_little_are_refused(shared_city: ServedCity, changes: dict[str, Any]) -> None:
    problem(send(shared_city, result(shared_city.one_of(FOOD)["identifier"], **changes)), 422)
