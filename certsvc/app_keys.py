"""The part of the composition that opens keys, anchors and the way out; read by ``app`` alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from certsvc.delivery.egress import Egress
from certsvc.delivery.identity import CodeRedeemer
from certsvc.delivery.receivers import HttpReceivers
from certsvc.delivery.reports import HttpProvince
from certsvc.delivery.revocations import FetchedRevocations
from certsvc.errors import ConfigurationError
from certsvc.events.webhooks import TIMEOUT_S as WEBHOOK_TIMEOUT_S
from certsvc.signing.declaration import load_declaration
from certsvc.signing.formats import FORMATS
from certsvc.signing.keyring import SoftwareKeyRing
from certsvc.signing.log_notes import in_process
from certsvc.signing.long_term import PadesTimestamped
from certsvc.signing.own_authorities import OwnAuthorities
from certsvc.signing.person_keys import DevelopmentPeopleCa, WrappedPersonKeys
from certsvc.signing.remote_sealer import PlatformClient, RemoteFormat, RemoteKeyRing
from certsvc.signing.revocation import is_answer
from certsvc.signing.rings import CombinedKeyRing
from certsvc.signing.seal_maker import MakerPolicy
from certsvc.signing.seal_object import SealDirectory
from certsvc.signing.ses_format import SesV4
from certsvc.signing.timestamps import DevelopmentTsa, TimestampClient
from certsvc.signing.token_ring import TokenKeyRing
from certsvc.signing.tokens import JwtTokenService, OidcIssuer
from certsvc.signing.trust import TrustAnchors
from certsvc.signing.trust_files import directory_anchors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.clock import Clock
    from certsvc.ids import Ids
    from certsvc.seal.trust_list import Anchor
    from certsvc.settings import Settings
    from certsvc.signing.formats import SignatureFormat
    from certsvc.signing.keyring import KeyRing
    from certsvc.signing.listed_anchors import ListedAnchors
    from certsvc.signing.master_key import MasterKey

HTTP_OK = 200

TOKEN_KEY = "token-1"  # noqa: S105
"""Key id of the key that signs access tokens."""

REVOCATION_TIMEOUT_S = 4.0
"""One question about revocation: somebody waits for the verdict."""

TSA_KEY = "tsa-1"
"""Key id of the development timestamping authority."""

REPORT_TIMEOUT_S = 30.0
"""One sending of reports: a province may check fifty licenses meanwhile."""


def open_egress(settings: Settings) -> Egress:
    """The way out; what the operator configured as a server may be called wherever it is."""
    servers = filter(None, (settings.platform_url, *settings.tsa_servers))
    return Egress(allowed=(*settings.egress_allowed, *servers))


def open_ring(settings: Settings, master: MasterKey, egress: Egress) -> KeyRing:
    """The software ring, with an HSM's and a province's seals beside it where they are configured."""
    software = SoftwareKeyRing(settings.keys, master, profile=settings.profile)
    others: list[KeyRing] = []
    if settings.token_module is not None and settings.token_pin_file is not None:
        pin = read_secret(settings.token_pin_file)
        others.append(TokenKeyRing(settings.token_module, settings.token_label, pin, settings.keys))
    if settings.platform_url and settings.platform_token_file is not None:

        def post(url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
            answer = egress.post(url, headers, body)
            return answer.status, answer.body

        client = PlatformClient(settings.platform_url, read_secret(settings.platform_token_file), post)
        others.append(RemoteKeyRing(client, settings.platform_seals))
    return CombinedKeyRing((software, *others)) if others else software


def read_secret(path: Path) -> str:
    """The content of a file with a secret, without the end of its line; ConfigurationError when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"口令文件 {path} 无法读取") from error


def timestamp_client(settings: Settings, egress: Egress, ids: Ids) -> TimestampClient | None:
    """The client of the configured timestamping authorities, if any."""
    if not settings.tsa_servers:
        return None

    def post(url: str, body: bytes) -> bytes:
        answer = egress.post(url, {"Content-Type": "application/timestamp-query"}, body)
        if answer.status != HTTP_OK:
            raise OSError(f"HTTP {answer.status}")
        return answer.body

    return TimestampClient(settings.tsa_servers, post, ids)


