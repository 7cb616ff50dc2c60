"""The evidence bundle of a license: one ZIP that verifies without this service.

It holds the file, later forms of it, the signatures out of it, what the register says now, events, the leaves about
the license with their inclusion proofs, and the checkpoint with its timestamp. The manifest, with all leaves and the
digest of every file, is signed with the key of the log: what somebody leaves out of a bundle is missed. Salt and
details of a leaf are given for the kinds that the reader may see; leaves of other kinds are left out, for that they
are about this license is not the reader's to know. Details that name somebody else's account, or to the issuer
another body's case, lack that part: a leaf holds a digest of each part alone, so that what is left still verifies.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import zipfile
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from certsvc.clock import rfc3339
from certsvc.commands.access import roles
from certsvc.commands.evidence.gone import kept_file
from certsvc.commands.evidence.record import record
from certsvc.commands.evidence.rows import MADE
from certsvc.commands.issuance.read_license import READERS, visible
from certsvc.commands.log.append import log_origin
from certsvc.commands.log.read import LogBoard
from certsvc.commands.showing.rights import holder_of, same
from certsvc.commands.verifying.stands import stands
from certsvc.errors import IntegrityError, NotFound
from certsvc.events.canonical import canonical
from certsvc.events.checkpoint import read_note, write_note
from certsvc.events.envelope import PREFIX
from certsvc.events.merkle import inclusion_proof
from certsvc.license.model import LATER_FORMS, as_registered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.events.checkpoint import Checkpoint
    from certsvc.events.evidence import EvidenceRow
    from certsvc.license.model import Artifact, LicenseVersion, MoveRecord

FORMAT = "certsvc-evidence/2"
"""2: the manifest is signed, and details may lack ``actor`` and ``content``."""
MANIFEST, MANIFEST_NOTE = "bundle.json", "bundle.note"
SIGNED_AS = "certsvc-evidence"
"""Second line of the note over a manifest: a checkpoint has a number there, so neither is taken for the other."""
EXPORTED = "evidence.exported"
"""That a bundle was taken is in the log, but in no bundle: it says nothing of the license."""
MAX_LEAVES = 2000
"""Leaves of one bundle beside those of the license's life, and events; the newest: bounds what a license that was
scanned without end can make a request hold, and scans never push its issue or its ending out."""
LIFE = ("license.", "issuance.", "registration.")
USES, REFUSED_USE = "fetch.", "fetch.refused"

AUDITOR, ISSUER, HOLDER, OPERATOR = "auditor", "issuer", "holder", "operator"
SEEN: dict[str, tuple[str, ...]] = {
    AUDITOR: ("",),
    OPERATOR: ("",),
    ISSUER: (*LIFE, USES),
    HOLDER: (*LIFE, USES, "scan.", "show.", "challenge.", "grant."),
}
"""Beginnings of the kinds of leaves that a reader may see."""
SEEN_EVENTS: dict[str, tuple[str, ...]] = {
    AUDITOR: ("",),
    OPERATOR: ("",),
    ISSUER: (PREFIX + "license.",),
    HOLDER: (PREFIX + "license.",),
}
"""Beginnings of the types of events that a reader may see: others name who else looks at the license."""

_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s+(\d{1,10})\s*\]")
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    version: LicenseVersion
    moves: Sequence[MoveRecord]
    leaves: Sequence[EvidenceRow]
    whole: bool
    events: Sequence[dict[str, object]]
    checkpoint: Checkpoint
    token: bytes
    status: dict[str, object]
    later: Sequence[Artifact]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """Who reads a bundle: as what (a key of :data:`SEEN`), and by which account."""

    reader: str
    account: str

    def told_of(self, row: EvidenceRow) -> bytes:
        """The details of a leaf, canonical, as this reader may have them.

        Which officer, clerk or system acted stays in the register, but for what the reader did; and the issuer learns
        that a license was used, not in which case of which body.
        """
        if self.reader in {AUDITOR, OPERATOR}:
            return row.details
        details = orjson.loads(row.details)
        if details["actor"] != self.account:
            del details["actor"]
        if (self.reader == ISSUER and row.kind.startswith(USES)) or row.kind == REFUSED_USE:
            del details["content"]  # why a body was refused is its own matter, as in the ledger of uses
        return canonical(details)


def read_bundle(deps: Deps, caller: Principal, identifier: str, *, board: LogBoard) -> bytes:
    """The bundle for the auditor, the issuing authority, or the holder of the license.

    Raises:
        NotFound: no such license, or none of the caller's, in the same words; or nothing of it is in the log yet.
    """
    with deps.uow.read() as tx:
        reader = _reader(deps, tx, caller, identifier)
    return make_bundle(deps, identifier, reader=reader, actor=caller.subject, board=board)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where the leaf of the issue or registration stands: its number from 1 (0: in no checkpoint yet), of how many."""

    number: int
    size: int


