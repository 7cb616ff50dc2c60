"""``certsvc verify`` and ``certsvc receipt`` as people read them: first words, sums, reports and refusals."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from fixtures_city import ServedCity
from typer.testing import CliRunner

from certsvc.cli.commands import app
from certsvc.cli.receipts import check_receipts
from certsvc.clock import rfc3339
from certsvc.errors import InvalidInput

SLUG = "food_operation"


@dataclass
class Desk:
    """A command line over the city's database, and the city's files in a folder."""

    run: Callable[..., str]
    city: ServedCity
    folder: Path


@pytest.fixture
def desk(small_city: ServedCity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    values = small_city.service.settings
    for name in ("profile", "var_dir", "database_url", "keys_file", "trust_dir"):
        monkeypatch.setenv(f"CERTSVC_{name.upper()}", str(getattr(values, name)))
    monkeypatch.setenv("CERTSVC_FONT_DIRS", ":".join(map(str, values.font_dirs)))

    def run(*arguments: str | Path, code: int = 0) -> str:
        done = CliRunner().invoke(app, [str(one) for one in arguments], env={"COLUMNS": "200"})
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return done.output

    folder = tmp_path / "files"
    folder.mkdir()
    return Desk(run, small_city, folder)


def test_without_a_register_a_revoked_license_is_no_more_than_a_good_seal(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = desk.city.issue(SLUG, "VC-1")
    path = desk.folder / "revoked.pdf"
    path.write_bytes(desk.city.file(done["identifier"]))
    (desk.folder / "broken.pdf").write_bytes(b"garbage")
    desk.city.answer(desk.city.move(done["identifier"], "revoke", slug=SLUG), 201)
    root = desk.city.service.settings.keys / "trust" / "dev-root.pem"
    for name in ("PROFILE", "VAR_DIR", "DATABASE_URL", "KEYS_FILE", "TRUST_DIR", "FONT_DIRS"):
        monkeypatch.delenv(f"CERTSVC_{name}")
    # Scripts rely on exit 0 and on these words; people read others.
    answer = json.loads(desk.run("verify", "--trust", root, "--json", path).splitlines()[0])
    assert (answer["indication"], answer["reason"]) == ("TOTAL-PASSED", "ok_register_not_asked")
    assert answer["family"] == "seal_only"
    shown = desk.run("verify", "--trust", root, desk.folder, code=1)
    assert "◐ 印章有效（未与登记比对）" in shown
    assert "✔" not in shown
    assert "请先与登记比对再采信" in shown
    assert "？ 不是 PDF 文件，无法核验" in shown
    assert "共 2 个文件：◐ 印章有效（未与登记比对） 1　？ 无法核验 1" in shown
    assert "没有与登记比对：没有指明登记库" in shown
    with pytest.raises(InvalidInput, match="没有指明登记库"):
        desk.run("verify", path, "--receipts", desk.folder / "r")
    with pytest.raises(InvalidInput, match="去掉 --trust"):
        desk.run("verify", path, "--trust", root, "--receipts", desk.folder / "r")


def test_good_then_and_revoked_now_is_said_first_and_a_moment_to_come_is_refused(desk: Desk) -> None:
    clock = desk.city.service.deps.clock
    before = rfc3339(clock.now())
    done = desk.city.issue(SLUG, "VC-2")
    path = desk.folder / "one.pdf"
    path.write_bytes(desk.city.file(done["identifier"]))
    then = rfc3339(clock.now())
    desk.city.answer(desk.city.move(done["identifier"], "revoke", slug=SLUG), 201)
    shown = desk.run("verify", path, "--at", then)
    assert shown.startswith("！ 当时通过，现在已吊销")
    assert "现在的事项请勿采信" in shown
    assert "（北京时间）" in shown
    assert "登记以后的时刻" in desk.run("verify", path, "--at", before, code=1)
    with pytest.raises(InvalidInput, match="不能晚于现在"):
        desk.run("verify", path, "--at", "2099-01-01T00:00:00Z")


def test_skipped_files_are_named_and_every_file_of_the_report_names_its_receipt(desk: Desk, tmp_path: Path) -> None:
    done = desk.city.issue(SLUG, "VC-3")
    data = desk.city.file(done["identifier"])
    (desk.folder / "good.pdf").write_bytes(data)
    (desk.folder / "added.pdf").write_bytes(data + b"more")
    (desk.folder / "photo.png").write_bytes(b"\x89PNG")
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.writestr("note.txt", "x")
        archive.writestr("again.pdf", data)
    report, kept = tmp_path / "report.csv", tmp_path / "kept"
    shown = desk.run("verify", desk.folder, tmp_path / "more.zip", "--report", report, "--receipts", kept, code=1)
    assert "跳过 2 个" in shown
    assert "photo.png" in shown
    assert "more.zip!note.txt" in shown
    assert "共 3 个文件：✔ 通过 2　✘ 不通过 1" in shown
    assert "印章所盖部分一致" in shown
    with report.open(encoding="utf-8-sig", newline="") as file:
        rows = {Path(row["文件"]).name: row for row in csv.DictReader(file)}
    assert all((kept / row["回执文件"]).is_file() for row in rows.values())
    assert rows["good.pdf"]["核验时间（北京时间）"].startswith("20")
    receipts = sorted(kept.iterdir())
    said = desk.run("receipt", *receipts, "--of", desk.folder / "good.pdf", code=1)
    assert "✔ 属实" in said
    assert "！ 属实，但不是这个文件的" in said
    assert "共 2 份回执：✔ 属实 1　！ 属实，但不是这个文件的 1" in said
    mine = desk.run("receipt", kept / rows["good.pdf"]["回执文件"])
    assert "结论　　　通过" in mine
    assert "（北京时间）" in mine
    assert "印章证书按登记时间判断" in mine
    assert not [word for word in ("TOTAL", "system-clock", "registered", "Z（") if word in mine]


def test_a_receipt_that_is_not_there_is_a_mistake_and_no_forgery(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="找不到文件"):
        check_receipts([tmp_path / "none.jws"], None, None)


def test_accounts_with_duties_are_listed_and_holders_are_only_counted(desk: Desk) -> None:
    shown = desk.run("people", "list")
    assert "trust-1\t信任列表管理员\t信任列表管理员\t示例省政务服务局" in shown
    assert "holder-1\t" not in shown
    assert "持证人账号" in shown
