"""Uses, withdrawals and answers that meet, and processes that die: one of two counts, and nothing is half done."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from consent_city import company, holder
from fixtures_city import ServedCity, sandbox_settings
from killing import kill_at
from matter_city import GUIDE, fetched, opened
from sqlalchemy import event
from test_bad_input import problem
from test_fetch import CLIENT, MATTER, SLUG, asking, consented, grant
from test_use_bases import RENEWAL, ask, by_request, counter, jpeg, party_id, read, reply

from certsvc.app import build
from certsvc.commands.access.principals import of_client, of_person
from certsvc.commands.sharing.counter_consent import CounterBody, take_consent
from certsvc.commands.sharing.fetch_license import FetchAnswer, FetchBody, fetch_license, fetch_licenses
from certsvc.commands.sharing.grant_use import GrantBody, grant_use, withdraw_grant
from certsvc.commands.sharing.use_requests import answer_request
from certsvc.errors import NoLawfulBasis

ROUNDS = 6
TRADE = "drug_retail"


def together(*calls: Callable[[], Any]) -> list[int]:
    """Statuses of calls that begin at one time."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [done.result().status_code for done in [pool.submit(call) for call in calls]]


def test_of_two_uses_one_gets_data_and_a_withdrawal_that_took_effect_lets_none_through(city: ServedCity) -> None:
    city.issue(SLUG, "R-1")
    me = holder(city, SLUG)
    city.system(CLIENT)
    [(identifier,)] = city.rows("SELECT identifier FROM licenses")
    for _ in range(ROUNDS):
        made = grant(city, identifier)
        use = partial(consented, city, made["code"], fields=["number"])
        assert sorted(together(use, use)) == [201, 403]
        made = grant(city, identifier)
        use = partial(consented, city, made["code"], fields=["number"])
        path = f"/v1/grants/{made['grant_id']}"
        end = partial(city.client.delete, path, headers=me)
        used, withdrawn = together(use, end)
        assert used in {201, 403}
        assert withdrawn == 204, "a used one is taken back too: it would go on answering"
        problem(use(), 403)
    late = "SELECT count(*) FROM grants WHERE withdrawn_at IS NOT NULL AND used_at > withdrawn_at"
    assert city.rows(late) == [(0,)]
    given = city.rows("SELECT count(*), count(DISTINCT grant_id) FROM fetches WHERE outcome = 'given'")[0]
    assert given[0] == given[1] == city.rows("SELECT count(*) FROM grants WHERE used_at IS NOT NULL")[0][0]


def test_of_a_yes_and_a_no_to_one_request_one_counts(city: ServedCity) -> None:
    city.issue(SLUG, "R-1")
    me = holder(city, SLUG)
    for n in range(ROUNDS):
        case_no = f"YX-{n}"  # after a no the same case is not asked about at once
        made = city.answer(ask(city, company(city), {SLUG: ["number"]}, case_no=case_no), 201)["request_id"]
        yes = partial(reply, city, me, made)
        no = partial(reply, city, me, made, accept=False)
        accepted, declined = together(yes, no)
        assert sorted((accepted, declined)) == [201, 409]
        state = read(city, made)["state"]
        assert state == ("confirmed" if accepted == 201 else "declined")
        used = by_request(city, made, fields=["number"], case_no=case_no)
        assert used.status_code == (201 if accepted == 201 else 403)
    asked = city.rows("SELECT count(*) FROM use_requests WHERE state = 'confirmed'")
    assert city.rows("SELECT count(*) FROM grants") == asked


def consent_until_killed(var: str, database_url: str, what: str, arguments: str) -> None:
    """The program of the killed process: one command of the holder, of the client or of the clerk."""
    said = json.loads(arguments)
    service = build(sandbox_settings(Path(var), database_url))
    deps = service.deps
    with deps.uow.read() as tx:
        person, clerk, client = tx.access.person(said["holder"]), tx.access.person("clerk-1"), tx.access.client(CLIENT)
    assert person is not None
    assert clerk is not None
    assert client is not None
    if what == "grant":
        grant_use(deps, of_person(person), GrantBody(**said["body"]))
    elif what == "withdraw":
        withdraw_grant(deps, of_person(person), said["grant_id"])
    elif what == "confirm":
        answer_request(deps, of_person(person), said["request_id"], party_id=said["party_id"], accept=True)
    elif what == "counter":
        take_consent(deps, of_person(clerk), CounterBody(**said["body"]))
    else:
        fetch_license(deps, of_client(client), FetchBody(**said["body"]))


