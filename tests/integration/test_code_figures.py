"""Figures of RELIABILITY 2 and C3 over codes: races, replays, other verifiers, foreign texts; large counts are slow."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from threading import Event, Thread
from typing import Any

import orjson
import pytest
from consent_city import GUIDE
from fixtures_city import ServedCity, sandbox_settings

from certsvc.app import build
from certsvc.clock import FixedClock, SystemClock
from certsvc.commands.access.principals import of_person
from certsvc.commands.combine import Combiner
from certsvc.commands.ports import Principal
from certsvc.commands.showing.codes import read_code
from certsvc.commands.showing.create_show import create_show
from certsvc.commands.showing.scan_code import ScanAnswer, scan_code, scan_codes
from certsvc.store.engine import POOL_SIZE

SCENE = "tour_inspection"
SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "vectors"
SMALL, LARGE = 100, 10_000


def principal(city: ServedCity, subject: str) -> Principal:
    return of_person(next(person for person in city.people if person.subject == subject))


def new_code(city: ServedCity, identifier: str) -> str:
    holder = principal(city, city.holder_of(GUIDE))
    return create_show(city.service.deps, holder, identifier=identifier, scene_code=SCENE).code


def read(city: ServedCity, code: str, subject: str = "") -> ScanAnswer:
    return scan_code(city.service.deps, principal(city, subject or city.officer_of(GUIDE)), text=code)


def race(city: ServedCity, identifier: str, *, rounds: int, ways: int) -> None:
    with ThreadPoolExecutor(min(ways, 64)) as pool:
        for _ in range(rounds):
            code = new_code(city, identifier)
            answers = list(pool.map(lambda _, code=code: read(city, code), range(ways)))
            assert Counter(bool(one.fields) for one in answers) == {True: 1, False: ways - 1}
            assert Counter(one.scan.outcome for one in answers) == {"ok": 1, "code_used": ways - 1}


def test_of_fifty_redemptions_at_once_exactly_one_succeeds(city: ServedCity) -> None:
    race(city, city.issue(GUIDE, "Q-3")["identifier"], rounds=3, ways=50)


ROUNDS, WAYS = 200, 1000
RACERS = 4
"""Processes, each with connections of its own."""
ALONE = POOL_SIZE - 1
"""Of the ways of a process those in a transaction and on a connection each; the others go as those of the service."""


def _racer(var_dir: Path, database_url: str, officer: str, start: Any, codes: Any, counts: Any) -> None:
    """One process of the race: its share of the ways, all threads at once, round after round."""
    service = build(sandbox_settings(var_dir, database_url))
    ways = WAYS // RACERS
    try:
        deps = service.deps
        with deps.uow.read() as tx:
            person = tx.access.person(officer)
        assert person is not None
        caller = of_person(person)
        together: Combiner[tuple[Principal, str], ScanAnswer] = Combiner(
            lambda asked: scan_codes(deps, asked), lambda work: Thread(target=work).start()
        )

        def waited() -> ScanAnswer | Exception:
            answered = Event()
            place = together.ask((caller, code), lambda _: answered.set())
            assert answered.wait(60)
            return place.answer or place.error or AssertionError("told of nothing")

        def once(number: int) -> tuple[str, bool]:
            answer = scan_codes(deps, [(caller, code)])[0] if number < ALONE else waited()
            if isinstance(answer, Exception):
                raise answer
            return str(answer.scan.outcome), bool(answer.fields)

        counts.put(Counter())  # ready: a code must not grow old while processes start
        with ThreadPoolExecutor(ways) as threads:
            while code := codes.get():
                start.wait(60)  # all processes let go of the same code at once
                counts.put(Counter(threads.map(once, range(ways))))
    finally:
        service.close()


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_of_a_thousand_redemptions_at_once_exactly_one_succeeds_in_200_rounds(
    make_city: Callable[..., ServedCity], postgres_url: str
) -> None:
    city = make_city(postgres_url)
    identifier, officer = city.issue(GUIDE, "Q-3")["identifier"], city.officer_of(GUIDE)
    forks = get_context("spawn")
    start, counts = forks.Barrier(RACERS), forks.Queue()
    codes = [forks.Queue() for _ in range(RACERS)]
    place = (city.service.settings.var_dir, postgres_url)
    racers = [forks.Process(target=_racer, args=(*place, officer, start, one, counts)) for one in codes]
    for racer in racers:
        racer.start()
    try:
        assert not any(counts.get(timeout=300) for _ in racers)
        for number in range(ROUNDS):
            code = new_code(city, identifier)
            for one in codes:
                one.put(code)
            answers: Counter[tuple[str, bool]] = sum((counts.get(timeout=120) for _ in racers), Counter())
            assert answers == {("ok", True): 1, ("code_used", False): WAYS - 1}, number
        for one in codes:
            one.put("")
        for racer in racers:
            racer.join(60)
        assert [racer.exitcode for racer in racers] == [0] * RACERS
    finally:
        for racer in racers:
            racer.kill()
    redeemed = city.rows("SELECT count(*), count(redeemed_at) FROM shows")
    assert redeemed == [(ROUNDS, ROUNDS)]
    given = city.rows("SELECT count(*) FROM scans WHERE outcome = 'ok'")
    assert given == [(ROUNDS,)], "one inspection record for each, whatever the answers said"


def replays(city: ServedCity, clock: FixedClock, count: int) -> Counter[str]:
    """Q2: what ``count`` codes each give when used twice, when 61 s old, and when the license was revoked."""
    good, ended = city.issue(GUIDE, "Q-1")["identifier"], city.issue(GUIDE, "Q-2")["identifier"]
    given: Counter[str] = Counter()
    for _ in range(count):
        code = new_code(city, good)
        given["first"] += bool(read(city, code).fields)
        given["second"] += bool(read(city, code).fields)
        # One that nobody has used: only whom the scene is meant for gets anything of it.
        given["other verifier"] += bool(read(city, new_code(city, good), "clerk-1").fields)
    codes = [new_code(city, good) for _ in range(count)]
    revoked = [new_code(city, ended) for _ in range(count)]
    city.answer(city.move(ended, "revoke", slug=GUIDE), 201)
    given["revoked"] += sum(read(city, code).light != "red" for code in revoked)
    clock.advance(timedelta(seconds=61))
    given["late"] += sum(bool(read(city, code).fields) or read(city, code).facts is not None for code in codes)
    return given


def test_replays_late_codes_and_ended_licenses_give_nothing(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    clock = FixedClock(SystemClock().now())
    assert +replays(make_city(sqlite_url, clock=clock), clock, SMALL // 10) == {"first": SMALL // 10}


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_ten_thousand_of_each_give_nothing(make_city: Callable[..., ServedCity], sqlite_url: str) -> None:
    clock = FixedClock(SystemClock().now())
    city = make_city(sqlite_url, clock=clock)
    # Making them takes longer than they live, so time stands still until all are made.
    assert +replays(city, clock, LARGE) == {"first": LARGE}


def shared_texts() -> list[str]:
    """Texts that other people's tests call nasty: strings, tokens, JSON."""
    texts: list[str] = []
    blns = SHARED / "blns" / "blns.json"
    if blns.is_file():
        texts += [str(text) for text in orjson.loads(blns.read_bytes())]
    for path in sorted((SHARED / "wycheproof-subset").rglob("*.json")) if SHARED.is_dir() else ():
        texts += _strings(orjson.loads(path.read_bytes()))[:200]
    return texts


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for child in children for text in _strings(child)]


