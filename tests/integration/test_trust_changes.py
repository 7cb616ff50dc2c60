"""Changes of the trust list: two people, a log that nobody edits unseen, every process following, and exchange."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fixtures_city import ROOT, ServedCity
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from signing_strangers import make_stranger
from test_bad_input import problem
from typer.testing import CliRunner

from certsvc.app import Service
from certsvc.cli.commands import app
from certsvc.commands.access import roles
from certsvc.commands.access.roles import check_separation
from certsvc.commands.ports import Principal
from certsvc.commands.trust.change import MAX_REASON, propose_change
from certsvc.commands.trust.exchange import NEW, ONLY_HERE, export_list, propose_import, read_import
from certsvc.errors import Forbidden, IntegrityError, InvalidInput, NotFound
from certsvc.seal.trust_entries import recognition_of
from certsvc.seal.trust_list import TrustLog
from certsvc.signing.trust import read_anchors
from certsvc.store.migrate import upgrade

PROPOSER, CONFIRMER = "trust-1", "trust-2"
AUDITOR = Principal(subject="a", kind="person", roles=frozenset({roles.AUDITOR}))


def new_root() -> str:
    return base64.b64encode(read_anchors(make_stranger().root_pem)[0]).decode("ascii")


ROOT_A = new_root()


def sha256_of(certificate: str) -> str:
    return hashlib.sha256(base64.b64decode(certificate)).hexdigest()


def anchor(certificate: str = ROOT_A, **changes: Any) -> dict[str, Any]:
    body = {"certificate": certificate, "name": "示例国家根证书", "purposes": ["partner-a", "timestamp"]}
    return {"reason": "国家电子印章根证书", "anchor": body | changes}


def recognition(certificate: str = ROOT_A, **changes: Any) -> dict[str, Any]:
    body = {
        "partner": "a",
        "name": "示例甲市",
        "anchors": [sha256_of(certificate)],
        "types": [{"code": "x-1", "slug": "*", "title": "示例证"}],
        "channel": "https://zz.a.example",
        "effective_from": "2026-01-01T00:00:00+08:00",
    }
    return {"reason": "两市互认协议", "recognition": body | changes}


def propose(city: ServedCity, body: dict[str, Any], who: str = PROPOSER) -> Any:
    return city.client.post("/v1/trust-list/proposals", headers=city.person(who), json=body)


def confirm(city: ServedCity, proposal_id: str, who: str = CONFIRMER) -> Any:
    return city.client.post(f"/v1/trust-list/proposals/{proposal_id}/confirmation", headers=city.person(who))


def change(city: ServedCity, body: dict[str, Any]) -> dict[str, Any]:
    proposal = city.answer(propose(city, body), 201)
    return dict(city.answer(confirm(city, proposal["proposal_id"]), 201))


def listed(city: ServedCity) -> dict[str, Any]:
    return dict(city.answer(city.client.get("/v1/trust-list"), 200))


def log_of(city: ServedCity, who: str = "auditor-1", **query: int) -> dict[str, Any]:
    response = city.client.get("/v1/trust-list/changes", headers=city.person(who), params=query)
    return dict(city.answer(response, 200))


def test_one_proposes_another_confirms_and_every_process_takes_it_up(
    database_url: str, make_city: Callable[..., ServedCity], make_service: Callable[..., Service]
) -> None:
    city = make_city(database_url)
    other = make_service(database_url)
    before = listed(city)
    assert (before["version"], before["digest"], before["recognitions"]) == (0, "", [])
    assert {one["origin"] for one in before["anchors"]} == {"file"}
    proposal = city.answer(propose(city, anchor()), 201)
    assert listed(city) == before, "a proposal is in force for nobody"
    assert [one["proposal_id"] for one in log_of(city)["waiting"]] == [proposal["proposal_id"]]
    made = city.answer(confirm(city, proposal["proposal_id"]), 201)
    assert (made["number"], made["proposed_by"], made["confirmed_by"]) == (1, PROPOSER, CONFIRMER)
    assert (made["reason"], made["entry"]["name"]) == ("国家电子印章根证书", "示例国家根证书")
    now = listed(city)
    assert (now["version"], now["digest"]) == (1, made["digest"])
    (added,) = [one for one in now["anchors"] if one["origin"] == "list"]
    assert (added["sha256"], added["purposes"]) == (sha256_of(ROOT_A), ["partner-a", "timestamp"])
    assert now["sha256"] != before["sha256"]

    assert other.deps.trust.current.version == 0
    assert other.deps.trust.follow()
    assert not other.deps.trust.follow(), "one look at one row, until the next change"
    assert other.deps.trust.current == city.service.deps.trust.current

    second = change(city, recognition())
    assert (second["number"], second["previous"]) == (2, made["digest"])
    assert log_of(city)["waiting"] == []
    assert [one["number"] for one in log_of(city, after=1)["changes"]] == [2]
    assert [one["number"] for one in log_of(city, limit=1)["changes"]] == [1]
    city.drain()
    events = [one for one in city.events() if one["type"].endswith("trust.changed.v1")]
    assert [one["data"]["version"] for one in events] == [1, 2]
    assert events[1]["data"]["entry_id"] == "a"
    assert other.deps.trust.follow()
    assert other.deps.trust.current.recognition("a") is not None


def test_nobody_confirms_what_they_proposed_and_no_role_does_both(small_city: ServedCity) -> None:
    city = small_city
    proposal = city.answer(propose(city, anchor()), 201)["proposal_id"]
    assert confirm(city, proposal, who=PROPOSER).status_code == 403
    assert propose(city, anchor(), who=CONFIRMER).status_code == 403
    for who in ("security-1", "auditor-1", "clerk-1", "publisher-1"):
        assert propose(city, anchor(), who=who).status_code == 403
        assert confirm(city, proposal, who=who).status_code == 403
    assert city.client.get("/v1/trust-list/changes", headers=city.person("clerk-1")).status_code == 403
    with city.service.deps.uow() as tx:
        person = tx.access.person(PROPOSER)
        assert person is not None
        both = dataclasses.replace(person, roles=frozenset({roles.TRUST_PROPOSER, roles.TRUST_CONFIRMER}))
        tx.access.upsert_person(both)
    refused = problem(confirm(city, proposal, who=PROPOSER), 403)
    assert "同一人" in refused["detail"]
    assert listed(city)["version"] == 0
    for pair in (
        {roles.TRUST_PROPOSER, roles.TRUST_CONFIRMER},
        {roles.OPERATOR, roles.TRUST_PROPOSER},
        {roles.AUDITOR, roles.TRUST_CONFIRMER},
    ):
        with pytest.raises(Forbidden):
            check_separation(frozenset(pair))
    check_separation(frozenset({roles.SECURITY, roles.TRUST_CONFIRMER}))


def test_a_proposal_is_confirmed_once_and_never_over_a_later_change(small_city: ServedCity) -> None:
    city = small_city
    first = city.answer(propose(city, anchor()), 201)["proposal_id"]
    older = city.answer(propose(city, anchor(name="旧名称")), 201)["proposal_id"]
    city.answer(confirm(city, first), 201)
    assert "已经变更" in problem(confirm(city, first), 409)["detail"]
    problem(confirm(city, older), 409)
    assert log_of(city)["waiting"] == [], "what was overtaken waits for nobody"
    problem(confirm(city, "tpr_00000000000000000000000000"), 404)
    renamed = change(city, anchor(name="新名称"))
    assert renamed["number"] == 2, "a refused confirmation takes no number"
    assert [one["name"] for one in listed(city)["anchors"] if one["origin"] == "list"] == ["新名称"]


def test_confirmations_at_the_same_time_are_numbered_without_gaps(city: ServedCity) -> None:
    proposals = [city.answer(propose(city, anchor(certificate=new_root())), 201)["proposal_id"] for _ in range(4)]
    city.person(CONFIRMER)
    with ThreadPoolExecutor(4) as pool:
        made = [one.json() for one in pool.map(lambda proposal: confirm(city, proposal), proposals)]
    assert sorted(one["number"] for one in made) == [1, 2, 3, 4]
    assert TrustLog((), city.service.deps.trust.log._steps).current.version == 4


def test_what_does_not_fit_is_refused_with_its_field(small_city: ServedCity) -> None:
    city = small_city
    root = (city.service.settings.keys / "trust" / "dev-root.pem").read_bytes()
    own = base64.b64encode(read_anchors(root)[0]).decode("ascii")
    junk = base64.b64encode(b"\x30\x03\x02\x01\x01").decode("ascii")
    leaf = base64.b64encode(read_anchors(make_stranger().pem)[0]).decode("ascii")
    cases = [
        (anchor(certificate=own), "/certificate"),
        (anchor(certificate=junk), None),
        (anchor(intermediates=[leaf]), None),
        (anchor(purposes=["other"]), "/purposes"),
        (anchor(valid_from="2026-02-01T00:00:00Z", valid_until="2026-01-01T00:00:00Z"), "/valid_until"),
        (recognition(), "/anchors"),
        ({"reason": "两者都有"} | anchor() | recognition(), None),
        ({"reason": "两者都无"}, None),
        (anchor() | {"reason": "x" * (MAX_REASON + 1)}, "/reason"),
        (anchor() | {"reason": "   "}, "/reason"),
    ]
    for body, pointer in cases:
        found = problem(propose(city, body), 422)
        if pointer is not None:
            assert pointer in [one["pointer"] for one in found["errors"]], body
    change(city, anchor())
    wrong = [
        (recognition(types=[{"code": "x", "slug": "no_such_type", "title": ""}]), "/types"),
        (recognition(partner="b"), "/anchors"),
        (recognition(states={"good": "fine"}), "/states"),
    ]
    for body, pointer in wrong:
        assert problem(propose(city, body), 422)["errors"][0]["pointer"] == pointer


def test_outside_of_the_sandbox_a_channel_is_https(small_city: ServedCity) -> None:
    city = small_city
    change(city, anchor())
    deps = city.service.deps
    strict = dataclasses.replace(deps, policy=dataclasses.replace(deps.policy, sandbox=False))
    caller = Principal(subject="p", kind="person", roles=frozenset({roles.TRUST_PROPOSER}))
    for channel, fits in (("http://zz.a.example", False), ("https://zz.a.example", True)):
        entry = recognition_of(recognition(channel=channel)["recognition"])
        assert propose_change(deps, caller, entry, "沙箱").entry_id == "a"
        if fits:
            assert propose_change(strict, caller, entry, "正式").entry_id == "a"
        else:
            with pytest.raises(InvalidInput, match="https"):
                propose_change(strict, caller, entry, "正式")


def test_an_edited_log_is_not_taken_up_and_stops_the_next_start(
    small_city: ServedCity, make_service: Callable[..., Service], sqlite_url: str
) -> None:
    city = small_city
    change(city, anchor())
    other = make_service(sqlite_url)
    change(city, recognition())
    city.execute("UPDATE trust_changes SET reason = '另一个理由' WHERE number = 1")
    assert not other.deps.trust.follow()
    assert other.deps.trust.current.version == 1, "the last good one stays"
    with pytest.raises(IntegrityError, match="第 1 次变更"):
        make_service(sqlite_url)


TAKES_UP = """
import sys, time
from pathlib import Path
from fixtures_city import sandbox_settings
from certsvc.app import build
from certsvc.cli.logs import configure_logs

