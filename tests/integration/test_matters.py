"""The list of matters: versions of one source, all of it or nothing, and a log of what became of each."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from command_line import environment
from consent_city import bind
from fixtures_city import ServedCity
from matter_city import BARE, CLIENT, MATTER, OTHER, SLUG, USER, as_csv, fetched, officers, publish, rows_of
from test_bad_input import problem
from test_guides import example
from typer.testing import CliRunner

from certsvc.catalog.loader import SEED_DIRECTORY
from certsvc.cli.commands import app
from certsvc.commands.access import roles
from certsvc.commands.access.seed_sandbox import using_client_id
from certsvc.errors import InvalidInput

NEW = "11990000MB0000019F2990131009001"


def detail(city: ServedCity, code: str) -> dict[str, Any]:
    return dict(city.answer(city.client.get(f"/v1/matters/{code}", headers=city.system(CLIENT)), 200))


def listed(city: ServedCity, **params: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        asked = {"limit": 40, "after": after, **params}
        page = city.answer(city.client.get("/v1/matters", params=asked, headers=city.system(CLIENT)), 200)
        found += page["matters"]
        after = page["next"]
        if not after:
            return found


def test_the_seed_counts_until_a_list_is_imported_and_then_the_list(city: ServedCity) -> None:
    codes = sorted(one.code for one in city.catalog.matters)
    assert [one["code"] for one in listed(city)] == codes
    own = listed(city, authority=USER)
    assert own
    assert {one["authority_code"] for one in own} == {USER}
    rows = rows_of(city.catalog)
    rows[BARE][1] = "改名的事项"
    rows[NEW] = [NEW, "新的事项", "", ""]
    del rows[MATTER]
    content = as_csv(rows.values())
    made = publish(city, content)
    assert made["imported"]
    version = made["version"]
    assert (version["version"], version["matters"]) == (1, len(rows))
    assert (version["added"], version["changed"], version["ended"]) == (1, 1, 1)
    assert version["digest"] == hashlib.sha256(content.encode()).hexdigest()
    assert (version["source"], version["imported_by"]) == ("示例事项管理系统", "publisher-1")
    kinds = {change["code"]: change["kind"] for change in made["changes"]}
    assert kinds == {BARE: "changed", NEW: "added", MATTER: "ended"}
    now = {one["code"]: one for one in listed(city)}
    assert set(now) == {*codes, NEW}
    assert not now[MATTER]["in_force"]
    assert (now[BARE]["name"], now[NEW]["authority_code"]) == ("改名的事项", USER)
    [change] = detail(city, BARE)["changes"]
    assert (change["was"]["name"], change["now"]["name"]) == (city.catalog.matter(BARE).name, "改名的事项")
    public = {one["code"]: one for one in city.client.get("/v1/catalog/matters").json()}
    assert set(public) == {*codes, NEW} - {MATTER}
    city.drain()
    [event] = [event for event in city.events() if event["type"].endswith("matters.imported.v1")]
    assert (event["data"]["version"], event["data"]["ended"]) == (1, 1)
    assert event["data"]["orphans"] == 1
    assert city.rows("SELECT count(*) FROM evidence WHERE kind = 'matters.imported'") == [(1,)]


def test_the_list_that_counts_already_is_no_new_version_and_an_older_one_is(small_city: ServedCity) -> None:
    rows = rows_of(small_city.catalog)
    first = as_csv(rows.values())
    rows[BARE][1] = "改名的事项"
    second = as_csv(rows.values())
    assert publish(small_city, first)["version"]["version"] == 1
    again = publish(small_city, first)
    assert (again["imported"], again["version"]["version"], again["changes"]) == (False, 1, [])
    assert publish(small_city, second)["version"]["version"] == 2
    assert publish(small_city, first)["version"]["version"] == 3, "back to what it was is a change too"
    headers = small_city.system(CLIENT)
    assert [one["version"] for one in small_city.client.get("/v1/matters/versions", headers=headers).json()] == [
        3,
        2,
        1,
    ]
    assert [change["version"] for change in detail(small_city, BARE)["changes"]] == [3, 2]


def test_a_dry_run_tells_the_same_and_changes_nothing(small_city: ServedCity) -> None:
    rows = rows_of(small_city.catalog)
    rows[NEW] = [NEW, "新的事项", "", ""]
    content = as_csv(rows.values())
    tried = publish(small_city, content, dry_run=True)
    assert (tried["imported"], tried["version"]["added"]) == (False, 1)
    assert small_city.rows("SELECT count(*) FROM matter_versions") == [(0,)]
    assert small_city.rows("SELECT count(*) FROM matters") == [(0,)]
    made = publish(small_city, content)["changes"]
    assert [{**change, "at": ""} for change in made] == [{**change, "at": ""} for change in tried["changes"]]


BAD_ROWS: dict[str, tuple[list[str], str]] = {
    "a code of another form": (["x", "示例", "", ""], "应为 31 位实施编码"),
    "a code whose body has a wrong check character": (
        ["11990000MB0000019A2990131001001", "示例", "", ""],
        "实施主体代码有误",
    ),
    "no name": ([NEW, "", "", ""], "事项名称不能为空"),
    "a name with a line break": ([NEW, "示\n例", "", ""], ""),
    "a name that is too long": ([NEW, "例" * 201, "", ""], "200"),
    "a body that nobody knows": ([NEW, "示例", "91990000MA0000015Q", ""], "不在机构目录中"),
    "a day that is none": ([NEW, "示例", "", "2026-13-01"], "终止日期应写作"),
    "the code of another row": ([BARE, "示例", "", ""], "重复"),
}


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_row_at_fault_is_named_and_nothing_is_imported(shared_city: ServedCity, name: str) -> None:
    row, reason = BAD_ROWS[name]
    rows = [*rows_of(shared_city.catalog).values(), row]
    body = {"source": "示例", "form": "csv", "content": as_csv(rows)}
    headers = shared_city.person("publisher-1")
    before = shared_city.rows("SELECT count(*) FROM matter_versions")
    found = problem(shared_city.client.post("/v1/matters/imports", headers=headers, json=body), 422)
    assert [f"/content/{len(rows) + 1}"] == [item["pointer"] for item in found["errors"]]
    assert reason in found["errors"][0]["detail"]
    assert f"第 {len(rows) + 1} 行" in found["errors"][0]["detail"]
    assert shared_city.rows("SELECT count(*) FROM matter_versions") == before


@pytest.mark.parametrize(
    ("form", "content"),
    [
        ("csv", "事项编码\n"),
        ("csv", "事项编码,事项名称\n"),
        ("csv", "事项编码,事项编码,事项名称\nx,x,x\n"),
        ("csv", '事项编码,事项名称\n"x,示例\n'),
        ("toml", "not toml"),
        ("toml", "matters = 1"),
        ("toml", "other = 1\n[[matters]]\ncode = 'x'"),
        ("toml", "matters = [1]"),
    ],
)
def test_a_file_that_is_no_list_is_refused(shared_city: ServedCity, form: str, content: str) -> None:
    body = {"source": "示例", "form": form, "content": content}
    headers = shared_city.person("publisher-1")
    problem(shared_city.client.post("/v1/matters/imports", headers=headers, json=body), 422)


def test_the_seed_file_itself_is_a_list_that_changes_nothing(small_city: ServedCity) -> None:
    content = (SEED_DIRECTORY / "matters.toml").read_text(encoding="utf-8")
    made = publish(small_city, content, form="toml")
    assert (made["imported"], made["changes"], made["orphans"]) == (True, [], [])
    assert small_city.rows("SELECT count(*) FROM matters") == [(len(small_city.catalog.matters),)]
    small_city.issue(SLUG, "M-1")
    small_city.answer(fetched(small_city, SLUG), 201)


def test_a_list_that_was_cut_off_does_not_end_the_rest_unasked(small_city: ServedCity) -> None:
    rows = list(rows_of(small_city.catalog).values())
    kept, gone = rows[:20], len(rows) - 20
    body = {"source": "示例", "form": "csv", "content": as_csv(kept)}
    headers = small_city.person("publisher-1")
    for endings in (None, gone - 1):
        asked = small_city.client.post("/v1/matters/imports", headers=headers, json={**body, "endings": endings})
        assert str(gone) in problem(asked, 409)["detail"]
    assert small_city.rows("SELECT count(*) FROM matter_versions") == [(0,)]
    assert publish(small_city, body["content"], endings=gone)["version"]["ended"] == gone


def test_a_matter_of_the_list_ends_and_comes_back(small_city: ServedCity) -> None:
    small_city.issue(SLUG, "M-1")
    rows = rows_of(small_city.catalog)
    row = rows.pop(MATTER)
    publish(small_city, as_csv(rows.values()))
    problem(fetched(small_city, SLUG), 403)
    rows[MATTER] = row
    publish(small_city, as_csv(rows.values()))
    small_city.answer(fetched(small_city, SLUG), 201)
    assert [change["kind"] for change in detail(small_city, MATTER)["changes"]] == ["restored", "ended"]


def test_of_two_imports_at_once_each_version_is_one(city: ServedCity) -> None:
    rows = rows_of(city.catalog)
    contents = []
    for number in range(4):
        rows[BARE][1] = f"第 {number} 个名称"
        contents.append(as_csv(rows.values()))
    headers = city.person("publisher-1")

    def send(content: str) -> int:
        body = {"source": "示例", "form": "csv", "content": content}
        return int(city.client.post("/v1/matters/imports", headers=headers, json=body).status_code)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, contents))
    assert set(answers) <= {201, 409}
    versions = [version for (version,) in city.rows("SELECT version FROM matter_versions ORDER BY version")]
    assert versions == list(range(1, answers.count(201) + 1))


def test_an_unknown_matter_is_not_found_and_only_the_publisher_imports(shared_city: ServedCity) -> None:
    headers = shared_city.system(CLIENT)
    assert problem(shared_city.client.get(f"/v1/matters/{NEW}", headers=headers), 404)
    body = {"source": "示例", "form": "csv", "content": "事项编码,事项名称\n"}
    assert problem(shared_city.client.post("/v1/matters/imports", headers=headers, json=body), 403)


def test_the_commands_do_the_same(small_city: ServedCity, tmp_path: Path) -> None:
    def run(*args: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, list(args), env=environment(small_city))
        assert result.exit_code == code, (result.output, result.exception)
        return result.output

    rows = rows_of(small_city.catalog)
    rows[MATTER][3] = "2026-01-01"
    file = tmp_path / "matters.csv"
    file.write_bytes(as_csv(rows.values()).encode("gb18030"))
    assert "试导入，未保存" in run("matters", "import", str(file), "--dry-run")
    assert "看不到" not in run("matters", "preview", MATTER, USER, SLUG)
    assert "第 1 版" in run("matters", "import", str(file), "--source", "示例系统")
    [version] = small_city.client.get("/v1/matters/versions", headers=small_city.system(CLIENT)).json()
    assert version["digest"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert "未产生新版本" in run("matters", "import", str(file), "--source", "示例系统")
    assert "事项已终止（2026-01-01）" in run("matters", "preview", MATTER, USER, SLUG)
    assert f"seed:{MATTER}:{SLUG}" in run("matters", "orphans")
    assert "终止" in run("matters", "log", MATTER)
    assert f"{MATTER}\t{rows[MATTER][1]}\t已终止" in run("matters", "list", "--authority", USER)
    rows[BARE][0] = "x"
    file.write_text(as_csv(rows.values()), encoding="utf-8")
    result = CliRunner().invoke(app, ["matters", "import", str(file)], env=environment(small_city))
    assert isinstance(result.exception, InvalidInput)
    assert "应为 31 位实施编码" in result.output
    staff = tmp_path / "staff.csv"
    staff.write_text("账号,姓名,处室,停用\njingban01,示例甲,许可处,\njingban02,示例乙,,是\n", encoding="utf-8")
    assert "2 名" in run("clients", "staff", CLIENT, str(staff))
    assert run("clients", "staff", CLIENT).splitlines() == [
        "jingban01\t示例甲\t许可处\t在岗",
        "jingban02\t示例乙\t\t已停用",
    ]


STAFF: list[dict[str, Any]] = [
    {"account": "jingban01", "name": "示例甲", "division": "许可处"},
    {"account": "jingban02", "name": "示例乙", "active": False},
    {"account": "jingban03", "name": "示例丙", "until_on": "2026-01-01"},
]


def test_where_staff_is_required_nobody_else_asks_and_every_try_is_on_record(city: ServedCity) -> None:
    city.issue(SLUG, "M-1")
    own, operator = city.system(CLIENT), city.person("operator-1")
    path = f"/v1/clients/{CLIENT}"
    city.answer(city.client.post(f"{path}/staff", headers=own, json={"staff": STAFF}), 201)
    city.answer(fetched(city, SLUG, operator="anybody"), 201)
    settled = city.client.post(
        f"{path}/settings", headers=operator, json={"staff_required": True, "purpose": "食品许可"}
    )
    assert city.answer(settled, 201)["purpose"] == "食品许可"
    city.answer(fetched(city, SLUG, operator="jingban01"), 201)
    for account in ("jingban02", "jingban03", "anybody", "示例甲"):
        found = problem(fetched(city, SLUG, operator=account), 403)
        assert (found["code"], "经办人" in found["detail"]) == ("operator_unknown", True)
    [(refusals,)] = city.rows("SELECT count(*) FROM fetches WHERE outcome = 'operator_unknown'")
    assert refusals == 4
    city.answer(city.client.post(f"{path}/staff", headers=own, json={"staff": [{**STAFF[0], "active": False}]}), 201)
    problem(fetched(city, SLUG, operator="jingban01"), 403)
    names = [one["account"] for one in city.client.get(f"{path}/staff", headers=own).json()]
    assert names == ["jingban01", "jingban02", "jingban03"]
    city.drain()
    events = [event for event in city.events() if event["type"].endswith("staff.changed.v1")]
    assert [event["data"]["set"] for event in events] == [3, 1]
    assert "jingban" not in str(events)


def test_staff_is_kept_by_the_own_body_and_seen_by_nobody_else(small_city: ServedCity) -> None:
    asker = bind(small_city, "asker-1", "示例", roles=frozenset({roles.POLICY_REQUESTER}), authority_code=USER)
    path = f"/v1/clients/{CLIENT}/staff"
    small_city.answer(small_city.client.post(path, headers=asker, json={"staff": STAFF[:1]}), 201)
    for headers in (small_city.system(OTHER), small_city.system(using_client_id("11990000MB0000086D"))):
        for place in (path, "/v1/clients/nobody/staff", f"/v1/clients/{CLIENT}", "/v1/clients/approval-platform"):
            assert problem(small_city.client.get(place, headers=headers), 404)["detail"] == "没有这个接入系统"
        assert problem(small_city.client.post(path, headers=headers, json={"staff": STAFF}), 404)
    body = {"staff": [STAFF[0], STAFF[0]]}
    assert problem(small_city.client.post(path, headers=asker, json=body), 422)["errors"][0]["pointer"].startswith(
        "/staff/1"
    )
    late = {"staff": [{**STAFF[0], "from_on": "2026-02-01", "until_on": "2026-01-01"}]}
    assert problem(small_city.client.post(path, headers=asker, json=late), 422)
    assert small_city.rows("SELECT count(*) FROM staff") == [(1,)]


def test_a_policy_is_asked_for_as_the_guide_says(small_city: ServedCity) -> None:
    guide = "docs/matters.md"
    made = small_city.client.post(
        "/v1/policies", headers=small_city.system(CLIENT), json=example(guide, "`POST /v1/policies` `")
    )
    policy_id = small_city.answer(made, 201)["policy_id"]
    _, decider = officers(small_city, "tour_guide")
    operator = small_city.person("operator-1")
    for who, name in ((decider, "decisions"), (operator, "openings"), (operator, "closings")):
        body = example(guide, f"`POST /v1/policies/{{id}}/{name}` `")
        path = f"/v1/policies/{policy_id}/{name}"
        small_city.answer(small_city.client.post(path, headers=who, json=body), 201)
    for name in ("staff", "settings"):
        body = example(guide, f"`POST /v1/clients/{{id}}/{name}` `")
        path = f"/v1/clients/{CLIENT}/{name}"
        small_city.answer(small_city.client.post(path, headers=operator, json=body), 201)
