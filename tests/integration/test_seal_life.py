"""The life of a seal over real keys, fonts and databases: applied for, approved, made, used, re-made, ended."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from fixtures_city import ServedCity
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from seal_people import (
    APPLICANT,
    APPROVER,
    AUDITOR,
    KEEPER,
    MAKER,
    OWNER,
    OWNER_NAME,
    SAID,
    SECURITY,
    person,
    seal_in_use,
    stored,
    wanted,
)

from certsvc.app import build
from certsvc.clock import FixedClock
from certsvc.commands.access import roles
from certsvc.commands.issuance.remind import remind
from certsvc.commands.ports import Principal, TrustChoice
from certsvc.commands.seals.apply_seal import apply_seal, remake_seal
from certsvc.commands.seals.expire_seals import expire_seals
from certsvc.commands.seals.make_seal import accept_seal_certificate, make_seal
from certsvc.commands.seals.move_seal import move_seal
from certsvc.commands.seals.note_move import Said
from certsvc.commands.seals.read_seals import list_seals, read_history, read_seal
from certsvc.commands.seals.use_seal import unanswered_makings
from certsvc.errors import Conflict, Forbidden, IllegalMove, InvalidInput, NotFound, SigningError
from certsvc.seal.life import IN_USE, OVER, SEAL_MOVES, UNDER_WAY
from certsvc.seal.model import SealState, StampSpec
from certsvc.seal.version import Cause, RevocationReason
from certsvc.signing.certificates import load_private_key, make_leaf, pem, read_chain
from certsvc.signing.declaration import KeyDeclaration
from certsvc.signing.keyfile import decrypt_key, read_file
from certsvc.signing.master_key import load_master_key

SEAL_ID = f"seal_{OWNER}"
"""The declared seal that the sandbox's owner issues with."""

BODY: dict[str, Any] = {
    "document_no": "示例发〔2026〕1号",
    "seal": {
        "name": "示例省市场监督管理局行政审批专用章",
        "kind": "99",
        "stamp": {"ring_text": OWNER_NAME, "second_line": "行政审批专用章", "number": "(2)"},
        "regions": ["990100"],
        "hours": {"days": [1, 2, 3, 4, 5], "begins": "08:30", "ends": "18:00"},
        "daily_budget": 500,
        "per_minute": 30,
        "manual_needed": 2,
        "approvers": ["use-approver-1", "use-approver-2", "use-approver-3"],
        "keepers": ["keeper-1"],
    },
}


def post(city: ServedCity, who: str, path: str, body: dict[str, Any], status: int = 201) -> Any:
    return city.answer(city.client.post(path, headers=city.person(who), json=body), status)


def get(city: ServedCity, who: str, path: str, status: int = 200) -> Any:
    return city.answer(city.client.get(path, headers=city.person(who)), status)


def test_a_seal_is_applied_for_approved_made_and_activated_by_four_people_over_http(city: ServedCity) -> None:
    row = post(city, "applicant-1", "/v1/seals", BODY)
    path = f"/v1/seals/{row['seal_id']}"
    assert (row["state"], row["current"], row["algorithm"]) == ("applied", None, "sm2")
    assert [move["move"] for move in get(city, "approver-1", path)["moves"]] == ["approve", "refuse"]
    post(city, "approver-1", f"{path}/moves", {"move": "approve", "document_no": "示例批〔2026〕2号"})
    assert post(city, "maker-1", f"{path}/making", {})["state"] == "made"
    row = post(city, "keeper-1", f"{path}/moves", {"move": "activate"})
    assert (row["state"], row["version"], row["under_way"]) == ("active", 1, None)
    assert row["current"]["hours"]["text"] == "周一至周五 08:30-18:00"
    assert [move["move"] for move in row["moves"]] == ["stop", "remake", "renew"]
    assert [move["move"] for move in get(city, "security-1", path)["moves"]] == ["stop"]
    assert get(city, "auditor-1", path)["moves"] == []
    history = get(city, "auditor-1", f"{path}/history")
    assert [(one["move"], one["actor"]) for one in history] == [
        ("apply", "applicant-1"),
        ("approve", "approver-1"),
        ("make", "maker-1"),
        ("activate", "keeper-1"),
    ]
    assert history[1]["document_no"] == "示例批〔2026〕2号"
    picture = city.client.get(f"{path}/picture", headers=city.person("keeper-1"))
    assert picture.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(picture.content)).size == (496, 496), "42 mm at 300 dpi"
    city.drain()
    told = [event["type"].split(".", 2)[2] for event in city.events() if event["subject"] == row["seal_id"]]
    assert told == ["seal.applied.v1", "seal.approved.v1", "seal.made.v1", "seal.activated.v1"]
    with city.service.deps.uow.read() as tx:
        kinds = [one.kind for one in tx.outbox.evidence_after(0, limit=500)]
    for kind in ("seal.applied", "seal.approved", "seal.making", "seal.made", "seal.activated"):
        assert kind in kinds


