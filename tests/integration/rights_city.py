"""Rights that were given, used and taken back: something of everything that an audit holds against leaves."""

from __future__ import annotations

from datetime import date

from consent_city import bind, citizen, company, given, holder, offer, party, show, state
from fixtures_city import ServedCity
from test_fetch import SLUG, consented, grant
from test_use_choices import question

GUIDE, HOUSE = "tour_guide", "real_estate"
SCENE = "tour_inspection"
WIFE = ("代示例", citizen(date(1985, 5, 5), 21))


def give_and_take(city: ServedCity) -> None:
    """Grants unused, used, asked under and withdrawn; delegations and facts that stand and that ended; co-holders."""
    _grants(city, city.issue(SLUG, "RIGHT-1")["identifier"])
    guide = city.issue(GUIDE, "RIGHT-2")["identifier"]
    _delegations(city, guide)
    house = city.issue(HOUSE, "RIGHT-3")["identifier"]
    path = f"/v1/licenses/{house}/co-holders"
    for number in (1, 2):
        body = {"person": party(f"共有{number}", citizen(date(1980, 1, number), number))}
        added = city.answer(city.client.post(path, headers=city.system(), json=body), 201)
    gone = city.client.delete(f"{path}/{added['co_holder_id']}", headers=city.system())
    assert gone.status_code == 204
    for year in (1970, 1971):
        boss = party("示例法人", citizen(date(year, 1, 1)))
        city.answer(state(city, "representative", company(city), boss), 201)


def _grants(city: ServedCity, identifier: str) -> None:
    grant(city, identifier)
    city.answer(consented(city, grant(city, identifier)["code"], fields=["number"]), 201)
    city.answer(consented(city, grant(city, identifier, case_no="BJ-2026-1")["code"], fields=["number"]), 201)
    city.answer(question(city, grant(city, identifier)["code"]), 201)
    taken = grant(city, identifier)["grant_id"]
    assert city.client.delete(f"/v1/grants/{taken}", headers=holder(city, SLUG)).status_code == 204


def _delegations(city: ServedCity, identifier: str) -> None:
    wife, me = bind(city, "wife", WIFE[0], code=WIFE[1]), holder(city, GUIDE)
    scope = {identifier: [SCENE]}
    city.answer(offer(city, me, party(*WIFE), scope), 201)
    standing, ended = (given(city, me, party(*WIFE), scope, wife) for _ in range(2))
    refused = city.answer(offer(city, me, party(*WIFE), scope), 201)["delegation_id"]
    path = f"/v1/delegations/{refused}/answers"
    city.answer(city.client.post(path, headers=wife, json={"accept": False}), 201)
    assert city.client.delete(f"/v1/delegations/{ended}", headers=me).status_code == 204
    shown = city.answer(show(city, wife, identifier, SCENE, standing), 201)
    city.scan(city.officer_of(GUIDE), shown["code"])
