"""Known holes of what the lock files name: ``python -m tests.audit``, also ``make audit`` and a step of ``.ci/run``.

Asks an advisory database in the OSV format (ossf.github.io/osv-schema): over the network, or a copy on disk for a
machine that reaches none (``--database DIR``: one ``all.zip`` for each ecosystem, as its publisher gives it out).
The answer is one of three, and the exit code says which; that nothing was asked is never told as nothing found:

* 0 audited, and nothing is known that ``.ci/advisories.toml`` does not answer
* 1 audited, and something is
* 2 not audited: the database cannot be reached, is too old, or its answer cannot be read
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import re
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "requirements-dev.lock")
PAGES_LOCK = "certsvc/web/ui/package-lock.json"
ACCEPTED = ROOT / ".ci" / "advisories.toml"
DATABASE_URL = "https://api.osv.dev/v1/querybatch"
BATCH = 500
"""Questions in one request; the service takes a thousand."""
MAX_PAGES = 20
"""Pages of one package's answer; more is an answer that does not end."""
ANSWER_BYTES = 32 * 2**20
TIMEOUT_S = 20.0
OLD_DAYS = 14
"""A copy whose newest entry is older says nothing of the last weeks."""
MAX_PATCH_DAYS = 90
"""Longest time that docs/security.md gives for any hole."""
AUDITED, FOUND, NOT_AUDITED = 0, 1, 2

Ask = Callable[[Mapping[str, Any]], Any]


@dataclass(frozen=True, slots=True, order=True)
class Pinned:
    """One package of a lock file."""

    ecosystem: str
    name: str
    version: str


class NotAudited(Exception):
    """The database did not answer in a way that says anything."""


