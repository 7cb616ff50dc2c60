"""A 用证码 for answers alone: the smallest consent is a yes or no, and nothing of the license leaves by it."""

from __future__ import annotations

from typing import Any

from fixtures_city import ServedCity
from test_bad_input import problem
from test_fetch import CLIENT, SLUG, asking, consented, grant


def question(city: ServedCity, code: str, **changes: Any) -> Any:
    bare = {"basis": "consent", "grant_code": code, "holder_code": None, "holder_code_type": None}
    body = asking(city, **{**bare, "ask": "valid", **changes})
    return city.client.post("/v1/answers", headers=city.system(CLIENT), json=body)


def test_a_code_for_answers_alone_answers_and_gives_no_field(city: ServedCity) -> None:
    identifier = city.issue(SLUG, "GA-1")["identifier"]
    made = grant(city, identifier, fields=["?valid"])
    assert city.answer(question(city, made["code"]), 201)["answer"] == "yes"
    refused = problem(question(city, made["code"], ask="scope", field="holder_name", term="示例"), 403)
    assert "没有授权" in refused["detail"]
    for fields in ([], ["number"], ["*copy"]):
        refused = problem(consented(city, made["code"], fields=fields), 403)
        assert "/v1/answers" in refused["detail"], "the next step is told"
    assert city.answer(question(city, made["code"]), 201)["answer"] == "yes", "a refused fetch uses nothing"
    assert city.rows("SELECT fields, used_at FROM grants") == [('["?valid"]', None)]
