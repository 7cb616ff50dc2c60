"""Records of 鉴定销毁 for tests of the store, and every operation of its nouns once."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from typing import Any

from archive_records import BODY, MATERIAL_HOLDER, OTHER, make_archive, make_material
from reseal_records import make_outcome, make_plan
from store_records import T0, make_move, make_notice, make_scan, make_version

from certsvc.commands.store_ports import UnitOfWork
from certsvc.license.archives import ArchiveKind, MaterialState
from certsvc.license.disposal import (
    Disposal,
    DisposalItem,
    DisposalOutcome,
    DisposalState,
    ErasedRow,
    GoneFile,
    Hold,
    ItemState,
)
from certsvc.license.disputes import Dispute, DisputeAbout, DisputeState
from certsvc.license.notices import Service
from certsvc.license.reseal import ResealOutcome
from certsvc.license.uses import Scan
from certsvc.license.visits import Inspection, Outcome, TaskKind, Visit

REASON = "示例当事人李某某已无争议"


def make_disposal(n: int = 1, **changes: Any) -> Disposal:
    disposal = Disposal(
        list_id=f"dis_{n:06d}",
        authority_code=BODY,
        outcome=DisposalOutcome.DESTROY,
        years=0,
        reason=REASON,
        state=DisposalState.PROPOSED,
        proposed_by="archivist-1",
        proposed_at=T0 + timedelta(minutes=n),
    )
    return dataclasses.replace(disposal, **changes)


def make_item(n: int = 1, place: int = 1, **changes: Any) -> DisposalItem:
    item = DisposalItem(
        list_id=f"dis_{n:06d}",
        place=place,
        kind=ArchiveKind.LICENSE,
        authority_code=BODY,
        subject=f"lic_{place:06d}",
        label=f"1.2.156.{place}",
        title="食品经营许可证",
        keeping="years_10",
        formed_on=date(2026, 3, 2),
        over_on=date(2037, 1, 1),
        files=1,
        packages=(f"{place:064x}",),
        state=ItemState.LISTED,
    )
    return dataclasses.replace(item, **changes)


def make_hold(n: int = 1, **changes: Any) -> Hold:
    hold = Hold(
        hold_id=f"hld_{n:06d}",
        kind=ArchiveKind.LICENSE,
        authority_code=BODY,
        subject=f"lic_{n:06d}",
        label=f"1.2.156.{n}",
        reason=REASON,
        placed_by="archivist-1",
        placed_at=T0 + timedelta(minutes=n),
    )
    return dataclasses.replace(hold, **changes)


def make_erased(noun: str, row_id: str) -> ErasedRow:
    was = f"{noun} {row_id} {1:064x}"
    return ErasedRow(noun=noun, row_id=row_id, was=was, was_before="", list_id="dis_000001", at=T0)


def make_gone(n: int = 1, place: int = 1) -> GoneFile:
    return GoneFile(object_name=f"gone/{n}.pdf", sha256=f"{n:064x}", list_id="dis_000001", place=place, at=T0)


def run_disposals(tx: UnitOfWork, number: int) -> None:
    """Every operation of the nouns, each with its effect; ``number`` is of a version that nobody else uses."""
    first, second = make_item(), make_item(1, 2)
    one, other = make_disposal(), make_disposal(2, authority_code=OTHER)
    tx.disposals.insert(one, [first, second])
    tx.disposals.insert(other, [])
    assert tx.disposals.by_id(one.list_id) == one
    assert tx.disposals.by_id("dis_none") is None
    assert tx.disposals.items_of(one.list_id) == [first, second]
    assert tx.disposals.of([BODY], limit=9) == [one]
    assert tx.disposals.of([BODY, OTHER], limit=9) == [other, one]
    assert tx.disposals.of(None, limit=9) == [other, one]
    assert tx.disposals.of(None, limit=9, behind=(other.proposed_at, other.list_id)) == [one]
    assert tx.disposals.of([OTHER], limit=9, behind=(other.proposed_at, other.list_id)) == []
    approved = make_disposal(state=DisposalState.APPROVED, opinion=REASON, decided_by="b", decided_at=T0, effect_at=T0)
    assert tx.disposals.move(approved, source=DisposalState.PROPOSED)
    assert not tx.disposals.move(approved, source=DisposalState.PROPOSED)
    assert tx.disposals.in_state(DisposalState.APPROVED, limit=9) == [approved]
    moved = make_item(state=ItemState.SPARED, why="held", moved_at=T0, extended_until=date(2040, 1, 1))
    assert tx.disposals.move_item(moved, source=ItemState.LISTED)
    assert not tx.disposals.move_item(moved, source=ItemState.LISTED)
    both = tx.disposals.about(ArchiveKind.LICENSE, [first.subject, second.subject])
    assert both == [(moved, DisposalState.APPROVED), (second, DisposalState.APPROVED)]
    assert tx.disposals.about(ArchiveKind.CASE, [first.subject]) == []

    hold = make_hold()
    tx.disposals.place(hold)
    assert tx.disposals.hold(hold.hold_id) == hold
    assert tx.disposals.placed(hold.kind, [hold.subject, "x"]) == [hold]
    assert tx.disposals.lift(hold.hold_id, by="b", now=T0)
    assert not tx.disposals.lift(hold.hold_id, by="b", now=T0)
    assert tx.disposals.placed(hold.kind, [hold.subject]) == []
    assert tx.disposals.holds_of([BODY], limit=9) == [dataclasses.replace(hold, lifted_by="b", lifted_at=T0)]
    package = make_archive(7, kind=ArchiveKind.CASE, subject="BJ-7")
    assert tx.archives.insert(package)
    assert tx.disposals.packages_of(ArchiveKind.CASE, ["BJ-7", "BJ-8"]) == [package]
    assert tx.disposals.cases_after("BJ-6", limit=9) == ["BJ-7"]
    assert tx.disposals.disputed(["ver_none"]) == set()
    run_erasing(tx, number)


def run_erasing(tx: UnitOfWork, number: int) -> None:
    """Everything of a version that goes by decision."""
    photo = tx.photos.put(b"jpeg of nobody")
    version = make_version(number, photo_id=photo)
    tx.licenses.insert(version)
    row = make_erased("license", version.version_id)
    assert tx.erased.version(version, row)
    assert not tx.erased.version(version, row), "once"
    found = tx.licenses.by_version_id(version.version_id)
    assert found is not None
    assert (found.number, found.holder.name, found.holder.code, found.data, found.photo_id) == ("", "", "", {}, "")
    assert tx.photos.get_all([photo]) == {}
    assert tx.erased.rows("license", [version.version_id, "x"]) == {version.version_id: row}
    move = make_move(number)
    noted = make_erased("move", move.move_id)
    assert tx.erased.move(move, noted) == (move.decision is not None)
    tx.erased.request("req_none")
    material = make_material(9, case_no="BJ-9")
    assert tx.materials.insert(material)
    named = make_erased("material", material.material_id)
    assert tx.erased.material(material, named)
    assert not tx.erased.material(material, named), "once"
    left = tx.materials.by_id(material.material_id)
    assert left is not None
    assert (left.name, left.holder, left.state) == ("", None, MaterialState.DESTROYED)
    assert material not in tx.materials.of_holders([MATERIAL_HOLDER], limit=9)
    assert tx.erased.co_holders(version.license_id) == []
    assert tx.erased.copies([version.version_id]) == []
    run_erasing_words(tx, version.version_id)
    gone = make_gone()
    tx.erased.files([gone, make_gone(2, 2)])
    tx.erased.files([gone])
    assert tx.erased.file(gone.object_name) == gone
    assert tx.erased.file("gone/none.pdf") is None
    assert tx.erased.files_of("dis_000001", 1) == [gone]


def run_erasing_words(tx: UnitOfWork, version_id: str) -> None:
    """What was written about the holder goes; of a visit only when nothing that was scanned in it stands."""
    standing = make_version(4321)
    tx.licenses.insert(standing)
    tx.notices.insert(
        make_notice(901, version_id=version_id, service=Service(to="138****0001"), recipient=MATERIAL_HOLDER)
    )
    tx.notices.insert(make_notice(902, version_id=standing.version_id))
    for n, which in ((901, version_id), (902, standing.version_id)):
        tx.disputes.insert(
            Dispute(
                dispute_id=f"dsp_{n:06d}",
                version_id=which,
                holder_subject="words-1",
                about=DisputeAbout.CONTENT,
                use_id="",
                used_by="",
                authority_code=BODY,
                text=REASON,
                filed_at=T0 + timedelta(seconds=n),
                due_on=date(2026, 3, 1),
                state=DisputeState.REJECTED,
                answer=REASON,
            )
        )
    for n in (901, 902):
        assert tx.visits.open(_visit(n), token_sha256=f"{n:064d}")
        scan = make_scan(n, version_id=version_id, visit_id=f"vis_{n:06d}")
        tx.showing.insert_scan(scan)
        assert tx.inspections.append(_inspection(scan))
    tx.showing.insert_scan(make_scan(903, version_id=standing.version_id, visit_id="vis_000902"))
    plan = make_plan(0)  # the oldest
    tx.reseals.insert(plan)
    for which in (version_id, standing.version_id):
        outcome = make_outcome(version_id=which, plan_id=plan.plan_id, outcome=ResealOutcome.FAILED, detail=REASON)
        assert tx.reseals.add(outcome)
    tx.erased.words([])
    tx.erased.words([version_id])
    outcomes = tx.reseals.items(plan.plan_id, ResealOutcome.FAILED, behind="", limit=9)
    assert {one.version_id: one.detail for one in outcomes} == {version_id: "", standing.version_id: REASON}
    [gone] = tx.notices.of_versions([version_id], limit=9)
    assert (gone.text, gone.service, gone.recipient) == ("", Service(), None)
    [kept] = tx.notices.of_versions([standing.version_id], limit=9)
    assert kept.text == make_notice(902).text
    assert [(one.text, one.answer) for one in tx.disputes.of_holder("words-1", limit=9)] == [(REASON, REASON), ("", "")]
    noted = [one for several in tx.inspections.of_scans(["scn_000901", "scn_000902"]).values() for one in several]
    assert [(one.note, one.reason) for one in noted] == [("", ""), ("", "")]


def words_of_visits(tx: UnitOfWork) -> None:
    """After :func:`run_erasing_words`."""
    read = tx.visits.by_ids(["vis_000901", "vis_000902"])
    assert [(read[one].place, read[one].target_name, read[one].target) for one in sorted(read)] == [
        ("", "", b""),
        ("示例路 1 号", "示例公司", b"x"),
    ]


def _visit(n: int) -> Visit:
    return Visit(
        visit_id=f"vis_{n:06d}",
        token=f"token-{n}",
        authority_code=BODY,
        departments=(),
        opened_by="officer-1",
        task_kind=TaskKind.RANDOM,
        task_no="示例检〔2026〕1号",
        region="990100",
        place="示例路 1 号",
        kinds=("体育",),
        target=b"x",
        target_name="示例公司",
        repeat_reason="",
        opened_at=T0,
        valid_until=T0 + timedelta(hours=8),
        officers=(),
    )


def _inspection(scan: Scan) -> Inspection:
    return Inspection(
        inspection_id=f"ins_{scan.scan_id}",
        scan_id=scan.scan_id,
        seq=0,
        visit_id=scan.visit_id,
        version_id=scan.version_id,
        authority_code=BODY,
        badge="9900000001",
        actor="officer-1",
        outcome=Outcome.QUALIFIED,
        due_on=None,
        note="现场情况",
        reason="更正",
        at=T0,
    )
