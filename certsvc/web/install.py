"""Adds the pages for people to an application: public check, holder, officer, catalog, seals, printed codes.

Most pages are plain files of ``pages/``: one layout, one fragment per page, CSS and ES modules. Those of holders,
officers, counters and departments are built from ``ui/`` (docs/front-end.md) and kept on the device by a service
worker. All are read once, at start; nothing a caller sends ever becomes a path on disk. The pages talk to ``/v1`` from
the browser like any other client, so this room needs no command and no database.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from starlette.convertors import Convertor, register_url_convertor
from starlette.responses import Response

from certsvc.web.built import (
    BUILT_PAGES,
    BUILT_PATH,
    ENCODINGS,
    Built,
    BuiltPageSpec,
    load_built,
    web_manifest,
    worker_script,
)
from certsvc.web.files import CACHE_ASK, CACHE_FOREVER, CACHE_NEVER, MEDIA_TYPES, answer, digest, no_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fastapi import FastAPI
    from starlette.requests import Request

    from certsvc.commands.ports import Deps

PAGES_DIR = Path(__file__).parent / "pages"
STATIC_DIR = PAGES_DIR / "static"

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
    Page(path="/sign", name="sign", title="电子签名"),
    Page(path="/catalog", name="catalog", title="证照目录"),
    Page(path="/seals", name="seals", title="印章管理"),
    Page(path="/stamp", name="stamp", title="文件盖章"),
    Page(path="/supervision", name="supervision", title="电子监察"),
    Page(path="/r/{token:code_token}", name="rate", title="请评价这次服务", cache=CACHE_NEVER),
    Page(path="/signed-in", name="signed_in", title="登录", cache=CACHE_NEVER),
    Page(path="/q/{token:code_token}", name="code", title="证照二维码核验", cache=CACHE_NEVER),
    Page(path="/s/{token:code_token}", name="show", title="亮证码", cache=CACHE_NEVER),
    Page(path="/o/{token:code_token}", name="proof", title="来检查的是谁", cache=CACHE_NEVER),
    Page(path="/{rest:page_path}", name="missing", title="没有这个页面", status=404),
)
"""Every plain page; the last one answers whatever nothing else did."""

CONTENT_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; style-src 'self'; script-src 'self'{more}; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""The policy of every answer (certsvc/api/limits.py), with room for what one page needs besides."""


CHALLENGE_PATH = "/c/{token:code_token}"
"""Where a verifier's challenge leads a phone's camera: to the holder's page, which asks who wants to know."""

ABILITIES: dict[str, str] = {"challenge": "/v1/challenges", "outcome": "/v1/scans/{scan_id}/outcome"}
"""What a built page offers only where the service has the route for it; the frame tells the page."""

KEPT_STATIC = ("mark.svg", "js/first.js", "css/base.css", "css/parts.css", "css/pages.css")
"""Static files the frame of a built page names, kept on the device with it."""


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


def install_pages(app: FastAPI, *, sandbox: bool, login: str = "") -> None:
    """Add every page and static file to ``app``; call it last, since its 404 page answers what is left.

    Args:
        app: the application; ``app.state.deps`` holds the ports when the first request comes.
        sandbox: the pages carry the sample banner and offer the login of synthetic people.
        login: the identity provider's sign-in page, as far as it is the same for everybody; empty: there is none.
    """
    register_url_convertor("code_token", CodeTokenConvertor())
    register_url_convertor("page_path", PagePathConvertor())
    app.state.login_url = login
    assets = _load_assets()
    version = digest(b"".join(name.encode() + asset.body for name, asset in sorted(assets.items())))
    app.add_route("/static/{version}/{name:path}", _static(assets, version), include_in_schema=False)
    layout = (PAGES_DIR / "layout.html").read_text(encoding="utf-8")
    built = load_built()
    if built is None:
        for spec in BUILT_PAGES:
            page = Page(path=f"/{spec.name}", name="unbuilt", title=spec.title, status=503, cache=CACHE_NEVER)
            app.add_route(page.path, _page(page, layout, version, sandbox=sandbox), include_in_schema=False)
    else:
        _install_built(app, built, version, sandbox=sandbox)
    for page in PAGES:
        app.add_route(page.path, _page(page, layout, version, sandbox=sandbox), include_in_schema=False)


def _load_assets() -> Mapping[str, Asset]:
    assets: dict[str, Asset] = {}
    for path in sorted(STATIC_DIR.rglob("*")):
        media_type = MEDIA_TYPES.get(path.suffix)
        if media_type is None:
            continue
        body = path.read_bytes()
        name = path.relative_to(STATIC_DIR).as_posix()
        assets[name] = Asset(body=body, media_type=media_type, etag=f'"{digest(body)}"')
    return assets


def _static(assets: Mapping[str, Asset], current: str) -> Callable[[Request], Response]:
    """Files by name; under the current version they never change, under an older one the browser asks again."""

    def serve(request: Request) -> Response:
        asset = assets.get(request.path_params["name"])
        if asset is None:
            return no_file()
        cache = CACHE_FOREVER if request.path_params["version"] == current else CACHE_ASK
        return answer(request, asset.body, asset.media_type, asset.etag, {"Cache-Control": cache})

    return serve


