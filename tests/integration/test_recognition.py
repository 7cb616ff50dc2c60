"""互认: two cities that listen, each with keys and roots of its own, recognise each other's licenses."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fixtures_city import ServedCity, sandbox_settings
from fixtures_city import _served as served
from signing_pages import NOW, one_page
from signing_strangers import make_stranger, sealed_by

from certsvc.app import Service, build, prepare
from certsvc.cli.demo import serving
from certsvc.clock import rfc3339
from certsvc.commands.access.seed_sandbox import seed_sandbox
from certsvc.commands.verifying.verify_file import verify_file
from certsvc.seal.partner_answer import PartnerAnswer
from certsvc.seal.trust_list import Anchor, RecognisedType, Recognition, TrustList, TrustLog
from certsvc.seal.verdict import Reason
from certsvc.signing.trust import read_anchors

SLUG = "food_operation"
OTHER = "tour_guide"
PROPOSER, CONFIRMER = "trust-1", "trust-2"


@dataclass
class Town:
    """One of the two cities, and how to stop its server."""

    name: str
    code: str
    base: str
    city: ServedCity
    stop: Callable[[], None]

    @property
    def root(self) -> bytes:
        """The root of its seals, in DER."""
        return read_anchors((self.city.service.settings.keys / "trust" / "dev-root.pem").read_bytes())[0]

    def license(self, number: str, slug: str = SLUG) -> tuple[str, bytes]:
        """A license issued here: its identifier and its file."""
        identifier = self.city.issue(slug, number)["identifier"]
        return identifier, self.city.file(identifier)

    def change(self, reason: str, **entry: Any) -> dict[str, Any]:
        """A change that one person proposes and another confirms."""
        asked = {"reason": reason, **entry}
        response = self.city.client.post("/v1/trust-list/proposals", headers=self.city.person(PROPOSER), json=asked)
        proposal = self.city.answer(response, 201)["proposal_id"]
        path = f"/v1/trust-list/proposals/{proposal}/confirmation"
        return dict(self.city.answer(self.city.client.post(path, headers=self.city.person(CONFIRMER)), 201))

    def recognises(self, other: Town, **changes: Any) -> dict[str, Any]:
        """Take the other's root for its seals, and its licenses of one type."""
        recognition = self.recognition_of(other) | changes
        self.change(
            f"与{other.name}互认",
            anchor={
                "certificate": base64.b64encode(other.root).decode("ascii"),
                "name": f"{other.name}根证书",
                "purposes": [f"partner-{other.code}"],
            },
        )
        return self.change(f"与{other.name}互认", recognition=recognition)

    def recognition_of(self, other: Town) -> dict[str, Any]:
        """The recognition of the other's licenses of :data:`SLUG`, from an hour ago."""
        return {
            "partner": other.code,
            "name": other.name,
            "anchors": [hashlib.sha256(other.root).hexdigest()],
            "types": [{"code": SLUG, "slug": SLUG, "title": f"{other.name}食品经营许可证"}],
            "channel": other.base,
            "effective_from": rfc3339(self.city.service.deps.clock.now() - timedelta(hours=1)),
        }


def open_town(stack: ExitStack, var: Path, *, name: str, code: str) -> Town:
    """A city with a master key, roots and seals of its own, listening."""
    issuer = f"https://{code}.example"
    settings = sandbox_settings(var, f"sqlite:///{var / 'city.sqlite3'}", issuer=issuer, public_base=f"{issuer}/q")
    prepare(settings)
    service: Service = build(settings)
    stack.callback(service.close)
    parties = seed_sandbox(service.deps)
    serves = ExitStack()
    stack.push(serves)
    base = serves.enter_context(serving(service))
    client = stack.enter_context(httpx.Client(base_url=base, timeout=60))
    return Town(name, code, base, served(service, parties, client, var), serves.close)


@pytest.fixture
def towns(tmp_path: Path) -> Iterator[tuple[Town, Town]]:
    with ExitStack() as stack:
        one = open_town(stack, tmp_path / "a", name="示例甲市", code="a-990200")
        other = open_town(stack, tmp_path / "b", name="示例乙市", code="b-990300")
        yield one, other