def kill(city: ServedCity, point: str, what: str, **arguments: Any) -> None:
    settings, said = city.service.settings, {"holder": city.holder_of(SLUG), **arguments}
    kill_at(point, consent_until_killed, str(settings.var_dir), settings.database_url, what, json.dumps(said))


def counted(city: ServedCity) -> list[int]:
    tables = ("grants", "fetches", "events", "evidence", "counter_consents")
    return [city.rows(f"SELECT count(*) FROM {table}")[0][0] for table in tables]


def test_a_process_that_dies_over_a_consent_leaves_it_whole_or_not_at_all(city: ServedCity) -> None:
    done = city.issue(SLUG, "R-1")
    body = {"identifier": done["identifier"], "client_id": CLIENT, "matter_code": MATTER}
    before = counted(city)
    kill(city, "consent.stored", "grant", body=body)
    assert counted(city) == before, "nobody was given a code"

    made = grant(city, done["identifier"])
    kill(city, "consent.withdrawn", "withdraw", grant_id=made["grant_id"])
    lawful = {"matter_code": MATTER, "case_no": "BJ-1", "purpose": "办理许可", "operator": "o", "basis": "consent"}
    asked = {**lawful, "type": SLUG, "grant_code": made["code"], "fields": ["number"]}
    before = counted(city)
    for point in ("fetch.judged", "fetch.recorded"):
        kill(city, point, "fetch", body=asked)
        assert counted(city) == before
    city.answer(consented(city, made["code"], case_no="BJ-1", fields=["number"]), 201)
    problem(consented(city, made["code"], case_no="BJ-1", fields=["number"]), 403)

    request_id = city.answer(ask(city, company(city), {SLUG: ["number"]}), 201)["request_id"]
    before = counted(city)
    mine = party_id(city, holder(city, SLUG), request_id)
    kill(city, "consent.stored", "confirm", request_id=request_id, party_id=mine)
    assert counted(city) == before
    assert read(city, request_id)["state"] == "asked"
    city.answer(reply(city, holder(city, SLUG), request_id), 201)
    city.answer(by_request(city, request_id, fields=["number"]), 201)


def test_a_clerks_process_that_dies_leaves_a_picture_that_nobody_can_read(small_city: ServedCity) -> None:
    city = small_city
    city.issue(SLUG, "R-1")
    before = counted(city)
    body = {
        "holder": company(city),
        "client_id": CLIENT,
        "matter_code": RENEWAL,
        "case_no": "YX-1",
        "operator": "jingban01",
        "purpose": "窗口办理延续",
        "items": [{"type": SLUG, "fields": ["number"]}],
        "picture": base64.b64encode(jpeg()).decode(),
    }
    for point in ("consent.pictured", "consent.stored"):
        kill(city, point, "counter", body=body)
        assert counted(city) == before
    objects = city.service.deps.objects
    left = objects.names("consents/")
    assert len(left) == 2
    assert not [name for name in left if b"\xff\xd8\xff" in objects.get(name)]
    city.answer(counter(city, company(city)), 201)


@pytest.mark.parametrize("size", [2, 12])
def test_fetches_that_come_together_are_answered_each_alone(city: ServedCity, size: int) -> None:
    """One that is refused spoils none of the others, and the same code serves one of them."""
    done = city.issue(SLUG, "R-1")
    city.system(CLIENT)
    codes = [grant(city, done["identifier"])["code"] for _ in range(size)]
    asked = [*codes, *codes, "nobody-gave-this"]
    with ThreadPoolExecutor(len(asked)) as pool:
        answers = list(pool.map(lambda code: consented(city, code, fields=["number"]), asked))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(201) == size
    assert statuses.count(403) == size + 1
    for n in range(size):
        assert {statuses[n], statuses[n + size]} == {201, 403}
    assert city.rows("SELECT count(*), count(DISTINCT fetch_id) FROM fetches") == [(2 * size + 1, 2 * size + 1)]


