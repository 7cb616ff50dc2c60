"""Adds the pages for people to an application: public check, holder, officer, catalog, seals, printed codes.

The pages are plain files of ``pages/``: one layout, one fragment per page, CSS and ES modules. They are read once, at
start; nothing a caller sends ever becomes a path on disk. The pages talk to ``/v1`` from the browser like any other
client, so this room needs no command and no database.
"""

from __future__ import annotations

import hashlib
import html
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from starlette.convertors import Convertor, register_url_convertor
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fastapi import FastAPI
    from starlette.requests import Request

    from certsvc.commands.ports import Deps

PAGES_DIR = Path(__file__).parent / "pages"
STATIC_DIR = PAGES_DIR / "static"

MEDIA_TYPES: dict[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""What is served; a file of another kind in the folder is not."""

VERSION_LENGTH = 16
"""Hex digits of the digest in static addresses; a change of any file gives every file a new address."""

CACHE_FOREVER = "public, max-age=31536000, immutable"
CACHE_ASK = "no-cache"
CACHE_NEVER = "no-store"
"""For addresses that hold a code: neither the page nor its address stays behind."""

PAGE_HEADERS: dict[str, str] = {
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "X-Robots-Tag": "noindex",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One page: its path, its fragment in ``pages/``, its module in ``static/js/`` and its title."""

    path: str
    name: str
    title: str
    cache: str = CACHE_ASK
    status: int = 200


PAGES: tuple[Page, ...] = (
    Page(path="/", name="check", title="证照核验"),
    Page(path="/holder", name="holder", title="我的证照"),
    Page(path="/sign", name="sign", title="电子签名"),
    Page(path="/officer", name="officer", title="执法核验"),
    Page(path="/catalog", name="catalog", title="证照目录"),
    Page(path="/seals", name="seals", title="印章管理"),
    Page(path="/stamp", name="stamp", title="文件盖章"),
    Page(path="/q/{token:code_token}", name="code", title="证照二维码核验", cache=CACHE_NEVER),
    Page(path="/s/{token:code_token}", name="show", title="亮证码", cache=CACHE_NEVER),
    Page(path="/{rest:page_path}", name="missing", title="没有这个页面", status=404),
)
"""Every page; the last one answers whatever nothing else did."""


class CodeTokenConvertor(Convertor[str]):
    """The opaque part of a code in a path; its form is checked by the API, its alphabet here."""

    regex = "[A-Za-z0-9_-]{1,64}"

    def convert(self, value: str) -> str:
        """As it is."""
        return value

    def to_string(self, value: str) -> str:
        """As it is."""
        return value


class PagePathConvertor(Convertor[str]):
    """Any path outside the API: unknown addresses under ``/v1`` stay problem documents."""

    regex = "(?!v1(?:/|$)).*"

    def convert(self, value: str) -> str:
        """As it is."""
        return value

    def to_string(self, value: str) -> str:
        """As it is."""
        return value


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """A static file in memory."""

    body: bytes
    media_type: str
    etag: str


def install_pages(app: FastAPI, *, sandbox: bool) -> None:
    """Add every page and static file to ``app``; call it last, since its 404 page answers what is left.

    Args:
        app: the application; ``app.state.deps`` holds the ports when the first request comes.
        sandbox: the pages carry the sample banner and offer the login of synthetic people.
    """
    register_url_convertor("code_token", CodeTokenConvertor())
    register_url_convertor("page_path", PagePathConvertor())
    assets = _load_assets()
    version = _digest(b"".join(name.encode() + asset.body for name, asset in sorted(assets.items())))
    app.add_route("/static/{version}/{name:path}", _static(assets, version), include_in_schema=False)
    layout = (PAGES_DIR / "layout.html").read_text(encoding="utf-8")
    for page in PAGES:
        app.add_route(page.path, _page(page, layout, version, sandbox=sandbox), include_in_schema=False)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:VERSION_LENGTH]


def _load_assets() -> Mapping[str, Asset]:
    assets: dict[str, Asset] = {}
    for path in sorted(STATIC_DIR.rglob("*")):
        media_type = MEDIA_TYPES.get(path.suffix)
        if media_type is None:
            continue
        body = path.read_bytes()
        name = path.relative_to(STATIC_DIR).as_posix()
        assets[name] = Asset(body=body, media_type=media_type, etag=f'"{_digest(body)}"')
    return assets


def _static(assets: Mapping[str, Asset], current: str) -> Callable[[Request], Response]:
    """Files by name; under the current version they never change, under an older one the browser asks again."""

    def serve(request: Request) -> Response:
        asset = assets.get(request.path_params["name"])
        if asset is None:
            return Response("没有这个文件", status_code=404, media_type="text/plain; charset=utf-8")
        cache = CACHE_FOREVER if request.path_params["version"] == current else CACHE_ASK
        return _answer(request, asset.body, asset.media_type, asset.etag, {"Cache-Control": cache})

    return serve


def _page(page: Page, layout: str, version: str, *, sandbox: bool) -> Callable[[Request], Response]:
    """One page; what depends on the configuration is filled in per request, escaped."""
    fragment = (PAGES_DIR / f"{page.name}.html").read_text(encoding="utf-8")

    def serve(request: Request) -> Response:
        policy = cast("Deps", request.app.state.deps).policy
        values = {
            "title": page.title,
            "page": page.name,
            "static": f"/static/{version}",
            "profile": "sandbox" if sandbox else "production",
            "code_base": policy.public_base,
            "max_upload": str(policy.max_upload_bytes),
        }
        text = layout.replace("{{main}}", fragment)
        for key, value in values.items():
            text = text.replace("{{" + key + "}}", html.escape(value, quote=True))
        body = text.encode()
        headers = {**PAGE_HEADERS, "Cache-Control": page.cache}
        return _answer(request, body, "text/html; charset=utf-8", f'"{_digest(body)}"', headers, page.status)

    return serve


def _answer(
    request: Request, body: bytes, media_type: str, etag: str, headers: Mapping[str, str], status: int = 200
) -> Response:
    """``body``, or 304 when the browser holds it already (RFC 9110 §13.1.2)."""
    head = {**headers, "ETag": etag}
    if status == 200 and etag in request.headers.get("if-none-match", ""):  # noqa: PLR2004
        return Response(status_code=304, headers=head)
    return Response(body, status_code=status, media_type=media_type, headers=head)
