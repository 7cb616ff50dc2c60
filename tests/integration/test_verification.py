"""One verifier for files, codes, numbers and digests: as of any moment, with receipts, and knowing our revocations."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fixtures_city import ServedCity
from seal_people import KEEPER, SAID
from signing_pages import MAKER, seal_draft
from test_bad_input import problem

from certsvc.clock import FixedClock, rfc3339
from certsvc.commands.ports import Deps
from certsvc.commands.seals.apply_seal import remake_seal
from certsvc.commands.seals.sample_objects import make_sample_objects
from certsvc.commands.verifying.verify_file import verify_file
from certsvc.seal.verdict import Check, Indication, Reason
from certsvc.seal.version import Cause
from certsvc.signing.jws import load_public_keys
from certsvc.signing.keyring import SoftwareKeyRing
from certsvc.signing.master_key import load_master_key
from certsvc.signing.receipts import read_receipt
from certsvc.signing.seal_object import export_seal, make_seal

SLUG = "food_operation"
SEAL_ID = "seal_11990000MB0000019F"


@dataclass
class Story:
    """A license that was issued, suspended and revoked, and moments between these."""

    city: ServedCity
    data: bytes
    number: str
    before: datetime
    valid: datetime
    suspended: datetime
    revoked: datetime


@pytest.fixture
def story(city: ServedCity) -> Story:
    clock = city.service.deps.clock
    before = clock.now()
    done = city.issue(SLUG, "AS-OF")
    identifier = done["identifier"]
    data = city.file(identifier)
    valid = clock.now()
    city.answer(city.move(identifier, "suspend", slug=SLUG), 201)
    suspended = clock.now()
    city.answer(city.move(identifier, "revoke", slug=SLUG, document_no="示决〔2026〕2号"), 201)
    return Story(city, data, done["number"], before, valid, suspended, clock.now())


def ask_file(city: ServedCity, data: bytes, **query: str) -> dict[str, Any]:
    files = {"file": ("license.pdf", data, "application/pdf")}
    return dict(city.answer(city.client.post("/v1/verifications/file", files=files, params=query), 200))


def test_every_question_is_answered_as_of_a_moment_with_what_was_known_then(story: Story) -> None:
    city = story.city
    by_digest = {"sha256": hashlib.sha256(story.data).hexdigest()}
    expected = {
        story.valid: ("TOTAL-PASSED", "ok", "license_revoked"),
        story.suspended: ("TOTAL-FAILED", "license_suspended", "license_revoked"),
        story.revoked: ("TOTAL-FAILED", "license_revoked", None),
    }
    for at, wanted in expected.items():
        moment = rfc3339(at)
        answers = (
            ask_file(city, story.data, at=moment),
            city.public(**by_digest, at=moment),
        )
        for answer in answers:
            later = answer["later"]["code"] if answer["later"] else None
            assert (answer["indication"], answer["reason"], later) == wanted, moment
            assert datetime.fromisoformat(answer["as_of"]) == at
    assert ask_file(city, story.data)["reason"] == "license_revoked"


def test_before_its_registration_nothing_was_known_of_it_and_nothing_passes(story: Story) -> None:
    moment = rfc3339(story.before)
    digest = hashlib.sha256(story.data).hexdigest()
    for answer in (ask_file(story.city, story.data, at=moment), story.city.public(sha256=digest, at=moment)):
        assert answer["indication"] != "TOTAL-PASSED"
        assert answer["reason"] == "license_not_registered_then"
        assert answer["license"] is None


def test_a_moment_to_come_is_refused(small_city: ServedCity) -> None:
    tomorrow = rfc3339(small_city.service.deps.clock.now() + timedelta(days=1))
    found = problem(small_city.client.post("/v1/verifications", json={"sha256": "0" * 64, "at": tomorrow}), 422)
    assert "不能晚于现在" in found["detail"]
    naive = small_city.client.post("/v1/verifications", json={"sha256": "0" * 64, "at": "2026-01-01T00:00:00"})
    assert problem(naive, 422)["errors"][0]["pointer"] == "/at"


def test_a_digest_is_enough_and_says_that_nobody_looked_at_the_file(small_city: ServedCity) -> None:
    done = small_city.issue(SLUG, "DG-1")
    digest = hashlib.sha256(small_city.file(done["identifier"])).hexdigest()
    answer = small_city.public(sha256=digest.upper())
    assert (answer["indication"], answer["registry_match"], answer["integrity"]) == (
        "TOTAL-PASSED",
        "exact",
        "not_checked",
    )
    assert answer["license"]["identifier"] == done["identifier"]
    unknown = small_city.public(sha256="0" * 64)
    assert (unknown["reason"], unknown["family"]) == ("not_ours", "foreign")
    sample = small_city.catalog.sample(SLUG)
    number = {"type": SLUG, "number": done["number"], "holder_name": sample["holder_name"]}
    past = {**number, "at": rfc3339(small_city.service.deps.clock.now())}
    assert "须有文件" in problem(small_city.client.post("/v1/verifications", json=past), 422)["errors"][0]["detail"]
    both = small_city.client.post("/v1/verifications", json={"sha256": digest, "code": "x"})
    assert problem(both, 422)


def test_a_receipt_can_be_checked_by_others_and_tells_what_was_not_checked(small_city: ServedCity) -> None:
    done = small_city.issue(SLUG, "RC-1")
    data = small_city.file(done["identifier"])
    answer = ask_file(small_city, data, receipt="true")
    keys = small_city.answer(small_city.client.get("/v1/verifications/keys"), 200)
    claims = read_receipt(answer["receipt"], load_public_keys(json.dumps(keys)))
    assert claims["asked"] == {"kind": "file", "sha256": hashlib.sha256(data).hexdigest()}
    assert (claims["indication"], claims["reason"]) == (answer["indication"], answer["reason"])
    assert claims["not_checked"] == answer["not_checked"]
    assert claims["time_source"] == "system-clock"
    assert claims["trust_list"]["anchors"] >= 2  # type: ignore[index]
    assert claims["license"]["identifier"] == done["identifier"]  # type: ignore[index]
    read = small_city.client.post("/v1/verifications/receipts", json={"receipt": answer["receipt"]})
    answered = small_city.answer(read, 200)
    assert answered["claims"] == claims
    assert answered["state_zh"] == "正常"
    head, body, value = answer["receipt"].split(".")
    forged = f"{head}.{body[:-2]}AA.{value}"
    refused = small_city.client.post("/v1/verifications/receipts", json={"receipt": forged})
    assert "回执无效" in problem(refused, 422)["detail"]


def test_a_receipt_holds_no_number_no_name_and_no_code(small_city: ServedCity) -> None:
    done = small_city.issue(SLUG, "RC-2")
    sample = small_city.catalog.sample(SLUG)
    asked = {"type": SLUG, "number": done["number"], "holder_name": sample["holder_name"], "receipt": True}
    answer = small_city.answer(small_city.client.post("/v1/verifications", json=asked), 200)
    claims = small_city.service.deps.verification_receipts.read(answer["receipt"])
    text = json.dumps(claims, ensure_ascii=False)
    assert sample["holder_name"] not in text
    assert done["number"] not in text


def test_what_was_registered_before_its_seals_certificate_was_revoked_stays_good(small_city: ServedCity) -> None:
    deps = small_city.service.deps
    done = small_city.issue(SLUG, "OR-1")
    data = small_city.file(done["identifier"])
    first = verify_file(deps, data)
    assert first.indication is Indication.TOTAL_PASSED
    assert "revocation" not in first.not_checked, "our own lists speak of our own certificates"
    lose_the_key(small_city)
    deps = later(deps, 5)
    after = verify_file(deps, data)
    assert (after.indication, after.reason) == (Indication.TOTAL_PASSED, Reason.OK)
    # A copy that is not on the register has no such proof of its time.
    with small_city.service.store._engines[0].begin() as connection:
        from certsvc.store.tables import artifacts

        connection.execute(artifacts.update().values(sha256="0" * 64))
    copy = verify_file(deps, data)
    assert copy.indication is not Indication.TOTAL_PASSED
    assert copy.reason in {Reason.CERT_REVOKED, Reason.CERT_REVOKED_AFTER_SIGNING}
    assert copy.trust is Check.BAD


def lose_the_key(city: ServedCity) -> None:
    """The keeper of the type's seal reports its key as lost, which revokes its certificate."""
    remake_seal(later(city.service.deps, 2), KEEPER, SEAL_ID, Cause.KEY_LOST, None, SAID)


