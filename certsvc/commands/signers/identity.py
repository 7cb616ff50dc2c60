"""Who applies: a natural person of the register, with the holder code that the sign-in verified."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.errors import Forbidden, InvalidIdentifier, NotFound
from certsvc.identifiers.holder_code import HolderCode

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.parties import Person
    from certsvc.seal.signer import Signer

MAX_OWN = 50
"""Signers of one person that are looked through: one living, the others ended."""


def person_of(deps: Deps, caller: Principal) -> Person:
    """The person behind the sign-in.

    Raises:
        Forbidden: a system, an organisation, or nobody with a verified document.
    """
    with deps.uow.read() as tx:
        person = tx.access.person(caller.subject) if caller.kind == "person" else None
    if person is None or not person.holder_code:
        raise Forbidden("申请电子签名须以实名认证的个人身份登录")
    try:
        code = HolderCode.parse(person.holder_code_type, person.holder_code)
    except InvalidIdentifier as error:
        raise Forbidden("登记的证件号码有误，请先在身份认证平台更正") from error
    if code.type.is_organisation:
        raise Forbidden("个人电子签名只能由自然人申请；单位请使用电子印章")
    return person


def own_signer(tx: UnitOfWork, caller: Principal, signer_id: str) -> Signer:
    """The caller's signer; NotFound for anybody else's."""
    signer = tx.signers.by_id(signer_id)
    mine = (caller.holder_code_type, caller.holder_code)
    if signer is None or not caller.holder_code or (signer.holder_code_type, signer.holder_code) != mine:
        raise NotFound("没有这个电子签名")
    return signer


def own_living(tx: UnitOfWork, caller: Principal) -> Signer | None:
    """The one signer of the caller that has not ended on the register, if any."""
    if not caller.holder_code:
        return None
    found = tx.signers.of_person(caller.holder_code_type, caller.holder_code, limit=MAX_OWN)
    return next((signer for signer in found if signer.ended_at is None), None)
