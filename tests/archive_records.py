"""Records of archiving for tests of the store, and every operation of its nouns once."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from typing import Any

from store_records import T0

from certsvc.commands.store_ports import UnitOfWork
from certsvc.license.archives import Archive, ArchiveKind, Material, MaterialState
from certsvc.license.model import Holder

BODY, OTHER = "11990000MB0000019F", "11990000MB0000086D"
MATERIAL_NAME = "示例赵某某的房屋租赁合同"
MATERIAL_HOLDER = Holder(name="示例赵某某", code="示例护照E00471100", code_type="414")


def make_archive(n: int = 1, **changes: Any) -> Archive:
    archive = Archive(
        archive_id=f"arc_{n:06d}",
        kind=ArchiveKind.LICENSE,
        authority_code=BODY,
        subject=f"lic_{n:06d}",
        label=f"1.2.156.{n}",
        state_digest=f"{n:064x}",
        sha256=f"{n:064x}",
        sm3=f"{n:064x}",
        size=n,
        object_name=f"archives/arc_{n:06d}.zip",
        keeping="permanent",
        members=(f"1.2.156.{n}",),
        materials=("mat_000001",),
        made_by="archivist-1",
        made_at=T0 + timedelta(minutes=n),
    )
    return dataclasses.replace(archive, **changes)


def received(archive: Archive, **changes: Any) -> Archive:
    noted = {
        "handed_to": "示例省档案馆",
        "receipt_no": "示例档接〔2026〕1号",
        "received_on": date(2026, 3, 2),
        "receipt_by": "archivist-1",
        "receipt_at": T0 + timedelta(days=1),
        **changes,
    }
    return dataclasses.replace(archive, **noted)


def make_material(n: int = 1, **changes: Any) -> Material:
    material = Material(
        material_id=f"mat_{n:06d}",
        authority_code=BODY,
        case_no="BJ-1",
        matter_code="matter-1",
        code="CL-01",
        name=MATERIAL_NAME,
        sha256=f"{n:064x}",
        size=n,
        pages=1,
        object_name=f"materials/mat_{n:06d}.pdf",
        stamping_id="",
        state=MaterialState.REGISTERED,
        registered_by="approval-1",
        registered_at=T0,
        holder=MATERIAL_HOLDER,
    )
    return dataclasses.replace(material, **changes)


def run_archives(tx: UnitOfWork) -> None:
    """Every operation once."""
    one, other = make_archive(1), make_archive(2, authority_code=OTHER)
    assert tx.archives.insert(one)
    assert tx.archives.insert(other)
    assert not tx.archives.insert(dataclasses.replace(one, archive_id="arc_000009"))
    assert tx.archives.by_id(one.archive_id) == one
    assert tx.archives.by_id("arc_none") is None
    assert tx.archives.of_state(one.kind, one.authority_code, one.subject, one.state_digest) == one
    assert tx.archives.of_state(ArchiveKind.CASE, one.authority_code, one.subject, one.state_digest) is None
    assert tx.archives.of_state(one.kind, "", one.subject, one.state_digest) == one
    assert tx.archives.of_state(one.kind, "", other.subject, one.state_digest) is None
    assert tx.archives.states(ArchiveKind.LICENSE, [one.subject, "x"]) == {
        (BODY, one.subject): frozenset({one.state_digest})
    }
    assert tx.archives.of([BODY], limit=9) == [one]
    assert tx.archives.of([BODY, OTHER], limit=9) == [other, one]
    assert tx.archives.of([], limit=9) == []
    assert tx.archives.of(None, limit=9) == [other, one]
    assert tx.archives.of(None, limit=9, behind=(other.made_at, other.archive_id)) == [one]
    assert tx.archives.of([OTHER], limit=9, behind=(other.made_at, other.archive_id)) == []
    assert tx.archives.hand_over(received(one))
    assert not tx.archives.hand_over(received(one, receipt_no="other"))
    assert tx.archives.by_id(one.archive_id) == received(one)
    tx.archives.licenses_after("", limit=9)
    tx.archives.bodies_of_cases(tx.archives.cases_after("", limit=9) or ["x"])
    tx.requests.of_case("x", caller="", body=BODY, behind="", limit=9)
    run_materials(tx)


def run_materials(tx: UnitOfWork) -> None:
    """Every operation of 电子材料 once."""
    first, second = make_material(1), make_material(2)
    assert tx.materials.insert(first)
    assert tx.materials.insert(second)
    assert not tx.materials.insert(dataclasses.replace(first, material_id="mat_000009"))
    assert tx.materials.by_id(first.material_id) == first
    assert tx.materials.of_case(BODY, "BJ-1", limit=9) == [first, second]
    assert tx.materials.of_case(OTHER, "BJ-1", limit=9) == []
    assert tx.materials.by_ids([second.material_id, "mat_none"]) == {second.material_id: second}
    assert tx.materials.by_ids([]) == {}
    assert tx.materials.of_holders([MATERIAL_HOLDER], limit=9) == [second, first]
    assert tx.materials.of_holders([MATERIAL_HOLDER], limit=1) == [second]
    assert tx.materials.of_kind(MATERIAL_HOLDER, second.code, limit=9) == [
        one for one in (second, first) if one.code == second.code and one.state is MaterialState.REGISTERED
    ]
    assert tx.materials.of_kind(MATERIAL_HOLDER, "nothing", limit=9) == []
    assert tx.materials.of_holders([dataclasses.replace(MATERIAL_HOLDER, code_type="111")], limit=9) == []
    bare = make_material(3, case_no="BJ-3", holder=None)
    assert tx.materials.insert(bare)
    assert tx.materials.by_id(bare.material_id) == bare
    assert tx.materials.by_file(BODY, "BJ-1", first.sha256) == first
    assert tx.materials.count_held(BODY, "BJ-1") == 2
    source, target = MaterialState.REGISTERED, MaterialState.WITHDRAWN
    assert tx.materials.move(first.material_id, source=source, target=target, now=T0)
    assert tx.materials.count_held(BODY, "BJ-1") == 1, "what was withdrawn is not counted"
    assert tx.materials.of_case(BODY, "BJ-1", limit=9, only=source) == [second]
    assert not tx.materials.move(first.material_id, source=source, target=target, now=T0)
