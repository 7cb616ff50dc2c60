"""Status lists of licenses (draft-ietf-oauth-status-list), for anyone: nobody asks here about a single license.

Browsers of other origins may read them too (§8.1): they hold no personal data, and no credentials are looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from certsvc.api.auth import PUBLIC, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.api.negotiation import choose
from certsvc.api.revalidation import NOT_MODIFIED, cached
from certsvc.commands.verifying.status_lists import Form, StatusBoard, lists
from certsvc.errors import NotFound
from certsvc.license.status_list import MAX_AGE_S

router = APIRouter(tags=["status 状态列表"], route_class=JsonRoute)

FORMS = tuple(form.value for form in Form)
"""The first is what a caller gets who does not say."""

CACHE_CONTROL = f"public, max-age={MAX_AGE_S}"
ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}

_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "按 Accept 给出 JWT（缺省）或 CWT；其他类型答 406。ttl、exp 见列表内的声明",
        "content": dict.fromkeys(FORMS, _BINARY),
        "headers": {
            "ETag": {"description": "内容的 SHA-256", "schema": {"type": "string"}},
            "Vary": {"description": "Accept", "schema": {"type": "string"}},
        },
    },
    **NOT_MODIFIED,
}

ListId = Annotated[str, Path(max_length=16, description="列表编号；每项两位的为“编号-2”")]


class Aggregation(Model):
    """Every list there is (§9.3)."""

    status_lists: list[str]


def board_of(request: Request) -> StatusBoard:
    """The lists of this process."""
    return cast("StatusBoard", request.app.state.status_board)


@router.get("/v1/status-lists", dependencies=[Depends(PUBLIC)])
def aggregation(
    request: Request,
    response: Response,
    bits: Annotated[int, Query(ge=1, le=2, description="每项位数：1 有效或无效；2 另分出暂扣")] = 1,
) -> Aggregation:
    """全部状态列表的地址，供离线核验预先下载 · all lists, for readers who will be without network."""
    response.headers.update({"Cache-Control": CACHE_CONTROL, **ANY_ORIGIN})
    return Aggregation(status_lists=list(lists(deps_of(request), bits)))


@router.get("/v1/status-lists/keys", dependencies=[Depends(PUBLIC)])
def status_keys(request: Request) -> Mapping[str, Any]:
    """状态列表签名公钥（JWKS，RFC 7517），含以前的 · the public keys of status lists, those of before included."""
    return dict(deps_of(request).status_signer.keys())


@router.get("/v1/status-lists/{list_id}", dependencies=[Depends(PUBLIC)], response_class=Response, responses=_RESPONSES)
def status_list(
    request: Request,
    list_id: ListId,
    time: Annotated[str, Query(max_length=32, description="不提供历史列表，填写即答 404")] = "",
) -> Response:
    """一个状态列表 · one list, at most seconds behind the register."""
    if time:
        # §8.4: a current list must not be taken for one of the past.
        raise NotFound("不提供历史状态列表；某一时刻的状态请用 POST /v1/verifications 的 at 查询")
    form = Form(choose(request.headers.get("accept", ""), FORMS))
    data = board_of(request).signed(deps_of(request), list_id, form).data
    return cached(request, data, form.value, cache_control=CACHE_CONTROL, headers={"Vary": "Accept", **ANY_ORIGIN})
