"""The public lists of the catalog (证照目录 and the three 清单), as data or as a spreadsheet."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from certsvc.api.auth import PUBLIC, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.api.negotiation import choose
from certsvc.catalog.lists import PublicList, public_lists
from certsvc.errors import NotFound

router = APIRouter(tags=["catalog 目录"], route_class=JsonRoute)

JSON = "application/json"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMS = {"json": JSON, "xlsx": XLSX}

ListName = Annotated[str, Path(max_length=32, pattern=r"^[a-z-]+$", description="清单名，见 /v1/catalog/lists")]


class ListInfo(Model):
    """One list that can be read."""

    name: str
    title: str
    rows: int = Field(description="行数")


class ListOut(Model):
    """One list; every row is as long as the header."""

    name: str
    title: str
    header: list[str]
    rows: list[list[str]]


_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "按 format 或 Accept 给出：application/json（缺省）或 XLSX；其他类型答 406",
        "model": ListOut,
        "content": {XLSX: {"schema": {"type": "string", "format": "binary"}}},
        "headers": {"Vary": {"description": "Accept", "schema": {"type": "string"}}},
    }
}


@router.get("/v1/catalog/lists", dependencies=[Depends(PUBLIC)])
def names(request: Request) -> list[ListInfo]:
    """证照目录、电子证照制作清单、四电应用清单、免证办事项清单: the lists that are published."""
    return [ListInfo(name=item.name, title=item.title, rows=len(item.rows)) for item in _lists(request)]


@router.get("/v1/catalog/lists/{name}", dependencies=[Depends(PUBLIC)], response_class=Response, responses=_ANSWER)
def one(
    request: Request,
    name: ListName,
    form: Annotated[Literal["json", "xlsx"] | None, Query(alias="format", description="优先于 Accept")] = None,
) -> Response:
    """One list of the catalog in effect, as JSON or XLSX."""
    media = FORMS[form] if form else choose(request.headers.get("accept", ""), tuple(FORMS.values()))
    found = next((item for item in _lists(request) if item.name == name), None)
    if found is None:
        raise NotFound("没有这个清单，请从 /v1/catalog/lists 选取")
    headers = {"Vary": "Accept", "Cache-Control": "no-cache"}
    if media == JSON:
        rows = [list(row) for row in found.rows]
        body = ListOut(name=found.name, title=found.title, header=list(found.header), rows=rows)
        return Response(body.model_dump_json(), media_type=JSON, headers=headers)
    named = f"filename=\"{found.name}.xlsx\"; filename*=UTF-8''{quote(found.title)}.xlsx"
    headers["Content-Disposition"] = f"attachment; {named}"
    data = deps_of(request).renderer.table_xlsx(found.title, found.header, found.rows)
    return Response(data, media_type=XLSX, headers=headers)


def _lists(request: Request) -> tuple[PublicList, ...]:
    return public_lists(deps_of(request).catalog)
