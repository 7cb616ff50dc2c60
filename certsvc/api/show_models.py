"""Models of the holder's side: what will be seen, and licenses of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from certsvc.api.models import CardOut, FieldOut, Model, SceneOut
from certsvc.license.uses import ShowBasis

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps
    from certsvc.commands.showing.create_show import ScenePreview
    from certsvc.commands.showing.rights import Right
    from certsvc.license.standing import Standing

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


def card_of_right(deps: Deps, right: Right, stands: Standing) -> CardOut:
    """A license as somebody may show it who need not know all of it.

    Only the scenes of the right, and no number that is the ID number of another person (DOMAIN.md 3).
    """
    card = CardOut.of(deps.catalog, right.version, stands, base=deps.policy.public_base)
    scenes = [scene for scene in card.scenes if right.covers(scene.code)]
    strange = right.basis in {ShowBasis.DELEGATION, ShowBasis.CO_HOLDER}
    hidden = strange and deps.catalog.type(right.version.type_slug).number_embeds_id
    return card.model_copy(update={"scenes": scenes, "number": "" if hidden else card.number})