OWN_FOREIGN = (
    "HC1:NCFOXN%TS3DH3ZSUZK+.V0ETD%65NL-AH%TAIOOW%I-1W48",
    "weixin://wxpay/bizpayurl?pr=EXAMPLE",
    "alipays://platformapi/startapp?appId=EXAMPLE",
    "https://zz.certsvc.example.evil.example/s/AAAAAAAAAAAAAAAAAAAAAA",
    "HTTPS://ZZ.CERTSVC.EXAMPLE/s/AAAAAAAAAAAAAAAAAAAAAA",
    "BEGIN:VCARD\nFN:示例\nEND:VCARD",
    "\ufeffhttps://zz.certsvc.example/s/AAAAAAAAAAAAAAAAAAAAAA",
    "https://zz.certsvc.example/s/AAAAAAAAAAAAAAAAAAAAAA\n@evil",
    "eyJhbGciOiJub25lIn0.e30.",
)


def test_foreign_texts_are_not_ours() -> None:
    base = "https://zz.certsvc.example"
    for text in (*OWN_FOREIGN, *shared_texts()):
        assert read_code(text, base).kind == "foreign", text[:80]


def mutated(code: str, dice: random.Random) -> str:
    """A code with one fault: a character more, less or another, two exchanged, or another path."""
    base, token = code.rsplit("/", 1)
    at = dice.randrange(len(token))
    letter = dice.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    choices = (
        f"{base}/{token[:at]}{letter}{token[at + 1 :]}",
        f"{base}/{token[:at]}{token[at + 1 :]}",
        f"{base}/{token[:at]}{letter}{token[at:]}",
        f"{base}/{token[::-1]}",
        f"{base[:-1]}{dice.choice('qc')}/{token}",
        code.replace("https", "http"),
    )
    return dice.choice(choices)


