"""People sign one document, in order and in parallel, the seal last; every other end; others check the file."""

from __future__ import annotations

import asyncio
import hashlib
import io
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pytest
from fixtures_city import ServedCity
from people_city import PEOPLE, PIN, PLACES, SEAL, SEAL_PLACE, PeopleCity
from pyhanko.keys import load_certs_from_pemder_data
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from upload_documents import changed, letter

from certsvc.clock import FixedClock, SystemClock
from certsvc.commands.signings.maintain import maintain_signings
from certsvc.seal.model import SealState
from certsvc.seal.rules import SealRules
from certsvc.signing.authority import Revocation, make_crl, open_ca
from certsvc.signing.master_key import load_master_key
from certsvc.signing.person_keys import DevelopmentPeopleCa, WrappedPersonKeys
from certsvc.store.seals import rules_json

ALL_IN_ONE: dict[str, Any] = {"seal": {"seal_id": SEAL, "place": SEAL_PLACE}}


@pytest.fixture
def people(small_city: ServedCity) -> PeopleCity:
    return PeopleCity(small_city)


@pytest.fixture
def clocked(sqlite_url: str, make_city: Callable[..., ServedCity]) -> tuple[PeopleCity, FixedClock]:
    clock = FixedClock(SystemClock().now())
    return PeopleCity(make_city(sqlite_url, clock=clock)), clock


def signed_by_all(people: PeopleCity, subjects: tuple[str, ...], orders: tuple[int, ...], **more: Any) -> str:
    """A round in which everybody signs, the parallel ones in the other order than they were named."""
    round_id = str(people.round(subjects, orders, **more)["round_id"])
    for _, subject in sorted(zip(orders, subjects, strict=True), key=lambda pair: (pair[0], -subjects.index(pair[1]))):
        people.sign(subject, round_id)
    return round_id


# The whole of it, judged by others ------------------------------------------------------------------------------------


def test_three_people_in_mixed_order_and_the_seal_last_as_others_see_it(city: ServedCity, tmp_path: Path) -> None:
    people = PeopleCity(city)
    for subject in PEOPLE[:3]:
        people.signer(subject)
    round_id = signed_by_all(people, PEOPLE[:3], (1, 1, 2), **ALL_IN_ONE)
    seen = people.city.answer(people.seen(PEOPLE[0], round_id), 200)
    assert (seen["state"], seen["seal"]["sealed_at"] is not None) == ("complete", True)
    data = people.file(round_id)
    (tmp_path / "round.pdf").write_bytes(data)

    poppler = subprocess.run(["pdfsig", tmp_path / "round.pdf"], capture_output=True, text=True, check=False).stdout
    assert poppler.count("Signature is Valid.") == 4
    assert poppler.count("Not total document signed") == 3
    assert poppler.index("褚示例") < poppler.index("吴示例") < poppler.index("蒋示例") < poppler.index("电子证照专用章")
    assert subprocess.run(["qpdf", "--check", tmp_path / "round.pdf"], capture_output=True, check=False).returncode == 0

    assert pyhanko_says(data, (city.service.settings.keys / "trust" / "dev-root.pem").read_bytes()) == [True] * 4
    assert city.check(data)["reason"] == "ok_signed_document"
    assert data.startswith(letter(2)), "what was uploaded stays as it is, to the last byte"

    # Who, when and why stand in the signature itself (ISO 32000-2 table 255), not only in its picture.
    reader = PdfFileReader(io.BytesIO(data))
    for signature, name in zip(reader.embedded_signatures[:3], ("褚示例", "吴示例", "蒋示例"), strict=True):
        assert signature.sig_object["/Name"] == name
        assert signature.sig_object["/Reason"] == "本人确认"
        assert "/M" in signature.sig_object

    city.drain()
    names = Counter(event["type"].removeprefix("example.certsvc.") for event in city.events())
    assert names["signing.signed.v1"] == 3
    assert names["signing.completed.v1"] == names["signing.requested.v1"] == 1
    assert names["signer.issued.v1"] == 3
    assert "示例" not in str([event["data"] for event in city.events()])
    assert city.rows("SELECT result, count(*) FROM signer_uses GROUP BY result") == [("used", 3)]
    assert city.rows("SELECT result, count(*) FROM reservations GROUP BY result") == [("used", 1)]


