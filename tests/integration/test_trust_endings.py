"""Proposals for the trust list that come to nothing: rejected by the second person, withdrawn by the first, expired."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from fixtures_city import ServedCity
from test_bad_input import problem
from test_trust_changes import CONFIRMER, PROPOSER, anchor, command, confirm, listed, log_of, propose

from certsvc.clock import FixedClock
from certsvc.commands.access import roles
from certsvc.commands.ports import Deps, Principal
from certsvc.commands.trust.change import MAX_REASON, confirm_change, trust_record
from certsvc.commands.trust.end import expire_proposals, reject_change
from certsvc.errors import Conflict, Forbidden
from certsvc.seal.trust_list import PROPOSAL_LIFE

__all__ = ["command"]  # a fixture

SECOND = Principal(subject=CONFIRMER, kind="person", roles=frozenset({roles.TRUST_CONFIRMER}))
AUDITOR = Principal(subject="a", kind="person", roles=frozenset({roles.AUDITOR}))


def end(city: ServedCity, proposal_id: str, how: str, who: str, reason: str = "来源不明") -> Any:
    path = f"/v1/trust-list/proposals/{proposal_id}/{how}"
    return city.client.post(path, headers=city.person(who), json={"reason": reason})


def proposed(city: ServedCity, **changes: Any) -> str:
    return str(city.answer(propose(city, anchor(**changes)), 201)["proposal_id"])


def evidence_kinds(city: ServedCity) -> list[str]:
    return [kind for (kind,) in city.rows("SELECT kind FROM evidence WHERE kind LIKE 'trust.%' ORDER BY at, kind")]


@pytest.mark.parametrize(
    ("how", "who", "word"), [("rejection", CONFIRMER, "rejected"), ("withdrawal", PROPOSER, "withdrawn")]
)
def test_an_ended_proposal_is_on_record_and_nothing_leads_out_of_it(
    city: ServedCity, how: str, who: str, word: str
) -> None:
    before, proposal = listed(city), proposed(city)
    ended = city.answer(end(city, proposal, how, who), 201)
    assert (ended["how"], ended["ended_by"], ended["end_reason"]) == (word, who, "来源不明")
    assert (ended["proposal_id"], ended["proposed_by"]) == (proposal, PROPOSER)
    seen = log_of(city)
    assert (seen["waiting"], seen["changes"], seen["ended"]) == ([], [], [ended])
    for again in (confirm(city, proposal), end(city, proposal, "rejection", CONFIRMER), end(city, proposal, how, who)):
        assert "来源不明" in problem(again, 409)["detail"]
    assert listed(city) == before
    assert evidence_kinds(city) == ["trust.proposed", f"trust.{word}"]
    assert city.answer(confirm(city, proposed(city)), 201)["number"] == 1, "the same change may be proposed anew"


def test_each_ends_only_what_is_theirs_to_end(small_city: ServedCity) -> None:
    city = small_city
    proposal = proposed(city)
    problem(end(city, proposal, "rejection", PROPOSER), 403)
    problem(end(city, proposal, "withdrawal", CONFIRMER), 403)
    both = dataclasses.replace(SECOND, subject=PROPOSER)
    with pytest.raises(Forbidden, match="请撤回"):
        reject_change(city.service.deps, both, proposal, "自己的")
    city.execute("UPDATE trust_proposals SET proposed_by = 'somebody-else'")
    assert "提案人" in problem(end(city, proposal, "withdrawal", PROPOSER), 403)["detail"]
    for how, who in (("rejection", CONFIRMER), ("withdrawal", PROPOSER)):
        problem(end(city, "tpr_00000000000000000000000000", how, who), 404)
        for reason in ("", "   ", "x" * (MAX_REASON + 1)):
            assert problem(end(city, proposal, how, who, reason), 422)["errors"][0]["pointer"] == "/reason"
    assert [one["proposal_id"] for one in log_of(city)["waiting"]] == [proposal]


def test_what_is_in_force_or_overtaken_cannot_be_ended(small_city: ServedCity) -> None:
    city = small_city
    first, overtaken = proposed(city), proposed(city, name="旧名称")
    city.answer(confirm(city, first), 201)
    for proposal in (first, overtaken):
        assert "已经变更" in problem(end(city, proposal, "rejection", CONFIRMER), 409)["detail"]
        problem(end(city, proposal, "withdrawal", PROPOSER), 409)
    assert log_of(city)["ended"] == []


def test_a_proposal_is_confirmed_or_rejected_and_never_both(city: ServedCity) -> None:
    city.person(CONFIRMER)
    for _ in range(3):
        proposal = proposed(city)
        with ThreadPoolExecutor(2) as pool:
            answers = [
                pool.submit(confirm, city, proposal),
                pool.submit(end, city, proposal, "rejection", CONFIRMER),
            ]
            assert sorted(one.result().status_code for one in answers) == [201, 409]
    seen = log_of(city)
    decided = [one["proposal_id"] for one in (*seen["changes"], *seen["ended"])]
    assert len(decided) == len(set(decided)) == 3


def later(deps: Deps, by: timedelta) -> Deps:
    return dataclasses.replace(deps, clock=FixedClock(deps.clock.now() + by))


def test_a_proposal_expires_and_the_daily_sweep_puts_it_on_record(city: ServedCity) -> None:
    proposal = proposed(city)
    (waiting,) = log_of(city)["waiting"]
    assert waiting["expires_at"] > waiting["proposed_at"]
    deps = city.service.deps
    in_time, over = later(deps, PROPOSAL_LIFE - timedelta(hours=1)), later(deps, PROPOSAL_LIFE)
    assert expire_proposals(in_time) == 0
    assert len(trust_record(in_time, AUDITOR).waiting) == 1
    assert trust_record(over, AUDITOR).waiting == []
    with pytest.raises(Conflict, match="30 天"):
        confirm_change(over, SECOND, proposal)
    assert expire_proposals(over) == 1
    assert expire_proposals(over) == 0
    (ended,) = log_of(city)["ended"]
    assert (ended["how"], ended["ended_by"], ended["proposal_id"]) == ("expired", "certsvc", proposal)
    assert "已过期" in problem(confirm(city, proposal), 409)["detail"]
    assert evidence_kinds(city) == ["trust.proposed", "trust.expired"]


def test_the_command_line_ends_proposals_too(small_city: ServedCity, command: Any) -> None:
    first, second = proposed(small_city), proposed(small_city, name="另一名称")
    with pytest.raises(Forbidden):
        command("reject", first, "--by", PROPOSER, "--reason", "不符")
    assert "不予确认" in command("reject", first, "--by", CONFIRMER, "--reason", "来源不明")
    assert "已撤回" in command("withdraw", second, "--by", PROPOSER, "--reason", "名称有误")
    log = command("log")
    assert f"不予确认\t{first}" in log
    assert "名称有误" in log
    assert "待确认" not in log
