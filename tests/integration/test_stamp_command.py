"""``certsvc stamp`` and ``seals list`` as a log keeps them: a refusal is one line, a seal's number is whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from fixtures_city import ServedCity
from stamp_desk import KEEPER, desk_of
from typer.testing import CliRunner
from upload_documents import letter

from certsvc.cli.commands import app


def test_what_was_stamped_and_what_was_refused_stand_on_a_line_each(
    small_city: ServedCity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values, seal = small_city.service.settings, desk_of(small_city).seal_id
    for name in ("profile", "var_dir", "database_url", "keys_file", "trust_dir"):
        monkeypatch.setenv(f"CERTSVC_{name.upper()}", str(getattr(values, name)))
    monkeypatch.setenv("CERTSVC_FONT_DIRS", ":".join(map(str, values.font_dirs)))
    monkeypatch.setenv("COLUMNS", "40")  # narrower than the words of any refusal
    content = letter()
    good, bad = tmp_path / "合同.pdf", tmp_path / "[1] 不是文件.pdf"
    good.write_bytes(content)
    bad.write_bytes(b"x")
    order = ["--seal", seal, "--keeper", KEEPER, "--purpose", "示例用印", "--at", "150,230"]
    done = CliRunner().invoke(app, ["stamp", str(good), str(bad), *order])
    assert done.exit_code == 1, done.output
    assert (tmp_path / "合同.stamped.pdf").read_bytes().startswith(content), "an update behind the upload"
    assert any("未盖章" in line and bad.name in line and "请换成 PDF" in line for line in done.output.splitlines())
    listed = CliRunner().invoke(app, ["seals", "list"])
    assert any(seal in line and "启用" in line for line in listed.output.splitlines()), listed.output