configure_logs("ERROR")
service = build(sandbox_settings(Path(sys.argv[1]), sys.argv[2]))
service.loops.start(workers=0, relay=False)
print(service.deps.trust.current.version, flush=True)
sys.stdin.readline()
deadline = time.monotonic() + 60
while service.deps.trust.current.version == 0 and time.monotonic() < deadline:
    time.sleep(0.05)
print(service.deps.trust.current.version, flush=True)
service.close()
"""


def test_a_process_of_its_own_follows_without_being_told(small_city: ServedCity, sqlite_url: str) -> None:
    city = small_city
    arguments = [sys.executable, "-c", TAKES_UP, str(city.service.settings.var_dir), sqlite_url]
    paths = f"{ROOT}:{ROOT / 'tests'}"
    with subprocess.Popen(
        arguments,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "0"
        change(city, anchor())
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline().strip() == "1"


def exported(city: ServedCity) -> tuple[str, str]:
    text = export_list(city.service.deps, AUDITOR)
    return text, json.dumps(city.answer(city.client.get("/v1/trust-list/keys"), 200))


def test_an_export_is_read_again_and_its_differences_are_only_proposed(
    small_city: ServedCity, make_service: Callable[..., Service], tmp_path: Path
) -> None:
    city = small_city
    change(city, anchor())
    change(city, recognition())
    text, jwks = exported(city)
    url = f"sqlite:///{tmp_path / 'fresh.sqlite3'}"
    upgrade(url)
    fresh = make_service(url)
    imported = read_import(fresh.deps, text, jwks)
    assert (imported.version, imported.digest) == (2, listed(city)["digest"])
    assert [(one.what, one.kind, one.entry_id) for one in imported.differences] == [
        (NEW, "anchor", sha256_of(ROOT_A)),
        (NEW, "recognition", "a"),
    ]
    caller = Principal(subject="p", kind="person", roles=frozenset({roles.TRUST_PROPOSER}))
    proposals = propose_import(fresh.deps, caller, imported, "导入")
    assert [one.kind for one in proposals] == ["anchor"], "the recognition waits until its anchor is in force"
    assert fresh.deps.trust.current.version == 0
    nobody = Principal(subject="c", kind="person", roles=frozenset({roles.TRUST_CONFIRMER}))
    with pytest.raises(Forbidden):
        propose_import(fresh.deps, nobody, imported, "导入")
    assert read_import(city.service.deps, text, jwks).differences == ()
    change(city, anchor(certificate=new_root()))
    assert [one.what for one in read_import(city.service.deps, text, jwks).differences] == [ONLY_HERE]
    partner = read_import(fresh.deps, text, jwks, partner="x")
    assert partner.differences == (), "the roots of its seals are here already"


def test_a_changed_export_another_key_or_another_statement_is_refused(small_city: ServedCity) -> None:
    city = small_city
    change(city, anchor())
    text, jwks = exported(city)
    deps = city.service.deps
    others = json.dumps(city.answer(city.client.get("/v1/verifications/keys"), 200))
    with pytest.raises(InvalidInput, match="签名不符"):
        read_import(deps, text, others)
    receipt = deps.verification_receipts.sign({"version": 1, "anchors": [], "recognitions": []}, now=deps.clock.now())
    with pytest.raises(InvalidInput):
        read_import(deps, receipt, jwks)
    with pytest.raises(InvalidInput):
        read_import(deps, receipt, others)
    head, body, value = text.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    claims["anchors"][0]["purposes"] = ["seal"]
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    with pytest.raises(InvalidInput, match="签名不符"):
        read_import(deps, f"{head}.{forged}.{value}", jwks)
    for bad in ({"version": "1", "anchors": [], "recognitions": []}, {"version": 1, "anchors": {}}):
        with pytest.raises(InvalidInput):
            read_import(deps, deps.trust_lists.sign(bad, now=deps.clock.now()), jwks)

    @settings(
        max_examples=60,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        deadline=None,
    )
    @given(st.data())
    def no_character_can_be_changed(data: st.DataObject) -> None:
        at = data.draw(st.integers(0, len(text) - 1))
        other = data.draw(st.characters(codec="ascii").filter(lambda char: char != text[at]))
        with pytest.raises(InvalidInput):
            read_import(deps, f"x{text[:at]}{other}{text[at + 1 :]}"[1:] + ".", jwks)

    no_character_can_be_changed()


@pytest.fixture
def command(small_city: ServedCity, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """The command line over the city's own database."""
    values = small_city.service.settings
    for name in ("profile", "var_dir", "database_url", "keys_file", "trust_dir"):
        monkeypatch.setenv(f"CERTSVC_{name.upper()}", str(getattr(values, name)))
    monkeypatch.setenv("CERTSVC_FONT_DIRS", ":".join(map(str, values.font_dirs)))

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["trust", *arguments])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.output

    return run


