"""成批换章, RSA to SM2: new forms of the same licenses, each once, the earlier files genuine (ADR 98)."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from command_line import environment
from disposal_records import make_hold
from fixtures_city import ROOT, ServedCity, sandbox_settings
from killing import kill_at
from log_city import audited, run_verifier, settle
from seal_people import SECURITY, person
from test_reconcile import compared
from typer.testing import CliRunner

from certsvc.app import build
from certsvc.catalog.loader import SEED_DIRECTORY
from certsvc.cli.commands import app
from certsvc.clock import SystemClock
from certsvc.commands.access import roles
from certsvc.commands.access.seed_sandbox import SERVICE_BUREAU
from certsvc.commands.care.inventory import Dimension, take_inventory
from certsvc.commands.log.bundle import make_bundle
from certsvc.commands.ports import Deps
from certsvc.commands.resealing import advance
from certsvc.commands.resealing.advance import advance_plan
from certsvc.commands.resealing.plan import (
    ResealDecisionBody,
    ResealPlanBody,
    decide_plan,
    move_plan,
    propose_plan,
    read_outcomes,
    read_plan,
)
from certsvc.errors import Conflict, Forbidden, InvalidInput, NotFound
from certsvc.ids import SystemIds
from certsvc.license.reseal import PlanMove, PlanState, ResealOutcome, ResealPlan
from certsvc.seal.care import LossKind
from certsvc.signing.devpki import init_dev_keys
from certsvc.signing.master_key import load_master_key

SLUG = "tour_guide"
ISSUER = "11990000MB00000430"
OLD, NEW = f"seal_{ISSUER}", f"seal_{ISSUER}_sm2"
NEW_SEAL = f"""
[[seal]]
seal_id = "{NEW}"
key_id = "seal-{ISSUER}-sm2-1"
algorithm = "sm2"
owner_code = "{ISSUER}"
owner_name = "示例省文化和旅游厅"
name = "示例省文化和旅游厅电子证照专用章"
kind = "99"
ring_text = "示例省文化和旅游厅"
second_line = "电子证照专用章"
diameter_mm = 45.0
scope_types = []
daily_budget = 100000
years = 3
"""
OPERATOR = person("operator-1", roles.OPERATOR, SERVICE_BUREAU)
RSA = ResealPlanBody(kind=LossKind.ALGORITHM, value="rsa", types=(SLUG,), reason="RSA 停用，换国密")
YES = ResealDecisionBody(approve=True)


@dataclass(frozen=True, slots=True)
class Town:
    """A city that issued with RSA, and the same service after its signature plan was changed to SM2."""

    city: ServedCity
    today: dict[str, Any]
    deps: Deps


@pytest.fixture
def town_of(
    make_city: Callable[..., ServedCity], city_keys: Path, tmp_path: Path
) -> Iterator[Callable[[str, int], Town]]:
    """Makes one over a database, with so many licenses."""

    def make(url: str, count: int) -> Town:
        var = tmp_path / "var"
        shutil.copytree(city_keys, var, ignore=shutil.ignore_patterns("*.sqlite3*", "objects"))
        declared = tmp_path / "keys.toml"
        declared.write_text((ROOT / "keys" / "dev.toml").read_text(encoding="utf-8") + NEW_SEAL, encoding="utf-8")
        init_dev_keys(declared, var / "keys", load_master_key(var / "master.key"), SystemClock(), SystemIds())
        city = make_city(url, keys_file=declared)
        for number in range(count):
            city.issue(SLUG, f"RSA-{number}")
        today = {"keys_file": declared, "catalog_dir": changed_catalog(tmp_path)}
        service = build(sandbox_settings(var, url, **today))
        built.append(service)
        return Town(city, today, service.deps)

    built: list[Any] = []
    yield make
    for service in built:
        service.close()


def changed_catalog(tmp_path: Path) -> Path:
    directory = tmp_path / "catalog"
    shutil.copytree(SEED_DIRECTORY, directory, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for name, before, after in (
        (f"types/{SLUG}.toml", f'slug = "{SLUG}"\n', f'slug = "{SLUG}"\nversion = 2\n'),
        (f"types/{SLUG}.toml", 'format = "pades-b-b"', 'format = "sm2-cms"'),
        ("authorities.toml", f'seal_id = "{OLD}"\n', f'seal_id = "{NEW}"\n'),
    ):
        text = (directory / name).read_text(encoding="utf-8")
        assert before in text
        (directory / name).write_text(text.replace(before, after), encoding="utf-8")
    return directory


def approved(deps: Deps, body: ResealPlanBody = RSA) -> ResealPlan:
    plan, _ = propose_plan(deps, OPERATOR, body)
    return decide_plan(deps, SECURITY, plan.plan_id, YES)


def carry(deps: Deps) -> None:
    while advance_plan(deps, lease_s=60):
        pass


def counts(deps: Deps, plan: ResealPlan) -> dict[str, int]:
    progress, _ = read_plan(deps, OPERATOR, plan.plan_id)
    return {outcome.value: count for outcome, count in progress.counts.items() if count}


def state(deps: Deps, plan: ResealPlan) -> PlanState:
    return read_plan(deps, OPERATOR, plan.plan_id)[0].plan.state


UNCHANGED = (
    "SELECT identifier, number, state, revision, version, issued_on, valid_from, valid_until, printed_token"
    " FROM licenses ORDER BY identifier"
)


def text_of(data: bytes, path: Path) -> str:
    path.write_bytes(data)
    return subprocess.run(["pdftotext", "-layout", str(path), "-"], capture_output=True, text=True, check=True).stdout


def test_licenses_are_sealed_anew_and_nothing_else_about_them_changes(
    database_url: str, town_of: Callable[[str, int], Town], tmp_path: Path
) -> None:
    town = town_of(database_url, 5)
    city, deps = town.city, town.deps
    identifiers = [row[0] for row in city.rows("SELECT identifier FROM licenses ORDER BY identifier")]
    before = {identifier: city.file(identifier) for identifier in identifiers}
    stopped, held = identifiers[3], identifiers[4]
    city.execute(f"UPDATE licenses SET state = 'suspended' WHERE identifier = '{stopped}'")
    ((license_id,),) = city.rows(f"SELECT license_id FROM licenses WHERE identifier = '{held}'")
    with deps.uow() as tx:
        tx.disposals.place(make_hold(subject=license_id))
    rows, notices = city.rows(UNCHANGED), city.rows("SELECT count(*) FROM notices")

    plan, preview = propose_plan(deps, OPERATOR, RSA)
    assert [(row.type_slug, row.issuer_code, row.licenses, row.operations) for row in preview.rows] == [
        (SLUG, ISSUER, 5, 5)
    ]
    assert [(one.seal_id, one.operations, one.days) for one in preview.costs] == [(NEW, 5, 1)]
    carry(deps)
    assert state(deps, plan) is PlanState.PROPOSED, "nothing happens before a second person agrees"
    decide_plan(deps, SECURITY, plan.plan_id, YES)
    carry(deps)
    assert state(deps, plan) is PlanState.DONE
    assert counts(deps, plan) == {"resealed": 3, "skipped": 2}
    skipped = read_outcomes(deps, OPERATOR, plan.plan_id, ResealOutcome.SKIPPED)
    assert {item.identifier: item.code for item in skipped} == {stopped: "not_in_force", held: "held"}

    assert city.rows(UNCHANGED) == rows
    for identifier in identifiers[:3]:
        after = city.file(identifier)
        assert after != before[identifier]
        verdict = city.check(after)
        assert (verdict["indication"], verdict["reason"], verdict["registry_match"]) == ("TOTAL-PASSED", "ok", "exact")
        assert [one["format"] for one in verdict["signatures"]] == ["adbe.pkcs7.detached"]
        assert verdict["license"]["identifier"] == identifier
        earlier = city.check(before[identifier])
        assert earlier["indication"] == "TOTAL-PASSED"
        assert [remark["code"] for remark in earlier["remarks"]] == ["earlier_form"]
        assert text_of(after, tmp_path / "after.pdf") == text_of(before[identifier], tmp_path / "before.pdf")
        assert city.pdfsig(tmp_path / "before.pdf") == "valid", "who has the earlier file alone goes on as before"
        clean = subprocess.run(["qpdf", "--check", str(tmp_path / "after.pdf")], capture_output=True, check=False)
        assert clean.returncode == 0
        sm2 = subprocess.run(
            ["pdfsig", "-nocert", str(tmp_path / "after.pdf")], capture_output=True, text=True, check=False
        )
        assert "Total document signed" in sm2.stdout
    for identifier in (stopped, held):
        assert city.file(identifier) == before[identifier]
    keys = {row.value: row.files for row in take_inventory(deps).rows if row.dimension is Dimension.KEY}
    assert keys == {"sm2": 3, "rsa2048": 2}
    _on_record(town, plan, identifiers[0], notices, tmp_path)


def _on_record(town: Town, plan: ResealPlan, identifier: str, notices: list[Any], tmp_path: Path) -> None:
    """Events, evidence, audit, books and the evidence bundle go on with the new form."""
    city = town.city
    city.execute("UPDATE licenses SET state = 'valid'")
    settle(city)
    kinds = Counter(event["type"].split("certsvc.")[-1] for event in city.events())
    assert (kinds["license.resealed.v1"], kinds["care.plan_moved.v1"]) == (3, 3)
    assert city.rows("SELECT count(*) FROM notices") == notices, "nothing about the license changed"
    uses = city.rows(f"SELECT seal_id, result FROM reservations WHERE purpose LIKE 'reseal:{plan.plan_id}:%'")
    assert uses == [(NEW, "used")] * 3
    assert audited(city.service.deps).findings == []
    assert compared(city).agrees, compared(city).findings
    path = tmp_path / "bundle.zip"
    path.write_bytes(make_bundle(city.service.deps, identifier, reader="auditor"))
    key = str(city.client.get("/v1/log/keys").json()["verifier_keys"][0])
    run = run_verifier("bundle", path, "--key", key)
    assert run.returncode == 0, run.stdout
    with zipfile.ZipFile(path) as bundle:
        assert bundle.read("forms/1.pdf") == city.file(identifier)


def test_two_people_and_a_plan_that_helps_are_needed(sqlite_url: str, town_of: Callable[[str, int], Town]) -> None:
    town = town_of(sqlite_url, 1)
    with pytest.raises(Conflict, match="现行签章方案仍依赖"):
        propose_plan(town.city.service.deps, OPERATOR, RSA)
    deps = town.deps
    with pytest.raises(InvalidInput, match="没有有效证照的文件依赖"):
        propose_plan(deps, OPERATOR, replace_body(value="rsa512"))
    plan, _ = propose_plan(deps, OPERATOR, RSA)
    both = replace(OPERATOR, roles=frozenset({roles.OPERATOR, roles.SECURITY}))
    with pytest.raises(Forbidden, match="不得为同一人"):
        decide_plan(deps, both, plan.plan_id, YES)
    with pytest.raises(Forbidden):
        decide_plan(deps, OPERATOR, plan.plan_id, YES)
    with pytest.raises(InvalidInput, match="须写明意见"):
        decide_plan(deps, SECURITY, plan.plan_id, ResealDecisionBody(approve=False))
    with pytest.raises(NotFound):
        decide_plan(deps, SECURITY, "pln_none", YES)
    declined = decide_plan(deps, SECURITY, plan.plan_id, ResealDecisionBody(approve=False, opinion="暂缓"))
    assert declined.state is PlanState.DECLINED
    with pytest.raises(Conflict, match="未批准"):
        decide_plan(deps, SECURITY, plan.plan_id, YES)
    with pytest.raises(Conflict):
        move_plan(deps, OPERATOR, plan.plan_id, PlanMove.RESUME)
    carry(deps)
    assert town.city.rows("SELECT count(*) FROM artifacts WHERE kind = 'resealed'") == [(0,)]


def replace_body(**changes: Any) -> ResealPlanBody:
    return ResealPlanBody.model_validate({**RSA.model_dump(), **changes})


def test_a_plan_is_paused_waits_for_a_stopped_seal_goes_on_and_is_cancelled(
    sqlite_url: str, town_of: Callable[[str, int], Town], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(advance, "AT_ONCE", 1)
    town = town_of(sqlite_url, 3)
    city, deps = town.city, town.deps
    plan = approved(deps)
    assert advance_plan(deps, lease_s=60)
    assert advance_plan(deps, lease_s=60)
    assert counts(deps, plan) == {"resealed": 1}
    move_plan(deps, OPERATOR, plan.plan_id, PlanMove.PAUSE)
    assert not advance_plan(deps, lease_s=60)
    move_plan(deps, SECURITY, plan.plan_id, PlanMove.RESUME)
    city.execute(f"UPDATE seals SET state = 'stopped' WHERE seal_id = '{NEW}'")
    assert not advance_plan(deps, lease_s=60)
    assert "停用" in read_plan(deps, OPERATOR, plan.plan_id)[0].plan.waits_for
    assert counts(deps, plan) == {"resealed": 1}
    city.execute(f"UPDATE seals SET state = 'active' WHERE seal_id = '{NEW}'")
    assert not advance_plan(deps, lease_s=60), "it rests for a while"
    city.execute("UPDATE reseal_plans SET ready_at = proposed_at")
    assert advance_plan(deps, lease_s=60)
    assert counts(deps, plan) == {"resealed": 2}
    move_plan(deps, OPERATOR, plan.plan_id, PlanMove.CANCEL)
    carry(deps)
    assert (state(deps, plan), counts(deps, plan)) == (PlanState.CANCELLED, {"resealed": 2})
    again = approved(deps)
    assert again.total == 1, "what was done is not meant again"
    carry(deps)
    assert (state(deps, again), counts(deps, again)) == (PlanState.DONE, {"resealed": 1})


def test_a_plan_uses_half_of_what_a_seal_may_do_in_a_day(sqlite_url: str, town_of: Callable[[str, int], Town]) -> None:
    town = town_of(sqlite_url, 3)
    city, deps = town.city, town.deps
    city.execute(f"UPDATE seals SET daily_budget = 4 WHERE seal_id = '{NEW}'")
    plan, preview = propose_plan(deps, OPERATOR, RSA)
    assert [(one.daily_budget, one.days) for one in preview.costs] == [(4, 2)]
    decide_plan(deps, SECURITY, plan.plan_id, YES)
    carry(deps)
    assert (state(deps, plan), counts(deps, plan)) == (PlanState.RUNNING, {"resealed": 2})
    assert read_plan(deps, OPERATOR, plan.plan_id)[0].plan.waits_for
    city.execute(f"UPDATE seals SET daily_budget = 100 WHERE seal_id = '{NEW}'")
    city.execute("UPDATE reseal_plans SET ready_at = proposed_at")
    carry(deps)
    assert (state(deps, plan), counts(deps, plan)) == (PlanState.DONE, {"resealed": 3})


def reseal_until_killed(var: str, database_url: str, today: str) -> None:
    """The program of the killed process."""
    changes = {name: Path(value) for name, value in json.loads(today).items()}
    carry(build(sandbox_settings(Path(var), database_url, **changes)).deps)


@pytest.mark.parametrize("point", ["care.claimed", "care.resealed", "care.form_stored", "care.form_registered"])
def test_a_kill_at_this_point_seals_none_twice(
    sqlite_url: str, town_of: Callable[[str, int], Town], point: str
) -> None:
    town = town_of(sqlite_url, 3)
    city, deps = town.city, town.deps
    plan = approved(deps)
    settings = city.service.settings
    told = json.dumps({name: str(value) for name, value in town.today.items()})
    kill_at(point, reseal_until_killed, str(settings.var_dir), settings.database_url, told)
    assert not advance_plan(deps, lease_s=60), "the dead one's lease holds"
    city.execute("UPDATE reseal_plans SET ready_at = proposed_at")
    carry(deps)
    assert (state(deps, plan), counts(deps, plan)) == (PlanState.DONE, {"resealed": 3})
    assert city.rows("SELECT count(*), count(DISTINCT version_id) FROM artifacts WHERE kind = 'resealed'") == [(3, 3)]
    assert city.rows("SELECT count(*) FROM reservations WHERE result = 'open'") == [(0,)]
    for (identifier,) in city.rows("SELECT identifier FROM licenses"):
        assert city.check(city.file(identifier))["reason"] == "ok"


def test_over_http_and_on_the_command_line(sqlite_url: str, town_of: Callable[[str, int], Town]) -> None:
    town = town_of(sqlite_url, 1)
    city = town.city
    body = {"kind": "algorithm", "value": "rsa", "reason": "换国密"}
    refused = city.client.post("/v1/care/plans", headers=city.person("operator-1"), json=body)
    assert refused.status_code == 409
    plan, _ = propose_plan(town.deps, OPERATOR, RSA)
    path = f"/v1/care/plans/{plan.plan_id}"
    seen = city.answer(city.client.get(path, headers=city.person("auditor-1")), 200)
    assert (seen["plan"]["state"], seen["preview"]["licenses"]) == ("proposed", 1)
    assert (
        city.client.post(f"{path}/decision", headers=city.person("operator-1"), json={"approve": True}).status_code
        == 403
    )
    run = city.answer(
        city.client.post(f"{path}/decision", headers=city.person("security-1"), json={"approve": True}), 201
    )
    assert run["state_zh"] == "办理中"
    for move, name in (("pause", "paused"), ("resume", "running")):
        moved = city.client.post(f"{path}/moves", headers=city.person("operator-1"), json={"move": move})
        assert city.answer(moved, 201)["state"] == name
    env = {
        **environment(city),
        "CERTSVC_KEYS_FILE": str(town.today["keys_file"]),
        "CERTSVC_CATALOG_DIR": str(town.today["catalog_dir"]),
    }
    done = CliRunner().invoke(app, ["care", "plan", "run", plan.plan_id, "--by", "operator-1"], env=env)
    assert (done.exit_code, "已办结：已换章 1 张" in done.stdout) == (0, True), done.output
    listed = CliRunner().invoke(app, ["care", "plan", "list", "--by", "auditor-1"], env=env)
    assert plan.plan_id in listed.stdout
    plans = city.answer(city.client.get("/v1/care/plans", headers=city.person("security-1")), 200)["plans"]
    assert [one["state"] for one in plans] == ["done"]
    found = city.client.get(f"{path}/licenses", headers=city.person("operator-1"), params={"outcome": "resealed"})
    assert len(city.answer(found, 200)["items"]) == 1