def test_the_seal_object_is_exported_and_judged_and_a_changed_byte_is_found(city: ServedCity) -> None:
    seal = seal_in_use(city.service.deps, algorithm="sm2")
    path = f"/v1/seals/{seal.seal_id}/object"
    data = city.client.get(path, headers=city.person("keeper-1")).content
    assert city.client.get(path, headers=city.person("auditor-1")).content == data
    assert city.client.get(path, headers=city.person("applicant-1")).status_code == 403

    def judged(content: bytes) -> Any:
        files = {"file": ("seal.esl", content, "application/octet-stream")}
        return city.client.post("/v1/seal-objects/verifications", headers=city.person("auditor-1"), files=files)

    report = city.answer(judged(data), 200)
    assert (report["version"], report["seal_id"], report["own"], report["reason"]) == (4, seal.seal_id, True, "ok")
    assert (report["valid"], report["trust"], report["in_period"]) == ("good", "good", "good")
    assert (report["width_mm"], report["height_mm"]) == (42, 42)
    changed = data.replace("行政审批专用章".encode(), "行政审批专用印".encode())
    assert changed != data
    assert city.answer(judged(changed), 200)["reason"] == "bad_signature"
    assert city.answer(judged(b"no seal"), 422)["code"] == "invalid_input"
    assert city.answer(judged(data[:-9]), 422)["code"] == "invalid_input"
    # A seal that is no SM2 seal has no object.
    assert city.client.get(f"/v1/seals/{SEAL_ID}/object", headers=city.person("keeper-1")).status_code == 404


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "another name on the ring": ({"stamp": {"ring_text": "示例市税务局"}}, "/seal/stamp/ring_text"),
    "a type that is not there": ({"scope_types": ["no_such_type"]}, "/scope_types/0"),
    "a matter that is none": ({"matters": ["123"]}, "/matters/0"),
    "a region elsewhere": ({"regions": ["110000"]}, "/regions/0"),
    "hours that end before they begin": (
        {"hours": {"days": [1], "begins": "18:00", "ends": "08:00"}},
        "/hours",
    ),
    "a keeper of nowhere": ({"keepers": ["maker-1"]}, "/keepers/0"),
    "an approver who keeps": ({"approvers": ["keeper-1"]}, "/approvers/0"),
    "more votes than people": ({"manual_needed": 4}, "/manual_needed"),
    "no budget": ({"daily_budget": 0}, "/seal/daily_budget"),
    "an unknown rule": ({"moon": 1}, "/seal/moon"),
}


@pytest.mark.parametrize("name", BAD)
def test_an_application_that_no_seal_can_be_made_of_names_the_field(small_city: ServedCity, name: str) -> None:
    changes, pointer = BAD[name]
    body = {**BODY, "seal": {**BODY["seal"], **changes}}
    problem = post(small_city, "applicant-1", "/v1/seals", body, 422)
    pointers = [error["pointer"] for error in problem["errors"]]
    assert any(pointer.endswith(one) or one.endswith(pointer) for one in pointers), pointers
    with small_city.service.deps.uow.read() as tx:
        assert not tx.seal_lives.under_way(limit=9)


