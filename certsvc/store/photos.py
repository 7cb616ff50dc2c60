"""Photos, encrypted; found by a keyed digest of their bytes."""

from __future__ import annotations

import base64
import binascii
import hashlib
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import select

from certsvc.errors import IntegrityError, NotFound
from certsvc.store.one_of import one_of
from certsvc.store.tables import photos
from certsvc.store.transaction import Insert, insert_into

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from certsvc.store.transaction import Transaction

_DATA = "photos.data"
_BY_IDS = select(photos.c.photo_id, photos.c.data).where(one_of(photos.c.photo_id, "which"))


@cache
def _insert(dialect: str) -> Insert:
    return insert_into(dialect, photos).on_conflict_do_nothing()


class PhotoRows:
    """Implements ``store_ports.Photos``."""

    def __init__(self, tx: Transaction) -> None:
        """Work in ``tx``."""
        self._tx = tx

    def put(self, data: bytes) -> str:
        """Store once and return the id."""
        photo_id = self.id_of(data)
        self._tx.changed(_insert(self._tx.dialect), photo_id=photo_id, data=self._sealed(data, photo_id))
        return photo_id

    def id_of(self, data: bytes) -> str:
        """The id of these bytes: ``photo_`` and a keyed digest, which tells nothing without the key."""
        return f"photo_{self._tx.blind(hashlib.sha256(data).hexdigest(), _DATA).hex()}"

    def put_all(self, several: Collection[bytes]) -> None:
        """Store each once, in the order of their ids, so that two transactions do not wait for each other."""
        for photo_id, data in sorted({self.id_of(data): data for data in several}.items()):
            self._tx.append(_insert(self._tx.dialect), photo_id=photo_id, data=self._sealed(data, photo_id))

    def get(self, photo_id: str) -> bytes:
        """The JPEG; NotFound."""
        found = self.get_all([photo_id])
        if photo_id not in found:
            raise NotFound("照片不存在，请重新上传照片")
        return found[photo_id]

    def get_all(self, photo_ids: Sequence[str]) -> Mapping[str, bytes]:
        """The JPEGs that are there, by id."""
        rows = self._tx.rows(_BY_IDS, which=list(photo_ids)) if photo_ids else ()
        return {row["photo_id"]: self._open(row["photo_id"], row["data"]) for row in rows}

    def _sealed(self, data: bytes, photo_id: str) -> bytes:
        return self._tx.seal(base64.b64encode(data).decode("ascii"), _DATA, photo_id)

    def _open(self, photo_id: str, sealed: bytes) -> bytes:
        try:
            return base64.b64decode(self._tx.open(sealed, _DATA, photo_id), validate=True)
        except binascii.Error as error:
            raise IntegrityError("照片内容已损坏，请从备份恢复") from error
