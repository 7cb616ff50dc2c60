"""How holders want to be told: their own settings, and what approval systems pass on for them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from certsvc.api.auth import Access, deps_of
from certsvc.api.json_body import JsonRoute
from certsvc.api.models import Model
from certsvc.commands.access import roles
from certsvc.commands.notices.contacts import MAX_MAIL, give_contact, own_contact, set_own_contact
from certsvc.commands.ports import Principal
from certsvc.license.notices import HolderContact, Way, masked

router = APIRouter(tags=["notices 通知与送达"], route_class=JsonRoute)

HOLDER = Access(roles.HOLDER)
GIVER = Access(roles.APPROVAL, roles.APPROVAL_ANY)

PHONE_CHARS = 11


class ContactPatch(BaseModel):
    """What to change; an item left out stays, an empty text means: not by this way."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    phone: str | None = Field(default=None, max_length=PHONE_CHARS, description="手机号码；空表示不发短信")
    mail: str | None = Field(default=None, max_length=MAX_MAIL, description="电子邮箱；空表示不发邮件")
    tell_uses: bool | None = Field(default=None, description="证照被核验、调用时是否也通知")


class ContactOut(Model):
    """Where messages go, masked."""

    phone: str
    mail: str
    source: str = Field(description="own 本人设置 · given 审批系统转来的送达地址 · 空 没有")
    tell_uses: bool

    @staticmethod
    def of(contact: HolderContact) -> ContactOut:
        """From what is known."""
        there = contact.effective
        source = "own" if contact.own is not None else ("given" if contact.given is not None else "")
        return ContactOut(
            phone=masked(Way.SMS, there.phone),
            mail=masked(Way.MAIL, there.mail),
            source=source,
            tell_uses=contact.tell_uses,
        )


class GivenContact(BaseModel):
    """持证主体在送达地址确认书中写明的联系方式."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    holder_code: str = Field(min_length=1, max_length=64, description="持证主体代码")
    holder_code_type: str = Field(min_length=3, max_length=3, description="持证主体代码类型代码（GB/T 36903 附录A）")
    phone: str = Field(default="", max_length=PHONE_CHARS, description="手机号码")
    mail: str = Field(default="", max_length=MAX_MAIL, description="电子邮箱")


class GivenOut(Model):
    """Whether messages go there."""

    counts: bool = Field(description="false：持证主体本人已另行设置，以本人设置为准")


@router.get("/v1/wallet/contact")
def contact(request: Request, response: Response, caller: Annotated[Principal, Depends(HOLDER)]) -> ContactOut:
    """Where the caller's notices go, masked."""
    response.headers["Cache-Control"] = "private, no-store"
    return ContactOut.of(own_contact(deps_of(request), caller))


@router.patch("/v1/wallet/contact")
def change(
    request: Request, response: Response, body: ContactPatch, caller: Annotated[Principal, Depends(HOLDER)]
) -> ContactOut:
    """Set where notices go, and whether uses are told too; what the holder sets counts, whatever others pass on."""
    response.headers["Cache-Control"] = "private, no-store"
    made = set_own_contact(deps_of(request), caller, phone=body.phone, mail=body.mail, tell_uses=body.tell_uses)
    return ContactOut.of(made)


@router.put("/v1/contacts")
def give(request: Request, body: GivenContact, caller: Annotated[Principal, Depends(GIVER)]) -> GivenOut:
    """Pass on what the holder confirmed to an approval system; send it before asking for the license."""
    counts = give_contact(
        deps_of(request),
        caller,
        code=body.holder_code,
        code_type=body.holder_code_type,
        phone=body.phone,
        mail=body.mail,
    )
    return GivenOut(counts=counts)
