"""The examples of the guides work in the sandbox as they are written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from fixtures_city import ServedCity

from certsvc.commands.access.seed_sandbox import using_client_id

ROOT = Path(__file__).resolve().parents[2]
FOOD, SCENE = "food_operation", "catering_inspection"


def example(document: str, before: str) -> dict[str, Any]:
    """The JSON object behind the first ``before`` that one follows."""
    text = (ROOT / document).read_text(encoding="utf-8")
    part = next(part.lstrip() for part in text.split(before)[1:] if part.lstrip().startswith("{"))
    found: dict[str, Any] = json.JSONDecoder().raw_decode(part)[0]
    return found


def test_a_visit_goes_as_the_guide_says(make_city: Callable[..., ServedCity], sqlite_url: str) -> None:
    city, guide = make_city(sqlite_url), "docs/inspections.md"

    def call(subject: str, path: str, body: dict[str, Any], status: int) -> Any:
        token = city.client.post("/v1/sandbox/login", json={"subject": subject}).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        return city.answer(city.client.post(path, headers=headers, json=body), status)

    done = city.issue(FOOD, "G-1")
    call("registrar-1", "/v1/officers", example(guide, "POST /v1/officers "), 201)
    visit = call("officer-1", "/v1/visits", example(guide, "POST /v1/visits "), 201)
    assert visit["has_target"]
    shown = call("holder-1", "/v1/shows", {"identifier": done["identifier"], "scene": SCENE}, 201)
    assert city.scan("officer-1", shown["code"])["fields"], "the pair that README names"
    call("officer-1", f"/v1/visits/{visit['visit_id']}/close", {}, 201)
    assert len(call("officer-1", "/v1/visits/repeats", example(guide, "POST /v1/visits/repeats "), 200)) == 1
    rating = example(guide, "POST /v1/wallet/visits/{id}/rating ")
    call("holder-1", f"/v1/wallet/visits/{visit['visit_id']}/rating", rating, 201)
    revoke = json.loads((ROOT / "README.md").read_text("utf-8").split("$IDENTIFIER/moves")[1].split("'")[3])
    city.answer(city.client.post(f"/v1/licenses/{done['identifier']}/moves", headers=city.system(), json=revoke), 201)
    [(token,)] = city.rows(f"SELECT printed_token FROM licenses WHERE identifier = '{done['identifier']}'")
    ended = city.scan("officer-1", f"{city.service.settings.public_base}/q/{token}")
    assert (ended["light"], ended["reasons"][0]["code"]) == ("red", "license_revoked")


def test_sharing_goes_as_the_guide_says(make_city: Callable[..., ServedCity], sqlite_url: str) -> None:
    city, guide = make_city(sqlite_url), "docs/sharing.md"
    city.issue(FOOD, "G-1")
    me, client = city.person(city.holder_of(FOOD)), city.system(using_client_id("11990000MB0000019F"))

    def call(headers: dict[str, str], path: str, body: dict[str, Any]) -> Any:
        return city.answer(city.client.post(path, headers=headers, json=body), 201)

    made = call(client, "/v1/use-requests", example(guide, "`POST /v1/use-requests` `"))
    path = f"/v1/use-requests/{made['request_id']}/answers"
    [waiting] = city.answer(city.client.get("/v1/use-requests", headers=me), 200)
    yes = {**example(guide, "`POST /v1/use-requests/{编号}/answers` `"), "party_id": waiting["party_id"]}
    assert call(me, path, yes)["state"] == "confirmed"
    asked = {**example(guide, "`POST /v1/fetches` `"), "consent_id": made["request_id"]}
    assert [field["key"] for field in call(client, "/v1/fetches", asked)["fields"]] == ["number", "premises"]
    wish = example(guide, "`POST /v1/withholdings` `")
    until = (city.service.deps.clock.now() + timedelta(days=30)).isoformat()
    kept = call(city.person("use-clerk-1"), "/v1/withholdings", {**wish, "until": until})
    yes = example(guide, "`POST /v1/withholdings/{编号}/decisions` `")
    decided = f"/v1/withholdings/{kept['withholding_id']}/decisions"
    assert call(city.person("use-checker-1"), decided, yes)["state"] == "approved"
    given = call(client, "/v1/answers", example(guide, "`POST /v1/answers` `"))
    assert given["answer"] == "yes"
    program: dict[str, Any] = {}
    text = (ROOT / guide).read_text(encoding="utf-8")
    exec(text.split("```python")[1].split("```")[0], program)  # noqa: S102  (the steps of a stranger)
    claims = program["check"](given["statement"], city.answer(city.client.get("/v1/verifications/keys"), 200))
    assert claims["answer"] == "yes"
    digest = hashlib.sha256("\x1f".join((given["salt"], "holder", "001", "91990000MA0000015Q")).encode())
    assert claims["asked"]["sha256"] == digest.hexdigest()
    cohort = call(client, "/v1/cohorts", example(guide, "`POST /v1/cohorts` `"))
    assert [row["answer"] for row in cohort["answers"]] == ["yes", "unknown"]


def test_each_guide_tells_where_a_token_comes_from() -> None:
    for guide in ("showing.md", "inspections.md", "offline-codes.md", "sharing.md"):
        assert "(api-manners.md#令牌--tokens)" in (ROOT / "docs" / guide).read_text(encoding="utf-8"), guide
    manners = (ROOT / "docs" / "api-manners.md").read_text(encoding="utf-8")
    assert "## 令牌 · Tokens" in manners
    assert example("docs/api-manners.md", "`POST /v1/sandbox/login` `") == {"subject": "holder-1"}