def pyhanko_says(data: bytes, root: bytes) -> list[bool]:
    """Every signature under pyHanko's own default difference policy."""
    anchors = list(load_certs_from_pemder_data(root))

    async def judge() -> list[bool]:
        reader = PdfFileReader(io.BytesIO(data))
        found = []
        for signature in reader.embedded_signatures:
            status = await async_validate_pdf_signature(signature, ValidationContext(trust_roots=anchors))
            found.append(bool(status.bottom_line and status.docmdp_ok))
        return found

    return asyncio.run(judge())


def test_openssl_verifies_the_signature_of_a_person_from_the_file(people: PeopleCity, tmp_path: Path) -> None:
    people.signer(PEOPLE[0])
    data = people.file(signed_by_all(people, PEOPLE[:1], (1,)))
    (signature,) = PdfFileReader(io.BytesIO(data)).embedded_signatures
    first, length, second, rest = (int(number) for number in signature.byte_range)
    (tmp_path / "covered").write_bytes(data[first : first + length] + data[second : second + rest])
    (tmp_path / "cms").write_bytes(bytes(signature.pkcs7_content))
    root = people.city.service.settings.keys / "trust" / "dev-root.pem"
    command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", "cms", "-content", "covered"]
    run = subprocess.run(
        [*command, "-CAfile", root, "-purpose", "any", "-out", "/dev/null"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_a_round_of_sm2_keys_ends_like_any_other(people: PeopleCity) -> None:
    deps, settings = people.city.service.deps, people.city.service.settings
    master = load_master_key(settings.master_key)
    ca = DevelopmentPeopleCa(settings.keys_file, settings.keys, master, deps.ids, profile="sandbox")
    keys: Any = deps.person_keys
    keys.__init__(master, deps.ids, algorithm="sm2", ca=ca, anchors=keys._anchors, cost=keys._cost)
    assert isinstance(keys, WrappedPersonKeys)
    assert people.signer(PEOPLE[0])["algorithm"] == "sm2"
    people.signer(PEOPLE[1])
    data = people.file(signed_by_all(people, PEOPLE[:2], (1, 2)))
    verdict = people.city.check(data)
    assert (verdict["indication"], verdict["reason"]) == ("TOTAL-PASSED", "ok_signed_document")
    assert verdict["remarks"] == [], "the places of all signers are in the first revision"
    assert {one["digest_algorithm"] for one in verdict["signatures"]} == {"sm3"}


def test_the_visible_fields_show_handwriting_name_time_and_reason(people: PeopleCity) -> None:
    people.signer(PEOPLE[0])
    data = people.file(signed_by_all(people, PEOPLE[:1], (1,)))
    document = pdfium.PdfDocument(data)
    document.init_forms()
    shown = document[0].render(scale=4, may_draw_forms=True).to_pil().convert("L")
    document.close()
    place, mm = PLACES[0], 72 / 25.4 * 4
    left, top = place["x"] * mm, shown.height - (place["y"] + place["height"]) * mm
    middle, bottom = left + place["width"] * mm * 0.45, top + place["height"] * mm
    halves = (
        shown.crop((round(left), round(top), round(middle), round(bottom))),
        shown.crop((round(middle), round(top), round(left + place["width"] * mm), round(bottom))),
    )
    for half in halves:
        dark = sum(half.histogram()[:128]) / (half.width * half.height)
        assert 0.005 < dark < 0.5


# What is confirmed ----------------------------------------------------------------------------------------------------


def test_only_the_document_that_was_looked_at_is_confirmed(people: PeopleCity) -> None:
    for subject in PEOPLE[:3]:
        people.signer(subject)
    asked = people.round(PEOPLE[:3], (1, 1, 2))
    round_id, first = asked["round_id"], asked["sha256"]
    other = people.confirm(PEOPLE[0], round_id, document_sha256="ab" * 32, pin=PIN, code="123456")
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    # In parallel: what the second looked at lacks the first's signature only.
    code = people.code(PEOPLE[1], round_id, first)
    people.sign(PEOPLE[0], round_id)
    assert people.confirm(PEOPLE[1], round_id, document_sha256=first, pin=PIN, code=code).status_code == 201
    # In order: what was there before the others signed is not what the third signs.
    late = people.client.post(
        f"/v1/signings/{round_id}/codes", headers=people.city.person(PEOPLE[2]), json={"document_sha256": first}
    )
    assert late.status_code == 409
    people.sign(PEOPLE[2], round_id)


def test_nobody_signs_before_the_own_turn_or_sees_the_document_before_it(people: PeopleCity) -> None:
    for subject in PEOPLE[:2]:
        people.signer(subject)
    asked = people.round(PEOPLE[:2], (1, 2))
    round_id = asked["round_id"]
    assert people.seen(PEOPLE[1], round_id).status_code == 404
    assert people.seen(PEOPLE[2], round_id).status_code == 404
    headers = people.city.person(PEOPLE[1])
    assert people.client.get("/v1/signings", headers=headers).json() == []
    page = f"/v1/signings/{round_id}/pages/1?sha256={asked['sha256']}"
    assert people.client.get(page, headers=headers).status_code == 404
    early = people.confirm(PEOPLE[1], round_id, document_sha256=asked["sha256"], pin=PIN, code="123456")
    assert early.status_code == 404
    first = people.client.get(page, headers=people.city.person(PEOPLE[0]))
    assert first.content.startswith(b"\x89PNG")
    people.sign(PEOPLE[0], round_id)
    people.sign(PEOPLE[1], round_id)
    again = people.confirm(
        PEOPLE[1], round_id, document_sha256=people.seen(PEOPLE[1], round_id).json()["sha256"], pin=PIN, code="123456"
    )
    assert again.status_code == 409


def test_pin_and_code_are_both_needed_counted_and_told_apart(people: PeopleCity) -> None:
    signer = people.signer(PEOPLE[0])
    asked = people.round(PEOPLE[:1], (1,))
    round_id, digest = asked["round_id"], asked["sha256"]

    def confirm(pin: str, code: str) -> tuple[int, str, str]:
        answer = people.confirm(PEOPLE[0], round_id, document_sha256=digest, pin=pin, code=code)
        return answer.status_code, answer.json().get("code", ""), answer.json().get("detail", "")

    assert confirm(PIN, "")[:2] == (422, "invalid_input")
    assert confirm(PIN, "123456")[:2] == (403, "code_refused")
    code = people.code(PEOPLE[0], round_id, digest)
    assert confirm("111222", code) == (403, "pin_refused", "PIN 不正确，还可以再试 4 次")
    assert people.city.rows("SELECT pin_tries FROM signers") == [(1,)]
    soon = people.client.post(
        f"/v1/signings/{round_id}/codes", headers=people.city.person(PEOPLE[0]), json={"document_sha256": digest}
    )
    assert soon.status_code == 429
    assert confirm(PIN, code)[0] == 201, "a wrong PIN does not use up the code"
    assert people.city.rows("SELECT pin_tries FROM signers") == [(0,)]
    assert people.city.rows("SELECT count(*) FROM signer_uses") == [(1,)]
    assert signer["tries_left"] == 5


def test_five_wrong_pins_lock_the_signature_until_the_person_applies_anew(people: PeopleCity) -> None:
    signer = people.signer(PEOPLE[0])
    asked = people.round(PEOPLE[:1], (1,), needs_code=False)
    answers = [
        people.confirm(PEOPLE[0], asked["round_id"], document_sha256=asked["sha256"], pin=f"11122{n}").status_code
        for n in range(7)
    ]
    assert answers == [403] * 7
    right = people.confirm(PEOPLE[0], asked["round_id"], document_sha256=asked["sha256"], pin=PIN)
    assert (right.status_code, right.json()["code"]) == (403, "pin_refused")
    assert "重新申请" in right.json()["detail"]
    assert people.apply(PEOPLE[0]).status_code == 409
    headers = people.city.person(PEOPLE[0])
    path = f"/v1/signers/{signer['signer_id']}"
    assert people.client.post(f"{path}/withdrawal", headers=headers, json={"reason": "superseded"}).status_code == 201
    people.signer(PEOPLE[0])
    again = people.confirm(PEOPLE[0], asked["round_id"], document_sha256=asked["sha256"], pin=PIN)
    assert again.status_code == 201


def test_of_fifty_confirmations_of_one_step_one_signs(city: ServedCity) -> None:
    people = PeopleCity(city)
    people.signer(PEOPLE[0])
    asked = people.round(PEOPLE[:1], (1,))
    code = people.code(PEOPLE[0], asked["round_id"], asked["sha256"])
    body = {"document_sha256": asked["sha256"], "pin": PIN, "code": code}
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: people.confirm(PEOPLE[0], asked["round_id"], **body).status_code, range(50)))
    assert answers.count(201) == 1
    assert set(answers) <= {201, 403, 409, 503}
    assert city.rows("SELECT count(*) FROM signer_uses") == [(1,)]
    assert city.rows("SELECT max(number) FROM signing_revisions") == [(1,)]
    assert city.rows("SELECT pin_tries FROM signers") == [(0,)], "a fault of ours costs no try"


