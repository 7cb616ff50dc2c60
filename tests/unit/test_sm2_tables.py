"""The check with tables and the check of GmSSL never differ; an oracle of plain arithmetic says which is right."""

from __future__ import annotations

import importlib
import random

import pytest
import sm2_oracle as oracle

from certsvc.signing import sm2_tables
from certsvc.signing.sm2 import Sm2PrivateKey, Sm2PublicKey, raw_to_der
from certsvc.signing.sm2_curve import ORDER, G
from certsvc.signing.sm2_tables import NoTables, Sm2Tables

MESSAGE = b"one page"


def der(r: int, s: int) -> bytes:
    return raw_to_der(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


@pytest.fixture(scope="module")
def private() -> Sm2PrivateKey:
    return Sm2PrivateKey.generate()


@pytest.fixture(scope="module")
def prepared(private: Sm2PrivateKey) -> Sm2PublicKey:
    key = Sm2PublicKey(private.public_key().point)
    assert key.prepare(private.sign(MESSAGE), MESSAGE), "the locked version of the library has the entry"
    return key


def test_good_signatures_hold_and_changed_ones_do_not(private: Sm2PrivateKey, prepared: Sm2PublicKey) -> None:
    chance = random.Random(17)
    for turn in range(60):
        message = b"page %d" % turn
        signature = private.sign(message)
        assert prepared.verify(signature, message)
        assert not prepared.verify(signature, message + b"!")
        changed = bytearray(signature)
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        assert not prepared.verify(bytes(changed), message)


def test_made_up_numbers_get_the_verdict_of_gmssl(prepared: Sm2PublicKey) -> None:
    plain = Sm2PublicKey(prepared.point)
    numbers = (1, 2, ORDER // 2, ORDER - 2, ORDER - 1)
    for r in numbers:
        for s in numbers:
            assert not prepared.verify(der(r, s), MESSAGE)
            assert not plain.verify(der(r, s), MESSAGE)


def test_a_sum_of_zero_and_a_point_at_infinity_are_no_signature() -> None:
    tables = Sm2Tables(oracle.public_point(5))
    assert not tables.holds(bytes(32), 7, ORDER - 7), "t is zero"
    # s + 5t = 0 with t = r + s: the sum is the neutral element, whose x a careless check takes for zero.
    t = 11
    s = -5 * t % ORDER
    r = (t - s) % ORDER
    assert not tables.holds(r.to_bytes(32, "big"), r, s)


def test_equal_parts_are_added_rightly() -> None:
    # s·G and t·P are the same point, and the sum a doubling: the key is 2, s = 2t.
    tables, t = Sm2Tables(oracle.public_point(2)), 9
    s = 2 * t
    r = (t - s) % ORDER
    point = oracle.times(4 * t, oracle.G)
    assert point is not None
    e = (r - point[0]) % ORDER
    assert tables.holds(e.to_bytes(32, "big"), r, s)
    assert not tables.holds(((e + 1) % ORDER).to_bytes(32, "big"), r, s)


def test_the_base_point_itself_may_be_the_key() -> None:
    private = Sm2PrivateKey((1).to_bytes(32, "big"), G)
    key = private.public_key()
    assert key.prepare(private.sign(MESSAGE), MESSAGE)
    assert key.verify(private.sign(b"next"), b"next")
    assert not key.verify(private.sign(b"next"), b"other")


def test_signatures_of_the_oracle_hold() -> None:
    chance = random.Random(9)
    d = chance.randrange(1, ORDER - 1)
    tables = Sm2Tables(oracle.public_point(d))
    for _ in range(3):
        k, e = chance.randrange(1, ORDER), chance.randrange(2**256)
        point = oracle.times(k, oracle.G)
        assert point is not None
        r = (e + point[0]) % ORDER
        s = pow(1 + d, -1, ORDER) * (k - r * d) % ORDER
        assert tables.holds(e.to_bytes(32, "big"), r, s)
        assert not tables.holds(e.to_bytes(32, "big"), r, s ^ 1)


def test_tables_that_do_not_agree_are_not_used(private: Sm2PrivateKey, monkeypatch: pytest.MonkeyPatch) -> None:
    signature = private.sign(MESSAGE)
    for answer in (True, False):
        key = Sm2PublicKey(private.public_key().point)
        monkeypatch.setattr(Sm2Tables, "holds", lambda *_, answer=answer: answer)
        assert not key.prepare(signature, MESSAGE)
        assert key.verify(signature, MESSAGE), "GmSSL checks"
        assert not key.verify(signature, MESSAGE + b"!")


def test_without_the_entry_gmssl_checks(private: Sm2PrivateKey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(importlib.import_module(sm2_tables._LIBRARY), "_new_curve")
    signature, key = private.sign(MESSAGE), Sm2PublicKey(private.public_key().point)
    with pytest.raises(NoTables):
        Sm2Tables(key.point)
    assert not key.prepare(signature, MESSAGE)
    assert key.verify(signature, MESSAGE)
    assert not key.verify(signature, MESSAGE + b"!")
