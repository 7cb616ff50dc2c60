"""Models of the holder's side: what will be seen, licenses of others, and visits in which one's own were used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from certsvc.api.models import CardOut, FieldOut, Model, SceneOut
from certsvc.license.uses import ShowBasis
from certsvc.license.visits import OUTCOME_ZH, TASK_ZH, TOLD_BY_DOCUMENT, TOLD_BY_DOCUMENT_ZH

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps
    from certsvc.commands.showing.create_show import ScenePreview
    from certsvc.commands.showing.rights import Right
    from certsvc.license.standing import Standing
    from certsvc.license.uses import Scan
    from certsvc.license.visits import Outcome, Visit

AUDIENCE_ZH = {"officer": "执法人员", "clerk": "窗口、场馆工作人员", "public": "任何核验人员"}


class SeenOut(Model):
    """What a reader would see in one scene."""

    scene: SceneOut
    audience_zh: str
    fields: list[FieldOut]
    photo: bool = Field(description="是否显示照片")

    @staticmethod
    def of(seen: ScenePreview) -> SeenOut:
        """From the command's answer."""
        return SeenOut(
            scene=SceneOut.of(seen.scene),
            audience_zh=AUDIENCE_ZH[seen.scene.audience],
            fields=FieldOut.many(seen.fields),
            photo=seen.photo,
        )


class InVisit(Model):
    """In which visit of officers a license was used, and what came of it; empty outside of one."""

    unit: str = Field(default="", description="扫码的执法机构，在检查中才有")
    badge: str = Field(default="", description="执法证号，在检查中才有")
    task: str = Field(default="", description="检查任务，在检查中才有")
    handled: str = Field(default="", description="处理结果；立案、移送以送达的文书为准")
    visit_id: str = Field(default="", description="所属的检查，可在检查结束后评价")


def in_visit(scan: Scan, visit: Visit | None, outcome: Outcome | None) -> dict[str, str]:
    """The values of :class:`InVisit`; of a case its party reads here only that a document will tell."""
    officer = next((one for one in visit.officers if one.badge == scan.badge), None) if visit else None
    handled = OUTCOME_ZH[outcome] if outcome is not None else ""
    return {
        "unit": officer.unit if officer else "",
        "badge": officer.badge if officer else "",
        "task": f"{TASK_ZH[visit.task_kind]}　{visit.task_no}" if visit else "",
        "handled": TOLD_BY_DOCUMENT_ZH if outcome in TOLD_BY_DOCUMENT else handled,
        "visit_id": scan.visit_id,
    }


def card_of_right(deps: Deps, right: Right, stands: Standing) -> CardOut:
    """A license as somebody may show it who need not know all of it.

    Only the scenes of the right, and no number that is the ID number of another person (DOMAIN.md 3).
    """
    card = CardOut.of(deps.catalog, right.version, stands, base=deps.policy.public_base)
    scenes = [scene for scene in card.scenes if right.covers(scene.code)]
    strange = right.basis is ShowBasis.DELEGATION or right.co_holder is not None
    hidden = strange and deps.catalog.type(right.version.type_slug).number_embeds_id
    return card.model_copy(update={"scenes": scenes, "number": "" if hidden else card.number})