def test_guesses_of_a_pin_through_the_door_count_five(postgres_url: str, make_city: Callable[..., ServedCity]) -> None:
    people = PeopleCity(make_city(postgres_url))
    signer = people.signer(PEOPLE[0])
    path, headers = f"/v1/signers/{signer['signer_id']}/pin", people.city.person(PEOPLE[0])
    # The five looks of a code would stop the guesses first: here the guesser has it, and may look as often as it likes.
    code = people.act_code(PEOPLE[0], "pin")
    people.city.execute("UPDATE signer_codes SET tries = -1000 WHERE used_at IS NULL")

    def guess(n: int) -> int:
        body = {"pin": f"{n + 100000}", "new_pin": "913570", "code": code}
        return int(people.client.post(path, headers=headers, json=body).status_code)

    with ThreadPoolExecutor(16) as pool:
        answers = Counter(pool.map(guess, range(200)))
    assert answers == {403: 200}
    assert people.city.rows("SELECT pin_tries FROM signers") == [(5,)]
    assert people.city.rows("SELECT count(*) FROM evidence WHERE kind = 'signer.pin_refused'") == [(5,)]


# Other ends -----------------------------------------------------------------------------------------------------------


def test_a_refusal_with_its_reason_ends_the_round_for_everybody(people: PeopleCity) -> None:
    for subject in PEOPLE[:2]:
        people.signer(subject)
    round_id = people.round(PEOPLE[:2], (1, 2), **ALL_IN_ONE)["round_id"]
    path, headers = f"/v1/signings/{round_id}/refusals", people.city.person(PEOPLE[0])
    assert people.client.post(path, headers=headers, json={"reason": " "}).status_code == 422
    answer = people.city.answer(people.client.post(path, headers=headers, json={"reason": "内容与约定不符"}), 201)
    assert answer["state"] == "declined"
    assert people.client.post(path, headers=headers, json={"reason": "再说一次"}).status_code == 409
    creator = people.client.get(f"/v1/signings/{round_id}", headers=people.city.system()).json()
    assert [step["remark"] for step in creator["steps"]] == ["内容与约定不符", ""]
    assert [step["state"] for step in creator["steps"]] == ["declined", "closed"]
    people.city.drain()
    assert people.city.events()[-1]["type"].endswith("signing.declined.v1")
    assert "内容与约定不符" not in str(people.city.events())


