"""The page about protection against the code: data, sessions, who is called, keys, logs, times for mending."""

from __future__ import annotations

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest
from audit import MAX_PATCH_DAYS, NOT_AUDITED

from certsvc.app_keys import TOKEN_KEY
from certsvc.commands.facades.accounts import SESSION_S
from certsvc.commands.ports import Policy
from certsvc.settings import Settings
from certsvc.signing.tokens import MAX_LIFETIME_S

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "protection.md").read_text(encoding="utf-8")
SECTIONS = {part.split(" · ")[0]: part for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]}
GUIDE = (ROOT / "docs" / "install-server.md").read_text(encoding="utf-8")
STATIC = ROOT / "certsvc" / "web" / "pages" / "static" / "js"
TABLE = re.compile(r'^(?:\w+ = )?Table\(\s*"(\w+)"', re.MULTILINE)
BINARY = re.compile(r'Column\(\s*"(\w+)",\s*LargeBinary\b(?!\(32\))')
OUTWARD = re.compile(r"_(url|servers|host|allowed)$")
NOT_CALLED = {"metrics_host", "s3_public_url"}
"""Named like a server: where we listen ourselves, and what stands in links for others to follow."""
LOGGED = {"debug", "info", "warning", "error", "exception", "critical"}


def named(section: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", SECTIONS[section]))


def tables_with_binary() -> set[str]:
    found = set()
    for path in (ROOT / "certsvc" / "store").glob("tables*.py"):
        text = path.read_text(encoding="utf-8")
        starts = [(match.start(), match[1]) for match in TABLE.finditer(text)]
        for match in BINARY.finditer(text):
            found.add([name for at, name in starts if at < match.start()][-1])
    return found


def test_every_table_with_encrypted_columns_is_in_the_classes_of_data() -> None:
    found = tables_with_binary()
    assert len(found) > 50
    assert not found - named("数据分级")
    for level in ("四级", "三级", "二级", "一级"):
        [row] = re.findall(rf"^\| {level} [^\n]+$", SECTIONS["数据分级"], re.MULTILINE)
        assert len([cell for cell in row.strip("|").split("|") if cell.strip()]) == 6, f"{level}: every column is told"


def test_the_times_of_sessions_are_those_of_the_code() -> None:
    text = SECTIONS["会话"]
    lifetime_s = next(field.default for field in fields(Policy) if field.name == "token_lifetime_s")
    assert f"{lifetime_s} 秒，代码中的上限" in text
    assert f"上限 {MAX_LIFETIME_S} 秒" in text
    idle = re.search(r"IDLE_MS = (\d+) \* 60_000;", (STATIC / "leaving.js").read_text(encoding="utf-8"))
    assert idle
    assert f"页面 {idle[1]} 分钟没有操作即退出" in text
    assert re.search(rf"^\| 旧接口的账号 .* {SESSION_S} 秒 ", text, re.MULTILINE)
    assert {name for name in named("会话") if name.startswith("oidc_")} <= Settings.model_fields.keys()


def test_every_setting_that_names_a_server_is_in_the_table_of_who_is_called() -> None:
    wanted = {name for name in Settings.model_fields if OUTWARD.search(name)} - NOT_CALLED
    assert {"database_url", "nats_servers", "smtp_host", "traces_url"} <= wanted
    assert wanted == {name for name in named("对外通信") if name in Settings.model_fields}


def test_every_key_of_the_guide_has_its_use_and_how_it_is_changed() -> None:
    made = set(re.findall(r"^certsvc keys create (\w+-1)", GUIDE, re.MULTILINE))
    assert TOKEN_KEY in made
    told = dict(re.findall(r"^\| `(\w+-1)` \| [^|]+\| [^|]+\| ([^|]+) \|$", SECTIONS["密钥"], re.MULTILINE))
    assert told.keys() == made
    assert all(len(how) > 5 for how in told.values())


def actions() -> set[str]:
    found = set()
    for path in (ROOT / "certsvc").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LOGGED:
                for keyword in node.keywords:
                    if keyword.arg == "action":
                        found |= {one.value for one in ast.walk(keyword.value) if isinstance(one, ast.Constant)}
    return {str(one) for one in found}


def test_every_kind_of_log_line_is_in_the_list_of_logs() -> None:
    found = actions()
    assert {"access.refused", "relay.started", "worker.started"} <= found
    kinds = {one.partition(".")[0] for one in found}
    rows = re.findall(r"^\| ((?:`\w+`、?)+) \| [^|]+ \|$", SECTIONS["运行日志"], re.MULTILINE)
    told = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(told) == sorted(kinds)


def test_the_time_for_mending_is_the_one_that_the_audit_holds_to() -> None:
    text = SECTIONS["漏洞的时限"]
    days = [int(one) for one in re.findall(r"\| (\d+) 日 \|$", text, re.MULTILINE)]
    assert days == sorted(days)
    assert days[-1] == MAX_PATCH_DAYS
    assert f"退出码 {NOT_AUDITED}" in text


@pytest.mark.parametrize("section", ["数据分级", "会话", "对外通信", "密钥", "运行日志", "漏洞的时限"])
def test_no_cell_of_a_table_is_empty(section: str) -> None:
    rows = [line for line in SECTIONS[section].splitlines() if line.startswith("|") and not line.startswith("|---")]
    assert len(rows) > 3
    assert len({line.count("|") for line in rows}) == 1
    assert not [line for line in rows if re.search(r"\|\s*\|", line)]
