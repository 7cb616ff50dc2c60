"""电子材料: registered by the system of the case, judged like what is stamped, archived with the case."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from archive_city import ARCHIVIST, archivist_of, failed, make, opened, package
from fixtures_city import ServedCity
from upload_documents import letter

CASE = "BJ-MAT-1"
MATTER = "11990000MB0000019F2990131002001"


def register(city: ServedCity, data: bytes | None, status: int = 201, **changes: Any) -> dict[str, Any]:
    body = {
        "authority_code": archivist_of(city),
        "case_no": CASE,
        "matter_code": MATTER,
        "name": "示例房屋租赁合同",
        **changes,
    }
    client = changes.pop("client", "")
    body.pop("client", None)
    answer = city.client.post(
        "/v1/materials",
        headers=city.system(client) if client else city.system(),
        data={"material": json.dumps(body)},
        files={"file": ("a.pdf", data)} if data is not None else None,
    )
    return dict(city.answer(answer, status))


@pytest.fixture(scope="module")
def page() -> bytes:
    return letter()


def test_a_material_is_registered_once_read_by_its_body_and_archived(small_city: ServedCity, page: bytes) -> None:
    city = small_city
    first = register(city, page)
    assert first["sha256"] == hashlib.sha256(page).hexdigest()
    assert (first["state_zh"], first["pages"]) == ("已登记", 1)
    assert register(city, page, name="另一名称") == first
    who = city.person(ARCHIVIST)
    listed = city.answer(city.client.get("/v1/materials", headers=who, params={"case_no": CASE}), 200)
    assert listed == [first]
    answer = city.client.get(f"/v1/materials/{first['material_id']}/file", headers=who)
    assert answer.content == page
    other = next(
        f"approval-{one.authority_code.lower()}"
        for one in city.catalog.matters
        if one.authority_code != archivist_of(city) and f"approval-{one.authority_code.lower()}" in city.secrets
    )
    url = f"/v1/materials/{first['material_id']}"
    refused = city.answer(city.client.get(url, headers=city.system(other)), 404)
    unknown = city.answer(city.client.get("/v1/materials/mat_none", headers=city.system(other)), 404)
    assert refused["detail"] == unknown["detail"]
    register(city, page, 403, client=other)
    record = make(city, case_no=CASE)
    assert (record["materials"], record["keeping_zh"]) == ([first["material_id"]], "定期30年")
    data = package(city, record["archive_id"])
    assert failed(city, data) == set()
    files = opened(data)
    assert files[f"materials/{first['material_id']}.pdf"] == page
    assert 'name="材料名称">示例房屋租赁合同<' in files["metadata.xml"].decode()
    city.drain()
    assert "示例房屋租赁合同" not in json.dumps(city.events(), ensure_ascii=False)
    withdrawn = city.answer(city.client.post(f"{url}/withdrawals", headers=city.system()), 201)
    assert withdrawn["state"] == "withdrawn"
    register(city, page, 409)
    make(city, 404, case_no=CASE)
    assert package(city, record["archive_id"]) == data


def test_what_may_not_be_stamped_may_not_be_registered(small_city: ServedCity, page: bytes) -> None:
    for bad in (b"no pdf", page[: len(page) // 2]):
        found = register(small_city, bad, 422)
        assert found["errors"][0]["pointer"] == "/file"
    assert register(small_city, None, 422)["errors"][0]["code"] == "one_of_two"
    register(small_city, page, 422, case_no="BJ 1/2")
    register(small_city, None, 404, stamping_id="stp_none")