def test_the_deadline_ends_a_round_at_once_for_readers_and_later_on_the_register(
    clocked: tuple[PeopleCity, FixedClock],
) -> None:
    people, clock = clocked
    people.signer(PEOPLE[0])
    asked = people.round(PEOPLE[:1], (1,), needs_code=False)
    clock.advance(timedelta(days=3))
    people.city.tokens.clear()
    seen = people.city.answer(people.seen(PEOPLE[0], asked["round_id"]), 200)
    assert (seen["state"], seen["my_turn"]) == ("expired", False)
    late = people.confirm(PEOPLE[0], asked["round_id"], document_sha256=asked["sha256"], pin=PIN)
    assert (late.status_code, "逾期" in late.json()["detail"]) == (409, True)
    assert people.city.rows("SELECT state FROM signing_rounds") == [("open",)]
    assert maintain_signings(people.city.service.deps).rounds_expired == 1
    assert maintain_signings(people.city.service.deps).rounds_expired == 0
    assert people.city.rows("SELECT state FROM signing_rounds") == [("expired",)]
    assert people.city.rows("SELECT state FROM signing_steps") == [("expired",)]


def test_only_the_creator_cancels_and_only_while_it_is_open(people: PeopleCity) -> None:
    people.signer(PEOPLE[0])
    asked = people.round(PEOPLE[:1], (1,), needs_code=False)
    path = f"/v1/signings/{asked['round_id']}/cancellation"
    stranger = people.city.system(next(c for c in people.city.secrets if c.startswith("approval-1")))
    assert people.client.post(path, headers=stranger, json={"reason": "重做"}).status_code == 404
    assert people.client.post(path, headers=people.city.person(PEOPLE[0]), json={"reason": "x"}).status_code == 403
    assert (
        people.client.post(path, headers=people.city.system(), json={"reason": "重做"}).json()["state"] == "cancelled"
    )
    assert people.client.post(path, headers=people.city.system(), json={"reason": "重做"}).status_code == 409
    late = people.confirm(PEOPLE[0], asked["round_id"], document_sha256=asked["sha256"], pin=PIN)
    assert late.status_code == 409