def fuzz(city: ServedCity, count: int) -> None:
    identifier = city.one_of(GUIDE)["identifier"]
    seed = 20_261_127
    dice = random.Random(seed)
    code = new_code(city, identifier)
    for n in range(count):
        if n % 1000 == 0:
            code = new_code(city, identifier)
        text = mutated(code, dice)
        if text != code:
            answer = read(city, text)
            assert answer.facts is None, (seed, n)
            assert not answer.fields, (seed, n)


def test_fuzzed_codes_are_not_accepted(shared_city: ServedCity) -> None:
    fuzz(shared_city, SMALL)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_hundred_thousand_fuzzed_codes_are_not_accepted(small_city: ServedCity) -> None:
    fuzz(small_city, 10 * LARGE)


def test_one_client_in_a_burst_is_limited_and_others_are_not(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    city = make_city(sqlite_url, rate_limit_per_minute=60, clock=FixedClock(SystemClock().now()))
    loud, calm = city.person("officer-1"), city.person("officer-2")
    ask = {"code": "https://evil.example/x"}
    codes = Counter(city.client.post("/v1/scans", headers=loud, json=ask).status_code for _ in range(70))
    assert codes == {201: 60, 429: 10}
    assert city.client.post("/v1/scans", headers=calm, json=ask).status_code == 201


def test_each_example_for_integrators_is_answered_as_it_says(small_city: ServedCity) -> None:
    city = small_city
    assert city.client.post("/v1/codes/examples", headers=city.system()).status_code == 404, "nothing issued yet"
    ended = city.issue(GUIDE, "E-1")
    city.answer(city.move(ended["identifier"], "revoke", slug=GUIDE), 201)
    city.issue(GUIDE, "E-2")
    made = city.answer(city.client.post("/v1/codes/examples", headers=city.system("gate-1")), 201)
    kinds = [one["kind"] for one in made["examples"]]
    assert len(kinds) == len(set(kinds)) >= 14
    assert {"online_good", "online_used", "online_expired", "printed_ended", "scene_for_others"} <= set(kinds)
    readers = {"officer": city.officer_of(GUIDE), "clerk": "clerk-1"}
    for one in made["examples"]:
        scan = city.scan(readers[one["role"]], one["text"])
        answered = (scan["light"], scan["reasons"][0], bool(scan["fields"]))
        assert answered == (one["light"], one["reason"], one["data"]), one["kind"]