def test_two_cities_recognise_each_other_and_the_verdict_cites_it(towns: tuple[Town, Town]) -> None:
    for here, there in (towns, towns[::-1]):
        identifier, data = there.license(f"XX-{there.code}")
        assert here.city.check(data)["reason"] == "untrusted_chain"
        version = here.recognises(there)["number"]
        verdict = here.city.check(data)
        assert (verdict["indication"], verdict["reason"], verdict["family"]) == ("TOTAL-PASSED", "ok_recognised", "ok")
        assert "互认证照核验通过" in verdict["text"]
        cited = verdict["recognition"]
        assert (cited["partner"], cited["partner_name"], cited["list_version"], cited["note"]) == (
            there.code,
            there.name,
            version,
            "",
        )
        assert verdict["registry_match"] == "none"
        assert (verdict["trust"], verdict["status"], verdict["integrity"]) == ("good", "good", "good")
        assert (verdict["license"]["identifier"], verdict["license"]["type"]) == (identifier, SLUG)
        assert verdict["license"]["type_name"] == f"{there.name}食品经营许可证"
        assert "license_state" not in verdict["not_checked"]

        there.city.answer(there.city.move(identifier, "revoke", slug=SLUG), 201)
        ended = here.city.check(data)
        assert (ended["indication"], ended["reason"], ended["word"]) == ("TOTAL-FAILED", "license_revoked", "已吊销")
        assert ended["recognition"]["partner"] == there.code

        changed = bytearray(data)
        changed[len(changed) // 3] ^= 1
        broken = here.city.check(bytes(changed))
        assert broken["indication"] == "TOTAL-FAILED"
        assert broken["family"] in {"changed", "broken"}
        assert broken["recognition"] is None


def test_a_changed_letter_of_the_face_is_changed_and_never_asked_about(towns: tuple[Town, Town]) -> None:
    here, there = towns
    here.recognises(there)
    _, data = there.license("C-1")
    place = data.index(b"/Contents<")
    changed = data[: place - 300] + bytes([data[place - 300] ^ 0x01]) + data[place - 299 :]
    verdict = here.city.check(changed)
    assert verdict["indication"] == "TOTAL-FAILED"
    assert verdict["reason"] in {"digest_mismatch", "malformed", "not_fully_covered"}
    content = data.index(b"stream\n") + 40
    flipped = data[:content] + bytes([data[content] ^ 0x01]) + data[content + 1 :]
    assert here.city.check(flipped)["reason"] == "digest_mismatch"
    assert here.city.check(flipped)["family"] == "changed"


def test_a_partner_that_is_away_is_cannot_be_checked_now_and_never_a_pass(towns: tuple[Town, Town]) -> None:
    here, there = towns
    here.recognises(there)
    _, data = there.license("S-1")
    assert here.city.check(data)["reason"] == "ok_recognised"
    there.stop()
    verdict = here.city.check(data)
    assert (verdict["indication"], verdict["reason"], verdict["family"]) == (
        "INDETERMINATE",
        "cannot_check_now",
        "later",
    )
    assert verdict["unreachable"] == ["127.0.0.1"]
    assert verdict["recognition"]["partner"] == there.code
    assert verdict["status"] == "not_checked"


def test_outside_of_the_recognition_nothing_is_recognised(towns: tuple[Town, Town]) -> None:
    here, there = towns
    now = here.city.service.deps.clock.now
    here.recognises(there)
    _, data = there.license("E-1")
    _, other = there.license("E-2", OTHER)
    verdict = here.city.check(other)
    assert (verdict["indication"], verdict["reason"]) == ("INDETERMINATE", "not_recognised")
    assert "不在互认目录" in verdict["recognition"]["note"]
    assert verdict["license"] is None

    passed = now()
    asked = {"at": rfc3339(passed)}
    here.change("互认期满", recognition=here.recognition_of(there) | {"effective_until": rfc3339(now())})
    verdict = here.city.check(data)
    assert (verdict["indication"], verdict["reason"], verdict["family"]) == (
        "INDETERMINATE",
        "not_recognised",
        "foreign",
    )
    assert verdict["recognition"]["note"] == "互认已经终止"
    files = {"file": ("license.pdf", data, "application/pdf")}
    then = here.city.answer(here.city.client.post("/v1/verifications/file", files=files, params=asked), 200)
    assert (then["reason"], then["recognition"]["list_version"]) == ("ok_recognised", 2), "as of then it was in force"

    tomorrow = rfc3339(now() + timedelta(days=1))
    here.change("重新商定", recognition=here.recognition_of(there) | {"effective_from": tomorrow})
    assert here.city.check(data)["recognition"]["note"] == "互认尚未生效"


def test_states_are_read_through_the_map_and_a_word_outside_of_it_never_passes(towns: tuple[Town, Town]) -> None:
    here, there = towns
    here.recognises(there, states={"revoked": "cancelled"})
    identifier, data = there.license("M-1")
    verdict = here.city.check(data)
    assert verdict["reason"] == "not_recognised", "the partner says valid, which the map does not know"
    assert "valid" in verdict["recognition"]["note"]
    there.city.answer(there.city.move(identifier, "revoke", slug=SLUG), 201)
    assert here.city.check(data)["reason"] == "license_cancelled"


def test_a_file_that_the_partner_does_not_know_is_not_recognised(towns: tuple[Town, Town]) -> None:
    """Its seal is the partner's, but its register does not hold it: a test print, or a stolen key."""
    here, there = towns
    here.recognises(there)
    _, data = there.license("U-1")
    there.city.execute("UPDATE artifacts SET sha256 = 'gone' || substr(sha256, 5)")
    verdict = here.city.check(data)
    assert (verdict["indication"], verdict["reason"]) == ("INDETERMINATE", "not_recognised")
    assert "对方登记中没有" in verdict["recognition"]["note"]


def test_a_receipt_states_the_recognition_and_the_version(towns: tuple[Town, Town]) -> None:
    here, there = towns
    here.recognises(there)
    _, data = there.license("R-1")
    files = {"file": ("license.pdf", data, "application/pdf")}
    asked = here.city.client.post("/v1/verifications/file", files=files, params={"receipt": "true"})
    receipt = here.city.answer(asked, 200)["receipt"]
    body = {"receipt": receipt}
    claims = here.city.answer(here.city.client.post("/v1/verifications/receipts", json=body), 200)["claims"]
    listed = here.city.answer(here.city.client.get("/v1/trust-list"), 200)
    assert claims["recognition"]["partner"] == there.code
    assert claims["trust_list"] == {
        "version": 2,
        "sha256": listed["sha256"],
        "anchors": len(listed["anchors"]),
    }


def test_a_partners_root_makes_no_seal_of_ours_and_no_timestamp_trusted(towns: tuple[Town, Town]) -> None:
    """Law 1: with its recognition gone, the partner's anchor is worth nothing."""
    here, there = towns
    here.change(
        "只加根证书",
        anchor={
            "certificate": base64.b64encode(there.root).decode("ascii"),
            "name": "示例乙市根证书",
            "purposes": [f"partner-{there.code}", "timestamp"],
        },
    )
    _, data = there.license("P-1")
    assert here.city.check(data)["reason"] == "untrusted_chain"


@dataclass
class Registers:
    """A partner's registers by channel: an answer, or None for one that is away. Implements the port."""

    answers: dict[str, PartnerAnswer | None]
    asked: list[str]

    def ask(self, recognition: Recognition, sha256: str, at: datetime | None, now: datetime) -> PartnerAnswer | None:
        assert (len(sha256), at) == (64, None)
        assert now >= recognition.effective_from
        self.asked.append(recognition.partner)
        return self.answers[recognition.partner]


KNOWN = PartnerAnswer(passed=True, known=True, type_code=SLUG, type_name="食品经营许可证", state="valid")
UNKNOWN = PartnerAnswer(passed=False, known=False)


@pytest.mark.parametrize(
    ("answers", "indication", "reason", "asked"),
    [
        ((None, KNOWN, KNOWN, KNOWN), "TOTAL-PASSED", "ok_recognised", 2),
        ((UNKNOWN, KNOWN, None, None), "TOTAL-PASSED", "ok_recognised", 2),
        ((UNKNOWN, None, UNKNOWN, KNOWN), "INDETERMINATE", "cannot_check_now", 3),
        ((UNKNOWN, UNKNOWN, UNKNOWN, KNOWN), "INDETERMINATE", "not_recognised", 3),
        ((replace(KNOWN, passed=False), KNOWN, KNOWN, KNOWN), "INDETERMINATE", "not_recognised", 1),
        ((replace(KNOWN, state="suspended"), KNOWN, KNOWN, KNOWN), "TOTAL-FAILED", "license_suspended", 1),
        ((replace(KNOWN, state="expired", passed=True), KNOWN, KNOWN, KNOWN), "TOTAL-FAILED", "license_expired", 1),
        ((replace(KNOWN, state="<b>"), KNOWN, KNOWN, KNOWN), "INDETERMINATE", "not_recognised", 1),
        ((replace(KNOWN, type_code="x"), KNOWN, KNOWN, KNOWN), "INDETERMINATE", "not_recognised", 1),
    ],
)
def test_cities_under_one_root_are_asked_in_turn_and_the_one_that_knows_decides(
    small_city: ServedCity,
    tmp_path: Path,
    answers: tuple[PartnerAnswer | None, ...],
    indication: str,
    reason: str,
    asked: int,
) -> None:
    """A province's root: it is an anchor of seals of ours too, and four cities stand under it."""
    stranger = make_stranger(begins=NOW - timedelta(days=1), ends=NOW + timedelta(days=3650))
    data = sealed_by(stranger, one_page(6000, docmdp=0), tmp_path)
    codes = ("a", "b", "c", "d")
    root = Anchor(
        certificate=read_anchors(stranger.root_pem)[0],
        name="示例省根证书",
        purposes=frozenset({"seal", *(f"partner-{code}" for code in codes)}),
    )
    cities = [
        Recognition(
            partner=code,
            name=f"示例{code}市",
            anchors=(root.anchor_id,),
            types=(RecognisedType(code=SLUG, slug=SLUG, title=""),),
            channel=f"https://{code}.example",
            effective_from=NOW,
        )
        for code in codes
    ]
    listed = TrustList(version=7, anchors=(root,), recognitions=tuple(cities))
    registers = Registers(dict(zip(codes, answers, strict=True)), [])
    deps = replace(small_city.service.deps, partners=registers, trust=Standing(listed))
    verdict = verify_file(deps, data)
    assert (verdict.indication.value, verdict.reason.value) == (indication, reason)
    assert registers.asked == list(codes[:asked])
    assert verdict.recognition is not None
    assert verdict.recognition.list_version == 7
    alone = replace(deps, trust=Standing(replace(listed, recognitions=())))
    assert verify_file(alone, data).reason is Reason.NOT_OURS
    assert len(registers.asked) == asked, "without a recognition nobody is asked"


@pytest.mark.parametrize(
    ("purposes", "reason"),
    [({"seal"}, "ok"), ({"person"}, "untrusted_chain"), ({"timestamp"}, "untrusted_chain"), ({"partner-a"}, None)],
)
def test_a_license_of_ours_stands_on_anchors_of_seals_alone(
    small_city: ServedCity, purposes: set[str], reason: str | None
) -> None:
    """Not on those of people or of timestamps; and a partner's anchor never holds what we registered."""
    city = small_city
    data = city.file(city.issue(SLUG, "P-1")["identifier"])
    deps = city.service.deps
    anchors = tuple(replace(one, purposes=frozenset(purposes)) for one in deps.trust.current.anchors)
    verdict = verify_file(replace(deps, trust=Standing(TrustList(anchors=anchors))), data)
    assert verdict.reason.value == (reason or "untrusted_chain")
    assert (verdict.trust.value == "good") == (purposes == {"seal"})


class Standing:
    """A trust list that stands still. Implements ``TrustSource``."""

    def __init__(self, current: TrustList) -> None:
        self.current = current
        self.log = TrustLog(current.anchors)

    def follow(self) -> bool:
        return False