def later(deps: Deps, seconds: int) -> Deps:
    """The same some seconds later: revocation lists count in whole seconds."""
    return replace(deps, clock=FixedClock(deps.clock.now() + timedelta(seconds=seconds)))


def test_a_folder_and_a_zip_are_judged_with_a_report_and_receipts(
    small_city: ServedCity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import csv
    import zipfile

    from certsvc.cli import verify as command
    from certsvc.cli.verify import Wanted, verify_paths

    done = small_city.issue(SLUG, "BK-1")
    data = small_city.file(done["identifier"])
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    (folder / "good.pdf").write_bytes(data)
    (folder / "deep" / "=changed.PDF").write_bytes(data[:-10] + b"x" + data[-9:])
    (folder / "note.txt").write_text("not looked at")
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.writestr("a/again.pdf", data)
        archive.writestr("__MACOSX/a/._again.pdf", b"litter")
    monkeypatch.setattr(command, "build", lambda _: small_city.service)
    monkeypatch.setattr(command, "load_settings", lambda: small_city.service.settings)
    monkeypatch.setattr(type(small_city.service), "close", lambda _: None)
    report = tmp_path / "report.csv"
    wanted = Wanted(report=report, receipts=tmp_path / "receipts")
    assert verify_paths([folder, tmp_path / "more.zip"], [], None, wanted) == 1
    with report.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert sorted(Path(row["文件"]).name for row in rows) == ["=changed.PDF", "again.pdf", "good.pdf"]
    assert [row["结论"] for row in rows].count("通过") == 2
    names = {path.stem for path in (tmp_path / "receipts").iterdir()}
    assert hashlib.sha256(data).hexdigest() in names
    assert len(names) == 2
    assert verify_paths([folder / "good.pdf"], [], None, Wanted(report=tmp_path / "one.xlsx")) == 0
    assert zipfile.is_zipfile(tmp_path / "one.xlsx")


def test_a_seal_object_is_judged_by_its_maker_and_by_the_register_of_seals(small_city: ServedCity) -> None:
    settings = small_city.service.settings
    ring = SoftwareKeyRing(settings.keys, load_master_key(settings.master_key), profile="sandbox")
    with small_city.service.deps.uow.read() as tx:
        seal, other = [one for one in tx.seals.all() if one.algorithm == "sm2"][:2]
    now = small_city.service.deps.clock.now()
    draft = seal_draft(seal, ring, created=now, begins=now - timedelta(days=1), ends=now + timedelta(days=30))
    ours = make_seal(draft, ring, MAKER)
    assert make_sample_objects(small_city.service.deps) >= 1, "the seals of the sandbox come without their objects"
    assert make_sample_objects(small_city.service.deps) == 0
    own = small_city.service.deps.seal_maker.seal_object(seal.key_id)
    assert ask_file(small_city, own)["reason"] == "ok_seal_object"
    export_seal(settings.keys / "seals", seal.key_id, ours)
    answer = ask_file(small_city, ours)
    assert (answer["indication"], answer["reason"], answer["registry_match"], answer["status"]) == (
        "TOTAL-PASSED",
        "ok_seal_object",
        "exact",
        "good",
    )
    # Whoever may sign documents may not make seals: this one is signed by the key of an ordinary seal.
    forged = ask_file(small_city, make_seal(draft, ring, other.key_id))
    assert (forged["indication"], forged["reason"]) == ("INDETERMINATE", "seal_maker_unknown")
    assert ("seal_maker" in forged["not_checked"], "seal_maker" in answer["not_checked"]) == (True, False)
    another = ask_file(small_city, make_seal(replace(draft, name="换了名字的章"), ring, MAKER))
    assert (another["indication"], another["reason"]) == ("TOTAL-FAILED", "seal_not_in_use")
    small_city.execute(f"UPDATE seals SET state = 'stopped' WHERE seal_id = '{seal.seal_id}'")
    stopped = ask_file(small_city, ours)
    assert (stopped["indication"], stopped["reason"], stopped["family"]) == ("TOTAL-FAILED", "seal_not_in_use", "ended")


def test_somebodys_certificate_in_a_file_is_not_yet_our_seal(small_city: ServedCity) -> None:
    data = small_city.file(small_city.issue(SLUG, "CB-1")["identifier"])
    start = data.index(b"/Contents<") + len(b"/Contents<")
    end = data.index(b">", start)
    last = start + len(data[start:end].rstrip(b"0")) - 3
    changed = data[:last] + (b"1" if data[last : last + 1] != b"1" else b"2") + data[last + 1 :]
    answer = ask_file(small_city, changed)
    assert (answer["indication"], answer["registry_match"]) == ("TOTAL-FAILED", "none")


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "1999-12-31T00:00:00Z", "9999-12-31T23:59:59-14:00"])
def test_moments_outside_all_registers_are_refused(small_city: ServedCity, at: str) -> None:
    files = {"file": ("x.pdf", b"%PDF-1.7", "application/pdf")}
    assert problem(small_city.client.post("/v1/verifications/file", files=files, params={"at": at}), 422)
