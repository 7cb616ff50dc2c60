"""Which license a scanned code names, for a system: the printed code only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.commands.facades.ask import NO_LICENSE_ZH
from certsvc.commands.showing.codes import read_code
from certsvc.errors import FieldProblem, InvalidInput, NotFound

if TYPE_CHECKING:
    from certsvc.commands.ports import Deps

SHOW_CODE_ZH = "亮证码由窗口、执法人员扫码核验（/v1/scans），不能由系统代取；请使用证照上印制的二维码"


def identifier_of_code(deps: Deps, text: str) -> str:
    """证照标识 of the license on which a code is printed.

    Raises:
        InvalidInput: a code that a holder shows: it is meant for the person before them, within its minute.
        NotFound: none of ours.
    """
    code = read_code(text, deps.policy.public_base)
    if code.kind in {"show", "challenge", "offline"}:
        problem = FieldProblem(pointer="/qrcode", code="show_code", detail=SHOW_CODE_ZH)
        raise InvalidInput(SHOW_CODE_ZH, problems=(problem,))
    with deps.uow.read() as tx:
        version = tx.licenses.by_printed_token(code.token) if code.kind == "printed" else None
    if version is None:
        raise NotFound(NO_LICENSE_ZH)
    return version.identifier