def test_duties_are_apart_by_role_by_person_and_by_region(small_city: ServedCity) -> None:
    deps = small_city.service.deps
    seal_id = apply_seal(deps, APPLICANT, wanted(), SAID).seal_id

    def as_(subject: str, role: str) -> Principal:
        return dataclasses.replace(APPROVER, subject=subject, roles=frozenset({role}))

    for caller, move in ((KEEPER, "approve"), (MAKER, "approve"), (SECURITY, "approve"), (APPROVER, "drop")):
        with pytest.raises(Forbidden):
            move_seal(deps, caller, seal_id, move, SAID)
    with pytest.raises(Forbidden, match="申请人不得审批"):
        move_seal(deps, as_("applicant-1", roles.SEAL_APPROVER), seal_id, "approve", SAID)
    elsewhere = dataclasses.replace(APPROVER, authority_code="11990100MB00010113")
    with pytest.raises(NotFound):
        move_seal(deps, elsewhere, seal_id, "approve", SAID)
    with pytest.raises(InvalidInput, match="文书号"):
        move_seal(deps, APPROVER, seal_id, "approve", Said())
    move_seal(deps, APPROVER, seal_id, "approve", SAID)
    for same in ("applicant-1", "approver-1"):
        with pytest.raises(Forbidden, match="不得制作"):
            make_seal(deps, as_(same, roles.SEAL_MAKER), seal_id, outside=False)
    make_seal(deps, MAKER, seal_id, outside=False)
    with pytest.raises(Forbidden, match="不得启用"):
        move_seal(deps, person("maker-1", roles.SEAL_KEEPER), seal_id, "activate", SAID)
    with pytest.raises(Forbidden, match="登记的保管人"):
        move_seal(deps, person("keeper-2", roles.SEAL_KEEPER), seal_id, "activate", SAID)
    with pytest.raises(NotFound):
        move_seal(deps, person("keeper-1", roles.SEAL_KEEPER, "11990100MB00010113"), seal_id, "activate", SAID)
    move_seal(deps, KEEPER, seal_id, "activate", SAID)
    move_seal(deps, SECURITY, seal_id, "stop", SAID)
    with pytest.raises(Forbidden):
        move_seal(deps, SECURITY, seal_id, "resume", SAID)
    with pytest.raises(InvalidInput, match="原因"):
        move_seal(deps, KEEPER, seal_id, "resume", Said())
    move_seal(deps, KEEPER, seal_id, "resume", SAID)
    with pytest.raises(IllegalMove, match="停用"):
        move_seal(deps, MAKER, seal_id, "cancel", SAID)


def test_a_cancelled_seal_is_revoked_its_key_is_gone_and_it_never_comes_back(small_city: ServedCity) -> None:
    deps = small_city.service.deps
    seal = seal_in_use(deps)
    key_file = small_city.service.settings.keys / "private" / f"{seal.key_id}.key"
    assert key_file.exists()
    move_seal(deps, KEEPER, seal.seal_id, "stop", SAID)
    with pytest.raises(InvalidInput, match="注销备案号"):
        move_seal(deps, MAKER, seal.seal_id, "cancel", Said(document_no="1"))
    remake_seal(deps, KEEPER, seal.seal_id, Cause.CERTIFICATE, None, SAID)
    move_seal(deps, MAKER, seal.seal_id, "cancel", SAID)
    assert not key_file.exists()
    with deps.uow.read() as tx:
        assert [one.state for one in tx.seal_lives.versions(seal.seal_id)] == [SealState.CANCELLED, SealState.DROPPED]
        (entry,) = tx.seal_lives.revocations()
    chain = read_chain(small_city.service.settings.keys / "certs" / f"{seal.key_id}.pem")
    assert (int(entry.serial, 16), entry.reason) == (chain[0].serial_number, RevocationReason.CESSATION)
    issuer = chain[1].extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert entry.issuer_key_id == issuer.hex()
    for caller, move in ((KEEPER, "resume"), (KEEPER, "activate"), (MAKER, "cancel"), (KEEPER, "stop")):
        with pytest.raises(IllegalMove):
            move_seal(deps, caller, seal.seal_id, move, SAID)
    with pytest.raises(Conflict, match="重新申请"):
        remake_seal(deps, APPLICANT, seal.seal_id, Cause.KEY_LOST, None, SAID)
    assert deps.sealer.is_own(chain[0].fingerprint(chain[0].signature_hash_algorithm or _sha256()).hex())


