"""The files of rounds: named by their digest, read back before anything refers to them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from certsvc.errors import IntegrityError

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps
    from certsvc.seal.signing_round import Revision

PREFIX = "signings/"
PDF = "application/pdf"


def document_name(sha256: str) -> str:
    """Object name of a revision."""
    return f"{PREFIX}{sha256[:2]}/{sha256}.pdf"


def store_document(deps: Deps, data: bytes) -> str:
    """Store a revision and read it back; its digest."""
    digest = hashlib.sha256(data).hexdigest()
    name = document_name(digest)
    deps.objects.put(name, data, content_type=PDF)
    if deps.objects.get(name) != data:
        raise IntegrityError("文件存储读回的内容与写入的不一致，请联系运维")
    return digest


def load_document(deps: Deps, revision: Revision) -> bytes:
    """A revision's bytes; IntegrityError when they are not those that were registered."""
    data = deps.objects.get(document_name(revision.sha256))
    if hashlib.sha256(data).hexdigest() != revision.sha256:
        raise IntegrityError("文件内容与登记的摘要不一致，请联系运维")
    return data
