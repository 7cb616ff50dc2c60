"""Ids that there are not and ids of others are answered alike, in content and in time (RELIABILITY.md Q5).

What is compared is the CPU time of this process, service and caller together, not the time of day: what else the
machine does changes the one and not the other. The kinds are asked in turn, so that whatever slows this process slows
them alike, and medians leave out the collector and the first use of a statement.

The bound: a refusal costs some milliseconds of the request's own work (token, routing, transaction, problem document),
and a row that is found is one or two indexed reads and their decryption more. :data:`FAR` lets those pass. Half as much
again is some ten reads: to draw up a license, or to write a row, before it is refused for one kind only is caught; the
last test proves that twice as much is.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fixtures_city import ServedCity, standing
from test_bad_input import problem
from test_fetch import CLIENT, MATTER, NEIGHBOUR, SLUG, asking, grant

SAMPLE, ALL = 30, 5_000
FAR = 1.5
GUIDE = "tour_guide"
ELSEWHERE = "approval-11990100mb0001038t"
"""The approval system of a body that issues neither."""

Ask = Callable[[str], Any]


class Doors:
    """A city with a license, a grant and a show of one holder, and how others ask for them by id."""

    def __init__(self, city: ServedCity) -> None:
        self.city = city
        self.license = city.issue(SLUG, "U-1")["identifier"]
        self.stranger = city.person(city.holder_of(GUIDE))
        with city.service.deps.uow() as tx:
            client = tx.access.client(CLIENT)
            assert client is not None
            tx.access.upsert_client(replace(client, client_id=NEIGHBOUR))
        city.secrets = {**city.secrets, NEIGHBOUR: city.secrets[CLIENT]}
        made = grant(city, self.license, client_id=CLIENT)
        shown = city.show(SLUG, self.license, city.catalog.type(SLUG).scenes[0].code)
        self.ids = {"grant": made["grant_id"], "code": made["code"], "show": shown["show_id"], "license": self.license}

    def doors(self) -> Mapping[str, tuple[int, str, str, Ask]]:
        """Door -> status, an id that there is not, one of somebody else, and how it is asked for."""
        city, ids, get = self.city, self.ids, self.city.client.get
        no_license = self.license[:-1] + ("1" if self.license[-1] != "1" else "2")
        elsewhere = city.system(ELSEWHERE)

        def fetch(code: str) -> Any:
            body = asking(city, basis="consent", grant_code=code, holder_code=None, holder_code_type=None)
            return city.client.post("/v1/fetches", headers=city.system(NEIGHBOUR), json=body)

        def begin(identifier: str) -> Any:
            body = {"identifier": identifier, "scene": city.catalog.type(SLUG).scenes[0].code}
            return city.client.post("/v1/shows", headers=self.stranger, json=body)

        def allow(identifier: str) -> Any:
            body = {"identifier": identifier, "client_id": CLIENT, "matter_code": MATTER}
            return city.client.post("/v1/grants", headers=self.stranger, json=body)

        return {
            "DELETE /v1/grants/{grant_id}": (
                404,
                unlike(ids["grant"]),
                ids["grant"],
                lambda one: city.client.delete(f"/v1/grants/{one}", headers=self.stranger),
            ),
            "POST /v1/grants": (404, no_license, self.license, allow),
            "GET /v1/shows/{show_id}": (
                404,
                unlike(ids["show"]),
                ids["show"],
                lambda one: get(f"/v1/shows/{one}", headers=self.stranger),
            ),
            "POST /v1/shows": (404, no_license, self.license, begin),
            "GET /v1/licenses/{identifier}": (
                404,
                no_license,
                self.license,
                lambda one: get(f"/v1/licenses/{one}", headers=elsewhere),
            ),
            "GET /v1/licenses/{identifier}/file": (
                404,
                no_license,
                self.license,
                lambda one: get(f"/v1/licenses/{one}/file", headers=elsewhere),
            ),
            "POST /v1/fetches": (403, unlike(ids["code"]), ids["code"], fetch),
        }


def unlike(known: str) -> str:
    """An id of the same form that there is not."""
    return known[:-1] + ("0" if known[-1] != "0" else "1")


def medians(door: tuple[int, str, str, Ask], count: int) -> tuple[float, float]:
    """CPU seconds of an unknown id and of somebody else's, asked in turn; the answers are compared whole."""
    status, unknown, foreign, ask = door
    taken: dict[str, list[float]] = {unknown: [], foreign: []}
    bodies: set[str] = set()
    for turn in range(2 * count + 4):
        one = (unknown, foreign)[turn % 2]
        start = time.process_time()
        response = ask(one)
        spent = time.process_time() - start
        if turn >= 4:  # the first of each read what is kept from then on
            taken[one].append(spent)
        bodies.add(json.dumps(problem(response, status), sort_keys=True, ensure_ascii=False).replace(one, "?"))
    assert len(bodies) == 1, bodies
    return statistics.median(taken[unknown]), statistics.median(taken[foreign])


def far_apart(pair: tuple[float, float]) -> bool:
    return max(pair) >= FAR * min(pair)


@pytest.fixture(scope="module")
def doors(city_keys: Path, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """A city of this module, without loops that would work meanwhile."""
    with standing(city_keys, sqlite_template, tmp_path_factory.mktemp("alike")) as city:
        yield Doors(city)


def compare(doors: Doors, count: int) -> None:
    told = {}
    for name, door in doors.doors().items():
        pair = medians(door, count)
        if far_apart(pair) and count < ALL:
            pair = medians(door, 4 * count)  # a burst of others' work may fall on one kind; it does not do so twice
        told[name] = pair
    assert not {name: pair for name, pair in told.items() if far_apart(pair)}, told


def test_unknown_ids_and_those_of_others_are_answered_alike(doors: Doors) -> None:
    compare(doors, SAMPLE)


@pytest.mark.slow
def test_five_thousand_of_each_are_answered_alike(doors: Doors) -> None:
    compare(doors, ALL)


def test_work_for_one_kind_only_is_caught(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same comparison fails when what belongs to somebody else is drawn up before it is refused."""
    deps, found = doors.city.service.deps, doors.license
    status, unknown, foreign, ask = doors.doors()["GET /v1/licenses/{identifier}"]

    def eager(identifier: str) -> Any:
        with deps.uow.read() as tx:
            version = tx.licenses.by_identifier(identifier)
        if version is not None:
            deps.objects.get(version.artifact.object_name)
            with deps.uow.read() as tx:
                for _ in range(8):
                    tx.licenses.by_identifier(found)
                    tx.licenses.versions_of(version.license_id)
                    tx.licenses.moves_of(version.version_id)
        return ask(identifier)

    assert far_apart(medians((status, unknown, foreign, eager), SAMPLE))