def test_a_stopped_seal_leaves_the_round_waiting_and_is_set_when_it_is_resumed(
    clocked: tuple[PeopleCity, FixedClock],
) -> None:
    people, clock = clocked
    people.signer(PEOPLE[0])
    deps = people.city.service.deps
    asked = people.round(PEOPLE[:1], (1,), needs_code=False, **ALL_IN_ONE)
    with deps.uow() as tx:
        assert tx.seals.set_state(SEAL, source=SealState.ACTIVE, target=SealState.STOPPED)
    answer = people.confirm(PEOPLE[0], asked["round_id"], document_sha256=asked["sha256"], pin=PIN)
    assert (answer.status_code, answer.json()["state_zh"]) == (201, "待盖章")
    creator = people.client.get(f"/v1/signings/{asked['round_id']}", headers=people.city.system()).json()
    assert "停用" in creator["seal"]["trouble"]
    half = hashlib.sha256(people.file(asked["round_id"])).hexdigest()
    assert people.city.public(sha256=half)["reason"] == "signing_unfinished"
    unfinished = people.city.check(people.file(asked["round_id"]))
    assert (unfinished["indication"], unfinished["reason"]) == ("INDETERMINATE", "signing_unfinished")
    with deps.uow() as tx:
        assert tx.seals.set_state(SEAL, source=SealState.STOPPED, target=SealState.ACTIVE)
    assert maintain_signings(deps).rounds_sealed == 0, "its pause is not over"
    clock.advance(timedelta(seconds=15))
    assert maintain_signings(deps).rounds_sealed == 1
    assert people.city.check(people.file(asked["round_id"]))["reason"] == "ok_signed_document"


def test_a_file_that_no_round_registers_is_swept_and_the_others_stay(people: PeopleCity) -> None:
    from certsvc.commands.evidence.sweep import remove_orphans
    from certsvc.commands.signings.document import document_name, store_document

    deps = people.city.service.deps
    people.signer(PEOPLE[0])
    round_id = signed_by_all(people, PEOPLE[:1], (1,))
    lost = document_name(store_document(deps, b"%PDF- signed before a crash"))
    assert list(remove_orphans(deps, settle_s=-1)) == [lost]
    assert people.file(round_id).startswith(b"%PDF")


# Withdrawal -----------------------------------------------------------------------------------------------------------


def test_withdrawal_revokes_destroys_and_leaves_what_was_signed_good(
    people: PeopleCity, make_service: Callable[..., Any], sqlite_url: str, tmp_path: Path
) -> None:
    signer = people.signer(PEOPLE[0])
    data = people.file(signed_by_all(people, PEOPLE[:1], (1,)))
    asked = people.round(PEOPLE[:1], (1,), needs_code=False)
    path, headers = f"/v1/signers/{signer['signer_id']}", people.city.person(PEOPLE[0])
    time.sleep(1.1)  # revocation lists count in whole seconds: what was registered in the same one is not proven older
    assert people.client.post(f"{path}/withdrawal", headers=people.city.person(PEOPLE[1]), json={}).status_code == 404
    ended = people.city.answer(people.client.post(f"{path}/withdrawal", headers=headers, json={}), 201)
    assert (ended["state"], ended["revoked_at"] is not None) == ("withdrawn", True)
    assert people.client.post(f"{path}/withdrawal", headers=headers, json={}).status_code == 409
    assert people.city.rows("SELECT length(wrapped_key) FROM signers") == [(0,)]
    later = people.confirm(PEOPLE[0], asked["round_id"], document_sha256=asked["sha256"], pin=PIN)
    assert (later.status_code, later.json()["code"]) == (409, "signer_unavailable")

    # A CRL made from the register: the certificate is on it, and yet the file passes, by the register's time.
    deps, settings = people.city.service.deps, people.city.service.settings
    with deps.uow.read() as tx:
        (line,) = tx.signers.revoked_certificates("dev-people-ec")
    ca = open_ca(settings.keys, "dev-people-ec", load_master_key(settings.master_key))
    crls = tmp_path / "crls"
    crls.mkdir()
    revoked = {int(line.serial, 16): Revocation(at=line.revoked_at)}
    (crls / "people.crl").write_bytes(make_crl(ca, revoked, number=1, now=deps.clock.now()))
    strict = make_service(sqlite_url, crl_dir=crls)
    from certsvc.commands.verifying.verify_file import verify_file

    assert verify_file(strict.deps, data).reason.value == "ok_signed_document"
    # The same signature in a file that the register does not hold has no such proof.
    other = verify_file(strict.deps, data + b"\n")
    assert other.reason.value != "ok_signed_document"


