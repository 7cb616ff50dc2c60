"""Seals and signatures of another implementation (ofdrw, Apache-2.0): v1, v4, v5, with their verdicts."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest
import sm2_oracle

from certsvc.signing.seal_object import maker_signed
from certsvc.signing.ses import SealObject, read_seal, read_signature, sm2_verifies

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "sm2-sm3-ses"
MISSING = f"the vectors made by others are absent: put them beside the project at {VECTORS}"


def rows() -> list[dict[str, str]]:
    path = VECTORS / "VERDICTS.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["file"].startswith("ofdrw/")]


ROWS = rows()
SEALS = [row for row in ROWS if not row["file"].endswith(".dat")]
SIGNATURES = [row for row in ROWS if row["file"].endswith(".dat")]


def named(chosen: list[dict[str, str]]) -> list[object]:
    return [pytest.param(row, id=row["file"].rsplit("__", 1)[1]) for row in chosen]


def test_the_vectors_are_there_and_complete() -> None:
    assert (len(SEALS), len(SIGNATURES)) == (8, 2), MISSING


def is_good(data: bytes, *, signature: bool) -> bool:
    try:
        if not signature:
            return maker_signed(read_seal(data))
        read = read_signature(data)
    except ValueError:
        return False
    own = sm2_verifies(read.certificate, read.algorithm, read.signature, read.signed)
    return own and maker_signed(read.seal) and read.seal.lists(read.certificate)


@pytest.mark.parametrize("row", named(SEALS))
def test_a_seal_has_its_verdict(row: dict[str, str]) -> None:
    data = (VECTORS / row["file"]).read_bytes()
    assert is_good(data, signature=False) == (row["expected"] == "crypto-valid")
    seal = read_seal(data)
    version = next((int(v) for v in "145" if f"UserV{v}" in row["file"]), 4)
    assert seal.version == version
    assert seal.picture.data
    assert seal.certificates


@pytest.mark.parametrize("row", named(SIGNATURES))
def test_a_signature_has_its_verdict(row: dict[str, str]) -> None:
    data = (VECTORS / row["file"]).read_bytes()
    assert is_good(data, signature=True) == (row["expected"] == "crypto-valid")
    assert read_signature(data).property_info.endswith("Signature.xml")


def test_the_second_implementation_agrees_on_version_4() -> None:
    for row in SEALS:
        seal = read_seal((VECTORS / row["file"]).read_bytes())
        if seal.version == 4:
            assert sm2_oracle.seal_verifies(sm2_oracle.parse(seal.whole)) == (row["expected"] == "crypto-valid")


def signed_places(data: bytes, seal: SealObject, signed: bytes) -> range:
    """Where the signed bytes stand; those of v1 are not one piece, their first is."""
    piece = signed or seal.signed
    start = data.find(piece)
    if start < 0:
        piece = sm2_oracle.parse(seal.signed).children[0].whole
        start = data.index(piece)
    return range(start, start + len(piece))


@pytest.mark.parametrize("row", named([row for row in ROWS if row["expected"] == "crypto-valid"]))
def test_a_changed_byte_inside_the_signed_part_is_refused(row: dict[str, str]) -> None:
    data = (VECTORS / row["file"]).read_bytes()
    is_signature = row in SIGNATURES
    signed = read_signature(data).signed if is_signature else b""
    seal = read_signature(data).seal if is_signature else read_seal(data)
    places = signed_places(data, seal, signed)
    chance = random.Random(row["file"])
    # Every byte outside the picture, and a sample of the picture itself: the hash treats its bytes all alike.
    picture = data.find(seal.picture.data)
    inside = range(picture + 8, picture + len(seal.picture.data) - 8)
    chosen = [place for place in places if place not in inside] + chance.sample(list(inside), 100)
    for place in chosen:
        changed = data[:place] + bytes((data[place] ^ (1 << chance.randrange(8)),)) + data[place + 1 :]
        assert not is_good(changed, signature=is_signature), place