def _sha256() -> Any:
    from cryptography.hazmat.primitives import hashes

    return hashes.SHA256()


def test_a_made_seal_signs_in_a_process_that_was_started_before_it(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    city = make_city(sqlite_url)
    second = build(city.service.settings)
    try:
        seal = seal_in_use(city.service.deps)
        assert second.deps.sealer.reserved_bytes(seal, "pades-b-b") > 1000
        chain = read_chain(city.service.settings.keys / "certs" / f"{seal.key_id}.pem")
        assert second.deps.sealer.is_own(chain[0].fingerprint(_sha256()).hex())
        assert not second.deps.sealer.is_own("00" * 32)
        with pytest.raises(SigningError):
            second.deps.sealer.reserved_bytes(dataclasses.replace(seal, key_id="../../etc/passwd"), "pades-b-b")
    finally:
        second.close()


def test_what_was_sealed_before_a_re_making_stays_verifiable_and_the_next_is_sealed_with_the_new_key(
    city: ServedCity,
) -> None:
    deps = city.service.deps
    before = city.file(city.issue("food_operation", "RE-1")["identifier"])
    old = stored(deps, SEAL_ID)
    version = remake_seal(deps, KEEPER, SEAL_ID, Cause.CERTIFICATE, None, SAID)
    assert (version.version, version.state) == (2, SealState.APPROVED), "only the certificate ends: no approval"
    make_seal(deps, MAKER, SEAL_ID, outside=False)
    assert stored(deps, SEAL_ID) == old, "the old one signs until the new one is activated"
    move_seal(deps, KEEPER, SEAL_ID, "activate", SAID)
    new = stored(deps, SEAL_ID)
    assert (new.version, new.key_id, new.state) == (2, f"{SEAL_ID}-v2", SealState.ACTIVE)
    after = city.file(city.issue("food_operation", "RE-2")["identifier"])
    for data in (before, after):
        verdict = city.check(data)
        assert (verdict["indication"], verdict["registry_match"]) == ("TOTAL-PASSED", "exact")
        stranger = city.check(data + b"\n")
        assert stranger["registry_match"] != "none", "still recognised as sealed here"
    certs = city.service.settings.keys / "certs"
    new_der = read_chain(certs / f"{new.key_id}.pem")[0].public_bytes(_der())
    assert new_der.hex().encode() in after.lower()
    assert new_der.hex().encode() not in before.lower()
    # The strict inspector took the new key up without a restart.
    own = deps.self_inspector
    for _ in range(2):
        assert own.inspect(after, TrustChoice(), deps.clock.now()).indication.value == "TOTAL-PASSED"
    assert own.match(after, deps.clock.now()) is not None  # type: ignore[attr-defined]
    with deps.uow.read() as tx:
        states = [one.state for one in tx.seal_lives.versions(SEAL_ID)]
    assert states == [SealState.REPLACED, SealState.ACTIVE]
    # A start declares the seals again: the re-made one stays.
    again = build(city.service.settings)
    again.close()
    assert stored(deps, SEAL_ID) == new


def _der() -> Any:
    from cryptography.hazmat.primitives.serialization import Encoding

    return Encoding.DER


def test_a_lost_key_stops_and_revokes_at_once_and_waiting_requests_are_issued_with_the_new_one(
    small_city: ServedCity,
) -> None:
    deps = small_city.service.deps
    body = small_city.body("food_operation", "LOST-1")
    asked = small_city.client.post("/v1/issuances", headers=small_city.system(), json=body)
    request_id = small_city.answer(asked, 202)["request_id"]
    remake_seal(deps, KEEPER, SEAL_ID, Cause.KEY_LOST, None, SAID)
    assert stored(deps, SEAL_ID).state is SealState.STOPPED
    with deps.uow.read() as tx:
        (entry,) = tx.seal_lives.revocations()
    assert (entry.reason, entry.key_id) == (RevocationReason.KEY_COMPROMISE, stored(deps, SEAL_ID).key_id)
    with pytest.raises(Conflict, match="吊销"):
        move_seal(deps, KEEPER, SEAL_ID, "resume", SAID)
    small_city.drain()
    waiting = small_city.answer(small_city.client.get(f"/v1/issuances/{request_id}", headers=small_city.system()), 200)
    assert waiting["state"] == "failed"
    with pytest.raises(IllegalMove):
        make_seal(deps, MAKER, SEAL_ID, outside=False)
    move_seal(deps, APPROVER, SEAL_ID, "approve", SAID)
    make_seal(deps, MAKER, SEAL_ID, outside=False)
    move_seal(deps, KEEPER, SEAL_ID, "activate", SAID)
    small_city.make_due()
    small_city.drain()
    done = small_city.answer(small_city.client.get(f"/v1/issuances/{request_id}", headers=small_city.system()), 200)
    assert done["state"] == "issued", done


def test_a_change_of_name_is_approved_again_and_prints_the_new_face(small_city: ServedCity) -> None:
    deps = small_city.service.deps
    seal = seal_in_use(deps)
    changed = wanted(name="示例省市场监督管理局登记专用章", daily_budget=7)
    changed = dataclasses.replace(changed, stamp=StampSpec(ring_text=OWNER_NAME, second_line="登记专用章"))
    version = remake_seal(deps, APPLICANT, seal.seal_id, Cause.CHANGED, changed, SAID)
    assert version.state is SealState.APPLIED
    with pytest.raises(Conflict, match="正在办理"):
        remake_seal(deps, KEEPER, seal.seal_id, Cause.CERTIFICATE, None, SAID)
    move_seal(deps, APPROVER, seal.seal_id, "approve", SAID)
    make_seal(deps, MAKER, seal.seal_id, outside=False)
    move_seal(deps, KEEPER, seal.seal_id, "activate", SAID)
    new = stored(deps, seal.seal_id)
    assert (new.name, new.daily_budget, new.stamp.second_line) == (changed.name, 7, "登记专用章")
    assert not (small_city.service.settings.keys / "private" / f"{seal.key_id}.key").exists()
    codes = [(one.name, one.code) for one in read_history(deps, AUDITOR, seal.seal_id)][-2:]
    assert codes == [("activate", ""), ("replace", "changed")]


# Certificates from outside -------------------------------------------------------------------------------------------


def outside_answer(city: ServedCity, request: str, owner: str = OWNER, **changes: Any) -> bytes:
    """What a CA below the sandbox's root answers to a request: a certificate and the CA's own."""
    keys, master = city.service.settings.keys, load_master_key(city.service.settings.master_key)
    asked = x509.load_pem_x509_csr(request.encode())
    assert asked.is_signature_valid
    ca = read_chain(keys / "ca" / "dev-issuer-ec.pem")[0]
    opened = decrypt_key(read_file(keys / "ca" / "dev-issuer-ec.key"), "dev-issuer-ec", master)
    declared = KeyDeclaration(
        key_id="x",
        algorithm="p256",
        common_name="示例印章",
        organization=OWNER_NAME,
        organization_code=owner,
        years=2,
        seals=True,
    )
    leaf = make_leaf(
        declared,
        changes.get("key", asked.public_key()),
        ca,
        load_private_key(opened.pkcs8),
        serial=changes.get("serial", 4711),
        now=changes.get("now", datetime.now(UTC)),
    )
    return pem(leaf) if changes.get("alone") else pem(leaf, ca)


def test_an_outside_certificate_comes_in_only_when_it_is_this_keys_and_this_owners(small_city: ServedCity) -> None:
    deps = small_city.service.deps
    seal_id = apply_seal(deps, APPLICANT, wanted(), SAID).seal_id
    move_seal(deps, APPROVER, seal_id, "approve", SAID)
    with pytest.raises(Conflict, match="证书申请"):
        accept_seal_certificate(deps, MAKER, seal_id, b"")
    asked = make_seal(deps, MAKER, seal_id, outside=True)
    assert asked.state is SealState.APPROVED
    private = small_city.service.settings.keys / "private" / f"{seal_id}-v1.key"
    assert not private.exists(), "no certificate yet: no process may sign with it"
    assert read_seal(deps, MAKER, seal_id).shown.request == asked.request
    assert read_seal(deps, KEEPER, seal_id).shown.request == ""
    other_key = load_private_key(_fresh_p256()).public_key()
    refused = {
        "no certificate": b"-----",
        "of another key": outside_answer(small_city, asked.request, key=other_key),
        "of another owner": outside_answer(small_city, asked.request, owner="11990000MB00000430"),
        "ended": outside_answer(small_city, asked.request, now=datetime(2020, 1, 1, tzinfo=UTC)),
    }
    for what, answer in refused.items():
        with pytest.raises(InvalidInput):
            accept_seal_certificate(deps, MAKER, seal_id, answer)
        assert not private.exists(), what
    made = accept_seal_certificate(deps, MAKER, seal_id, outside_answer(small_city, asked.request))
    assert (made.state, made.request) == (SealState.MADE, "")
    assert private.exists()
    move_seal(deps, KEEPER, seal_id, "activate", SAID)
    assert deps.sealer.reserved_bytes(stored(deps, seal_id), "pades-b-b") > 1000
    answers = [one.result.value for one in unanswered_makings(deps, older_than_s=-60)]
    assert answers == [], "every operation was answered, failed ones too"


def _fresh_p256() -> bytes:
    from certsvc.signing.certificates import generate_key, pkcs8

    return pkcs8(generate_key("p256"))


def test_a_crash_in_the_making_leaves_it_listed_and_the_next_try_keeps_the_key(small_city: ServedCity) -> None:
    deps = small_city.service.deps
    seal_id = apply_seal(deps, APPLICANT, wanted(algorithm="sm2"), SAID).seal_id
    move_seal(deps, APPROVER, seal_id, "approve", SAID)

    class PowerCut(BaseException):
        pass

    class CutAt:
        def __init__(self, step: str) -> None:
            self.step = step

        def reach(self, name: str) -> None:
            if name == self.step:
                raise PowerCut

    pending = small_city.service.settings.keys / "pending" / f"{seal_id}-v1.key"
    seen: set[bytes] = set()
    for step in ("seal.key_reserved", "seal.key_made", "seal.key_done", "seal.object_reserved", "seal.object_done"):
        with pytest.raises(PowerCut):
            make_seal(dataclasses.replace(deps, faults=CutAt(step)), MAKER, seal_id, outside=False)
        assert read_seal(deps, KEEPER, seal_id).shown.state is SealState.APPROVED
        seen |= {pending.read_bytes()} if pending.exists() else set()
        assert unanswered_makings(deps, older_than_s=-60)
    made = make_seal(deps, MAKER, seal_id, outside=False)
    assert made.state is SealState.MADE
    private = small_city.service.settings.keys / "private" / f"{seal_id}-v1.key"
    assert seen == {private.read_bytes()}, "one key, whatever happened"
    unknown = unanswered_makings(deps, older_than_s=-60)
    assert {one.result.value for one in unknown} == {"unknown"}
    assert len(unknown) == 5


def test_a_seal_expires_by_the_sweep_and_is_refused_before_it(
    make_city: Callable[..., ServedCity], sqlite_url: str
) -> None:
    clock = FixedClock(datetime.now(UTC))
    city = make_city(sqlite_url, clock=clock)
    deps = city.service.deps
    seal = seal_in_use(deps, years=1)
    remake_seal(deps, KEEPER, seal.seal_id, Cause.CERTIFICATE, None, SAID)
    assert expire_seals(deps) == 0
    clock.advance(timedelta(days=366))
    assert expire_seals(deps) == 1
    assert stored(deps, seal.seal_id).state is SealState.EXPIRED
    with deps.uow.read() as tx:
        assert tx.seal_lives.versions(seal.seal_id)[-1].state is SealState.DROPPED
    last = read_history(deps, AUDITOR, seal.seal_id)[-2]
    assert (last.name, last.actor, last.code) == ("expire", "certsvc", "period")
    with pytest.raises(IllegalMove):
        move_seal(deps, KEEPER, seal.seal_id, "resume", SAID)
    assert expire_seals(deps) == 0
    assert remind(deps).finished


def test_everybody_sees_the_own_seals_and_no_other(small_city: ServedCity) -> None:
    deps = small_city.service.deps
    seal_id = apply_seal(deps, APPLICANT, wanted(), SAID).seal_id
    everything = {view.seal_id for view in list_seals(deps, AUDITOR)}
    assert len(everything) > 50
    for caller in (APPLICANT, KEEPER):
        seen = list_seals(deps, caller)
        assert {view.shown.owner_code for view in seen} == {OWNER}
        assert seal_id in {view.seal_id for view in seen}
    city_maker = dataclasses.replace(MAKER, authority_code="11990100MB00010113")
    regions = {deps.catalog.authority(view.shown.owner_code).region for view in list_seals(deps, city_maker)}
    assert regions
    assert all(region.startswith("9901") for region in regions)
    with pytest.raises(NotFound):
        read_seal(deps, city_maker, seal_id)
    page = list_seals(deps, AUDITOR, limit=2)
    rest = list_seals(deps, AUDITOR, after=page[-1].seal_id)
    assert {view.seal_id for view in (*page, *rest)} == everything


# Any order -----------------------------------------------------------------------------------------------------------

ACTORS = {
    "approve": APPROVER,
    "refuse": APPROVER,
    "drop": APPLICANT,
    "activate": KEEPER,
    "stop": KEEPER,
    "resume": KEEPER,
    "cancel": MAKER,
}
STEPS = [*ACTORS, "make", "renew", "remake", "lose"]


def test_in_any_order_a_seal_keeps_to_the_table_and_has_one_version_in_use(small_city: ServedCity) -> None:
    deps = small_city.service.deps
    lawful = {(move.name, source, move.target) for move in SEAL_MOVES for source in move.sources}

    def take(seal_id: str, step: str) -> None:
        if step == "make":
            make_seal(deps, MAKER, seal_id, outside=False)
        elif step in ACTORS:
            move_seal(deps, ACTORS[step], seal_id, step, SAID)
        else:
            cause = {"renew": Cause.CERTIFICATE, "remake": Cause.CHANGED, "lose": Cause.KEY_LOST}[step]
            remake_seal(deps, KEEPER, seal_id, cause, wanted() if cause is Cause.CHANGED else None, SAID)

    @settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.sampled_from(STEPS), min_size=4, max_size=24))
    def run(steps: list[str]) -> None:
        seal_id = apply_seal(deps, APPLICANT, wanted(), SAID).seal_id
        over: dict[int, SealState] = {}
        # Half of every run goes the usual way, so that the rest meets seals in use.
        for step in ("approve", "make", "activate", *steps):
            with suppress(Conflict):  # anything else is a fault
                take(seal_id, step)
            with deps.uow.read() as tx:
                versions = tx.seal_lives.versions(seal_id)
            assert sum(one.state in IN_USE for one in versions) <= 1
            assert sum(one.state in UNDER_WAY for one in versions) <= 1
            for number, ended in over.items():
                assert versions[number - 1].state is ended, "nothing comes back"
            over = {one.version: one.state for one in versions if one.state in OVER}
        for move in read_history(deps, AUDITOR, seal_id):
            if move.from_state:
                assert (move.name, SealState(move.from_state), move.to_state) in lawful

    run()
