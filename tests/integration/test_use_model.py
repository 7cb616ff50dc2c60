"""Uses against a small model of the law of uses: role x basis x purpose x field x grant state.

The model stands here in plain words and knows nothing of the commands: it says for every case whether data may leave,
and which. Every response is then searched for planted values that the model does not let out, as are events and logs.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import re
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
import structlog
from fixtures_city import ServedCity
from test_bad_input import problem
from test_consent_only import force
from test_fetch import CLIENT, NEIGHBOUR, OTHER, asking

from certsvc.commands.access.seed_sandbox import NOTARY, PLATFORM, using_client_id
from certsvc.license.uses import Grant, ShowBasis

ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
SEED = 20261128
SAMPLE, ALL = 600, 10_000
BUREAU = using_client_id("11990000MB0000086D")
BUSINESS, FOOD, GUIDE = "business_license", "food_operation", "tour_guide"

# The law, written down once more by hand: whose the matter is, its bases, and what it may see of which type.
NEW, RENEWAL = "11990000MB0000019F2990131002001", "11990000MB0000019F2990131002003"
INSPECTION, SUBSIDY = "11990000MB0000019F2990631001001", "11990000MB0000019F2991099001001"
NOTARIAL = "32990100MB0001273M3992012101001"
ONE_THING, UNKNOWN = "11990000MB0000086D2992099001001", "11990000MB0000019F2990131002999"
FIRM = {"holder_name", "number", "valid_until", "legal_representative"}
LAW: dict[str, tuple[str, set[str], dict[str, set[str]]]] = {
    NEW: ("MARKET", {"consent", "duty"}, {BUSINESS: FIRM | {"address", "business_scope", "*copy"}}),
    RENEWAL: (
        "MARKET",
        {"consent", "duty"},
        {BUSINESS: FIRM | {"address"}, FOOD: FIRM | {"premises", "business_form", "business_items", "*copy"}},
    ),
    INSPECTION: (
        "MARKET",
        {"duty"},
        {
            BUSINESS: FIRM | {"address", "business_scope"},
            FOOD: FIRM | {"residence", "premises", "business_form", "business_items", "signer"},
        },
    ),
    SUBSIDY: (
        "MARKET",
        {"consent", "duty"},
        {
            BUSINESS: {"?holder", "?scope:business_scope"},
            FOOD: {"number", "business_form", "?holder", "?scope:business_items"},
        },
    ),
    ONE_THING: (
        "BUREAU",
        {"consent"},
        {
            BUSINESS: FIRM | {"address", "business_scope", "*copy"},
            FOOD: {"holder_name", "number", "valid_until", "premises", "business_form", "business_items", "*copy"},
        },
    ),
    # A notary acts on the holder's consent alone, whatever stands in the database (FORCED).
    NOTARIAL: ("NOTARY", {"consent"}, {BUSINESS: FIRM | {"address", "*copy"}}),
}
FORCED = (NOTARIAL, FOOD)
"""A matter and type to which the database holds a policy on consent and duty that no door lets in."""
NOTARIES = using_client_id(NOTARY)
BODIES = {CLIENT: "MARKET", NEIGHBOUR: "MARKET", BUREAU: "BUREAU", OTHER: "HEALTH", NOTARIES: "NOTARY"}
CALLERS = (*BODIES, PLATFORM, "holder", "officer")
GRANTS = ("fresh", "used", "withdrawn", "over", "another case", "another operator", "another client", "none")
SCOPE_FIELD = {BUSINESS: "business_scope", FOOD: "business_items", GUIDE: "languages"}
ASKS = ("fields", "fields", "fields", "valid", "scope", "holder")


@dataclass(frozen=True)
class Case:
    """One question of the model."""

    caller: str
    matter: str
    basis: str
    slug: str
    ask: str
    fields: tuple[str, ...]
    grant: str
    granted: tuple[str, ...]
    by_code: bool


def model(case: Case) -> tuple[int, set[str]]:
    """The status that the law asks for, and the keys of what may leave."""
    if case.caller not in BODIES:
        return 403, set()
    owner, bases, allows = LAW.get(case.matter, ("NOBODY", set(), {}))
    open_keys = allows.get(case.slug, set())
    if owner != BODIES[case.caller] or case.basis not in bases or not open_keys:
        return 403, set()
    consent = case.basis == "consent"
    if consent and case.grant not in ({"fresh"} if case.ask == "fields" else {"fresh", "used"}):
        return 403, set()
    if case.ask != "fields":
        key = f"?scope:{SCOPE_FIELD[case.slug]}" if case.ask == "scope" else f"?{case.ask}"
        granted = set(case.granted) if consent else open_keys
        for keys in (open_keys, granted):
            implied = (case.ask == "valid" and keys) or (case.ask == "scope" and SCOPE_FIELD[case.slug] in keys)
            if not implied and key not in keys:
                return 403, set()
        return 201, set()
    may = {key for key in open_keys if not key.startswith("?")}
    if consent:
        may &= set(case.granted)
    wanted = set(case.fields) or may
    if not wanted or wanted - may:
        return 403, set()
    return 201, wanted


def cases(count: int) -> list[Case]:
    """So many, the same every time; most are near the line between lawful and not."""
    chance = random.Random(SEED)
    made = []
    for _ in range(count):
        matter = chance.choice([*LAW, *LAW, UNKNOWN])
        owner, bases, allows = LAW.get(matter, ("MARKET", set(), {}))
        own = [client for client, body in BODIES.items() if body == owner and client != NEIGHBOUR]
        slug = chance.choice(sorted(allows)) if allows and chance.random() < 0.85 else GUIDE
        if matter == FORCED[0] and chance.random() < 0.3:
            slug = FORCED[1]
        pool = sorted(allows.get(slug, set())) or ["holder_name"]
        beyond = ["holder_code", "registered_capital", "colour", "residence", "?valid", "*copy"]
        fields = tuple(chance.sample(pool, chance.randint(0, min(4, len(pool)))))
        if chance.random() < 0.2:
            fields = (*fields, chance.choice(beyond))
        granted = tuple(pool) if chance.random() < 0.5 else tuple(chance.sample(pool, chance.randint(1, len(pool))))
        made.append(
            Case(
                caller=own[0] if chance.random() < 0.7 else chance.choice(CALLERS),
                matter=matter,
                basis=chance.choice(sorted(bases))
                if bases and chance.random() < 0.85
                else chance.choice(("consent", "duty")),
                slug=slug,
                ask=chance.choice(ASKS),
                fields=fields,
                grant="fresh" if chance.random() < 0.55 else chance.choice(GRANTS),
                granted=granted,
                by_code=chance.random() < 0.5,
            )
        )
    return made


class World:
    """A city with one license of each type, and grants made as each case says."""

    def __init__(self, city: ServedCity) -> None:
        self.city = city
        self.number = 0
        self.identifiers = {slug: city.issue(slug, f"M-{slug}") for slug in (BUSINESS, FOOD, GUIDE)}
        with city.service.deps.uow() as tx:
            client = tx.access.client(CLIENT)
            assert client is not None
            tx.access.upsert_client(replace(client, client_id=NEIGHBOUR))
            found = tx.licenses.by_identifiers([done["identifier"] for done in self.identifiers.values()])
        city.secrets = {**city.secrets, NEIGHBOUR: city.secrets[CLIENT]}
        self.versions = {version.type_slug: version.version_id for version in found.values()}
        force(city, *FORCED)
        # What a file may show is what stands on the face of the license, and nothing else of it.
        originals = {
            version.type_slug: pages_of(city.service.deps.objects.get(version.artifact.object_name))
            for version in found.values()
        }
        self.faces = {
            slug: {key for key, value in planted(city, slug).items() if "".join(value.split()) in text}
            for slug, text in originals.items()
        }

    def header(self, caller: str) -> dict[str, str]:
        if caller == "holder":
            return self.city.person(self.city.holder_of(BUSINESS))
        return self.city.person("officer-1") if caller == "officer" else self.city.system(caller)

    def ask(self, case: Case) -> Any:
        """Make the grant that the case speaks of, and ask."""
        self.number += 1
        body: dict[str, Any] = {"matter_code": case.matter, "case_no": "M-1", "basis": case.basis, "type": case.slug}
        if case.basis == "consent":
            body |= {"holder_code": None, "holder_code_type": None}
            body |= {"grant_code" if case.by_code else "consent_id": self.grant(case)}
        if case.ask == "fields":
            return self.city.client.post(
                "/v1/fetches", headers=self.header(case.caller), json=asking(self.city, **body, fields=case.fields)
            )
        body["ask"] = case.ask
        if case.ask == "scope":
            body |= {"field": SCOPE_FIELD[case.slug], "term": "示例"}
        if case.ask == "holder":
            body |= {"asked_code": f"99010119900101{self.number:05d}", "asked_code_type": "999"}
            body |= {"number": f"none-{self.number}"} if case.basis == "duty" else {}
        elif case.ask == "scope" and case.basis == "duty":
            # Questions after terms about one license are counted; numbers that nobody has are counted each alone.
            body["number"] = f"none-{self.number}"
        return self.city.client.post("/v1/answers", headers=self.header(case.caller), json=asking(self.city, **body))

    def grant(self, case: Case) -> str:
        code, deps = f"code-{self.number:08d}-of-a-model", self.city.service.deps
        if case.grant == "none":
            return code
        now = deps.clock.now()
        consent_id = "" if case.by_code else code
        made = Grant(
            grant_id=f"grt_model_{self.number}",
            token_sha256=hashlib.sha256(code.encode() if case.by_code else f"x{self.number}".encode()).hexdigest(),
            version_id=self.versions[case.slug],
            holder_subject="model",
            client_id=OTHER if case.grant == "another client" else case.caller,
            matter_code=case.matter,
            case_no="M-2" if case.grant == "another case" else "M-1",
            fields=case.granted,
            created_at=now - timedelta(hours=2),
            expires_at=now - timedelta(hours=1) if case.grant == "over" else now + timedelta(hours=1),
            used_at=now if case.grant == "used" else None,
            withdrawn_at=now if case.grant == "withdrawn" else None,
            basis=ShowBasis.OWN,
            consent_id=consent_id,
            operator="jingban02" if case.grant == "another operator" else "",
        )
        if case.caller == OTHER and case.grant == "another client":
            made = replace(made, client_id=CLIENT)
        with deps.uow() as tx:
            tx.sharing.insert_grant(made)
        return code


def planted(city: ServedCity, slug: str) -> dict[str, str]:
    """Key -> a value that is found again wherever it stands: those of the sample, as far as they tell anything."""
    sample = city.catalog.sample(slug)
    values = {"holder_code": sample["holder_code"], **sample["data"]}
    if city.catalog.type(slug).holder_masks.get("show", "name") != "none":
        values["holder_name"] = sample["holder_name"]
    return {key: value for key, value in values.items() if len(value) > 4 and value != sample["holder_name"]}


def texts(value: Any) -> list[str]:
    """Every text of a JSON value."""
    if isinstance(value, dict):
        return [text for one in value.values() for text in texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in texts(one)]
    return [value] if isinstance(value, str) else []


def pages_of(data: bytes) -> str:
    """The text of a PDF without blanks, as a reader of our own making would not find it."""
    with tempfile.NamedTemporaryFile(suffix=".pdf") as file:
        file.write(data)
        file.flush()
        read = subprocess.run(["pdftotext", "-raw", file.name, "-"], check=True, capture_output=True)
    return "".join(read.stdout.decode().split())


def said_in(given: dict[str, Any]) -> list[str]:
    """Every text of an answer, also those within a signed statement and on the pages of a file."""
    said = texts({**given, "file": "", "statement": ""})
    if given.get("statement"):
        claims = given["statement"].split(".")[1]
        said += texts(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))))
    if given.get("file"):
        said.append(pages_of(base64.b64decode(given["file"])))
    return said


def names_license(case: Case) -> bool:
    """Whether an answer may say which license it is about: as one may who could read its number."""
    open_keys = LAW.get(case.matter, ("NOBODY", set(), {}))[2].get(case.slug, set())
    return "number" in open_keys and (case.basis != "consent" or "number" in case.granted)


def leaks(world: World, case: Case, response: Any, lawful: set[str]) -> list[str]:
    """Keys of planted values that a response holds and the law does not let out."""
    given, city = response.json(), world.city
    open_values = [planted(city, case.slug).get(key, "") for key in lawful]
    # The number of some types is the holder's code: who may read the number has read it.
    public = (given.get("license") or {}).get("number", "") if {"number", "*copy"} & lawful else ""
    face = world.faces[case.slug] if "*copy" in lawful else set()
    said = [text for text in said_in(given) if text != public]
    identifier = world.identifiers[case.slug]["identifier"]
    named = case.ask != "fields" and not names_license(case) and any(identifier in text for text in said)
    return ["identifier"] * named + [
        key
        for key, value in planted(city, case.slug).items()
        if key not in lawful | face
        and not any(value in one for one in open_values)
        and any(value in text or "".join(value.split()) in text for text in said)
    ]


def run(city: ServedCity, count: int) -> None:
    world = World(city)
    wrong: list[str] = []
    seen: dict[tuple[str, int], int] = {}
    notaries = 0
    with structlog.testing.capture_logs() as logged:
        for case in cases(count):
            status, lawful = model(case)
            response = world.ask(case)
            # What the caller's body is, is told before anything that is asked for is looked at.
            alone = BODIES.get(case.caller) == "NOTARY" and case.basis == "duty"
            if (response.json().get("code") == "consent_only") != alone:
                wrong.append(f"{case}: {response.text}")
            notaries += alone
            seen[case.ask, status] = seen.get((case.ask, status), 0) + 1
            given = response.json()
            keys = {field["key"] for field in given.get("fields", [])} | ({"*copy"} if given.get("file") else set())
            if response.status_code != status or (status == 201 and keys != lawful):
                wrong.append(f"{case}: {response.status_code} {sorted(keys)}, the law says {status} {sorted(lawful)}")
            wrong += [f"{case}: {key} left" for key in leaks(world, case, response, lawful)]
        city.drain()
    assert wrong == [], "\n".join(wrong[:20])
    assert notaries >= count / 200, notaries
    assert min(seen[ask, status] for ask in set(ASKS) for status in (201, 403)) >= count / 200, seen
    events = repr(city.rows("SELECT data FROM events"))
    for slug in (BUSINESS, FOOD, GUIDE):
        for key, value in {**planted(city, slug), "name": city.catalog.sample(slug)["holder_name"]}.items():
            if not ISO_DATE.fullmatch(value):  # a day of the same name stands everywhere
                assert value not in events, key
                assert value not in repr(logged), key


def test_a_sample_of_uses_is_answered_as_the_law_says(small_city: ServedCity) -> None:
    run(small_city, SAMPLE)


@pytest.mark.slow
def test_ten_thousand_uses_are_answered_as_the_law_says(small_city: ServedCity) -> None:
    run(small_city, ALL)


PAIRS = 60
FAR = 1.5
"""Medians of interleaved samples: a license that is looked up costs a few statements more, and no more than that."""


def test_an_unknown_code_and_a_strangers_are_refused_alike_in_content_and_time(small_city: ServedCity) -> None:
    world = World(small_city)
    case = Case(
        caller=CLIENT,
        matter=NEW,
        basis="consent",
        slug=BUSINESS,
        ask="fields",
        fields=("number",),
        grant="none",
        granted=("number",),
        by_code=True,
    )
    taken: dict[str, list[float]] = {"none": [], "another client": []}
    bodies = set()
    for n in range(2 * PAIRS):
        grant = ("none", "another client")[n % 2]
        world.number += 1
        code = world.grant(replace(case, grant=grant))
        lawful = asking(small_city, matter_code=NEW, basis="consent", grant_code=code, fields=["number"])
        del lawful["holder_code"], lawful["holder_code_type"]
        headers = small_city.system(CLIENT)
        start = time.perf_counter()
        response = small_city.client.post("/v1/fetches", headers=headers, json=lawful)
        taken[grant].append(time.perf_counter() - start)
        bodies.add(json.dumps(problem(response, 403), sort_keys=True))
    assert len(bodies) == 1
    unknown, forbidden = (statistics.median(taken[name]) for name in ("none", "another client"))
    assert max(unknown, forbidden) < FAR * min(unknown, forbidden), (unknown, forbidden)