def _page(page: Page, layout: str, version: str, *, sandbox: bool) -> Callable[[Request], Response]:
    """One plain page."""
    text = layout.replace("{{main}}", (PAGES_DIR / f"{page.name}.html").read_text(encoding="utf-8"))

    def serve(request: Request) -> Response:
        body = _filled(request, text, title=page.title, name=page.name, version=version, sandbox=sandbox)
        headers = {**PAGE_HEADERS, "Cache-Control": page.cache}
        return answer(request, body, "text/html; charset=utf-8", f'"{digest(body)}"', headers, page.status)

    return serve


def _filled(request: Request, text: str, *, title: str, name: str, version: str, sandbox: bool) -> bytes:
    """A page with what depends on the configuration, escaped."""
    policy = cast("Deps", request.app.state.deps).policy
    values = {
        "title": title,
        "page": name,
        "static": f"/static/{version}",
        "profile": "sandbox" if sandbox else "production",
        "code_base": policy.public_base,
        "max_upload": str(policy.max_upload_bytes),
        "login": request.app.state.login_url,
    }
    for key, value in values.items():
        text = text.replace("{{" + key + "}}", html.escape(value, quote=True))
    return text.encode()


def _install_built(app: FastAPI, built: Built, version: str, *, sandbox: bool) -> None:
    """The pages of ``ui/``, their files, workers and web manifests."""
    app.add_route(BUILT_PATH + "{name:path}", _built_file(built), include_in_schema=False)
    paths = {getattr(route, "path", "") for route in app.routes}
    able = " ".join(name for name, path in ABILITIES.items() if path in paths)
    frame = (PAGES_DIR / "app.html").read_text(encoding="utf-8").replace("{{able}}", able)
    for spec in BUILT_PAGES:
        path = f"/{spec.name}"
        page = _built_page(spec, built, frame, version, sandbox=sandbox)
        app.add_route(path, page, include_in_schema=False)
        if spec.name == "holder":
            app.add_route(CHALLENGE_PATH, page, include_in_schema=False)
        kept = tuple(f"/static/{version}/{name}" for name in KEPT_STATIC)
        script = worker_script(built, path=path, files=(*kept, *built.page(spec.name).files), frame=frame)
        app.add_route(
            f"{path}/worker.js",
            _fixed(script, MEDIA_TYPES[".js"], {"Service-Worker-Allowed": path}),
            include_in_schema=False,
        )
        manifest = web_manifest(path=path, title=spec.title, icon=f"/static/{version}/mark.svg")
        app.add_route(
            f"{path}/app.webmanifest", _fixed(manifest, "application/manifest+json", {}), include_in_schema=False
        )


def _built_page(
    spec: BuiltPageSpec, built: Built, frame: str, version: str, *, sandbox: bool
) -> Callable[[Request], Response]:
    page = built.page(spec.name)
    links = [f'<link rel="stylesheet" href="{address}">' for address in page.styles]
    links += [f'<link rel="modulepreload" href="{address}">' for address in page.modules]
    text = frame.replace("{{styles}}", "\n".join(links)).replace("{{script}}", page.script)
    policy = CONTENT_POLICY.format(more=spec.scripts)
    headers = {**PAGE_HEADERS, "Content-Security-Policy": policy}

    def serve(request: Request) -> Response:
        body = _filled(request, text, title=spec.title, name=spec.name, version=version, sandbox=sandbox)
        # An address that holds a code stays nowhere.
        kept = {**headers, "Cache-Control": CACHE_NEVER if request.path_params else CACHE_ASK}
        return answer(request, body, "text/html; charset=utf-8", f'"{digest(body)}"', kept)

    return serve


def _built_file(built: Built) -> Callable[[Request], Response]:
    """Files whose name changes with their content, in the best coding the browser takes."""

    def serve(request: Request) -> Response:
        file = built.files.get(request.path_params["name"])
        if file is None:
            return no_file()
        head = {"Cache-Control": CACHE_FOREVER, "Vary": "Accept-Encoding"}
        taken = {part.split(";")[0].strip() for part in request.headers.get("accept-encoding", "").split(",")}
        for coding, _ in ENCODINGS:
            if coding in taken and coding in file.coded:
                body = file.coded[coding]
                return Response(body, media_type=file.media_type, headers={**head, "Content-Encoding": coding})
        return Response(file.body, media_type=file.media_type, headers=head)

    return serve


def _fixed(body: bytes, media_type: str, headers: Mapping[str, str]) -> Callable[[Request], Response]:
    """Something that is the same for everybody until the service is started anew."""
    etag = f'"{digest(body)}"'

    def serve(request: Request) -> Response:
        return answer(request, body, media_type, etag, {"Cache-Control": CACHE_ASK, **headers})

    return serve