def test_the_command_line_does_the_whole_of_it(command: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "root.pem").write_bytes(make_stranger().root_pem)
    change_file = tmp_path / "change.toml"
    change_file.write_text(
        'reason = "示例省根证书"\n[[anchor]]\ncertificate = "root.pem"\nname = "示例省根证书"\n'
        'purposes = ["seal", "partner-a"]\nvalid_from = 2026-01-01T00:00:00+08:00\n',
        encoding="utf-8",
    )
    assert "没有变更" in command("log")
    with pytest.raises(NotFound, match="certsvc people list"):
        command("propose", str(change_file), "--by", "提案人")
    proposal = command("propose", str(change_file), "--by", PROPOSER).split()[0]
    assert f"待确认\t{proposal}" in command("log")
    with pytest.raises(Forbidden):
        command("confirm", proposal, "--by", PROPOSER)
    assert "第 1 次变更" in command("confirm", proposal, "--by", CONFIRMER)
    log = command("log")
    assert "信任证书" in log
    assert "示例省根证书" in log
    assert re.search(r"\t\d{4}年\d+月\d+日 \d\d:\d\d:\d\d\t", log)
    assert "anchor" not in log
    anchor_id = hashlib.sha256(read_anchors((tmp_path / "root.pem").read_bytes())[0]).hexdigest()
    change_file.write_text(
        'reason = "互认"\n[[recognition]]\npartner = "a"\nname = "示例甲市"\n'
        f'anchors = ["{anchor_id}"]\nchannel = "https://zz.a.example"\n'
        "effective_from = 2026-01-01T00:00:00+08:00\n"
        '[[recognition.types]]\ncode = "x"\nslug = "*"\ntitle = "示例证"\n',
        encoding="utf-8",
    )
    second = command("propose", str(change_file), "--by", PROPOSER).split()[0]
    command("confirm", second, "--by", CONFIRMER)
    shown = command("list")
    assert "第 2 版" in shown
    assert "示例甲市" in shown
    out, keys = tmp_path / "list.jws", tmp_path / "keys.json"
    command("export", str(out), "--keys", str(keys))
    assert "差异 0 项" in command("import", str(out), "--keys", str(keys))
    assert json.loads(keys.read_text())["keys"][0]["kty"] == "EC"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('reason = "x"\n[[anchor]]\nname = "a"\n', "缺少 certificate"),
        ('reason = "x"\n[[anchor]]\nnaem = "a"\n', "不认识的项：naem"),
        ('reason = "x"\n\nname = = 1\n', "第 3 行"),
    ],
)
def test_a_fault_of_a_change_file_is_named_with_its_place(
    command: Callable[..., str], tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "change.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match=said):
        command("propose", str(path), "--by", PROPOSER)


@pytest.mark.parametrize(
    "text",
    ["= = =", 'reason = "x"\n', "anchor = 3\n", '[[anchor]]\ncertificate = "gone.pem"\n', "[other]\n", "[[anchor]]\n"],
)
def test_a_change_file_that_cannot_be_used_says_so(command: Callable[..., str], tmp_path: Path, text: str) -> None:
    path = tmp_path / "change.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput):
        command("propose", str(path), "--by", PROPOSER)