def test_stop_needs_no_pin_resume_does_and_between_nothing_is_signed(people: PeopleCity) -> None:
    signer = people.signer(PEOPLE[0])
    asked = people.round(PEOPLE[:1], (1,), needs_code=False)
    path, headers = f"/v1/signers/{signer['signer_id']}/changes", people.city.person(PEOPLE[0])
    assert people.client.post(path, headers=headers, json={"change": "stop"}).json()["state"] == "stopped"
    answer = people.confirm(PEOPLE[0], asked["round_id"], document_sha256=asked["sha256"], pin=PIN)
    assert (answer.status_code, answer.json()["code"]) == (409, "signer_unavailable")
    assert people.client.post(path, headers=headers, json={"change": "resume", "pin": "111222"}).status_code == 403
    assert people.client.post(path, headers=headers, json={"change": "resume", "pin": PIN}).json()["state"] == "active"
    answer = people.confirm(PEOPLE[0], asked["round_id"], document_sha256=asked["sha256"], pin=PIN)
    assert answer.status_code == 201


def test_a_changed_pin_signs_and_the_old_one_does_not(people: PeopleCity) -> None:
    signer = people.signer(PEOPLE[0])
    asked = people.round(PEOPLE[:1], (1,), needs_code=False)
    path, headers = f"/v1/signers/{signer['signer_id']}/pin", people.city.person(PEOPLE[0])
    code = people.act_code(PEOPLE[0], "pin")
    for new_pin, status in (("123456", 422), ("913570", 201)):
        body = {"pin": PIN, "new_pin": new_pin, "code": code}
        assert people.client.post(path, headers=headers, json=body).status_code == status
    for pin, status in ((PIN, 403), ("913570", 201)):
        answer = people.confirm(PEOPLE[0], asked["round_id"], document_sha256=asked["sha256"], pin=pin)
        assert answer.status_code == status


def test_a_certificate_that_ended_signs_nothing(clocked: tuple[PeopleCity, FixedClock]) -> None:
    people, clock = clocked
    people.signer(PEOPLE[0])
    clock.advance(timedelta(days=800))
    people.city.tokens.clear()
    asked = people.round(PEOPLE[:1], (1,), needs_code=False)
    answer = people.confirm(PEOPLE[0], asked["round_id"], document_sha256=asked["sha256"], pin=PIN)
    assert (answer.status_code, "过期" in answer.json()["detail"]) == (409, True)
    assert maintain_signings(people.city.service.deps).signers_expired == 1
    assert people.city.rows("SELECT state, length(wrapped_key) FROM signers") == [("expired", 0)]
    people.signer(PEOPLE[0])


# Bad input ------------------------------------------------------------------------------------------------------------


