"""Notes, proofs, tiles, entries and bundles that were cut, changed or made up: no crash, and nothing is accepted.

What a change leaves as it was in meaning (another spelling of base64, a byte of a ZIP that nobody reads) may be
accepted; so what was accepted is always held against what was made.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from certsvc.cli import evidence_verifier as verifier
from certsvc.commands.log.bundle import FORMAT, MANIFEST, MANIFEST_NOTE, SIGNED_AS
from certsvc.events.checkpoint import NoteSignature, TreeHead, read_note, write_note
from certsvc.events.evidence import EvidenceRow, make_evidence
from certsvc.events.merkle import inclusion_proof, is_consistent, leaf_hash, root_of_inclusion
from certsvc.events.tiles import Edge, Layers, TileNodes, pack_entries, read_path, split_hashes, unpack_entries

ORIGIN, IDENTIFIER = "zz.example/v1/log", "1.2.156.3005.2.FUZZ"
PDF = b"%PDF-1.7\nnot a license\n%%EOF\n"
MANY = settings(max_examples=150, deadline=None)
FEW = settings(max_examples=40, deadline=None)
"""A signature in plain Python takes tens of milliseconds."""

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=6,
)


@cache
def private_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def public_key() -> tuple[str, bytes]:
    """The verifier key, and its id."""
    spki = (
        private_key()
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    key_id = hashlib.sha256(spki).digest()[:4]
    return f"{ORIGIN}+{key_id.hex()}+{base64.b64encode(bytes([2]) + spki).decode()}", key_id


@cache
def rows() -> tuple[EvidenceRow, ...]:
    """Twenty leaves, of which two are of the license."""
    made = []
    for number in range(20):
        kind, subject = "test.noted", "other"
        content: dict[str, Any] = {"number": number}
        if number == 4:
            kind, subject = "license.issued", IDENTIFIER
            content = {"sha256": hashlib.sha256(PDF).hexdigest(), "state": "valid", "rows": [f"license x {'0' * 64}"]}
        if number == 11:
            kind, subject = "license.revoked", IDENTIFIER
            content = {"state": "revoked", "rows": [f"move mov_1 {'1' * 64}"]}
        at, salt = datetime(2026, 11, 28, 0, 0, number, tzinfo=UTC), bytes([number]) * 16
        row = make_evidence(
            evidence_id=f"evd_{number}", kind=kind, at=at, salt=salt, subject=subject, actor="a", content=content
        )
        made.append(row)
    return tuple(made)


@cache
def tree() -> tuple[TreeHead, Callable[[int], list[bytes]]]:
    edge = Edge()
    edge.append(leaf_hash(row.leaf) for row in rows())
    node = TileNodes(lambda level, _: Layers(b"".join(edge.levels[level])))
    head = TreeHead(origin=ORIGIN, size=edge.size, root=edge.root())
    return head, lambda index: inclusion_proof(index, edge.size, node)


@cache
def note() -> str:
    return signed(tree()[0].text())


def signed(text: str) -> str:
    """The text as a note under the key of the log."""
    made = private_key().sign(text.encode(), ec.ECDSA(hashes.SHA256()))
    return write_note(text, (NoteSignature(name=ORIGIN, key_id=public_key()[1], signature=made),))


@cache
def bundle() -> dict[str, bytes]:
    """A whole bundle, by file."""
    status = {"state": "revoked", "moves": [{"move_id": "mov_1"}]}
    files = {
        "license.pdf": PDF,
        "checkpoint.txt": note().encode(),
        "status.json": json.dumps(status).encode(),
        "events.json": b"[]",
    }
    leaves = [
        {
            "index": index,
            "kind": rows()[index].kind,
            "leaf": base64.b64encode(rows()[index].leaf).decode(),
            "salt": rows()[index].salt.hex(),
            "details": base64.b64encode(rows()[index].details).decode(),
            "path": [base64.b64encode(one).decode() for one in tree()[1](index)],
        }
        for index in (4, 11)
    ]
    manifest = {
        "format": FORMAT,
        "identifier": IDENTIFIER,
        "verifier_keys": [public_key()[0]],
        "size": 20,
        "leaves": leaves,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    return with_manifest(files, manifest)


def with_manifest(files: dict[str, bytes], manifest: Any) -> dict[str, bytes]:
    """The files under this manifest, signed as the log signs it: what stands behind the signature is looked at too."""
    listed = json.dumps(manifest).encode()
    text = f"{ORIGIN}\n{SIGNED_AS}\n{hashlib.sha256(listed).hexdigest()}\n"
    return {**files, MANIFEST: listed, MANIFEST_NOTE: signed(text).encode()}


def zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def verified(data: bytes, *, key: bool = True) -> int:
    """The exit code of the stand-alone verifier."""
    with tempfile.TemporaryDirectory() as place, contextlib.redirect_stdout(io.StringIO()):
        path = Path(place) / "evidence.zip"
        path.write_bytes(data)
        return verifier.main([str(path), *(["--key", public_key()[0]] if key else [])])


def meaning(manifest: dict[str, Any]) -> tuple[Any, ...]:
    """What a bundle claims, whatever the spelling."""
    leaves = [
        (
            leaf["index"],
            leaf["kind"],
            base64.b64decode(leaf["leaf"]),
            bytes.fromhex(leaf["salt"]),
            base64.b64decode(leaf["details"]),
            [base64.b64decode(step) for step in leaf["path"]],
        )
        for leaf in manifest["leaves"]
    ]
    form = manifest["format"] == FORMAT
    return form, manifest["identifier"], manifest["size"], manifest["files"], leaves


def changed(value: Any, draw: Callable[[Any], Any]) -> Any:
    """One place of a JSON value replaced or taken away."""
    if isinstance(value, dict | list) and value and draw(st.integers(0, 9)):
        names = sorted(value) if isinstance(value, dict) else list(range(len(value)))
        name = draw(st.sampled_from(names))
        copy = value.copy()
        if draw(st.integers(0, 4)):
            copy[name] = changed(copy[name], draw)
        else:
            del copy[name]
        return copy
    if isinstance(value, str) and value and draw(st.booleans()):
        place = draw(st.integers(0, len(value) - 1))
        return value[:place] + draw(st.characters(codec="ascii")) + value[place + 1 :]
    return draw(anything)


def test_the_bundle_as_it_was_made_verifies() -> None:
    assert verified(zipped(bundle())) == 0
    assert verified(zipped(bundle()), key=False) == 0


@FEW
@given(st.data())
def test_a_changed_manifest_is_refused_unless_it_claims_the_same(data: st.DataObject) -> None:
    made = json.loads(bundle()["bundle.json"])
    other = changed(made, data.draw)
    unsigned = zipped({**bundle(), MANIFEST: json.dumps(other).encode()})
    assert verified(unsigned) == (0 if json.dumps(other).encode() == bundle()[MANIFEST] else 1)
    code = verified(zipped(with_manifest(bundle(), other)))
    assert code in {0, 1}
    if code == 0:
        *claimed, leaves = meaning(other)
        *original, all_leaves = meaning(made)
        assert claimed == original
        assert all(leaf in all_leaves for leaf in leaves)
        assert all_leaves[0] in leaves, "the leaf of the issue must be there"


@FEW
@given(st.data())
def test_a_changed_status_is_refused_though_its_digest_was_renewed(data: st.DataObject) -> None:
    status = changed(json.loads(bundle()["status.json"]), data.draw)
    files = {**bundle(), "status.json": json.dumps(status).encode()}
    manifest = json.loads(files["bundle.json"])
    manifest["files"]["status.json"] = hashlib.sha256(files["status.json"]).hexdigest()
    code = verified(zipped(with_manifest(files, manifest)))
    assert code in {0, 1}
    if code == 0:
        ids = {one["move_id"] for one in status["moves"]}
        assert status["state"] == "revoked" or ids - {"mov_1"}, "further moves are told as not checked"
        assert "mov_1" in ids


@FEW
@given(st.data())
def test_bytes_of_a_bundle_changed_or_cut(data: st.DataObject) -> None:
    made = bytearray(zipped(bundle()))
    if data.draw(st.booleans()):
        for _ in range(data.draw(st.integers(1, 4))):
            made[data.draw(st.integers(0, len(made) - 1))] = data.draw(st.integers(0, 255))
    else:
        made = made[: data.draw(st.integers(0, len(made) - 1))]
    code = verified(bytes(made))
    assert code in {0, 1}
    if code == 0:
        with zipfile.ZipFile(io.BytesIO(bytes(made))) as archive:
            assert {name: archive.read(name) for name in archive.namelist()} == bundle()


@MANY
@given(st.binary(max_size=400))
def test_what_is_no_bundle(data: bytes) -> None:
    assert verified(data) == 1


@FEW
@given(st.dictionaries(st.sampled_from([*bundle(), "x"]), anything.map(lambda one: json.dumps(one).encode())))
def test_made_up_bundles(files: dict[str, bytes]) -> None:
    assert verified(zipped(files)) == 1


def test_two_files_of_one_name_are_refused() -> None:
    out = io.BytesIO(zipped(bundle()))
    with zipfile.ZipFile(out, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("license.pdf", PDF)
    assert verified(out.getvalue()) == 1


@FEW
@given(st.data())
def test_a_changed_note_states_what_was_signed_or_nothing(data: st.DataObject) -> None:
    text, place = note(), data.draw(st.integers(0, len(note()) - 1))
    put_in, left_out = data.draw(st.text(max_size=3)), data.draw(st.integers(0, 3))
    other = text[:place] + put_in + text[place + left_out :]
    keys = [verifier.read_key(public_key()[0])]
    with contextlib.suppress(verifier.Fails, ValueError):
        assert verifier.open_checkpoint(other, keys) == (tree()[0].size, tree()[0].root)
    with contextlib.suppress(ValueError):
        head, body, signatures = read_note(other)
        assert write_note(body, signatures) == other
        assert body.startswith(head.text())


@MANY
@given(st.text(max_size=200))
def test_any_text_is_a_note_a_key_or_a_path_in_one_spelling_or_none(text: str) -> None:
    with contextlib.suppress(ValueError):
        _, body, signatures = read_note(text)
        assert write_note(body, signatures) == text
    with pytest.raises((verifier.Fails, ValueError)):
        verifier.open_checkpoint(text, [verifier.read_key(public_key()[0])])
    with pytest.raises(verifier.Fails):
        verifier.read_key(text)
    found = read_path(text)
    assert found is None or str(found) == text


@MANY
@given(st.binary(max_size=600))
def test_any_bytes_are_tile_and_entries_in_one_spelling_or_none(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert pack_entries(unpack_entries(data)) == data
    with contextlib.suppress(ValueError):
        assert b"".join(split_hashes(data)) == Layers(data).data == data


@MANY
@given(st.integers(0, 19), st.data())
def test_a_changed_proof_leads_nowhere_in_either_implementation(index: int, data: st.DataObject) -> None:
    head, proof = tree()[0], tree()[1](index)
    place = data.draw(st.integers(0, len(proof)))
    step = data.draw(st.lists(st.binary(min_size=32, max_size=32), max_size=2))
    other = [*proof[:place], *step, *proof[place + data.draw(st.integers(0, 2)) :]]
    at = data.draw(st.integers(-1, 21))
    hashed = leaf_hash(rows()[index].leaf)
    right = (at, other) == (index, proof)
    assert (root_of_inclusion(at, head.size, hashed, other) == head.root) == right
    refused = False
    try:
        verifier.check_inclusion(at, head.size, hashed, other, head.root)
    except verifier.Fails:
        refused = True
    assert refused != right


@MANY
@given(st.integers(-1, 40), st.integers(-1, 40), st.lists(st.binary(min_size=32, max_size=32), max_size=7))
def test_a_made_up_growth_is_refused_by_both(old: int, new: int, path: list[bytes]) -> None:
    one, other = hashlib.sha256(b"one").digest(), hashlib.sha256(b"other").digest()
    assert not is_consistent(old, new, one, other, path)
    with pytest.raises(verifier.Fails):
        verifier.check_consistency(old, new, one, other, path)
