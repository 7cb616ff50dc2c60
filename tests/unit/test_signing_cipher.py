"""The cipher of personal columns and its blind index."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from certsvc.errors import IntegrityError
from certsvc.ids import SystemIds
from certsvc.signing.cipher import ColumnCipher
from certsvc.signing.master_key import MasterKey

CIPHER = ColumnCipher(MasterKey(bytes(range(32))), SystemIds())
OTHER = ColumnCipher(MasterKey(bytes(range(1, 33))), SystemIds())


@given(st.text())
def test_what_was_sealed_opens_again(text: str) -> None:
    assert CIPHER.open_text(CIPHER.seal_text(text, "license.holder_name"), "license.holder_name") == text


def test_the_same_text_never_seals_to_the_same_bytes() -> None:
    assert len({CIPHER.seal_text("张三", "license.holder_name") for _ in range(100)}) == 100


def test_the_text_does_not_stand_in_the_blob() -> None:
    assert b"990101199001010019" not in CIPHER.seal_text("990101199001010019", "license.holder_code")


@given(st.data())
def test_any_changed_byte_is_an_integrity_error(data: st.DataObject) -> None:
    blob = CIPHER.seal_text("张三", "license.holder_name")
    position = data.draw(st.integers(0, len(blob) - 1))
    flip = data.draw(st.integers(1, 255))
    changed = blob[:position] + bytes((blob[position] ^ flip,)) + blob[position + 1 :]
    with pytest.raises(IntegrityError):
        CIPHER.open_text(changed, "license.holder_name")


@pytest.mark.parametrize("blob", [b"", b"\x01", b"\x01" * 28, b"\x02" * 40])
def test_other_bytes_are_an_integrity_error(blob: bytes) -> None:
    with pytest.raises(IntegrityError):
        CIPHER.open_text(blob, "license.holder_name")


def test_a_blob_belongs_to_its_column_and_its_master_key() -> None:
    blob = CIPHER.seal_text("张三", "license.holder_name")
    with pytest.raises(IntegrityError):
        CIPHER.open_text(blob, "license.holder_code")
    with pytest.raises(IntegrityError, match="主密钥"):
        OTHER.open_text(blob, "license.holder_name")


def test_the_blind_index_finds_equals_within_a_column_only() -> None:
    index = CIPHER.blind("990101199001010019", "license.holder_code")
    assert len(index) == 32
    assert index == CIPHER.blind("990101199001010019", "license.holder_code")
    assert index != CIPHER.blind("990101199001010019", "request.holder_code")
    assert index != CIPHER.blind("990101198506150020", "license.holder_code")
    assert index != OTHER.blind("990101199001010019", "license.holder_code")
    assert CIPHER.blind("bc", "a") != CIPHER.blind("c", "ab")