def read_place(deps: Deps, caller: Principal, identifier: str) -> Place:
    """Under which number a license was put in evidence, for those who may have its bundle; NotFound as there."""
    with deps.uow.read() as tx:
        _reader(deps, tx, caller, identifier)
        newest = tx.log.newest()
        made = tx.log.about(identifier, beginnings=tuple(MADE), limit=1)
    number = made[0].position if made else 0
    return Place(number=number, size=newest.size if newest else 0)


def _reader(deps: Deps, tx: UnitOfWork, caller: Principal, identifier: str) -> str:
    """As what the caller reads of this license; NotFound in the same words where it is none of theirs."""
    roles.require(caller, *READERS, roles.HOLDER)
    if caller.roles.isdisjoint(READERS):
        version = tx.licenses.by_identifier(identifier)
        if version is None or not same(version.holder, holder_of(caller)):
            raise NotFound("没有这张证照，请核对证照标识")
        return HOLDER
    visible(deps, tx, caller, identifier)
    return AUDITOR if roles.AUDITOR in caller.roles else ISSUER


def make_bundle(
    deps: Deps, identifier: str, *, reader: str, actor: str = "operator", board: LogBoard | None = None
) -> bytes:
    """The bundle as ``reader`` (a key of :data:`SEEN`) may have it; that it was made is on record.

    Raises:
        NotFound: no such license, or nothing of it is in the log yet.
        IntegrityError: the file is not the registered one.
    """
    with deps.uow.read() as tx:
        known = _read(deps, tx, identifier, reader)
    whose = Reading(reader=reader, account=actor)
    data = _registered(deps, known.version.artifact)
    forms = {f"forms/{number}.pdf": _registered(deps, one) for number, one in enumerate(known.later, 1)}
    files = {"license.pdf": data, **_signatures(data), **forms, "checkpoint.txt": known.checkpoint.note.encode()}
    if known.token:
        files["checkpoint.tst"] = known.token
    files["status.json"] = _json(known.status)
    files["events.json"] = _json(list(known.events))
    now = deps.clock.now()
    head, _, _ = read_note(known.checkpoint.note)
    node = (board or LogBoard()).nodes(deps)
    manifest = {
        "format": FORMAT,
        "identifier": identifier,
        "made_at": rfc3339(now),
        "reader": reader,
        "origin": head.origin or log_origin(deps),
        "verifier_keys": list(deps.log_signer.keys(head.origin)),
        "size": head.size,
        "leaves": [
            _leaf(row, whose, inclusion_proof(row.position - 1, head.size, node))
            for row in known.leaves
            if row.position <= head.size
        ],
        "whole": known.whole,
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    with deps.uow() as tx:
        content = {"reader": reader, "size": head.size}
        record(tx, deps, kind=EXPORTED, subject=identifier, actor=actor, content=content, at=now)
    listed = _json(manifest)
    return zipped({MANIFEST: listed, MANIFEST_NOTE: signed_manifest(deps, head.origin, listed), **files})


def _registered(deps: Deps, artifact: Artifact) -> bytes:
    data = kept_file(deps, artifact.object_name)
    if hashlib.sha256(data).hexdigest() != artifact.sha256:
        raise IntegrityError("证照文件与登记的摘要不一致，已停止提供，请联系运维")
    return data


def signed_manifest(deps: Deps, origin: str, manifest: bytes, signed_as: str = SIGNED_AS) -> bytes:
    """A signed note (C2SP) over the digest of the manifest in the name of the log; ``signed_as`` is its second line."""
    text = f"{origin}\n{signed_as}\n{hashlib.sha256(manifest).hexdigest()}\n"
    return write_note(text, (deps.log_signer.sign(text, origin),)).encode()


def _read(deps: Deps, tx: UnitOfWork, identifier: str, reader: str) -> _Known:
    version = tx.licenses.by_identifier(identifier)
    if version is None:
        raise NotFound("没有这张证照，请核对证照标识")
    later: Sequence[Artifact] = ()
    if version.artifact.kind in LATER_FORMS:  # leaves name the file of the registration, whose bytes a later form keeps
        forms = tx.care.forms_of([version.version_id])
        later = [one for one in forms[version.version_id] if one.kind in LATER_FORMS]
        version = as_registered(version, forms)
    now = deps.clock.now()
    life = tx.log.about(identifier, beginnings=LIFE, limit=MAX_LEAVES)
    newest_of_all = tx.log.about(identifier, beginnings=SEEN[reader], limit=MAX_LEAVES)
    about = {row.position: row for row in (*life, *newest_of_all)}
    rows = [row for _, row in sorted(about.items()) if row.kind != EXPORTED and _told(row, reader, now)]
    newest, stamp = tx.log.newest(), tx.log.newest_stamp()
    if newest is None or not rows:
        raise NotFound("这张证照的留痕尚未进入日志，通常在一秒之内进入，请稍后再取")
    stamped = tx.log.at_size(stamp.size) if stamp else None
    # A timestamped checkpoint that has everything says more than a newer one.
    use = stamped if stamped is not None and stamped.size >= rows[-1].position else newest
    moves = tx.licenses.moves_of(version.version_id)
    standing = stands(deps, tx, version, now)
    return _Known(
        version=version,
        moves=moves,
        leaves=rows,
        whole=len(newest_of_all) < MAX_LEAVES,
        events=[
            one.in_feed() for one in tx.log.events_about(identifier, beginnings=SEEN_EVENTS[reader], limit=MAX_LEAVES)
        ],
        checkpoint=use,
        token=stamp.token if stamp is not None and use is stamped else b"",
        status=_status(version, moves, good=standing.good, at=rfc3339(now)),
        later=later,
    )


def _told(row: EvidenceRow, reader: str, now: datetime) -> bool:
    """Whether the reader may know of a leaf yet: 暂缓告知 holds for a bundle as for 谁用过我的证."""
    return reader in {AUDITOR, OPERATOR} or not is_withheld(row, now)


def is_withheld(row: EvidenceRow, now: datetime) -> bool:
    """Whether a leaf is of a use that the holder must not be told of yet (暂缓告知)."""
    if not row.kind.startswith(USES):
        return False
    until = orjson.loads(row.details)["content"].get("withheld_until")
    return bool(until) and datetime.fromisoformat(str(until)) > now


def _status(version: LicenseVersion, moves: Sequence[MoveRecord], *, good: bool, at: str) -> dict[str, object]:
    return {
        "identifier": version.identifier,
        "type": version.type_slug,
        "issuer_code": version.issuer_code,
        "issuer_name": version.issuer_name,
        "issued_on": version.issued_on.isoformat(),
        "valid_from": version.valid_from.isoformat(),
        "valid_until": version.valid_until.isoformat() if version.valid_until else "",
        "sha256": version.artifact.sha256,
        "state": version.state.value,
        "good": good,
        "as_of": at,
        "moves": [
            {
                "move_id": one.move_id,
                "move": one.name,
                "from_state": one.from_state.value,
                "to_state": one.to_state.value,
                "authority_code": one.decision.authority_code if one.decision else "",
                "document_no": one.decision.document_no if one.decision else "",
                "at": rfc3339(one.at),
            }
            for one in moves
        ],
    }


def _leaf(row: EvidenceRow, whose: Reading, path: Sequence[bytes]) -> dict[str, object]:
    return {
        "index": row.position - 1,
        "kind": row.kind,
        "leaf": base64.b64encode(row.leaf).decode(),
        "salt": row.salt.hex(),
        "details": base64.b64encode(whose.told_of(row)).decode(),
        "path": [base64.b64encode(one).decode() for one in path],
    }


def _signatures(pdf: bytes) -> dict[str, bytes]:
    """The contents of every signature, in the order of the file: CMS, seal objects, and timestamps."""
    found: dict[str, bytes] = {}
    for number, match in enumerate(_BYTE_RANGE.finditer(pdf), 1):
        first, length, second, _ = (int(one) for one in match.groups())
        hexadecimal = pdf[first + length + 1 : second - 1].strip(b"\x00 \r\n\t")
        try:
            data = bytes.fromhex(hexadecimal.decode("ascii"))
        except ValueError:
            continue
        found[f"signatures/{number}.der"] = _trimmed(data)
    return found


def _trimmed(data: bytes) -> bytes:
    """The DER without the zeros that fill its hole (X.690 §8.1.3)."""
    if len(data) < 2 or data[1] < 0x80:  # noqa: PLR2004
        return data[: 2 + (data[1] if len(data) > 1 else 0)]
    count = data[1] & 0x7F
    return data[: 2 + count + int.from_bytes(data[2 : 2 + count], "big")]


def _json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)


def zipped(files: dict[str, bytes]) -> bytes:
    """A ZIP whose bytes depend on its content alone."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, date_time=_EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return out.getvalue()
