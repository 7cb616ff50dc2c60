"""The audit of dependencies tells three things apart: nothing known, something known, not audited."""

from __future__ import annotations

import datetime as dt
import json
import zipfile
from pathlib import Path
from typing import Any

import audit
import pytest
import urllib3
from audit import AUDITED, FOUND, NOT_AUDITED, NotAudited, Pinned

TODAY = dt.date(2026, 6, 15)
NONE = Path(__file__).resolve().parents[2] / ".ci" / "advisories.toml"


def answering(**ids: list[str]) -> Any:
    """A database that knows these packages."""

    def ask(body: Any) -> Any:
        named = [ids.get(query["package"]["name"].replace("-", "_"), []) for query in body["queries"]]
        return {"results": [{"vulns": [{"id": one} for one in found]} if found else {} for found in named]}

    return ask


def run(ask: Any, listed: Path = NONE) -> int:
    return audit.audit(lambda packages: audit.known_online(packages, ask), listed, TODAY)


def test_every_lock_is_read_and_names_what_it_pins() -> None:
    found = audit.locked()
    names = {(one.ecosystem, one.name) for one in found}
    assert {("PyPI", "fastapi"), ("PyPI", "pytest"), ("npm", "vue"), ("npm", "vite")} <= names
    assert len(found) > 150
    lock = (audit.ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert all(f"{one}" in lock for one in ("uvicorn", "lxml"))
    pinned = sum("==" in line and not line.startswith((" ", "#")) for line in lock.splitlines())
    assert pinned <= len([one for one in found if one.ecosystem == "PyPI"])


def test_a_database_that_knows_nothing_passes_and_one_that_knows_something_does_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(answering()) == AUDITED
    assert "没有审计" not in capsys.readouterr().out
    assert run(answering(fastapi=["GHSA-test-0001"])) == FOUND
    assert "GHSA-test-0001" in capsys.readouterr().out


@pytest.mark.parametrize(
    "answer",
    [None, {}, {"results": []}, {"results": "none"}, {"code": 3, "message": "too many"}],
)
def test_an_answer_that_says_nothing_is_not_told_as_nothing_found(
    answer: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(lambda _: answer) == NOT_AUDITED
    assert "没有审计" in capsys.readouterr().out


def test_a_database_that_cannot_be_reached_is_not_told_as_nothing_found(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise urllib3.exceptions.NewConnectionError(None, "no way out")  # type: ignore[arg-type]

    monkeypatch.setattr(urllib3.PoolManager, "request", fail)
    monkeypatch.delenv("ADVISORY_DATABASE", raising=False)
    assert audit.main([]) == NOT_AUDITED
    assert "NOT AUDITED" in capsys.readouterr().out


def test_the_pages_of_an_answer_are_read_to_the_last() -> None:
    one = Pinned("PyPI", "fastapi", "1.0")
    pages = [{"vulns": [{"id": "A"}], "next_page_token": "2"}, {"vulns": [{"id": "B"}]}]
    assert audit.known_online([one], lambda _: {"results": [pages.pop(0)]}) == {one: {"A", "B"}}
    with pytest.raises(NotAudited):
        audit.known_online([one], lambda _: {"results": [{"next_page_token": "again"}]})


def copy_of(directory: Path, modified: str, *entries: dict[str, Any]) -> Path:
    for ecosystem in ("PyPI", "npm"):
        (directory / ecosystem).mkdir(parents=True)
        with zipfile.ZipFile(directory / ecosystem / "all.zip", "w") as archive:
            for number, entry in enumerate(({"id": "OLD", "affected": []}, *entries)):
                archive.writestr(f"{number}.json", json.dumps({"modified": modified, **entry}))
    return directory


def affected(name: str, *events: dict[str, str], ecosystem: str = "PyPI", **more: Any) -> dict[str, Any]:
    return {
        "package": {"name": name, "ecosystem": ecosystem},
        "ranges": [{"type": "ECOSYSTEM", "events": list(events)}],
        **more,
    }


def test_a_copy_on_disk_is_read_by_package_and_range(tmp_path: Path) -> None:
    hole = {"id": "HOLE", "affected": [affected("fastapi", {"introduced": "0"}, {"fixed": "2.0"})]}
    gone = {"id": "GONE", "withdrawn": "2026-06-02T00:00:00Z", "affected": hole["affected"]}
    copy = copy_of(tmp_path, "2026-06-10T00:00:00Z", hole, gone)
    old, new = Pinned("PyPI", "fastapi", "1.9"), Pinned("PyPI", "fastapi", "2.0")
    assert audit.known_offline([old], copy, TODAY) == {old: {"HOLE"}}
    assert audit.known_offline([new, Pinned("npm", "fastapi", "1.9")], copy, TODAY) == {}


def test_a_copy_that_is_old_or_damaged_or_not_there_is_not_told_as_nothing_found(tmp_path: Path) -> None:
    one = [Pinned("PyPI", "fastapi", "1.9")]
    with pytest.raises(NotAudited):
        audit.known_offline(one, copy_of(tmp_path / "old", "2026-05-01T00:00:00Z"), TODAY)
    with pytest.raises(NotAudited):
        audit.known_offline(one, tmp_path / "none", TODAY)
    damaged = copy_of(tmp_path / "damaged", "2026-06-10T00:00:00Z")
    (damaged / "PyPI" / "all.zip").write_bytes(b"PK")
    with pytest.raises(NotAudited):
        audit.known_offline(one, damaged, TODAY)


@pytest.mark.parametrize(
    ("version", "events", "inside"),
    [
        ("1.9", [{"introduced": "1.0"}, {"fixed": "1.10"}], True),
        ("1.10", [{"introduced": "1.0"}, {"fixed": "1.10"}], False),
        ("0.9", [{"introduced": "1.0"}, {"fixed": "1.10"}], False),
        ("2.5", [{"introduced": "0"}, {"fixed": "1.1"}, {"introduced": "2.0"}, {"fixed": "2.6"}], True),
        ("1.5", [{"introduced": "0"}, {"fixed": "1.1"}, {"introduced": "2.0"}, {"fixed": "2.6"}], False),
        ("3.0", [{"introduced": "0"}, {"last_affected": "3.0"}], True),
        ("3.1", [{"introduced": "0"}, {"last_affected": "3.0"}], False),
        ("9.9", [{"introduced": "0"}], True),
        ("4.0.0-canary.3", [{"introduced": "3.0.0"}, {"fixed": "4.0.0"}], True),
        ("what is this", [{"introduced": "0"}, {"fixed": "1.0"}], True),
    ],
)
def test_a_range_is_read_as_its_format_says(version: str, events: list[dict[str, str]], *, inside: bool) -> None:
    assert audit.is_affected(Pinned("npm", "x", version), affected("x", *events)) is inside


def test_what_may_wait_has_a_reason_and_a_day_and_no_more_than_the_longest_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = tmp_path / "advisories.toml"
    entry = '[[accepted]]\nid = "HOLE"\npackage = "fastapi"\nfound = 2026-06-01\n'
    listed.write_text(entry + 'why = "不用该功能"\nuntil = 2026-06-30\n', encoding="utf-8")
    assert run(answering(fastapi=["HOLE"]), listed) == AUDITED
    assert run(answering(fastapi=["HOLE", "OTHER"]), listed) == FOUND
    for text, told in [
        ('why = "不用该功能"\nuntil = 2026-06-14\n', "已过"),
        ('why = "不用该功能"\nuntil = 2026-12-01\n', "超过"),
        ("until = 2026-06-30\n", "缺"),
    ]:
        listed.write_text(entry + text, encoding="utf-8")
        capsys.readouterr()
        assert run(answering(fastapi=["HOLE"]), listed) == FOUND
        assert told in capsys.readouterr().out


def test_the_list_of_the_house_is_in_order() -> None:
    today = dt.datetime.now(dt.UTC).date()
    assert audit.accepted(NONE, today)[1] == []
