"""What ``make ui`` built from ``web/ui``: hashed files, the worker that keeps a page on the device, the web manifest.

The folder ``built/`` is not committed. Where it is missing, the pages that need it say what to run; every other
page and the API work without it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from certsvc.web.files import MEDIA_TYPES, digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BUILT_DIR = Path(__file__).parent / "built"
BUILT_PATH = "/ui/"
"""Where the files are served; ``base`` in ``ui/vite.config.ts`` says the same."""

WASM = " 'wasm-unsafe-eval'"
"""Compiling WebAssembly, for the reader of codes; it lets no text become script."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltPageSpec:
    """A page built from ``ui/``: its name is its path, its entry and its worker's scope."""

    name: str
    title: str
    scripts: str = ""


BUILT_PAGES: tuple[BuiltPageSpec, ...] = (
    BuiltPageSpec(name="holder", title="我的证照"),
    BuiltPageSpec(name="officer", title="执法核验", scripts=WASM),
    BuiltPageSpec(name="counter", title="综合窗口"),
    BuiltPageSpec(name="department", title="用证部门"),
)

MISSING_BUILD_ZH = (
    "、".join(f"{spec.title}页（/{spec.name}）" for spec in BUILT_PAGES)
    + "还没有构建，或不是按这一版构建的：请先运行 make ui，再重新启动"
)

ENCODINGS: tuple[tuple[str, str], ...] = (("br", ".br"), ("gzip", ".gz"))
"""Content codings the build made, best first, and how their files end."""

WORKER_ENTRY = "src/worker/worker.ts"


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltFile:
    """A built file in memory: plain, and as each content coding."""

    body: bytes
    media_type: str
    coded: Mapping[str, bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltPage:
    """What one page loads: ``script`` and ``styles`` at once, ``later`` when it is needed; addresses on this host."""

    script: str
    styles: tuple[str, ...]
    modules: tuple[str, ...]
    later: tuple[str, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """Everything of the page, for use without network."""
        return (self.script, *self.styles, *self.modules, *self.later)


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """One build."""

    manifest: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, BuiltFile]

    @property
    def worker(self) -> str:
        """The script of the service worker, without the line that says for which page it is."""
        return self.files[self.manifest[WORKER_ENTRY]["file"]].body.decode()

    def page(self, name: str) -> BuiltPage:
        """What the page ``name`` loads, in the order in which styles apply."""
        entry = entry_of(name)
        first = tuple(self._walk(entry, "imports"))
        every = tuple(self._walk(entry, "imports", "dynamicImports"))
        later = [self.manifest[key] for key in every if key not in first]
        return BuiltPage(
            script=BUILT_PATH + self.manifest[entry]["file"],
            styles=_addresses(one for key in first for one in self.manifest[key].get("css", ())),
            modules=_addresses(self.manifest[key]["file"] for key in first if key != entry),
            later=_addresses(
                one for item in later for one in (item["file"], *item.get("css", ()), *item.get("assets", ()))
            ),
        )

    def _walk(self, entry: str, *kinds: str) -> Iterator[str]:
        """Keys of the manifest that ``entry`` leads to by ``kinds`` of imports, what is imported first, each once."""
        seen: set[str] = set()

        def visit(key: str) -> Iterator[str]:
            if key in seen:
                return
            seen.add(key)
            for kind in kinds:
                for one in self.manifest[key].get(kind, ()):
                    yield from visit(one)
            yield key

        return visit(entry)


def entry_of(name: str) -> str:
    """The entry of a page in the manifest."""
    return f"src/{name}/main.ts"


def _addresses(names: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(BUILT_PATH + name for name in names))


@cache
def load_built() -> Built | None:
    """The build in ``built/``, read once per process; None when nobody built, or before a page of today was there."""
    try:
        manifest = json.loads((BUILT_DIR / "manifest.json").read_bytes())
    except FileNotFoundError:
        return None
    if not all(entry_of(spec.name) in manifest for spec in BUILT_PAGES):
        return None
    files: dict[str, BuiltFile] = {}
    for path in sorted((BUILT_DIR / "assets").iterdir()):
        media_type = MEDIA_TYPES.get(path.suffix)
        if media_type is None:
            continue
        coded = {name: path.with_name(path.name + end) for name, end in ENCODINGS}
        files[f"assets/{path.name}"] = BuiltFile(
            body=path.read_bytes(),
            media_type=media_type,
            coded={name: one.read_bytes() for name, one in coded.items() if one.exists()},
        )
    return Built(manifest=manifest, files=files)


def worker_script(built: Built, *, path: str, files: tuple[str, ...], frame: str) -> bytes:
    """The service worker of one page; ``frame`` is all that the page's HTML depends on, so that a change is noticed."""
    build = digest("\n".join((frame, built.worker, *files)).encode())
    said = json.dumps({"path": path, "build": build, "files": files}, ensure_ascii=True)
    return f"self.PAGE = {said};\n{built.worker}".encode()


def web_manifest(*, path: str, title: str, icon: str) -> bytes:
    """What a browser needs to install the page (W3C Web Application Manifest)."""
    return json.dumps(
        {
            "id": path,
            "name": title,
            "short_name": title,
            "lang": "zh-CN",
            "start_url": path,
            "scope": path,
            "display": "standalone",
            "background_color": "#f4f7fb",
            "theme_color": "#17508f",
            "icons": [{"src": icon, "sizes": "any", "type": "image/svg+xml", "purpose": "any"}],
        },
        ensure_ascii=False,
    ).encode()