def signature_formats(settings: Settings, timestamps: TimestampClient | None) -> tuple[SignatureFormat, ...]:
    """Every format whose needs are met."""
    formats: list[SignatureFormat] = [*FORMATS, SesV4(SealDirectory(settings.keys / "seals"))]
    if timestamps is not None:
        formats.append(PadesTimestamped(timestamps))
    if settings.platform_url:
        formats += (RemoteFormat("cms"), RemoteFormat("ses"))
    return tuple(formats)


def trust_directories(settings: Settings) -> tuple[Path, ...]:
    """Where anchors lie: the operator's directory, and in the sandbox that of the development root."""
    return (settings.trust_dir, settings.keys / "trust") if settings.sandbox else (settings.trust_dir,)


def file_anchors(settings: Settings) -> tuple[Anchor, ...]:
    """The anchors of the directories with their purposes: version 0 of the trust list."""
    return directory_anchors(trust_directories(settings))


def trust_anchors(settings: Settings) -> TrustAnchors:
    """Public anchors of the operator, and in the sandbox the development root."""
    directories = trust_directories(settings)
    pems = [path.read_bytes() for place in directories for path in sorted(place.glob("*.pem"))]
    if not pems:
        raise ConfigurationError(f"信任目录 {settings.trust_dir} 中没有根证书（*.pem），无法核验任何印章")
    anchors = TrustAnchors(()).with_extra(pems).with_intermediates(*directories).with_issuers_of(settings.keys)
    anchors = anchors.with_makers_in(*directories)
    if maker := maker_policy(settings).maker_key_id:
        anchors = anchors.with_maker_of(settings.keys, maker)
    if settings.crl_dir is not None:
        anchors = anchors.with_crls(settings.crl_dir, required=settings.revocation_required)
    return anchors


def maker_policy(settings: Settings) -> MakerPolicy:
    """The sandbox has issuing CAs of its own; in production certificates of seals come from outside."""
    named = settings.seal_maker_key
    if settings.declared_seals is None:
        return MakerPolicy(profile=settings.profile, maker_key_id=named, issuers={}, never_destroyed=frozenset())
    declared = load_declaration(settings.declared_seals)
    return MakerPolicy(
        profile=settings.profile,
        maker_key_id=named or (declared.makers[0].key_id if declared.makers else ""),
        issuers={algorithm: ca.key.key_id for ca in declared.issuers for algorithm in ca.issues}
        if settings.sandbox
        else {},
        never_destroyed=frozenset(key.key_id for key in declared.leaves) if settings.sandbox else frozenset(),
    )


def person_keys(
    settings: Settings, master: MasterKey, ids: Ids, anchors: TrustAnchors | ListedAnchors
) -> WrappedPersonKeys:
    """Keys of people: certified at once by the development CA in the sandbox, by an external CA in production."""
    if not settings.sandbox:
        return WrappedPersonKeys(master, ids, algorithm=settings.person_algorithm or "sm2", ca=None, anchors=anchors)
    ca = DevelopmentPeopleCa(settings.keys_file, settings.keys, master, ids, profile=settings.profile)
    return WrappedPersonKeys(master, ids, algorithm=settings.person_algorithm or "p256", ca=ca, anchors=anchors)


def own_authorities(settings: Settings, master: MasterKey, ring: KeyRing, clock: Clock, ids: Ids) -> OwnAuthorities:
    """The CAs of the development PKI and its timestamping authority; in production none."""
    stamp_time = DevelopmentTsa(ring, TSA_KEY, clock, ids) if settings.sandbox and TSA_KEY in ring.key_ids() else None
    return OwnAuthorities(settings.keys if settings.sandbox else settings.keys / "none", master, stamp_time)


def own_timestamps(settings: Settings, ring: KeyRing, clock: Clock, ids: Ids) -> TimestampClient | None:
    """The development timestamping authority as a client finds it; in production None."""
    if not settings.sandbox or TSA_KEY not in ring.key_ids():
        return None
    return in_process(DevelopmentTsa(ring, TSA_KEY, clock, ids), ids)


