"""What reaches a body that acts on consent alone beside its own doors: events, counters, watching, older interfaces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from consent_city import bind
from facade_city import SHARE_ID, SHARE_TOKEN, FacadeCity, facade_city
from fixtures_city import ServedCity
from test_bad_input import problem
from test_consent_only import CLIENT, MATTER, post
from test_counter_codes import RENEWAL
from test_fetch import SLUG, grant
from test_oversight import FOOD, OTHER, TOURISM, active, add_regulator, pushes

from certsvc.catalog.authority import AuthorityKind
from certsvc.commands.access import roles
from certsvc.commands.access.principals import of_client, of_person
from certsvc.commands.access.register_party import register_client
from certsvc.commands.access.seed_sandbox import SERVICE_BUREAU
from certsvc.commands.catalog.fixed import FixedCatalog
from certsvc.commands.counter.check import CheckBody, check_materials
from certsvc.commands.evidence.read_feed import read_all
from certsvc.commands.oversight.pull import backfill, list_pushes, read_push
from certsvc.commands.ports import Deps
from certsvc.delivery.loops import drain
from certsvc.delivery.webhooks import send_due
from certsvc.errors import ConsentOnly
from certsvc.events.addressing import may_read
from certsvc.license.counter import RowAnswer, SheetRow
from certsvc.license.facades import FacadeName

HOOK = {"url": "https://receiver.example.com/hook", "types": ["*"]}
OWN = {"license.fetched", "alert.raised"}


@pytest.fixture(scope="module")
def share(city_keys: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FacadeCity]:
    """A city of this module in which the notaries have an account of the 共享平台."""
    with facade_city(city_keys, sqlite_template, tmp_path_factory.mktemp("reach")) as found:
        account: dict[str, Any] = {"client_id": CLIENT, "matter_code": MATTER, "purpose": "办理公证事项"}
        found.account(FacadeName.CERT_SHARE, SHARE_ID, SHARE_TOKEN, **account)
        yield found


def consents(city: ServedCity, identifier: str, **changes: Any) -> str:
    made = {"client_id": CLIENT, "matter_code": MATTER, "fields": ["number"], **changes}
    return str(grant(city, identifier, **made)["code"])


def name_of(event_type: str) -> str:
    return ".".join(event_type.split(".")[-3:-1])


def test_a_refused_file_of_an_older_interface_is_one_refused_use(share: FacadeCity) -> None:
    city = share.city
    identifier = city.one_of(SLUG)["identifier"]
    head = {"accessId": SHARE_ID, "accessToken": SHARE_TOKEN}
    data = {"useCause": "核对", "bizNum": "GZ-F", "operator": "jingban01", "certIdentifier": identifier}
    answer = share.post("/zzgxpt/downloadFile", {"head": head, "data": data})
    assert answer["head"]["status"] == 100
    assert city.rows("SELECT outcome, basis FROM fetches WHERE case_no = 'GZ-F'") == [("consent_only", "duty")]


def test_systems_of_such_a_body_read_what_is_addressed_to_them_and_nothing_else(share: FacadeCity) -> None:
    """By feed, stream, webhook and replay; a reader of another body is told of everything meanwhile."""
    city, deps = share.city, share.city.service.deps
    with deps.uow.read() as tx:
        client = tx.access.client(CLIENT)
    assert client is not None
    register_client(deps, replace(client, roles=client.roles | {roles.EVENTS}), actor="test")
    made = city.answer(city.client.post("/v1/webhooks", headers=city.system(CLIENT), json=HOOK), 201)["webhook"]
    control = city.answer(city.client.post("/v1/webhooks", headers=city.system(), json=HOOK), 201)["webhook"]
    identifier = city.one_of(SLUG)["identifier"]
    bare = {"basis": "consent", "holder_code": None, "holder_code_type": None, "fields": ["number"]}
    city.answer(post(city, "/v1/fetches", **bare, grant_code=consents(city, identifier)), 201)
    for move in ("suspend", "resume"):
        city.answer(city.move(identifier, move, slug=SLUG), 201)
    city.drain()

    def queued(hook: dict[str, Any]) -> set[str]:
        joined = "FROM webhook_deliveries d JOIN events e ON e.position = d.position"
        found = city.rows(f"SELECT e.type {joined} WHERE d.subscription_id = '{hook['subscription_id']}'")
        return {name_of(kind) for (kind,) in found} - {"webhook.subscribed"}

    everything = city.events()
    assert {"license.issued", "license.suspended"} <= {name_of(one["type"]) for one in everything}
    assert {name_of(one["type"]) for one in city.events(CLIENT)} == OWN
    streamed = read_all(deps, after=0, limit=500).readable(replace(of_client(client), roles=frozenset({roles.EVENTS})))
    assert {name_of(one.type) for one in streamed} == OWN
    assert "license.suspended" in queued(control)
    assert queued(made) == OWN
    position = next(one["position"] for one in everything if name_of(one["type"]) == "license.issued")
    again: dict[str, Any] = {"headers": city.system(CLIENT), "json": {"position": position}}
    problem(city.client.post(f"/v1/webhooks/{made['subscription_id']}/replays", **again), 404)
    # Whoever watches over others from an earlier day does so no more.
    used = next(one for one in read_all(deps, after=0, limit=500).events if name_of(one.type) == "license.fetched")
    of_others: dict[str, Any] = {"client_id": "x", "authority_code": "y", "overseers": {}, "sees_uses": True}
    assert may_read(used, **of_others)
    assert not may_read(used, **of_others, addressed_only=True)


def bank(deps: Deps, code: str) -> Deps:
    """As after the catalog was changed: the body is a bank from now on."""
    catalog = deps.catalog
    known = {**catalog._authorities, code: replace(catalog.authority(code), kind=AuthorityKind.BANK)}
    return replace(deps, catalogs=FixedCatalog(replace(catalog, _authorities=MappingProxyType(known))))


def test_what_was_queued_for_a_body_that_became_a_bank_is_not_sent_and_the_log_says_why(
    small_city: ServedCity,
) -> None:
    city, deps = small_city, small_city.service.deps
    wish = {**HOOK, "types": ["license.suspended.v1"]}
    hook = city.answer(city.client.post("/v1/webhooks", headers=city.system(), json=wish), 201)["webhook"]
    city.answer(city.move(city.issue(SLUG, "BANK-1")["identifier"], "suspend", slug=SLUG), 201)
    city.drain()
    assert city.rows("SELECT state FROM webhook_deliveries") == [("waiting",)]
    with deps.uow.read() as tx:
        client = tx.access.client(hook["client_id"])
    assert client is not None
    assert send_due(bank(deps, client.authority_code)) == 0
    path = f"/v1/webhooks/{hook['subscription_id']}/deliveries"
    [one] = city.answer(city.client.get(path, headers=city.system()), 200)["deliveries"]
    assert (one["state"], [tried["fault"] for tried in one["tries"]]) == ("failed", ["not_for_it"])
    assert send_due(bank(deps, client.authority_code)) == 0, "once"


def test_a_counter_relies_on_the_very_license_that_was_shown(share: FacadeCity) -> None:
    """The company holds two of the type: the one that is suspended is shown, and then the other."""
    city = share.city
    later = bank(city.service.deps, SERVICE_BUREAU)
    shown, unshown = city.issue(FOOD, "TWO-1")["identifier"], city.issue(FOOD, "TWO-2")["identifier"]
    city.answer(city.move(shown, "suspend", slug=FOOD), 201)
    bind(city, "clerk-two", "示例窗口", roles=frozenset({roles.CLERK}), authority_code=SERVICE_BUREAU)
    with later.uow.read() as tx:
        person = tx.access.person("clerk-two")
    assert person is not None
    [material] = [one.id for one in later.catalog.materials.lists[RENEWAL] if FOOD in one.licenses]
    scene = next(one.code for one in city.catalog.type(FOOD).scenes if one.audience == "clerk")

    def row(case_no: str, code: str) -> SheetRow:
        holder: dict[str, Any] = {key: city.catalog.sample(FOOD)[key] for key in ("holder_code", "holder_code_type")}
        body = CheckBody(matter_code=RENEWAL, case_no=case_no, code=code, **holder)
        [found] = [
            one for one in check_materials(later, of_person(person), body).sheet.rows if one.material == material
        ]
        return found

    def used(case_no: str) -> list[tuple[Any, ...]]:
        joined = "FROM fetches f JOIN licenses l ON l.version_id = f.version_id"
        return city.rows(f"SELECT l.identifier, f.basis {joined} WHERE f.case_no = '{case_no}' AND f.client_id = ''")

    def consent(identifier: str) -> str:
        return str(grant(city, identifier, matter_code=RENEWAL, fields=["number"])["code"])

    for case_no, code in (("TWO-A", city.show(FOOD, shown, scene)["code"]), ("TWO-B", consent(shown))):
        refused = row(case_no, code)
        assert refused.answer is RowAnswer.BRING
        assert "持证人出示的" in refused.why
        assert used(case_no) == []
    for case_no, code in (("TWO-C", consent(unshown)), ("TWO-D", city.show(FOOD, unshown, scene)["code"])):
        assert row(case_no, code).answer is RowAnswer.LICENSE
        assert used(case_no) == [(unshown, "consent")]


def test_a_body_that_became_a_bank_watches_over_nothing_any_more(share: FacadeCity) -> None:
    city = share.city
    add_regulator(city)
    oversight = active(city, OTHER, FOOD)
    city.issue(FOOD, "BANK-1")
    city.drain()
    [push] = pushes(city, oversight, OTHER)
    later = bank(city.service.deps, TOURISM)
    with later.uow.read() as tx:
        client = tx.access.client(OTHER)
    assert client is not None
    caller, refusals = of_client(client), "SELECT count(*) FROM evidence WHERE kind = 'consent_only.refused'"
    [(before,)] = city.rows(refusals)
    doors = (
        lambda: read_push(later, caller, push["event_id"]),
        lambda: list_pushes(later, caller, oversight, after=0, limit=9),
        lambda: backfill(later, caller, oversight, behind="", limit=9),
        lambda: backfill(later, caller, oversight, behind="~", limit=9),
        lambda: list_pushes(later, caller, "ovs_00000000000000000000000000", after=0, limit=9),
    )
    for door in doors:
        with pytest.raises(ConsentOnly):
            door()
    assert city.rows(refusals) == [(before + len(doors),)]
    body = city.body(FOOD, "BANK-2")
    city.answer(city.client.post("/v1/issuances", headers=city.system(), json=body), 202)
    drain(later, worker="test")
    ended = city.rows(f"SELECT state, reason FROM oversights WHERE oversight_id = '{oversight}'")
    assert ended == [("ended", "consent_only")]
    assert city.rows(f"SELECT count(*) FROM oversight_pushes WHERE oversight_id = '{oversight}'") == [(1,)]
