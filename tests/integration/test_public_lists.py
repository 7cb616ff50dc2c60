"""The public lists at the door and on the command line, and the governance report by department."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from fixtures_city import ServedCity
from rendering_spreadsheet_rows import sheet_rows
from test_bad_input import problem
from typer.testing import CliRunner

from certsvc.catalog.lists import public_lists
from certsvc.catalog.loader import load_catalog
from certsvc.catalog.report import governance_report
from certsvc.cli.commands import app

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def test_anyone_may_read_every_list_in_both_forms(small_city: ServedCity) -> None:
    client, made = small_city.client, public_lists(small_city.catalog)
    told = client.get("/v1/catalog/lists").json()
    assert told == [{"name": item.name, "title": item.title, "rows": len(item.rows)} for item in made]
    for item in made:
        path = f"/v1/catalog/lists/{item.name}"
        data = client.get(path).json()
        assert (data["title"], tuple(data["header"])) == (item.title, item.header)
        assert [tuple(row) for row in data["rows"]] == list(item.rows)
        by_accept = client.get(path, headers={"Accept": XLSX})
        by_query = client.get(path, params={"format": "xlsx"}, headers={"Accept": "application/json"})
        for sheet in (by_accept, by_query):
            assert sheet.headers["content-type"] == XLSX
            assert sheet.headers["vary"] == "Accept"
            assert f"filename*=UTF-8''{quote(item.title)}.xlsx" in sheet.headers["content-disposition"]
            assert sheet_rows(sheet.content) == [item.header, *item.rows]
        json_again = client.get(path, params={"format": "json"}, headers={"Accept": XLSX})
        assert json_again.json() == data


def test_other_lists_and_forms_are_refused(small_city: ServedCity) -> None:
    client = small_city.client
    assert "/v1/catalog/lists" in problem(client.get("/v1/catalog/lists/none"), 404)["detail"]
    refused = problem(client.get("/v1/catalog/lists/types", headers={"Accept": "text/csv"}), 406)
    assert XLSX in refused["detail"]
    found = problem(client.get("/v1/catalog/lists/types", params={"format": "csv"}), 422)
    assert [item["pointer"] for item in found["errors"]] == ["/query/format"]


def test_the_command_writes_the_four_files(tmp_path: Path) -> None:
    run = CliRunner().invoke(app, ["catalog", "lists", str(tmp_path / "out"), "--files"])
    assert run.exit_code == 0, run.output
    made = public_lists(load_catalog())
    assert {path.name for path in (tmp_path / "out").iterdir()} == {f"{item.title}.xlsx" for item in made}
    for item in made:
        assert sheet_rows((tmp_path / "out" / f"{item.title}.xlsx").read_bytes()) == [item.header, *item.rows]


def test_the_report_names_every_finding_of_every_department() -> None:
    rows = governance_report(load_catalog())
    run = CliRunner().invoke(app, ["catalog", "report"], env={"COLUMNS": "300"})
    assert run.exit_code == 0
    for row in rows:
        assert row.department in run.output
        assert row.detail in run.output
    assert f"共 {len(rows)} 项" in run.output


def test_the_report_of_one_department_has_only_its_findings_and_cuts_nothing() -> None:
    catalog = load_catalog()
    rows = governance_report(catalog)
    name = rows[0].department
    code = next(kind.definer_code for kind in catalog.types if kind.definer_name == name)
    run = CliRunner().invoke(app, ["catalog", "report", "--department", code], env={"COLUMNS": "60"})
    assert run.exit_code == 0
    assert "…" not in run.output
    assert f"共 {sum(row.department == name for row in rows)} 项，涉及 1 个部门" in run.output
    assert not [row for row in rows if row.department != name and row.department in run.output]


def test_a_department_that_the_catalog_does_not_know_is_said_so() -> None:
    run = CliRunner().invoke(app, ["catalog", "report", "--department", "11990000MB000000XX"])
    assert "请核对" in str(run.exception)
