"""用证 of a 电子材料: another system fetches its data or its file for a matter, by the rules of licenses.

The policy of the matter names the kind (``material:<code>``); grant, withholding, quota, ledger row, evidence and event
are those of a license. What leaves is the registered file itself, which bears its seal where it was sealed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from certsvc.catalog.bodies import heir
from certsvc.catalog.material_file import FETCHED_KEYS
from certsvc.clock import local_day
from certsvc.commands.access import roles
from certsvc.commands.archiving.contents import codes_of
from certsvc.commands.evidence.gone import kept_file
from certsvc.commands.shapes import Line
from certsvc.commands.sharing.fetch_license import MEANWHILE_ZH, USED_ZH, FetchBody
from certsvc.commands.sharing.fetch_scope import scope_of
from certsvc.commands.sharing.grounds import NO_CONSENT_ZH, CaseBody, Ground, basis_of, check_open, rests, withheld_by
from certsvc.commands.sharing.policy import by_own_code, count_use
from certsvc.commands.sharing.repeats import Once, first_or_again, given_before
from certsvc.commands.sharing.use_rows import note, refusal_row, subject_of, use_row
from certsvc.commands.showing.codes import token_sha256
from certsvc.commands.showing.rights import grounds_of, same
from certsvc.commands.showing.values import ShownField
from certsvc.errors import CertsvcError, Conflict, IntegrityError, NoLawfulBasis, NotFound, Unavailable
from certsvc.identifiers.material_kind import slug_of
from certsvc.identifiers.policy_key import COPY
from certsvc.identifiers.use_basis import CONSENT
from certsvc.license.archives import MaterialState
from certsvc.license.uses import CONSENT_OVER, UseBasis

if TYPE_CHECKING:
    from datetime import datetime

    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.store_ports import UnitOfWork
    from certsvc.license.archives import Material
    from certsvc.license.consents import Withholding
    from certsvc.license.uses import Fetch, Grant

MAX_SEARCH = 50
"""Materials of a kind about one holder that a search on duty looks at; one named by its number is always found."""
KIND = "material_fetch"
NOT_FOUND_ZH = "未查到该当事人的此类电子材料；请核对证件类型和号码"


class MaterialFetchBody(CaseBody):
    """用证申请：为哪个事项、哪个办件、凭什么、要哪种电子材料的什么."""

    material: Line = Field(max_length=40, description="材料种类编码")
    material_id: Line = Field(default="", max_length=64, description="材料登记号，当事人有多份时指明哪一份")
    fields: tuple[str, ...] = Field(default=(), max_length=20, description="所需信息项，缺省为事项允许的全部")

    def as_use(self) -> FetchBody:
        """The same in the words in which policies, grounds and the ledger are asked."""
        return FetchBody(
            type=slug_of(self.material),
            identifier=self.material_id,
            **self.model_dump(exclude={"material", "material_id"}),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class MaterialAnswer:
    """What left, and the ledger row that says so; ``file`` is the registered PDF, or None."""

    fetch: Fetch
    material: Material
    fields: tuple[ShownField, ...]
    file: bytes | None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Lawful:
    """A fetch that may be answered."""

    ground: Ground
    material: Material
    keys: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Refused:
    """A fetch that may not: ``about`` the material that the holder is told of, if it led to one."""

    error: CertsvcError
    about: Material | None
    withheld: Withholding | None


def fetch_material(deps: Deps, caller: Principal, body: MaterialFetchBody, once: Once | None = None) -> MaterialAnswer:
    """Answer a fetch, or refuse it on record; ``once`` is the key that it is bound to when it is given.

    Raises:
        Conflict: the key led to a fetch meanwhile.
        NoLawfulBasis: no open policy, a grant that does not fit, fields beyond the policy, or the quota is used up.
        NotFound: no material of this kind about this holder.
        IntegrityError: the stored file is not the registered one.
    """
    roles.require(caller, roles.USING)
    use, now = by_own_code(deps, body.as_use()), deps.clock.sure()
    file = _beforehand(deps, caller, use, now)
    with deps.uow() as tx:
        found = _judge(deps, tx, caller, use, now, hold=True)
        if once is not None and once.known(tx):  # while this one waited for the consent that the other held
            raise Conflict(MEANWHILE_ZH)
        if isinstance(found, _Lawful):
            try:
                count_use(deps, tx, use.matter_code, caller.authority_code, use.type, now=now)
            except NoLawfulBasis as error:
                found = _Refused(error=error, about=found.material, withheld=found.ground.withheld)
        if isinstance(found, _Lawful):
            row = _give(deps, tx, caller, use, found, now)
            about: Material | None = found.material
        else:
            about = found.about
            row = refusal_row(deps, caller, use, about, found.error, now, withheld=found.withheld)
        tx.sharing.insert_fetch(row)
        if once is not None and isinstance(found, _Lawful):
            once.bind(tx, row.fetch_id, now)
        note(deps, tx, row, about, subject_of(deps, use, about))
        deps.faults.reach("fetch.recorded")
        if isinstance(found, _Lawful) and COPY in found.keys and (file is None or file[0] != found.material.sha256):
            raise Conflict("电子材料刚刚有变化，没有提供，请重试")
    if isinstance(found, _Refused):
        raise found.error
    return _answer(deps, row, found, file[1] if file is not None and COPY in found.keys else None)


def fetch_material_once(deps: Deps, caller: Principal, body: MaterialFetchBody, key: str) -> MaterialAnswer:
    """As :func:`fetch_material`; under a ``key`` that it led to a fetch before, that fetch under the rules of now.

    Raises:
        IdempotencyMismatch: the key came with other content before.
        Conflict: it is too late to give it again; or the same is being worked on.
    """
    roles.require(caller, roles.USING)
    body = by_own_code(deps, body)
    once = Once.of(caller.subject, KIND, key, body)
    return first_or_again(
        deps,
        caller,
        once,
        lambda: fetch_material(deps, caller, body, once),
        lambda fetch_id, now: _read_again(deps, caller, body, fetch_id, now),
    )


def _read_again(deps: Deps, caller: Principal, body: MaterialFetchBody, fetch_id: str, now: datetime) -> MaterialAnswer:
    """The material that the fetch was about, and what left of it, if that may leave still."""
    with deps.uow.read() as tx:
        row = given_before(tx, caller, fetch_id, now)
        use = body.as_use().model_copy(update={"identifier": row.version_id, "fields": row.fields})
        found = _judge(deps, tx, caller, use, now, hold=False, again=True)
    if isinstance(found, _Refused):
        raise found.error
    return _answer(deps, row, found, _file_of(deps, found.material) if COPY in found.keys else None)


def _answer(deps: Deps, row: Fetch, found: _Lawful, file: bytes | None) -> MaterialAnswer:
    return MaterialAnswer(
        fetch=row, material=found.material, fields=_fields(deps, found.material, found.keys), file=file
    )


def _beforehand(deps: Deps, caller: Principal, use: FetchBody, now: datetime) -> tuple[str, bytes] | None:
    """Digest and bytes of the file that this fetch is about, read before the transaction that gives it; else None."""
    if not use.may_ask_copy:
        return None
    with deps.uow.read() as tx:
        found = _judge(deps, tx, caller, use, now, hold=False)
    if isinstance(found, _Refused) or COPY not in found.keys:
        return None
    return found.material.sha256, _file_of(deps, found.material)


def _file_of(deps: Deps, material: Material) -> bytes:
    data = kept_file(deps, material.object_name)
    if hashlib.sha256(data).hexdigest() != material.sha256:
        raise IntegrityError("电子材料与登记的摘要不一致，已停止提供，请联系运维")
    return data


def _judge(
    deps: Deps, tx: UnitOfWork, caller: Principal, use: FetchBody, now: datetime, *, hold: bool, again: bool = False
) -> _Lawful | _Refused:
    """Whether it may be answered. Nothing about a holder is looked for before the policy is known to be open (Q5).

    ``again`` is for a fetch that was answered: by it its consent is used.
    """
    withheld: Withholding | None = None
    about: Material | None = None
    try:
        asked = [use.withholding_id] if use.withholding_id else []
        withheld = withheld_by(tx.bases.withholdings(asked) if asked else {}, caller, use, now)
        allowed = check_open(deps, tx, caller, use, now)
        if use.basis == CONSENT:
            grant, about = _granted(tx, use, hold=hold)
            basis = _consented(deps, tx, caller, use, grant, about, now, again=again)
            ground = Ground(basis=basis, version=None, grant=grant)
        else:
            about = _on_duty(deps, tx, use)
            ground = Ground(basis=UseBasis.DUTY, version=None, withheld=withheld)
        if about is None:
            raise NotFound(NOT_FOUND_ZH)
        return _Lawful(ground=ground, material=about, keys=scope_of(use.fields, allowed, ground.grant))
    except (Unavailable, IntegrityError):
        raise  # the transaction is over, and nobody was refused
    except CertsvcError as error:
        return _Refused(error=error, about=about, withheld=withheld)


def _granted(tx: UnitOfWork, use: FetchBody, *, hold: bool) -> tuple[Grant | None, Material | None]:
    """The grant that is named, and the material that it is about; a code that nobody gave costs the same reads."""
    digest = token_sha256(use.grant_code)
    grant = tx.sharing.hold_by_tokens([digest]).get(digest) if hold else tx.sharing.grant_by_token(digest)
    return grant, tx.materials.by_id(grant.version_id if grant is not None else "")


def _consented(
    deps: Deps,
    tx: UnitOfWork,
    caller: Principal,
    use: FetchBody,
    grant: Grant | None,
    material: Material | None,
    now: datetime,
    *,
    again: bool,
) -> UseBasis:
    """On what a consent rests; NoLawfulBasis where it is none, over, for something else, or rests on what has ended."""
    if grant is None or material is None or not _is_of_kind(deps, use, material):
        raise NoLawfulBasis(NO_CONSENT_ZH)
    fits = (
        grant.client_id == caller.subject
        and grant.matter_code == use.matter_code
        and grant.case_no in {"", use.case_no}
        and use.identifier in {"", material.material_id}
    )
    if not fits:
        raise NoLawfulBasis(NO_CONSENT_ZH)
    if (grant.used_at is not None and not again) or grant.withdrawn_at is not None or now >= grant.expires_at:
        raise NoLawfulBasis(USED_ZH, why=CONSENT_OVER)
    if not rests(grounds_of(tx, [(grant.basis, grant.basis_id)]), grant, now):
        raise NoLawfulBasis(NO_CONSENT_ZH, why=CONSENT_OVER)
    return basis_of(grant)


def _on_duty(deps: Deps, tx: UnitOfWork, use: FetchBody) -> Material | None:
    """The newest material of the kind about the named holder; the one that is named, if it is about that holder."""
    holder = use.holder
    if not holder.code:
        return None
    kind = deps.catalog.material_kind(use.type)
    if kind is None:
        return None
    named = (
        [tx.materials.by_id(use.identifier)]
        if use.identifier
        else tx.materials.of_kind(holder, kind.code, limit=MAX_SEARCH)
    )
    fitting = (one for one in named if one is not None and one.holder is not None and same(one.holder, holder))
    return next((one for one in fitting if _is_of_kind(deps, use, one)), None)


def _is_of_kind(deps: Deps, use: FetchBody, material: Material) -> bool:
    """Whether it counts, and is of the kind: registered by the body that the kind belongs to, or one merged into it."""
    kind = deps.catalog.material_kind(use.type)
    if kind is None or material.state is not MaterialState.REGISTERED or material.code != kind.code:
        return False
    owner = heir(deps.catalog, kind.authority_code, local_day(deps.clock.now()))
    return material.authority_code in codes_of(deps, owner)


def _give(deps: Deps, tx: UnitOfWork, caller: Principal, use: FetchBody, found: _Lawful, now: datetime) -> Fetch:
    grant = found.ground.grant
    if grant is not None:
        if tx.sharing.use_grants([grant.grant_id], now=now) != 1:
            msg = "a grant was used that is held, and is used, withdrawn or over"
            raise RuntimeError(msg)
        if not grant.case_no:
            tx.sharing.bind_cases({grant.grant_id: use.case_no})
    return use_row(deps, caller, use, found.ground, found.keys, now, material=found.material)


def _fields(deps: Deps, material: Material, keys: tuple[str, ...]) -> tuple[ShownField, ...]:
    known = deps.catalog.has_authority(material.authority_code)
    values = {
        "name": material.name,
        "holder_name": material.holder.name if material.holder is not None else "",
        "case_no": material.case_no,
        "issuer_name": deps.catalog.authority(material.authority_code).name if known else material.authority_code,
        "registered_on": local_day(material.registered_at).isoformat(),
        "pages": str(material.pages),
        "sha256": material.sha256,
    }
    return tuple(ShownField(key=key, name=FETCHED_KEYS[key], value=values[key]) for key in keys if key != COPY)
