"""Signatures of a key that the library has taken in once: an oracle of plain arithmetic accepts them, and so on."""

from __future__ import annotations

import pickle

import gmssl_pyx
import pytest
import sm2_oracle as oracle
from signing_pages import SM2_SEAL, open_workshop

from certsvc.errors import SigningError
from certsvc.signing import sm2_signer
from certsvc.signing.sm2 import Sm2PrivateKey, raw_to_der
from certsvc.signing.sm2_signer import NoSigner, Sm2Signer

SECRET = (0x1234567890ABCDEF << 128 | 7).to_bytes(32, "big")
MESSAGE = b"one page"


def key_of(secret: bytes = SECRET) -> Sm2PrivateKey:
    return Sm2PrivateKey(secret, oracle.public_point(int.from_bytes(secret, "big")))


def test_another_reader_accepts_what_a_prepared_key_signs() -> None:
    key = key_of()
    assert key.prepare(), "the locked version of the library has the functions"
    point = key.public_key().point
    seen = set()
    for turn in range(3):
        signature = key.sign(MESSAGE + b"%d" % turn)
        assert oracle.verifies(point, *oracle.signature_numbers(signature), MESSAGE + b"%d" % turn)
        assert not oracle.verifies(point, *oracle.signature_numbers(signature), MESSAGE)
        seen.add(signature)
    assert len({*seen, *(key.sign(MESSAGE) for _ in range(50))}) == 53, "every signature has a nonce of its own"


@pytest.mark.parametrize("secret", [1, 2, oracle.N - 2])
def test_secrets_at_the_ends_of_their_range(secret: int) -> None:
    key = key_of(secret.to_bytes(32, "big"))
    assert key.prepare()
    assert key.public_key().verify(key.sign(MESSAGE), MESSAGE)


def test_many_signatures_are_all_good_and_in_strict_der() -> None:
    # One in 128 has a short number, one in two a sign byte.
    key = key_of()
    public, signer = key.public_key(), Sm2Signer(SECRET)
    digest = public.digest(MESSAGE)
    sizes = set()
    for _ in range(1000):
        signature = raw_to_der(signer.sign(digest))
        sizes.add(len(signature))
        assert len(sizes) < 8
    assert {70, 71, 72} <= sizes
    assert public.verify(signature, MESSAGE)


def test_a_secret_of_another_point_is_not_prepared_and_signs_as_before() -> None:
    key = Sm2PrivateKey(SECRET, oracle.public_point(11))
    assert not key.prepare()
    assert key._signer is None
    assert not key.public_key().verify(key.sign(MESSAGE), MESSAGE)


def test_another_version_or_a_missing_function_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    key = key_of()
    sm2_signer._functions.cache_clear()
    try:
        with monkeypatch.context() as patch:
            patch.setattr(gmssl_pyx, "__version__", "9.9.9")
            assert not key.prepare()
            with pytest.raises(NoSigner):
                Sm2Signer(SECRET)
        with monkeypatch.context() as patch:
            patch.setattr(gmssl_pyx.gmsslext, "__file__", "/nowhere.so")
            assert not key.prepare()
    finally:
        sm2_signer._functions.cache_clear()
    assert key._signer is None
    assert key.public_key().verify(key.sign(MESSAGE), MESSAGE)


def test_a_wrong_answer_of_the_library_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    key = key_of()
    monkeypatch.setattr(Sm2Signer, "sign", lambda *_: bytes(31) + b"\1" + bytes(31) + b"\2")
    assert not key.prepare()
    assert key.public_key().verify(key.sign(MESSAGE), MESSAGE)


def test_a_failure_of_the_library_is_a_signing_error() -> None:
    signer = Sm2Signer(SECRET)
    signer._sign = lambda *_: -1
    with pytest.raises(SigningError):
        signer.sign(bytes(32))


def test_a_signer_shows_nothing_and_stays_in_its_process() -> None:
    signer = Sm2Signer(SECRET)
    assert SECRET.hex() not in repr(signer)
    with pytest.raises(RuntimeError):
        pickle.dumps(signer)


def test_the_key_ring_prepares_its_keys(tmp_path_factory: pytest.TempPathFactory) -> None:
    workshop = open_workshop(tmp_path_factory.mktemp("ring"))
    key = workshop.ring._keys[workshop.seals[SM2_SEAL].key_id]
    assert isinstance(key, Sm2PrivateKey)
    assert key._signer is not None
