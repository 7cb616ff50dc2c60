"""The evidence log (C2SP tlog-tiles), for anyone: its leaves hold salted digests only."""

from __future__ import annotations

import base64
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from certsvc.api.auth import PUBLIC, Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.licenses import Identifier
from certsvc.api.models import Model
from certsvc.api.revalidation import NOT_MODIFIED, cached
from certsvc.commands.access.roles import HOLDER
from certsvc.commands.issuance.read_license import READERS
from certsvc.commands.log.append import log_origin
from certsvc.commands.log.bundle import read_bundle, read_place
from certsvc.commands.log.read import LogBoard
from certsvc.commands.ports import Principal

router = APIRouter(tags=["log 留痕日志"], route_class=JsonRoute)

CHECKPOINT_CACHE = "public, max-age=1"
"""A checkpoint is followed by another within a second of the next leaf."""
TILE_CACHE = "public, max-age=31536000, immutable"
ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}
NOTE_TYPE, TILE_TYPE = "text/plain; charset=utf-8", "application/octet-stream"
MAX_PATH = 64
MAX_INDEX = 2**53 - 1
"""The largest integer that every JSON reader keeps."""

ZIP_TYPE = "application/zip"
READER = Access(*READERS, HOLDER)

_BUNDLE: dict[int | str, dict[str, Any]] = {
    200: {"description": "证据包", "content": {ZIP_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
}
_TILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "内容不再改变", "content": {TILE_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
    **NOT_MODIFIED,
}
_NOTE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "签名的检查点（C2SP tlog-checkpoint）",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    },
    **NOT_MODIFIED,
}

Level = Annotated[int, Path(ge=0, le=63, description="层，0 为叶")]
TilePathText = Annotated[str, Path(max_length=MAX_PATH, description="编号，如 x001/x234/067；未满的另加 .p/宽度")]
Size = Annotated[int, Query(ge=0, le=MAX_INDEX, description="树的规模；0 为最新检查点的")]


class LogKeys(Model):
    """Whose signatures make a checkpoint."""

    origin: str = Field(description="日志名称，即检查点的第一行")
    verifier_keys: list[str] = Field(description="验证公钥（C2SP signed-note），新的在前，以前的、以前名称下的也在内")
    jwks: dict[str, Any] = Field(description="同样的公钥（RFC 7517）")


class InclusionOut(Model):
    """An inclusion proof (RFC 9162 §2.1.3); hashes in base64."""

    leaf_index: int
    leaf_hash: str
    size: int
    root: str
    path: list[str]
    checkpoint: str = Field(description="此规模的检查点；没有恰为此规模的为空，另取一致性证明")


class ConsistencyOut(Model):
    """A consistency proof (RFC 9162 §2.1.4); hashes in base64."""

    old_size: int
    new_size: int
    old_root: str
    new_root: str
    path: list[str]


def board_of(request: Request) -> LogBoard:
    """The log as this process reads it."""
    return cast("LogBoard", request.app.state.log_board)


@router.get("/v1/log/checkpoint", dependencies=[Depends(PUBLIC)], response_class=Response, responses=_NOTE)
def checkpoint(request: Request) -> Response:
    """最新检查点 · the newest checkpoint."""
    note = board_of(request).checkpoint(deps_of(request)).note.encode()
    return cached(request, note, NOTE_TYPE, cache_control=CHECKPOINT_CACHE, headers=ANY_ORIGIN)


@router.get("/v1/log/keys", dependencies=[Depends(PUBLIC)])
def log_keys(request: Request, response: Response) -> LogKeys:
    """验证检查点的公钥 · the keys that sign checkpoints."""
    deps = deps_of(request)
    origin = board_of(request).origin(deps) or log_origin(deps)
    response.headers.update(ANY_ORIGIN)
    names = [origin, *(one for one in board_of(request).names(deps) if one != origin)]
    keys = [key for name in names for key in deps.log_signer.keys(name)]
    return LogKeys(origin=origin, verifier_keys=keys, jwks=dict(deps.log_signer.jwks()))