def test_who_may_apply(people: PeopleCity) -> None:
    assert people.apply("holder-1").status_code == 403, "an organisation"
    assert people.apply("officer-1").status_code == 403
    for changes, pointer in (
        ({"agreement": "1999-01"}, "/agreement"),
        ({"pin": "123456"}, "/pin"),
        ({"handwriting": "@@@"}, "/handwriting"),
    ):
        refused = people.apply(PEOPLE[0], **changes)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
    assert people.apply(PEOPLE[0], handwriting="").status_code == 422
    assert people.city.rows("SELECT count(*) FROM signer_codes") == [(0,)]
    for stranger in ("holder-1", "officer-1"):
        headers = people.city.person(stranger)
        assert people.client.post("/v1/signers/codes", headers=headers, json={"act": "apply"}).status_code == 403
    assert people.city.rows("SELECT count(*) FROM signers") == [(0,)]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"deadline": "2020-01-01T00:00:00Z"}, "/deadline"),
        ({"deadline": "2099-01-01T00:00:00Z"}, "/deadline"),
        ({"deadline": "2099-01-01T00:00:00"}, "/deadline"),
        ({"seal": {"seal_id": SEAL, "place": {**SEAL_PLACE, "width": 20}}}, "/seal/place"),
        ({"seal": {"seal_id": SEAL, "place": {**SEAL_PLACE, "x": 20, "y": 60}}}, "/seal/place"),
        ({"surprise": 1}, "/surprise"),
    ],
)
def test_what_is_wrong_with_a_round_is_named(people: PeopleCity, changes: dict[str, Any], pointer: str) -> None:
    answer = people.ask(PEOPLE[:2], (1, 2), **changes)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    "participant",
    [
        {"subject": PEOPLE[0], "reason": "x", "place": {**PLACES[0], "page": 3}},
        {"subject": PEOPLE[0], "reason": "x", "place": {**PLACES[0], "x": 180}},
        {"subject": PEOPLE[0], "reason": "x", "place": {**PLACES[0], "height": 5}},
        {"subject": "nobody", "reason": "x", "place": PLACES[0]},
        {"subject": "holder-1", "reason": "x", "place": PLACES[0]},
        {"reason": "x", "place": PLACES[0]},
        {"holder_code_type": "111", "holder_code": "123", "name": "示例", "reason": "x", "place": PLACES[0]},
        {"subject": PEOPLE[0], "reason": "", "place": PLACES[0]},
    ],
)
def test_what_is_wrong_with_a_participant_is_named(people: PeopleCity, participant: dict[str, Any]) -> None:
    answer = people.ask(PEOPLE[:1], (1,), participants=[participant])
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/participants/0")


def test_people_are_named_by_document_too_and_must_bear_the_name_that_was_given(people: PeopleCity) -> None:
    people.signer(PEOPLE[0])
    person = next(one for one in people.city.people if one.subject == PEOPLE[0])
    for name, status in ((person.name, 201), ("示例别人", 409)):
        body = {
            "holder_code_type": person.holder_code_type,
            "holder_code": person.holder_code,
            "name": name,
            "reason": "本人确认",
            "place": PLACES[0],
        }
        asked = people.round(PEOPLE[:1], (1,), participants=[body], needs_code=False)
        answer = people.confirm(PEOPLE[0], asked["round_id"], document_sha256=asked["sha256"], pin=PIN)
        assert answer.status_code == status


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("not a pdf", "not_pdf"),
        ("script", "scripts"),
        ("form", "form_fields"),
        ("signed", "certified"),
        ("rotated", "turned"),
    ],
)
def test_a_document_that_could_change_its_face_is_not_put_to_anybody(people: PeopleCity, what: str, code: str) -> None:
    import pikepdf

    def scripted(document: pikepdf.Pdf) -> None:
        action = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")
        document.Root.OpenAction = document.make_indirect(action)

    def with_form(document: pikepdf.Pdf) -> None:
        box = pikepdf.Dictionary(FT=pikepdf.Name.Tx, T="a", Subtype=pikepdf.Name.Widget, Rect=[0, 0, 9, 9])
        document.Root.AcroForm = pikepdf.Dictionary(Fields=[document.make_indirect(box)])

    def rotated(document: pikepdf.Pdf) -> None:
        document.pages[0].obj.Rotate = 90

    if what == "signed":
        people.signer(PEOPLE[1])
        data = people.file(signed_by_all(people, PEOPLE[1:2], (1,)))
    else:
        made = {"script": scripted, "form": with_form, "rotated": rotated}
        data = b"hello" if what == "not a pdf" else changed(letter(1), made[what])
    answer = people.ask(PEOPLE[:1], (1,), data=data)
    assert answer.status_code == 422, answer.text
    assert {one["code"] for one in answer.json()["errors"]} == {code}


def test_the_same_key_gives_the_same_round(people: PeopleCity) -> None:
    headers = {**people.city.system(), "Idempotency-Key": "K1"}
    body = people.body(PEOPLE[:1], (1,))
    first = people.ask(PEOPLE[:1], (1,), headers=headers, deadline=body["deadline"])
    again = people.ask(PEOPLE[:1], (1,), headers=headers, deadline=body["deadline"])
    other = people.ask(PEOPLE[:1], (1,), headers=headers, deadline=body["deadline"], title="别的文件")
    assert first.json()["round_id"] == again.json()["round_id"]
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    assert people.city.rows("SELECT count(*) FROM signing_rounds") == [(1,)]


