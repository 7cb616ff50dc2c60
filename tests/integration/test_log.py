"""The evidence log of a whole service: appended, signed, stamped, read over HTTP, proven, and never forked."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from fixtures_city import ServedCity
from log_city import FOOD, audited, run_verifier, settle, stamp

from certsvc.cli.evidence_verifier import covered_digests
from certsvc.commands.evidence.record import record
from certsvc.commands.log.append import advance_log
from certsvc.commands.log.audit import audit_against
from certsvc.commands.log.findings import AuditReport, Found
from certsvc.errors import IntegrityError, InvalidInput
from certsvc.events.checkpoint import read_note, write_note
from certsvc.events.merkle import leaf_hash, root_of_inclusion
from certsvc.events.tiles import WIDTH, unpack_entries

MARGIN = 8
"""Leaves: nearer to the edge of a tile no test of a tile that is open stands."""


def checkpoint(city: ServedCity) -> str:
    response = city.client.get("/v1/log/checkpoint")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    return str(response.text)


def settle_within_a_tile(city: ServedCity) -> int:
    """Everything is in the log, and its last tile is neither empty nor full; the number of leaves."""
    settle(city)
    size = read_note(checkpoint(city))[0].size
    if not MARGIN <= size % WIDTH <= WIDTH - MARGIN:
        deps = city.service.deps
        with deps.uow() as tx:
            for _ in range(3 * MARGIN):
                record(tx, deps, kind="test.noted", subject="s", actor="a", content={}, at=deps.clock.now())
        settle(city)
        size = read_note(checkpoint(city))[0].size
    return size


def tile_with(index: int, size: int) -> tuple[str, int]:
    """The path of the tile that holds leaf ``index`` in a log of ``size`` leaves, and the index of its first leaf."""
    number, full = index // WIDTH, size // WIDTH
    return f"{number:03d}" if number < full else f"{number:03d}.p/{size % WIDTH}", number * WIDTH


def key(city: ServedCity) -> str:
    return str(city.client.get("/v1/log/keys").json()["verifier_keys"][0])


def test_a_leaf_is_in_the_log_and_an_outsider_can_prove_it(city: ServedCity, tmp_path: Path) -> None:
    assert city.client.get("/v1/log/checkpoint").status_code == 404
    done = city.issue(FOOD, "LOG-1")
    settle(city)
    first = checkpoint(city)
    (tmp_path / "old").write_text(first, encoding="utf-8")
    evidence_id, position = city.rows("SELECT evidence_id, position FROM evidence WHERE kind = 'license.issued'")[0]
    proof = city.client.get("/v1/log/proofs/inclusion", params={"evidence_id": evidence_id})
    assert proof.status_code == 200
    assert proof.json()["leaf_index"] == position - 1
    assert proof.json()["checkpoint"] == first
    head = read_note(first)[0]
    place, before = tile_with(position - 1, head.size)
    entries = city.client.get(f"/v1/log/tile/entries/{place}")
    assert "immutable" in entries.headers["cache-control"]
    leaf = unpack_entries(entries.content)[position - 1 - before]
    path = [base64.b64decode(one) for one in proof.json()["path"]]
    assert root_of_inclusion(position - 1, head.size, leaf_hash(leaf), path) == head.root
    tile = city.client.get(f"/v1/log/tile/0/{place}").content
    assert tile[(position - 1 - before) * 32 : (position - before) * 32] == leaf_hash(leaf)
    (tmp_path / "leaf").write_bytes(leaf)
    (tmp_path / "proof.json").write_bytes(proof.content)
    command = ("inclusion", tmp_path / "proof.json", "--leaf", tmp_path / "leaf", "--checkpoint", tmp_path / "old")
    run = run_verifier(*command, "--key", key(city))
    assert run.returncode == 0, run.stdout + run.stderr
    (tmp_path / "leaf").write_bytes(leaf[:-1] + b" ")
    assert run_verifier(*command, "--key", key(city)).returncode == 1

    city.move(done["identifier"], "revoke", slug=FOOD)
    settle(city)
    (tmp_path / "new").write_text(checkpoint(city), encoding="utf-8")
    grown = city.client.get("/v1/log/proofs/consistency", params={"from": head.size})
    (tmp_path / "grown.json").write_bytes(grown.content)
    command = ("consistency", tmp_path / "grown.json", "--old", tmp_path / "old", "--new", tmp_path / "new")
    run = run_verifier(*command, "--key", key(city))
    assert run.returncode == 0, run.stdout + run.stderr
    changed = json.loads(grown.content)
    changed["path"][0] = base64.b64encode(bytes(32)).decode()
    (tmp_path / "grown.json").write_text(json.dumps(changed), encoding="utf-8")
    assert run_verifier(*command, "--key", key(city)).returncode == 1


def test_addresses_that_lead_nowhere(small_city: ServedCity) -> None:
    small_city.issue(FOOD, "LOG-NOWHERE")
    size = settle_within_a_tile(small_city)
    last, after = size // WIDTH, size // WIDTH + 1
    get = small_city.client.get
    beyond = (f"{last:03d}", f"{last:03d}.p/{size % WIDTH + 1}", f"{after:03d}.p/1")
    for path in (*beyond, "x000/000", "000.p/0", "..%2f..%2fsecret", "0", "000.p/001"):
        assert get(f"/v1/log/tile/0/{path}").status_code == 404, path
        assert get(f"/v1/log/tile/entries/{path}").status_code == 404, path
    assert get(f"/v1/log/tile/9/000.p/{size % WIDTH}").status_code == 404
    assert get("/v1/log/proofs/inclusion", params={"evidence_id": "evd_none"}).status_code == 404
    assert get("/v1/log/proofs/inclusion", params={"leaf": size}).status_code == 404
    assert get("/v1/log/proofs/inclusion", params={"leaf": 0, "size": size + 1}).status_code == 422
    assert get("/v1/log/proofs/inclusion").status_code == 422
    assert get("/v1/log/proofs/consistency", params={"from": size + 1}).status_code == 422
    tag = get("/v1/log/checkpoint").headers["etag"]
    assert get("/v1/log/checkpoint", headers={"If-None-Match": tag}).status_code == 304


def test_every_checkpoint_begins_with_those_before_and_full_tiles_are_objects(city: ServedCity) -> None:
    deps = city.service.deps
    kept: list[str] = []
    for number in range(3):
        city.issue(FOOD, f"LOG-GROW-{number}")
        with deps.uow() as tx:
            for _ in range(150):
                record(tx, deps, kind="test.noted", subject="s", actor="a", content={}, at=deps.clock.now())
        settle(city)
        kept.append(checkpoint(city))
    assert len({*kept}) == 3
    names = deps.objects.names("log/")
    size = read_note(kept[-1])[0].size
    assert len(names) == 2 * (size // 256) > 0
    assert names[0] == "log/tile/0/000"
    report = audited(deps)
    assert report.agrees, report.findings
    assert report.size > 450
    assert report.rows["license"] == 3
    audit_against(deps, report, kept)
    assert report.agrees
    sizes = [read_note(one)[0].size for one in kept]
    assert city.client.get("/v1/log/tile/0/000").status_code == 200
    assert len(city.client.get("/v1/log/tile/0/000.p/7").content) == 7 * 32
    for size in sizes:
        proof = city.client.get("/v1/log/proofs/inclusion", params={"leaf": 3, "size": size}).json()
        assert base64.b64decode(proof["root"]) == read_note(proof["checkpoint"])[0].root
    with pytest.raises(InvalidInput):
        audit_against(deps, report, [kept[0].replace(f"\n{sizes[0]}\n", f"\n{sizes[0] + 1}\n", 1)])


def test_a_checkpoint_of_another_history_is_a_fork_that_the_audit_tells(city: ServedCity) -> None:
    city.issue(FOOD, "LOG-FORK")
    settle(city)
    deps = city.service.deps
    with deps.uow.read() as tx:
        newest = tx.log.newest()
    assert newest is not None
    head = read_note(newest.note)[0]
    text = replace(head, root=bytes(32)).text()
    forked = write_note(text, (deps.log_signer.sign(text, head.origin),))
    report = AuditReport()
    audit_against(deps, report, [forked])
    assert [one.kind for one in report.findings] == [Found.ROOT_DIFFERS]


def test_a_leaf_of_an_earlier_release_that_counts_where_others_name_is_read(small_city: ServedCity) -> None:
    """Exports of inspections had the number of their lines under the name of what others name rows by."""
    deps = small_city.service.deps
    with deps.uow() as tx:
        counted = {"since": "2026-01-01", "until": "2026-01-31", "rows": 12}
        record(tx, deps, kind="inspection.exported", subject="s", actor="a", content=counted, at=deps.clock.now())
    settle(small_city)
    report = audited(deps)
    assert report.agrees, report.findings


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE evidence SET leaf = (SELECT leaf FROM evidence WHERE position = 1) WHERE position = {size}", "不符"),
        ("UPDATE log_edges SET hashes = zeroblob(length(hashes)) WHERE level = 0", "分叉"),
        ("DELETE FROM log_edges", "分叉"),
        ("UPDATE log_checkpoints SET note = replace(note, '\n\n', '\nx\n\n')", "被改动"),
        (
            "UPDATE log_checkpoints SET size = 10000 WHERE number = (SELECT max(number) FROM log_checkpoints)",
            "多于编过号",
        ),
    ],
)
def test_a_changed_past_is_never_signed(small_city: ServedCity, statement: str, words: str) -> None:
    small_city.issue(FOOD, "LOG-PAST")
    size = settle_within_a_tile(small_city)
    before = small_city.rows("SELECT count(*) FROM log_checkpoints")
    small_city.execute(statement.replace("{size}", str(size)))
    small_city.issue(FOOD, "LOG-PAST-2")
    with pytest.raises(IntegrityError, match=words):
        advance_log(small_city.service.deps, owner="test")
    assert small_city.rows("SELECT count(*) FROM log_checkpoints") == before


@pytest.mark.parametrize(("tile", "words"), [("000", "audit continue"), ("001", "已存在且内容不同")])
def test_a_full_tile_with_other_bytes_is_never_replaced(small_city: ServedCity, tile: str, words: str) -> None:
    deps = small_city.service.deps
    deps.objects.put(f"log/tile/0/{tile}", bytes(8192), content_type="application/octet-stream")
    with deps.uow() as tx:
        for _ in range(520):
            record(tx, deps, kind="test.noted", subject="s", actor="a", content={}, at=deps.clock.now())
    small_city.drain()
    with pytest.raises(IntegrityError, match=words):
        advance_log(deps, owner="test")
    assert small_city.client.get("/v1/log/checkpoint").status_code == 404


def test_one_process_appends_at_a_time(city: ServedCity) -> None:
    city.issue(FOOD, "LOG-LEASE")
    deps = city.service.deps
    with deps.uow() as tx:
        assert tx.outbox.lease("log", owner="other", now=deps.clock.now(), lease_s=60)
    assert advance_log(deps, owner="test") == 0
    with deps.uow() as tx:
        tx.outbox.release("log", owner="other")
    assert advance_log(deps, owner="test") > 0


def test_a_bundle_verifies_offline_and_shows_each_reader_what_is_theirs(city: ServedCity, tmp_path: Path) -> None:
    done = city.issue(FOOD, "LOG-BUNDLE")
    identifier = done["identifier"]
    show = city.show(FOOD, identifier, city.catalog.type(FOOD).scenes[0].code)
    assert show
    city.move(identifier, "suspend", slug=FOOD)
    settle(city)
    stamp(city)
    address = f"/v1/licenses/{identifier}/evidence"
    holder = city.person(city.holder_of(FOOD))
    readers = {"issuer": city.system(), "holder": holder, "auditor": city.person("auditor-1")}
    kinds: dict[str, set[str]] = {}
    for reader, headers in readers.items():
        response = city.client.get(address, headers=headers)
        assert response.status_code == 200, response.text
        with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
            bundle = json.loads(archive.read("bundle.json"))
            assert {"license.pdf", "checkpoint.txt", "checkpoint.tst", "status.json", "events.json"} <= set(
                archive.namelist()
            )
            assert "signatures/1.der" in archive.namelist()
            assert json.loads(archive.read("status.json"))["state"] == "suspended"
            assert {one["subject"] for one in json.loads(archive.read("events.json"))} == {identifier}
        kinds[reader] = {one["kind"] for one in bundle["leaves"]}
        path = tmp_path / f"{reader}.zip"
        path.write_bytes(response.content)
        run = run_verifier("bundle", path, "--key", key(city))
        assert run.returncode == 0, run.stdout + run.stderr
        assert "不通过" not in run.stdout
        settle(city)
    assert "license.issued" in kinds["issuer"] & kinds["holder"] & kinds["auditor"]
    assert "show.made" in kinds["holder"] & kinds["auditor"]
    assert "show.made" not in kinds["issuer"]
    # Somebody else's license is as none; a role without this door is refused before.
    strangers = next(one for one in city.people if one.holder_code and city.person(one.subject) != holder)
    assert city.client.get(address, headers=city.person(strangers.subject)).status_code == 404
    assert city.client.get(address).status_code == 401
    report = audited(city.service.deps)
    assert report.agrees, report.findings
    assert report.stamped == 1


def test_a_bundle_that_was_changed_does_not_verify(small_city: ServedCity, tmp_path: Path) -> None:
    done = small_city.issue(FOOD, "LOG-CHANGED")
    small_city.move(done["identifier"], "revoke", slug=FOOD)
    settle(small_city)
    data = small_city.client.get(f"/v1/licenses/{done['identifier']}/evidence", headers=small_city.system()).content
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    bundle = json.loads(files["bundle.json"])

    signer = small_city.service.deps.log_signer

    def verified(changed: dict[str, bytes] | None = None, *, signed: bool = True) -> int:
        """Signed anew by the service itself: what is below the signature has to hold by itself."""
        out, made = tmp_path / "changed.zip", {**files, **(changed or {})}
        if signed:
            text = f"{bundle['origin']}\ncertsvc-evidence\n{hashlib.sha256(made['bundle.json']).hexdigest()}\n"
            made["bundle.note"] = write_note(text, (signer.sign(text, bundle["origin"]),)).encode()
        with zipfile.ZipFile(out, "w") as archive:
            for name, content in made.items():
                archive.writestr(name, content)
        return run_verifier("bundle", out, "--key", key(small_city)).returncode

    assert verified(signed=False) == 0
    assert verified() == 0
    # The revocation left out, the state put back, every digest right: only the signature over the manifest tells.
    status = {**json.loads(files["status.json"]), "state": "valid", "moves": []}
    forged = {**bundle, "leaves": [one for one in bundle["leaves"] if one["kind"] != "license.revoked"]}
    assert len(forged["leaves"]) < len(bundle["leaves"])
    said = json.dumps(status).encode()
    forged["files"] = {**bundle["files"], "status.json": hashlib.sha256(said).hexdigest()}
    without = {"status.json": said, "bundle.json": json.dumps(forged).encode()}
    assert verified(without) == 0, "but for the signature nothing would tell"
    assert verified(without, signed=False) == 1
    assert verified({**without, "bundle.note": b""}, signed=False) == 1
    # A signature that is of another file.
    der = files["signatures/1.der"]
    covered = next(one for one in covered_digests(files["license.pdf"])[0].values() if one in der)
    other = der.replace(covered, bytes(len(covered)))
    one = {**bundle, "files": {**bundle["files"], "signatures/1.der": hashlib.sha256(other).hexdigest()}}
    assert verified({"signatures/1.der": other, "bundle.json": json.dumps(one).encode()}) == 1
    assert verified({"license.pdf": files["license.pdf"] + b"\n"}) == 1
    assert verified({"extra.txt": b""}) == 1
    for change in ("leaf", "salt", "details", "path", "index", "kind"):
        one = json.loads(json.dumps(bundle))
        leaf = one["leaves"][0]
        leaf[change] = {
            "leaf": base64.b64encode(base64.b64decode(leaf["leaf"]).replace(b'"v":1', b'"v":2')).decode(),
            "salt": "00" * 16,
            "details": base64.b64encode(base64.b64decode(leaf["details"]).replace(b"actor", b"axtor")).decode(),
            "path": [*leaf["path"][1:], base64.b64encode(bytes(32)).decode()],
            "index": leaf["index"] + 1,
            "kind": "license.other",
        }[change]
        assert verified({"bundle.json": json.dumps(one).encode()}) == 1, change
    note = files["checkpoint.txt"].decode()
    head = read_note(note)[0]
    other = note.replace(f"\n{head.size}\n", f"\n{head.size + 1}\n").encode()
    one = {**bundle, "size": head.size + 1}
    one["files"] = {**bundle["files"], "checkpoint.txt": hashlib.sha256(other).hexdigest()}
    assert verified({"checkpoint.txt": other, "bundle.json": json.dumps(one).encode()}) == 1


def test_a_loop_has_evidence_in_the_log_within_seconds(small_city: ServedCity) -> None:
    small_city.service.loops.start(workers=1, relay=True)
    body = small_city.body(FOOD, "LOG-LOOP")
    response = small_city.client.post("/v1/issuances", headers=small_city.system(), json=body)
    small_city.wait(small_city.answer(response, 202)["request_id"])
    evidence_id = small_city.rows("SELECT evidence_id FROM evidence WHERE kind = 'license.issued'")[0][0]
    deadline = time.monotonic() + 60
    asked = {"evidence_id": evidence_id}
    while small_city.client.get("/v1/log/proofs/inclusion", params=asked).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