@router.get(
    "/v1/log/tile/entries/{path:path}", dependencies=[Depends(PUBLIC)], response_class=Response, responses=_TILE
)
def entries(request: Request, path: TilePathText) -> Response:
    """一段留痕叶（各前置两字节长度） · a bundle of leaves."""
    data = board_of(request).entries(deps_of(request), path)
    return cached(request, data, TILE_TYPE, cache_control=TILE_CACHE, headers=ANY_ORIGIN)


@router.get(
    "/v1/log/tile/{level}/{path:path}", dependencies=[Depends(PUBLIC)], response_class=Response, responses=_TILE
)
def tile(request: Request, level: Level, path: TilePathText) -> Response:
    """一块散列 · a tile of hashes."""
    data = board_of(request).tile(deps_of(request), level, path)
    return cached(request, data, TILE_TYPE, cache_control=TILE_CACHE, headers=ANY_ORIGIN)


@router.get("/v1/log/proofs/inclusion", dependencies=[Depends(PUBLIC)])
def inclusion(
    request: Request,
    response: Response,
    evidence_id: Annotated[str, Query(max_length=MAX_PATH, description="留痕编号")] = "",
    leaf: Annotated[int | None, Query(ge=0, le=MAX_INDEX, description="或叶的序号，从 0 起")] = None,
    size: Size = 0,
) -> InclusionOut:
    """一条留痕在日志中的证明 · that a leaf is in the log."""
    proof = board_of(request).inclusion(deps_of(request), evidence_id=evidence_id, index=leaf, size=size)
    response.headers.update(ANY_ORIGIN)
    return InclusionOut(
        leaf_index=proof.index,
        leaf_hash=_text(proof.leaf),
        size=proof.size,
        root=_text(proof.root),
        path=[_text(one) for one in proof.path],
        checkpoint=proof.note,
    )


@router.get("/v1/log/proofs/consistency", dependencies=[Depends(PUBLIC)])
def consistency(
    request: Request,
    response: Response,
    old: Annotated[int, Query(alias="from", ge=1, le=MAX_INDEX, description="较早的规模")],
    new: Annotated[int, Query(alias="to", ge=0, le=MAX_INDEX, description="较晚的规模；0 为最新检查点的")] = 0,
) -> ConsistencyOut:
    """后来的日志以先前的为开头的证明 · that the later log begins with the earlier one."""
    proof = board_of(request).consistency(deps_of(request), old=old, new=new)
    response.headers.update(ANY_ORIGIN)
    return ConsistencyOut(
        old_size=proof.old,
        new_size=proof.new,
        old_root=_text(proof.old_root),
        new_root=_text(proof.new_root),
        path=[_text(one) for one in proof.path],
    )


class PlaceOut(Model):
    """Under which number a license was put in evidence."""

    number: int = Field(description="存证号：颁发或登记的留痕是日志的第几条；0 为尚未纳入检查点，通常在一秒之内纳入")
    size: int = Field(description="最新检查点的条数")


@router.get("/v1/licenses/{identifier}/evidence/place")
def place(request: Request, identifier: Identifier, caller: Annotated[Principal, Depends(READER)]) -> PlaceOut:
    """一张证照的存证号 · where it stands in the log: for those who may have its bundle."""
    found = read_place(deps_of(request), caller, identifier)
    return PlaceOut(number=found.number, size=found.size)


@router.get("/v1/licenses/{identifier}/evidence", response_class=Response, responses=_BUNDLE)
def evidence(request: Request, identifier: Identifier, caller: Annotated[Principal, Depends(READER)]) -> Response:
    """一张证照的证据包（ZIP），可脱机验证 · the evidence bundle of a license: auditors, its issuer, its holder."""
    data = read_bundle(deps_of(request), caller, identifier, board=board_of(request))
    name = f'attachment; filename="{identifier}-evidence.zip"'
    headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
    return Response(data, media_type=ZIP_TYPE, headers=headers)


def _text(hashed: bytes) -> str:
    return base64.b64encode(hashed).decode()