def test_the_seal_of_another_authority_is_not_for_an_approval_system(people: PeopleCity) -> None:
    own = people.city.system("approval-11990000mb0000019f")
    other = people.city.system("approval-11990000mb0000027a")
    assert people.ask(PEOPLE[:1], (1,), headers=own, **ALL_IN_ONE).status_code == 201
    assert people.ask(PEOPLE[:1], (1,), headers=other, **ALL_IN_ONE).status_code == 404


# Secrets --------------------------------------------------------------------------------------------------------------


def test_no_pin_code_or_key_stands_anywhere_in_clear(city: ServedCity, capfd: pytest.CaptureFixture[str]) -> None:
    """Database, objects, keys and logs are searched; ``outbox`` is the pretended telephone and is not."""
    from certsvc.cli.logs import configure_logs
    from certsvc.signing import certificates
    from certsvc.signing.pin_wrap import unwrap

    configure_logs("DEBUG")
    try:
        people = PeopleCity(city)
        people.signer(PEOPLE[0])
        asked = people.round(PEOPLE[:1], (1,))
        code = people.code(PEOPLE[0], asked["round_id"], asked["sha256"])
        body = {"document_sha256": asked["sha256"], "code": code}
        people.confirm(PEOPLE[0], asked["round_id"], pin="111222", **body)
        people.confirm(PEOPLE[0], asked["round_id"], pin=[PIN], **body)
        assert people.confirm(PEOPLE[0], asked["round_id"], pin=PIN, **body).status_code == 201
        city.drain()
    finally:
        configure_logs("ERROR")
    settings = city.service.settings
    with city.service.deps.uow.read() as tx:
        (signer,) = tx.signers.of_person(
            "111", next(p for p in city.people if p.subject == PEOPLE[0]).holder_code, limit=9
        )
    pkcs8 = unwrap(signer.wrapped_key, PIN, signer.signer_id, load_master_key(settings.master_key))
    key: Any = certificates.load_private_key(pkcs8)
    scalar = key.private_numbers().private_value.to_bytes(32, "big")
    captured = capfd.readouterr()
    haystack = {"logs": (captured.out + captured.err).encode(), "database": everything(city)}
    for path in settings.var_dir.rglob("*"):
        if path.is_file() and "outbox" not in path.parts:
            haystack[path.name] = path.read_bytes()
    assert len(haystack) > 10
    assert signer.signer_id.encode() in haystack["database"], "the search finds what is not hidden"
    needles = [re.escape(secret) for secret in (scalar, scalar.hex().encode(), pkcs8[:40])]
    # Six digits stand by chance within longer numbers, digests and the fractions of times; by themselves they do not.
    needles += [rb"(?<![0-9A-Za-z.])%s(?![0-9A-Za-z])" % digits for digits in (PIN.encode(), code.encode(), b"111222")]
    assert re.search(needles[-1], b'{"pin": "111222"}')
    found = [(name, needle) for name, data in haystack.items() for needle in needles if re.search(needle, data)]
    assert found == []
    assert list((settings.var_dir / "outbox").glob("*.json"))


def everything(city: ServedCity) -> bytes:
    tables = [row[0] for row in city.rows(TABLES[city.service.settings.database_url.partition(":")[0][:6]])]
    rows = [row for table in tables for row in city.rows(f'SELECT * FROM "{table}"')]
    return b"|".join(
        bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode() for row in rows for value in row
    )


TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table'",
    "postgr": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
}


def test_a_round_is_closed_by_no_seal_that_people_must_use_by_hand(people: PeopleCity) -> None:
    """Nobody of the seal sees the document of a round: approvals and keepers would be got around."""
    city = people.city
    seal_id = city.catalog.authority(city.catalog.sample("tour_guide")["issuer_code"]).seal_id
    rules = rules_json(SealRules(manual_needed=2, approvers=("use-approver-1", "use-approver-2"))).replace(":", "\\:")
    city.execute(f"UPDATE seal_versions SET rules = '{rules}' WHERE seal_id = '{seal_id}'")
    box = {"page": 1, "x": 120, "y": 60, "width": 60, "height": 60}
    answer = people.ask(PEOPLE[:1], (1,), seal={"seal_id": seal_id, "place": box})
    assert (answer.status_code, answer.json()["code"]) == (409, "seal_unavailable"), answer.text
    assert "文件盖章" in answer.json()["detail"]