class Gate:
    """Holds the first thread that comes to one step until it is let through; the others pass."""

    def __init__(self, point: str) -> None:
        self.point = point
        self.reached, self.open = threading.Event(), threading.Event()
        self._taken = threading.Lock()

    def reach(self, name: str) -> None:
        if name == self.point and self._taken.acquire(blocking=False):
            self.reached.set()
            assert self.open.wait(60)


def test_of_two_transactions_for_the_last_unit_of_the_days_quota_one_gets_it(
    make_city: Callable[..., ServedCity], postgres_url: str
) -> None:
    """The second waits in the database for the count of the first, and is refused by what the first committed."""
    city = make_city(postgres_url)
    city.issue(GUIDE, "Q-1")
    made = opened(city, quota=2)
    city.answer(fetched(city, GUIDE), 201)
    gate = Gate("fetch.judged")
    deps = replace(city.service.deps, faults=gate)
    sample = city.catalog.sample(GUIDE)
    whose = {"holder_code": sample["holder_code"], "holder_code_type": sample["holder_code_type"]}
    body = FetchBody(**asking(city, type=GUIDE, **whose))
    with deps.uow.read() as tx:
        client = tx.access.client(CLIENT)
    assert client is not None
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    def use() -> Any:
        return fetch_licenses(deps, [(of_client(client), body)])[0]

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(use)
        assert gate.reached.wait(60), "the first has counted, and has not committed"
        second = pool.submit(use)
        until = time.monotonic() + 60
        while city.rows(waiting) != [(1,)] and time.monotonic() < until and not second.done():
            time.sleep(0.05)
        waited = not second.done()
        gate.open.set()
        answers = [first.result(60), second.result(60)]
    assert waited, "the second is judged by what the first did"
    assert isinstance(answers[0], FetchAnswer)
    assert isinstance(answers[1], NoLawfulBasis)
    assert "上限" in str(answers[1])
    assert city.rows(f"SELECT used FROM policy_days WHERE policy_id = '{made['policy_id']}'") == [(2,)]
    assert sorted(city.rows("SELECT outcome FROM fetches")) == [("given",), ("given",), ("quota_used_up",)]


def test_uses_are_counted_in_one_order_whatever_a_matter_is_called_by(
    make_city: Callable[..., ServedCity], postgres_url: str
) -> None:
    """A matter goes by two codes: sorted by what clients write, two batches would each hold what the other wants."""
    city = make_city(postgres_url)
    city.issue(GUIDE, "Q-1")
    city.issue(TRADE, "Q-2")
    policies = {slug: opened(city, slug, quota=99)["policy_id"] for slug in (GUIDE, TRADE)}
    with city.service.deps.uow.read() as tx:
        client = tx.access.client(CLIENT)
    assert client is not None
    item = f"{MATTER}01"

    def counted_by(*asked: tuple[str, str]) -> list[str]:
        order: list[str] = []
        bodies = []
        for code, slug in asked:
            sample = city.catalog.sample(slug)
            whose = {"holder_code": sample["holder_code"], "holder_code_type": sample["holder_code_type"]}
            bodies.append(FetchBody(**asking(city, type=slug, matter_code=code, **whose)))

        def executing(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
            if "policy_days" in statement and statement.lstrip().upper().startswith("INSERT"):
                order.extend(policy for policy in policies.values() if policy in str(values))

        for engine in city.service.store._engines:
            event.listen(engine, "before_cursor_execute", executing)
        try:
            answers = fetch_licenses(city.service.deps, [(of_client(client), body) for body in bodies])
        finally:
            for engine in city.service.store._engines:
                event.remove(engine, "before_cursor_execute", executing)
        assert all(isinstance(one, FetchAnswer) for one in answers)
        return order

    there, back = counted_by((MATTER, GUIDE), (item, TRADE)), counted_by((item, GUIDE), (MATTER, TRADE))
    assert there == back
    assert sorted(there) == sorted(policies.values())
