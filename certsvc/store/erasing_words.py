"""What was written about a holder around a license goes with it: notices, disputes, notes of visits, re-sealings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, bindparam, exists, select, text, update

from certsvc.store.tables_consents import disputes
from certsvc.store.tables_disposals import erased_rows
from certsvc.store.tables_reseal import reseal_items, reseal_plans
from certsvc.store.tables_uses import OF_A_VISIT, notices, scans
from certsvc.store.tables_visits import inspections, visit_ratings, visits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.store.transaction import Transaction

_N, _D, _I, _V, _R, _S = notices.c, disputes.c, inspections.c, visits.c, visit_ratings.c, scans.c
_X = reseal_items.c
_ABOUT: BindParameter[Any] = bindparam("which", expanding=True)
_NOTICES = select(_N.notice_id).where(_N.version_id.in_(_ABOUT))
_NOTICE = (
    update(notices)
    .where(_N.notice_id == bindparam("one"))
    .values(text=bindparam("no_text"), service=None, recipient=None)
)
_DISPUTES = select(_D.dispute_id).where(_D.version_id.in_(_ABOUT))
_DISPUTE = update(disputes).where(_D.dispute_id == bindparam("one")).values(text=bindparam("no_text"), answer=None)
_INSPECTIONS = select(_I.inspection_id).join(scans, _S.scan_id == _I.scan_id).where(_S.version_id.in_(_ABOUT))
_INSPECTION = update(inspections).where(_I.inspection_id == bindparam("one")).values(personal=bindparam("bare"))
_OTHER = scans.alias("other")
_ERASED = exists().where(erased_rows.c.noun == "license", erased_rows.c.row_id == _OTHER.c.version_id)
# A visit in which something was scanned that stands is about somebody whose records stand.
_STANDS = exists().where(
    _OTHER.c.visit_id == _V.visit_id, text(f"other.{OF_A_VISIT}"), _OTHER.c.version_id != "", ~_ERASED
)
_VISITS = select(_V.visit_id, _V.personal).where(
    _V.visit_id.in_(select(_S.visit_id).where(_S.version_id.in_(_ABOUT), text(f"scans.{OF_A_VISIT}"))), ~_STANDS
)
_VISIT = update(visits).where(_V.visit_id == bindparam("one")).values(personal=bindparam("bare"), target_blind=b"")
# Through the few plans, because the key of an outcome begins with its plan.
_PLANS = select(reseal_plans.c.plan_id)
_OUTCOMES = select(_X.plan_id, _X.version_id).where(
    _X.plan_id.in_(bindparam("plans", expanding=True)), _X.version_id.in_(_ABOUT)
)
_OUTCOME = (
    update(reseal_items)
    .where(_X.plan_id == bindparam("plan"), _X.version_id == bindparam("one"))
    .values(detail=bindparam("no_text"))
)
_RATING = update(visit_ratings).where(_R.visit_id == bindparam("one")).values(text=bindparam("no_text"))


def erase_words(tx: Transaction, version_ids: Sequence[str]) -> None:
    """Take away every text about these versions, which are on record as erased; who, when and what came of it stay."""
    these = sorted(set(version_ids))
    if not these:
        return
    for row in tx.rows(_NOTICES, which=these):
        one = row["notice_id"]
        tx.changed(_NOTICE, one=one, no_text=tx.seal("", "notices.text", one))
    for row in tx.rows(_DISPUTES, which=these):
        one = row["dispute_id"]
        tx.changed(_DISPUTE, one=one, no_text=tx.seal("", "disputes.text", one))
    for row in tx.rows(_INSPECTIONS, which=these):
        one = row["inspection_id"]
        bare = {"note": "", "reason": ""}
        tx.changed(_INSPECTION, one=one, bare=tx.seal_json(bare, "inspections.personal", one))
    for row in tx.rows(_VISITS, which=these):
        one = row["visit_id"]
        said = tx.open_json(row["personal"], "visits.personal", one)
        bare = {**said, "place": "", "target_name": "", "repeat_reason": ""}
        tx.changed(_VISIT, one=one, bare=tx.seal_json(bare, "visits.personal", one))
        tx.changed(_RATING, one=one, no_text=tx.seal("", "visit_ratings.text", one))
    plans = [row["plan_id"] for row in tx.rows(_PLANS)]
    for row in tx.rows(_OUTCOMES, plans=plans, which=these) if plans else ():
        plan, one = row["plan_id"], row["version_id"]
        tx.changed(_OUTCOME, plan=plan, one=one, no_text=tx.seal("", "reseal_items.detail", f"{plan}:{one}"))
