"""How holders want to be told: what they set themselves, and what approval systems pass on for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.evidence.record import record
from certsvc.errors import FieldProblem, InvalidIdentifier, InvalidInput
from certsvc.identifiers.holder_code import HolderCode
from certsvc.license.model import Holder
from certsvc.license.notices import Contact, HolderContact

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps, Principal

PHONE = re.compile(r"1[3-9][0-9]{9}")
"""Mobile numbers of the mainland; messages go to no others."""

MAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
"""``dot-atom @ domain`` of RFC 5321 in ASCII: no quotes, blanks or line ends that could add a header or a recipient."""

MAX_MAIL = 254


def own_contact(deps: Deps, caller: Principal) -> HolderContact:
    """What is known of the caller; nothing is also an answer."""
    roles.require(caller, roles.HOLDER)
    with deps.uow.read() as tx:
        found = tx.contacts.of(_holder_of(caller))
    return found or HolderContact(changed_by="", changed_at=deps.clock.now())


def set_own_contact(
    deps: Deps, caller: Principal, *, phone: str | None, mail: str | None, tell_uses: bool | None
) -> HolderContact:
    """Change what the caller wants; None keeps what counted before, an empty text means: not by this way.

    Raises:
        InvalidInput: not a mobile number, not a mail address.
    """
    roles.require(caller, roles.HOLDER)
    holder, now = _holder_of(caller), deps.clock.now()
    with deps.uow() as tx:
        before = tx.contacts.of(holder) or HolderContact(changed_by="", changed_at=now)
        contact = _checked(
            before.effective.phone if phone is None else phone, before.effective.mail if mail is None else mail
        )
        uses = before.tell_uses if tell_uses is None else tell_uses
        tx.contacts.set_own(holder, contact, tell_uses=uses, by=caller.subject, now=now)
        content = {"phone": bool(contact.phone), "mail": bool(contact.mail), "tell_uses": uses}
        record(tx, deps, kind="contact.set", subject=caller.subject, actor=caller.subject, content=content, at=now)
        return HolderContact(own=contact, given=before.given, tell_uses=uses, changed_by=caller.subject, changed_at=now)


def give_contact(deps: Deps, caller: Principal, *, code: str, code_type: str, phone: str, mail: str) -> bool:
    """Keep what a holder confirmed to an approval system (送达地址确认); whether messages go there.

    What the holder set here counts in any case.

    Raises:
        InvalidInput: not a holder's code, not a mobile number, not a mail address.
    """
    roles.require(caller, roles.APPROVAL, roles.APPROVAL_ANY)
    try:
        checked = HolderCode.parse(code_type, code)
    except InvalidIdentifier as error:
        problem = FieldProblem(pointer="/holder_code", code=error.code, detail=error.detail)
        raise InvalidInput("持证主体代码有误", problems=(problem,)) from error
    contact, now = _checked(phone, mail), deps.clock.now()
    holder = Holder(name="", code=checked.value, code_type=code_type)
    with deps.uow() as tx:
        known = tx.contacts.of(holder)
        tx.contacts.set_given(holder, contact, by=caller.subject, now=now)
        content = {"phone": bool(contact.phone), "mail": bool(contact.mail)}
        record(tx, deps, kind="contact.given", subject=caller.subject, actor=caller.subject, content=content, at=now)
        return known is None or known.own is None


def _holder_of(caller: Principal) -> Holder:
    return Holder(name="", code=caller.holder_code, code_type=caller.holder_code_type)


def _checked(phone: str, mail: str) -> Contact:
    problems = []
    if phone and not PHONE.fullmatch(phone):
        problems.append(FieldProblem(pointer="/phone", code="phone", detail="应为 11 位手机号码"))
    if mail and not (MAIL.fullmatch(mail) and len(mail) <= MAX_MAIL):
        problems.append(FieldProblem(pointer="/mail", code="mail", detail="应为电子邮箱地址，如 name@example.com"))
    if problems:
        raise InvalidInput("联系方式有误，请按提示更正", problems=tuple(problems))
    return Contact(phone=phone, mail=mail)