def revocation_source(settings: Settings) -> FetchedRevocations:
    """Asks the publishers on the operator's list for revocation data, each within some seconds."""
    egress = Egress(allowed=settings.egress_allowed, timeout_s=REVOCATION_TIMEOUT_S)
    return FetchedRevocations(egress, settings.egress_allowed, is_answer=is_answer, timeout_s=REVOCATION_TIMEOUT_S)


def webhook_receivers(settings: Settings) -> HttpReceivers:
    """Calls the receivers of webhooks: public https addresses, and the origins on the operator's list."""
    return HttpReceivers(Egress(allowed=settings.egress_allowed, timeout_s=WEBHOOK_TIMEOUT_S))


def province(settings: Settings) -> HttpProvince | None:
    """The province's endpoint for reports, which the operator lists by naming it; None when there is none."""
    if not settings.report_url or settings.report_token_file is None:
        return None
    egress = Egress(allowed=(*settings.egress_allowed, settings.report_url), timeout_s=REPORT_TIMEOUT_S)
    return HttpProvince(egress, settings.report_url, read_secret(settings.report_token_file), source=settings.issuer)


def token_service(settings: Settings, ring: KeyRing, ids: Ids) -> JwtTokenService:
    """Makes and checks access tokens; ConfigurationError when their key was not made yet."""
    if TOKEN_KEY not in ring.key_ids():
        raise ConfigurationError(f"密钥库没有访问令牌的密钥：请先执行 certsvc keys create {TOKEN_KEY}")
    oidc = oidc_issuers(settings)
    return JwtTokenService(
        ring,
        key_id=TOKEN_KEY,
        issuer=settings.issuer,
        audience=settings.issuer,
        ids=ids,
        oidc=oidc,
        assertion_audiences=(f"{settings.issuer}/v1/oauth/token",),
    )


SIGNED_IN_PATH = "/signed-in"
"""Where the provider sends people back to: the one address that is registered with it."""


def identity_provider(settings: Settings) -> CodeRedeemer | None:
    """Redeems what the provider's sign-in page gives; None where pages send nobody there."""
    if not settings.oidc_token_url:
        return None
    secret = read_secret(settings.oidc_client_secret_file) if settings.oidc_client_secret_file else ""
    egress = Egress(allowed=(*settings.egress_allowed, settings.oidc_token_url))
    back = settings.public_base + SIGNED_IN_PATH
    return CodeRedeemer(
        egress, settings.oidc_token_url, client_id=settings.oidc_client_id, secret=secret, return_url=back
    )


def login_url(settings: Settings) -> str:
    """The provider's sign-in page with all that is the same for everybody; pages add state and challenge."""
    if not settings.oidc_authorize_url:
        return ""
    asked = {
        "response_type": "code",
        "client_id": settings.oidc_client_id,
        "redirect_uri": settings.public_base + SIGNED_IN_PATH,
        "scope": settings.oidc_scope,
    }
    joined = "&" if "?" in settings.oidc_authorize_url else "?"
    return f"{settings.oidc_authorize_url}{joined}{urlencode(asked)}"


def oidc_issuers(settings: Settings) -> tuple[OidcIssuer, ...]:
    """The identity provider whose tokens are taken, if one is configured; ConfigurationError without its keys."""
    if not settings.oidc_issuer:
        return ()
    if settings.oidc_jwks_file is None:
        raise ConfigurationError("设置了 oidc_issuer，还须设置 oidc_jwks_file（身份提供方的公钥集）")
    jwks = Path(settings.oidc_jwks_file).read_text(encoding="utf-8")
    audience = settings.oidc_audience or settings.issuer
    return (
        OidcIssuer(
            issuer=settings.oidc_issuer,
            audience=audience,
            jwks=jwks,
            acr_values=settings.oidc_acr_values,
            max_auth_age_s=settings.oidc_max_auth_age_s,
        ),
    )
