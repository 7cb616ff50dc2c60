"""What the facades ask of the commands: each fetch with matter, case, operator, purpose and basis, on the ledger."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from certsvc.commands.facades.accounts import Call, require_type
from certsvc.commands.issuance.body import shape_problems
from certsvc.commands.sharing.choices import candidates
from certsvc.commands.sharing.fetch_license import FetchBody, fetch_license
from certsvc.commands.sharing.grounds import may_look
from certsvc.commands.sharing.held import held_by
from certsvc.commands.sharing.policy import allowed_keys
from certsvc.errors import (
    Conflict,
    ConsentOnly,
    FieldProblem,
    InvalidIdentifier,
    InvalidInput,
    NoLawfulBasis,
    NotFound,
    Unavailable,
)
from certsvc.identifiers.license_identifier import LicenseIdentifier
from certsvc.identifiers.policy_key import COPY
from certsvc.identifiers.policy_key import readable as readable_keys
from certsvc.identifiers.use_basis import CONSENT, DUTY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from certsvc.commands.ports import Deps
    from certsvc.commands.sharing.fetch_license import Beside, FetchAnswer
    from certsvc.license.model import LicenseVersion

RowT = TypeVar("RowT")

MISSING = "missing"
"""Code of a field problem that older interfaces have a code of their own for."""
RETRIED = (Unavailable, Conflict)
"""Failures of a fetch after which nothing has left and the same is asked again: what stood for it is not used up."""
NOTHING = ("holder_name",)
"""Asked for where a matter may see no field: no fields would mean all of them, and the fetch writes refusals down."""
MAX_LISTED = 20
"""Licenses of one holder and type that a search lists; each is a use on the ledger and in the policy's quota. Stops a
search from turning into hundreds of transactions; one further is found by its 证照标识."""
NO_LICENSE_ZH = "未检索到证照；请核对证照标识、持证主体代码和证照类型"


class SpentError(Exception):
    """What a fetch was to use up is used up, or over, meanwhile: the fetch did not happen."""


class NotInForce(NoLawfulBasis):
    """A file was asked for and the license is not in force; ``state`` is the code of its standing."""

    code = "not_in_force"
    title_zh = "证照不在有效状态"
    title_en = "The license is not in force"

    def __init__(self, detail: str, *, state: str) -> None:
        """Say which."""
        super().__init__(detail)
        self.state = state


@dataclass(frozen=True, kw_only=True, slots=True)
class Why:
    """For what a request is made; what it leaves empty is taken from the account, or refused.

    Attributes:
        copy_until: until when a copy is wanted to be good; None as long as the policy lets it.
    """

    matter_code: str = ""
    case_no: str = ""
    operator: str = ""
    purpose: str = ""
    copy_until: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Which:
    """Which license: by its 证照标识, or of whom and of what type (slug)."""

    identifier: str = ""
    type_slug: str = ""
    holder_code: str = ""
    holder_code_type: str = ""


def completed(call: Call, why: Why, *, case_pointer: str = "/case_no", operator_pointer: str = "/operator") -> Why:
    """The purpose as it goes on record; InvalidInput names what neither the request nor the account says."""
    account = call.account
    done = Why(
        matter_code=why.matter_code or account.matter_code,
        case_no=why.case_no,
        operator=why.operator,
        purpose=why.purpose or account.purpose,
        copy_until=why.copy_until,
    )
    problems = [
        FieldProblem(pointer=pointer, code=code, detail=detail)
        for value, pointer, code, detail in (
            (done.matter_code, "/matter_code", MISSING, "缺少事项编码，账号也未登记缺省事项"),
            (done.case_no, case_pointer, MISSING, "缺少办件编号"),
            (done.operator, operator_pointer, MISSING, "缺少经办人"),
            # An absent purpose is no "give me the original": the registered one, or a refusal (docs/divergences.md).
            (done.purpose, "/purpose", "no_purpose", "缺少使用目的，账号也未登记缺省用途"),
        )
        if not value
    ]
    if problems:
        raise InvalidInput("请求缺少必填内容：" + "；".join(one.detail for one in problems), problems=tuple(problems))
    return done


def slug_of(deps: Deps, type_code: str) -> str:
    """The type with this 证照类型代码; UnknownLicenseType when there is none."""
    return deps.catalog.by_type_code(type_code.strip()).slug


def type_of(deps: Deps, identifier: str) -> str:
    """The type (slug) of the license with this 证照标识, whoever asks; empty when there is none."""
    with deps.uow.read() as tx:
        version = tx.licenses.by_identifier(identifier)
    return version.type_slug if version is not None else ""


def found_by_identifier(deps: Deps, identifier: str) -> tuple[Which, LicenseVersion | None]:
    """Which license a 证照标识 names; one that nobody has leads to a holder whom nobody is."""
    try:
        type_code = LicenseIdentifier.parse(identifier).type_code
    except InvalidIdentifier as error:
        raise InvalidInput(error.detail) from error
    with deps.uow.read() as tx:
        version = tx.licenses.by_identifier(identifier)
    if version is None:
        return Which(identifier=identifier, type_slug=slug_of(deps, type_code)), None
    which = Which(
        identifier=identifier,
        type_slug=version.type_slug,
        holder_code=version.holder.code,
        holder_code_type=version.holder.code_type,
    )
    return which, version


def allowed(deps: Deps, call: Call, matter_code: str, type_slug: str) -> tuple[str, ...]:
    """Keys (and ``*copy``) that the matter may see of a type; the fetch that follows refuses where there are none."""
    with deps.uow.read() as tx:
        try:
            return readable_keys(allowed_keys(deps, tx, matter_code, call.caller.authority_code, type_slug))
        except NoLawfulBasis:
            return ()


def fetch_body(which: Which, why: Why, *, fields: Sequence[str] = (), grant_code: str = "") -> FetchBody:
    """The fetch that a request of a facade is; InvalidInput when a text has another shape."""
    try:
        return FetchBody(
            matter_code=why.matter_code,
            case_no=why.case_no,
            purpose=why.purpose,
            operator=why.operator,
            basis=CONSENT if grant_code else DUTY,
            type=which.type_slug,
            grant_code=grant_code,
            holder_code="" if grant_code else which.holder_code,
            holder_code_type="" if grant_code else which.holder_code_type,
            identifier=which.identifier,
            fields=tuple(fields),
            copy_until=why.copy_until,
        )
    except ValidationError as error:
        raise InvalidInput("请求内容有误，请按提示更正", problems=shape_problems(error)) from error


def give(deps: Deps, call: Call, body: FetchBody, *, beside: Beside | None = None) -> FetchAnswer:
    """Fetch; that the license is not in force is told apart, so that a facade can answer with its own code.

    ``beside`` is as in :func:`fetch_license`.

    Raises:
        Forbidden: the account is not for this type.
        NotInForce: a file was asked for.
        ConsentOnly: on duty, by a body that has none: how the license stands is not looked up either.
        NoLawfulBasis, NotFound: as :func:`fetch_license`.
    """
    require_type(call, body.type)
    try:
        return fetch_license(deps, call.caller, body, beside=beside)
    except ConsentOnly:
        raise
    except NoLawfulBasis as error:
        state = _standing_of(deps, call, body)
        if state is None:
            raise
        raise NotInForce(error.detail, state=state) from error
    except NotFound as error:
        raise NotFound(NO_LICENSE_ZH) from error


def over_each(
    deps: Deps, call: Call, holder: Which, why: Why, work: Callable[[Which], RowT]
) -> tuple[list[RowT], NotFound | NoLawfulBasis | None]:
    """``work`` over each license that a holder has of a type, and the last refusal; who gave nothing has no row.

    What bars the matter from one license of the type bars it from all, so the ledger has that refusal once.

    Raises:
        Forbidden: the account is not for this type.
        NoLawfulBasis: after some were given, no more may be (a quota that ends).
    """
    rows: list[RowT] = []
    refused: NotFound | NoLawfulBasis | None = None
    for which in _each_of(deps, call, holder, why):
        try:
            rows.append(work(which))
        except (NotFound, NotInForce) as error:
            refused = error
        except NoLawfulBasis as error:
            if rows:  # a list that ends in the middle would be taken for whole
                raise
            return rows, error
    return rows, refused


def _each_of(deps: Deps, call: Call, holder: Which, why: Why) -> list[Which]:
    """The holder's licenses of the type that are in force, else all that nothing replaced; newest first.

    Without an identifier where there is none, or where nothing may be looked for (Q5): the fetch refuses it on record.
    """
    require_type(call, holder.type_slug)
    body = fetch_body(holder, why)
    with deps.uow.read() as tx:
        if not may_look(deps, tx, call.caller, body):
            return [holder]
        held = held_by(deps, tx, [(body.holder, body.type, "")], deps.clock.now())
    found = candidates(held, body.holder, body.type)[:MAX_LISTED]
    return [replace(holder, identifier=version.identifier) for version in found] or [holder]


def look(deps: Deps, call: Call, which: Which, why: Why) -> FetchAnswer:
    """That there is such a license and how it stands: one field is read, the first that the matter may see."""
    return give(deps, call, fetch_body(which, why, fields=readable(deps, call, which, why)[:1]))


def read(deps: Deps, call: Call, which: Which, why: Why) -> FetchAnswer:
    """Every field that the matter may see, without the file."""
    return give(deps, call, fetch_body(which, why, fields=readable(deps, call, which, why)))


def copy(deps: Deps, call: Call, which: Which, why: Why) -> FetchAnswer:
    """The file, with every field that the matter may see."""
    fields = (*readable(deps, call, which, why), COPY)
    return give(deps, call, fetch_body(which, why, fields=fields))


def readable(deps: Deps, call: Call, which: Which, why: Why) -> tuple[str, ...]:
    """Fields that the matter may see of the type; where there are none, what the fetch refuses, on its ledger."""
    require_type(call, which.type_slug)
    return _readable(deps, call, why.matter_code, which.type_slug) or NOTHING


def _readable(deps: Deps, call: Call, matter_code: str, type_slug: str) -> tuple[str, ...]:
    return tuple(key for key in allowed(deps, call, matter_code, type_slug) if key != COPY)


def _standing_of(deps: Deps, call: Call, body: FetchBody) -> str | None:
    """Code of the standing of a license whose file was refused on duty, if that may be read and is not good.

    The reading is a fetch of its own, on the ledger like every other.
    """
    if COPY not in body.fields or body.basis != DUTY:
        return None
    keys = _readable(deps, call, body.matter_code, body.type)
    if not keys:
        return None
    try:
        answer = fetch_license(deps, call.caller, body.model_copy(update={"fields": keys[:1]}))
    except (NoLawfulBasis, NotFound):
        return None
    return None if answer.standing.good else answer.standing.code