def locked(root: Path = ROOT) -> list[Pinned]:
    """Every package of every lock, each once; those of the tests too, for they run where the code is."""
    found = set()
    for lock in LOCKS:
        for line in (root / lock).read_text(encoding="utf-8").splitlines():
            if match := re.match(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", line):
                found.add(Pinned("PyPI", re.sub(r"[-_.]+", "-", match[1]).lower(), match[2]))
    packages = json.loads((root / PAGES_LOCK).read_text(encoding="utf-8"))["packages"]
    for place, one in packages.items():
        if place and "version" in one and not one.get("link"):
            found.add(Pinned("npm", one.get("name") or place.rpartition("node_modules/")[2], one["version"]))
    return sorted(found)


def over_network(body: Mapping[str, Any]) -> Any:
    """One request to the database."""
    try:
        answer = urllib3.PoolManager(retries=False, timeout=TIMEOUT_S).request(
            "POST", DATABASE_URL, json=body, redirect=False, preload_content=False
        )
        if answer.status != 200:
            raise NotAudited(f"漏洞库答复 HTTP {answer.status}")
        data = answer.read(ANSWER_BYTES + 1)
        if len(data) > ANSWER_BYTES:
            raise NotAudited("漏洞库的答复过大")
        return json.loads(data)
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise NotAudited(f"漏洞库连不上（{type(error).__name__}）") from error


def known_online(packages: list[Pinned], ask: Ask = over_network) -> dict[Pinned, set[str]]:
    """Ids of advisories by package.

    Raises:
        NotAudited: no answer, or one that is not for what was asked.
    """
    found: dict[Pinned, set[str]] = {}
    for start in range(0, len(packages), BATCH):
        asked: list[tuple[Pinned, str]] = [(one, "") for one in packages[start : start + BATCH]]
        for _ in range(MAX_PAGES):
            queries = [_query(one, token) for one, token in asked]
            answer = ask({"queries": queries})
            results = answer.get("results") if isinstance(answer, dict) else None
            if not isinstance(results, list) or len(results) != len(queries):
                raise NotAudited("漏洞库的答复与所问的不对应")
            more = []
            for (one, _token), result in zip(asked, results, strict=True):
                ids = {str(vuln["id"]) for vuln in (result or {}).get("vulns", ())}
                found.setdefault(one, set()).update(ids)
                if token := (result or {}).get("next_page_token"):
                    more.append((one, str(token)))
            if not (asked := more):
                break
        else:
            raise NotAudited("漏洞库的答复没有终了")
    return {one: ids for one, ids in found.items() if ids}


def _query(one: Pinned, token: str) -> dict[str, Any]:
    query: dict[str, Any] = {"package": {"name": one.name, "ecosystem": one.ecosystem}, "version": one.version}
    return query | ({"page_token": token} if token else {})


def known_offline(packages: list[Pinned], directory: Path, today: dt.date) -> dict[Pinned, set[str]]:
    """The same from a copy: ``DIR/PyPI/all.zip`` and ``DIR/npm/all.zip``.

    Raises:
        NotAudited: a copy is missing, unreadable or old.
    """
    found: dict[Pinned, set[str]] = {}
    for ecosystem in sorted({one.ecosystem for one in packages}):
        by_name: dict[str, list[Pinned]] = {}
        for one in packages:
            if one.ecosystem == ecosystem:
                by_name.setdefault(one.name, []).append(one)
        newest = ""
        for entry in _entries(directory / ecosystem / "all.zip"):
            newest = max(newest, str(entry.get("modified", "")))
            if entry.get("withdrawn"):
                continue
            for affected in entry.get("affected", ()):
                package = affected.get("package", {})
                if package.get("ecosystem") != ecosystem:
                    continue
                for one in by_name.get(str(package.get("name", "")), ()):
                    if is_affected(one, affected):
                        found.setdefault(one, set()).add(str(entry["id"]))
        if newest[:10] < (today - dt.timedelta(days=OLD_DAYS)).isoformat():
            raise NotAudited(f"{ecosystem} 的漏洞库副本太旧：最新一条 {newest[:10] or '没有'}")
    return found


def _entries(copy: Path) -> Iterable[dict[str, Any]]:
    try:
        with zipfile.ZipFile(copy) as archive:
            for name in archive.namelist():
                if name.endswith(".json"):
                    yield json.loads(archive.read(name))
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise NotAudited(f"漏洞库副本读不出：{copy}（{type(error).__name__}）") from error


def is_affected(one: Pinned, affected: Mapping[str, Any]) -> bool:
    """Whether a version is listed, or lies in a range; a version that cannot be compared counts as affected."""
    if one.version in affected.get("versions", ()):
        return True
    return any(
        _in_range(one, span.get("events", ()))
        for span in affected.get("ranges", ())
        if span.get("type") in {"ECOSYSTEM", "SEMVER"}
    )


def _in_range(one: Pinned, events: Iterable[Mapping[str, str]]) -> bool:
    try:
        mine, inside = _comparable(one.version), False
        ordered = sorted(
            ((_comparable(value), kind) for event in events for kind, value in event.items() if kind != "limit"),
            key=lambda pair: pair[0],
        )
    except InvalidVersion:
        return True
    for at, kind in ordered:
        if kind == "introduced" and at <= mine:
            inside = True
        elif (kind == "fixed" and at <= mine) or (kind == "last_affected" and at < mine):
            inside = False
    return inside


def _comparable(version: str) -> Version:
    """Semantic versions compare as Python's do once build metadata is off and the tag of a preview is one of ours."""
    if version == "0":
        return Version("0.dev0")
    plain = version.split("+", maxsplit=1)[0]
    return Version(re.sub(r"-(?!alpha|beta|rc)([0-9A-Za-z.-]+)$", "a0", plain))


def accepted(path: Path, today: dt.date) -> tuple[set[tuple[str, str]], list[str]]:
    """What was looked at and may wait, as (package, advisory), and what is wrong with the list."""
    wrong, kept = [], set()
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("accepted", [])
    for entry in entries:
        label = f"{entry.get('package', '？')} {entry.get('id', '？')}"
        if not str(entry.get("why", "")).strip() or not {"id", "package", "found", "until"} <= entry.keys():
            wrong.append(f"{label}：缺 why、found 或 until")
        elif entry["until"] > entry["found"] + dt.timedelta(days=MAX_PATCH_DAYS):
            wrong.append(f"{label}：期限超过发现之后 {MAX_PATCH_DAYS} 日")
        elif entry["until"] < today:
            wrong.append(f"{label}：期限 {entry['until']} 已过，须修补")
        else:
            kept.add((entry["package"], entry["id"]))
    return kept, wrong


def audit(known: Callable[[list[Pinned]], dict[Pinned, set[str]]], list_of_accepted: Path, today: dt.date) -> int:
    """Ask, print and return the exit code."""
    packages = locked()
    kept, wrong = accepted(list_of_accepted, today)
    try:
        found = known(packages)
    except NotAudited as why:
        bar = "!" * 78
        print(
            f"{bar}\n没有审计：{len(packages)} 个依赖的已知漏洞没有查。{why}\n"
            f"NOT AUDITED: nothing is known about the {len(packages)} dependencies of the lock files.\n"
            "能上网的机器上再运行一次；不能上网的，带入漏洞库副本：python -m tests.audit --database 目录\n" + bar
        )
        return NOT_AUDITED
    open_ones = sorted((one, id_) for one, ids in found.items() for id_ in ids if (one.name, id_) not in kept)
    for one, id_ in open_ones:
        print(f"漏洞 {id_}：{one.ecosystem} {one.name} {one.version}")
    for line in wrong:
        print(f".ci/advisories.toml {line}")
    print(f"已审计 {len(packages)} 个依赖：未处理的漏洞 {len(open_ones)}，有期限的 {len(kept)}")
    return FOUND if open_ones or wrong else AUDITED


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", type=Path, default=os.environ.get("ADVISORY_DATABASE") or None)
    chosen = parser.parse_args(arguments)
    today = dt.datetime.now(dt.UTC).date()
    known = known_online if chosen.database is None else lambda them: known_offline(them, Path(chosen.database), today)
    return audit(known, ACCEPTED, today)


if __name__ == "__main__":
    sys.exit(main())
