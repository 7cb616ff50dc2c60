"""What the holder's own code gives a counter: a 亮证码 is scanned, a 用证码 fetches; both by the commands for that."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from certsvc.commands.access import roles
from certsvc.commands.access.principals import of_client
from certsvc.commands.sharing.fetch_license import FetchBody, fetch_license
from certsvc.commands.sharing.grounds import basis_of
from certsvc.commands.showing.codes import token_sha256
from certsvc.commands.showing.scan_code import scan_code
from certsvc.errors import CertsvcError
from certsvc.identifiers.holder_code import HolderCode, HolderCodeType
from certsvc.identifiers.policy_key import COPY, readable
from certsvc.identifiers.use_basis import CONSENT
from certsvc.license.uses import ShowBasis, UseBasis

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.catalog.model import Matter
    from certsvc.commands.ports import Deps, Principal
    from certsvc.commands.sharing.fetch_license import FetchAnswer
    from certsvc.commands.showing.scan_code import ScanAnswer
    from certsvc.license.model import LicenseVersion
    from certsvc.license.parties import Client
    from certsvc.license.uses import Grant

GRANT_ZH = "用证码无效：不存在、已过期、已使用，或与本事项、本办件、申请人不符；请持证人重新授权"
NO_FIELD_ZH = "用证码没有可供窗口读取的信息项，没有使用；加注件和核验请由该用证码所授权的业务系统办理"
OTHER_ZH = "所扫的亮证码不是这位申请人的，请核对申请人"


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """The license that a code was of.

    Attributes:
        zh: how it stands, in words.
        basis: on what a use of it rests that the code let this counter make.
    """

    version_id: str
    zh: str
    basis: UseBasis


@dataclass(frozen=True, kw_only=True, slots=True)
class Consented:
    """What a code gave.

    Attributes:
        holder: whose license it is, when that may be taken for the applicant.
        seen: slug -> the license that was shown.
        scan, fetch: the answer of the command, or None.
        note: what was wrong with the code, or empty.
    """

    holder: HolderCode | None = None
    seen: Mapping[str, Seen] = field(default_factory=dict)
    scan: ScanAnswer | None = None
    fetch: FetchAnswer | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """What a 用证码 that may still be used leads to."""

    token: str = field(repr=False)
    grant: Grant
    version: LicenseVersion
    client: Client
    holder: HolderCode


def by_show(deps: Deps, caller: Principal, text: str, given: HolderCode | None) -> Consented:
    """Scan a show code, as every clerk's scan is recorded, and learn who applies if it gave data."""
    scan = scan_code(deps, caller, text=text)
    # Only a code that gave what it is for is a consent: one for the scene of somebody else is used up by nobody here.
    given_data = scan.scan.fields or scan.photo is not None
    if scan.facts is None or not given_data or not scan.scan.version_id:
        return Consented(scan=scan, note=scan.text_zh)
    with deps.uow.read() as tx:
        version = tx.licenses.by_version_id(scan.scan.version_id)
        show = tx.showing.shows([scan.scan.show_id]).get(scan.scan.show_id)
    holder = _holder_of(version) if version is not None else None
    if version is None or holder is None:
        return Consented(scan=scan)
    if given is not None and given != holder:
        return Consented(scan=scan, note=OTHER_ZH)
    by_other = show is not None and show.basis == ShowBasis.DELEGATION
    basis = UseBasis.DELEGATION if by_other else UseBasis.CONSENT
    seen = Seen(version_id=version.version_id, zh=scan.text_zh, basis=basis)
    return Consented(holder=holder, seen={version.type_slug: seen}, scan=scan)


def find_offer(deps: Deps, caller: Principal, matter: Matter, token: str, given: HolderCode | None) -> Offer | None:
    """What a 用证码 leads to, before anything is fetched by it: for the matter, and for the applicant if one is given.

    It is used as the system that it was given to; a clerk stands in for the system of the matter's body.
    """
    now = deps.clock.now()
    with deps.uow.read() as tx:
        grant = tx.sharing.grant_by_token(token_sha256(token))
        version = tx.licenses.by_version_id(grant.version_id) if grant is not None else None
        client = tx.access.client(grant.client_id) if grant is not None else None
    if grant is None or version is None or client is None or not client.active:
        return None
    if grant.used_at is not None or grant.withdrawn_at is not None or grant.expires_at <= now:
        return None
    holder = _holder_of(version)
    meant = client.client_id == caller.subject or roles.CLERK in caller.roles
    fits = grant.matter_code == matter.code and client.authority_code == matter.authority_code
    if not meant or not fits or (given is not None and given != holder):
        return None
    return Offer(token=token, grant=grant, version=version, client=client, holder=holder)


def by_grant(
    deps: Deps, caller: Principal, matter: Matter, offer: Offer | None, case_no: str, operator: str
) -> Consented:
    """Fetch what a 用证码 opens to be read; every rule of a fetch holds.

    A code that leads nowhere, one of another matter and one of another holder are answered alike. One for a copy or for
    answers alone stays unused: a counter takes neither.
    """
    if offer is None:
        return Consented(note=GRANT_ZH)
    fields = tuple(key for key in readable(offer.grant.fields) if key != COPY)
    if not fields:
        return Consented(note=NO_FIELD_ZH)
    body = FetchBody(
        matter_code=matter.code,
        case_no=case_no,
        purpose="核验申报材料",
        operator=operator,
        basis=CONSENT,
        type=offer.version.type_slug,
        grant_code=offer.token,
        fields=fields,
    )
    client = of_client(offer.client)
    if client.subject != caller.subject:
        client = replace(client, staff_required=False)  # who acts is this counter's clerk, not of the client's staff
    try:
        answer = fetch_license(deps, client, body)
    except CertsvcError:
        return Consented(note=GRANT_ZH)
    version = offer.version
    seen = Seen(version_id=version.version_id, zh=answer.standing.zh, basis=basis_of(offer.grant))
    return Consented(holder=offer.holder, seen={version.type_slug: seen}, fetch=answer)


def _holder_of(version: LicenseVersion) -> HolderCode:
    return HolderCode(HolderCodeType.of(version.holder.code_type), version.holder.code)
