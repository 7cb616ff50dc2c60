"""Settings: frozen, read once from a TOML file and the environment; unknown keys are refused by name.

``CERTSVC_CONFIG`` names the file; ``CERTSVC_<KEY>`` overrides a key. ``profile`` (production or sandbox) is apart from
the shape (which database, which object store) and defaults to production.
"""

from __future__ import annotations

import os
import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from certsvc.errors import ConfigurationError
from certsvc.license.facades import FacadeName

if TYPE_CHECKING:
    from collections.abc import Mapping

SANDBOX_SHARING_SEAL = "seal_sharing"
"""In keys/dev.toml: seals annotated copies and nothing else."""

ENV_PREFIX = "CERTSVC_"
CONFIG_KEY = "CERTSVC_CONFIG"
FAULT_KEY = "CERTSVC_FAULT_POINT"
"""Test-only; not a setting: ``faults.py`` in cli reads it through :func:`fault_point` and production refuses it."""


MAX_PROXY_ADDRESSES = 256
"""Addresses of one trusted network in production: a wider one trusts machines that are no proxies."""
NOT_CERTIFICATE_HEADERS = frozenset(
    {"authorization", "host", "cookie", "forwarded", "x-forwarded-for", "content-type", "content-length", "user-agent"}
)
"""Headers that every client sends or that mean something else."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""This machine."""

_LISTS: dict[str, str | None] = {
    "font_dirs": ":",
    "platform_seals": None,
    "tsa_servers": None,
    "egress_allowed": None,
    "nats_servers": None,
    "simulation_matters": None,
    "trusted_proxies": None,
    "facades": None,
}
"""Keys that hold several values, and what separates them in the environment (None: white space)."""


class Settings(BaseModel):
    """Everything an operator may set; the defaults are the embedded shape in ``var/``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    profile: Literal["production", "sandbox"] = "production"
    var_dir: Path = Path("var")
    database_url: str = ""
    """SQLAlchemy URL; empty means SQLite in ``var_dir``."""
    objects_dir: Path | None = None
    s3_url: str = ""
    """Address of an S3 server (``https://s3.example:9000``), with ``s3_credentials_file``; empty means a directory."""
    s3_bucket: str = "certsvc"
    s3_region: str = "us-east-1"
    s3_credentials_file: Path | None = None
    """Two lines: access key, secret key."""
    s3_public_url: str = ""
    """The same server as readers outside see it; links to files begin with it. Empty means no links are given."""
    key_dir: Path | None = None
    master_key_file: Path | None = None
    """File with the 32-byte key that wraps keys and personal columns; outside ``var_dir`` in production."""
    keys_file: Path = Path("keys/dev.toml")
    """Declaration of seals and, in the sandbox, of the development PKI."""
    seal_maker_key: str = ""
    """Key id of the seal maker (制作管理单位), which signs the objects of SM2 seals; else that of ``keys_file``."""
    trust_dir: Path = Path("keys/trust")
    crl_dir: Path | None = None
    """CRLs of the anchors' CAs (``*.crl``, DER or PEM), for verdicts; read at the start of a process."""
    revocation_required: bool = False
    """Whether a seal of which the revocation status is not known does not pass; needs ``crl_dir``."""
    token_module: Path | None = None
    """PKCS#11 library of an HSM whose keys seal too; needs ``token_label`` and ``token_pin_file``."""
    token_label: str = ""
    token_pin_file: Path | None = None
    platform_url: str = ""
    """Base URL of a province's sealing platform; needs ``platform_token_file`` and ``platform_seals`` (ids there)."""
    platform_token_file: Path | None = None
    platform_seals: tuple[str, ...] = ()
    sm2_required: bool = True
    """Whether production issues only what bears an SM2 seal (密码法、DESIGN.md 4); the sandbox issues with any."""
    officers_show_first: bool | None = None
    """Whether an officer's scan gives data only within an open visit (先亮明身份); unset: in production."""
    visit_repeat_days: int = Field(default=30, ge=0, le=366)
    """Within how many days another visit of the same holder needs a reason (综合查一次); 0 asks for none."""
    inspection_picture_days: int = Field(default=3 * 366, ge=1, le=36600)
    """How long pictures of inspections are kept."""
    tsa_servers: tuple[str, ...] = ()
    """RFC 3161 servers, asked in this order. With any, a license that outlives its seal's certificate gets B-LTA."""
    log_stamp_minutes: int = Field(default=10, ge=1, le=1440)
    """How often a checkpoint of the evidence log is timestamped by one of ``tsa_servers``."""
    report_url: str = ""
    """The province's endpoint to which licenses are reported (汇聚), with ``report_token_file``; empty: none are."""
    report_token_file: Path | None = None
    egress_allowed: tuple[str, ...] = ()
    """Origins (``http://tsa.example:8080``) that may be called though they are not public https addresses."""
    nats_servers: tuple[str, ...] = ()
    """URLs of NATS servers with JetStream (``tls://nats1:4222``); empty means no broker: relay in process."""
    nats_credentials_file: Path | None = None
    nats_prefix: str = Field(default="certsvc", pattern=r"^[a-z][a-z0-9-]{0,30}$")
    nats_replicas: int = Field(default=1, ge=1, le=5)
    """Copies of each stream; 3 in a cluster."""
    catalog_dir: Path | None = None
    font_dirs: tuple[Path, ...] = (Path(".fonts"),)
    public_base: str = "https://zz.certsvc.example"
    """Base URL printed in codes; https and a fixed host."""
    issuer: str = "https://certsvc.example"
    """``iss`` and ``aud`` of our access tokens."""
    oidc_issuer: str = ""
    oidc_audience: str = ""
    oidc_jwks_file: Path | None = None
    oidc_acr_values: tuple[str, ...] = ()
    """Values of ``acr`` that a person's token must have one of: the strengths of login that are enough; empty: any."""
    oidc_max_auth_age_s: int = Field(default=0, ge=0, le=86400)
    """Longest time since ``auth_time`` before a person must log in again, in seconds; 0: as long as the token lives."""
    oidc_authorize_url: str = ""
    """The provider's sign-in page, where ours send people; with ``oidc_token_url`` and ``oidc_client_id``."""
    oidc_token_url: str = ""
    oidc_client_id: str = Field(default="", max_length=128)
    oidc_client_secret_file: Path | None = None
    oidc_scope: str = Field(default="openid", max_length=200)
    serve_loops: bool = True
    """Whether ``serve`` issues and relays too; without, it only answers and ``worker`` and ``relay`` do the rest."""
    host: str = "127.0.0.1"
    port: int = Field(default=8700, ge=0, le=65535)
    metrics_host: str = "127.0.0.1"
    metrics_port: int = Field(default=0, ge=0, le=65535)
    """Port of figures and health for operators, in every process; 0 opens none. Behind no proxy."""
    metrics_token_file: Path | None = None
    """Token that a scraper carries; production needs it where ``metrics_host`` is not this machine."""
    traces_url: str = ""
    """OTLP/HTTP address of a collector's traces (``http://collector.example:4318/v1/traces``); empty makes no spans"""
    traces_ratio: float = Field(default=1.0, ge=0, le=1)
    """of traces that are recorded; a caller's flag can take its trace out, never in"""
    traces_token_file: Path | None = None
    """token for ``Authorization: Bearer``, where the collector asks for one"""
    worker_threads: int = Field(default=2, ge=1, le=64)
    """Threads that issue, in each process that does."""
    issue_processes: int | None = Field(default=None, ge=0, le=16)
    """Processes that issue beside ``serve`` (with ``serve_loops``); unset: one where there are two cores or more, which
    keeps two cores busy; 0 issues in threads of ``serve``."""
    press_processes: int = Field(default=0, ge=0, le=64)
    """Processes that draw and seal the pages of a batch beside this one; 0 does it here, on one core."""
    lease_s: int = Field(default=60, ge=1, le=3600)
    max_upload_bytes: int = Field(default=20 * 1024 * 1024, ge=1024)
    simulation_matters: frozenset[str] = frozenset()
    """Codes of the matters of 模拟审批, which alone may fetch provisional opinions of their project."""
    sharing_seal: str = ""
    """Id of the seal of the sharing service (共享专用章), which seals annotated copies; in the sandbox its own."""
    alert_days: int = Field(default=366, ge=1, le=3660)
    """How far back whoever used a license is told of its change (状态变更通报)."""
    person_algorithm: Literal["", "p256", "sm2"] = ""
    """Algorithm of new keys of people; empty means SM2 in production and P-256 in the sandbox."""
    message_dir: Path | None = None
    """Directory from which a gateway sends messages (one-time codes) to people; in the sandbox ``var_dir/outbox``."""
    notice_dir: Path | None = None
    """Directory from which a gateway sends notices (``sms``, ``mail`` in it); in the sandbox ``var_dir/notices``."""
    smtp_host: str = ""
    """Mail server that takes notices, with ``smtp_from``; empty means mail is written to ``notice_dir``, if at all."""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    """``tls`` is usually port 465; ``none`` is for a relay on this machine."""
    smtp_from: str = Field(default="", pattern=r"^([A-Za-z0-9.+_-]+@[A-Za-z0-9.-]+)?$")
    smtp_user: str = ""
    smtp_password_file: Path | None = None
    smtp_ca_file: Path | None = None
    """Certificate of the server's CA, when it is not one of the system's."""
    smtp_timeout_s: float = Field(default=10.0, gt=0, le=15)
    """One answer of the server; ten of them must end before the lease of a notice does."""
    facades: tuple[FacadeName, ...] = ()
    """Older interfaces that are switched on: ``license_app``, ``gb_36906``, ``cert_share`` (docs/facades.md)."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks (``10.1.2.0/28``) of proxies whose ``X-Forwarded-For`` and certificate header count."""
    client_certificate_header: str = Field(default="", pattern=r"^([A-Za-z][A-Za-z0-9-]{2,60})?$")
    """Header in which they pass the certificate of a client (``Client-Cert``); they must clear it of what comes in."""
    rate_limit_per_minute: int = Field(default=600, ge=1)
    """Requests one caller may make in a minute (anti-automation, ASVS 2.4.1)."""

    @property
    def sandbox(self) -> bool:
        """Whether the profile is sandbox."""
        return self.profile == "sandbox"

    @property
    def issuing_processes(self) -> int:
        """How many processes issue beside ``serve``."""
        if self.issue_processes is not None:
            return self.issue_processes
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return 1 if cores > 1 else 0

    @property
    def copies_sealed_by(self) -> str:
        """Id of the seal of annotated copies, or empty where none is."""
        return self.sharing_seal or (SANDBOX_SHARING_SEAL if self.sandbox else "")

    @property
    def database(self) -> str:
        """The database URL, with the embedded default."""
        return self.database_url or f"sqlite:///{(self.var_dir / 'certsvc.sqlite3').resolve()}"

    @property
    def declared_seals(self) -> Path | None:
        """The file that declares seals: in production only one that was named, since the default is the sandbox's."""
        return self.keys_file if self.sandbox or "keys_file" in self.model_fields_set else None

    def has_database(self) -> bool:
        """Whether there is a register to ask: a configured server, or the embedded file."""
        return bool(self.database_url) or (self.var_dir / "certsvc.sqlite3").exists()

    @property
    def objects(self) -> Path:
        """Directory of the object store."""
        return self.objects_dir or self.var_dir / "objects"

    @property
    def keys(self) -> Path:
        """Directory of the key ring."""
        return self.key_dir or self.var_dir / "keys"

    @property
    def messages(self) -> Path | None:
        """Directory of messages to people, or None when there is no way to send one."""
        return self.message_dir or (self.var_dir / "outbox" if self.sandbox else None)

    @property
    def notices(self) -> Path | None:
        """Directory of notices to holders, or None when nothing takes them from there."""
        return self.notice_dir or (self.var_dir / "notices" if self.sandbox else None)

    @property
    def master_key(self) -> Path:
        """File of the master key."""
        return self.master_key_file or self.var_dir / "master.key"

    @model_validator(mode="after")
    def _production_keeps_its_key_outside(self) -> Settings:
        """The wrapping key comes from outside the database and ``var_dir`` (DESIGN.md 8)."""
        if self.revocation_required and self.crl_dir is None:
            msg = "revocation_required needs crl_dir, the directory of CRLs"
            raise ValueError(msg)
        if bool(self.token_module) != bool(self.token_label and self.token_pin_file):
            msg = "token_module、token_label、token_pin_file 须一并设置"
            raise ValueError(msg)
        if bool(self.s3_url) != bool(self.s3_credentials_file):
            msg = "s3_url、s3_credentials_file 须一并设置"
            raise ValueError(msg)
        if bool(self.report_url) != bool(self.report_token_file):
            msg = "report_url、report_token_file 须一并设置"
            raise ValueError(msg)
        if bool(self.platform_url) != bool(self.platform_token_file and self.platform_seals):
            msg = "platform_url、platform_token_file、platform_seals 须一并设置"
            raise ValueError(msg)
        self._login_is_whole()
        self._traces_go_safely()
        self._mail_is_whole()
        self._proxies_are_named()
        if self.sandbox:
            return self
        if self.master_key_file is None:
            msg = (
                "正式环境须设置 master_key_file（CERTSVC_MASTER_KEY_FILE）：32 字节主密钥，存放在 var_dir 之外，"
                "用 certsvc keys master 生成；"
                "试用请设置 CERTSVC_PROFILE=sandbox"
            )
            raise ValueError(msg)
        if self.master_key_file.resolve().is_relative_to(self.var_dir.resolve()):
            msg = "master_key_file 不能放在 var_dir 之内：主密钥要与它保护的内容分开存放"
            raise ValueError(msg)
        if self.metrics_port and self.metrics_token_file is None and self.metrics_host not in LOOPBACK:
            msg = "正式环境的 metrics_host 不是本机时须设置 metrics_token_file：运行指标不对外公开"
            raise ValueError(msg)
        if not self.public_base.startswith("https://"):
            msg = "正式环境的 public_base 须以 https:// 开头"
            raise ValueError(msg)
        return self

    def _login_is_whole(self) -> None:
        told = {bool(self.oidc_authorize_url), bool(self.oidc_token_url), bool(self.oidc_client_id)}
        if len(told) > 1 or (True in told and not self.oidc_issuer):
            msg = "oidc_authorize_url、oidc_token_url、oidc_client_id 须与 oidc_issuer 一并设置"
            raise ValueError(msg)
        plain = [
            url for url in (self.oidc_authorize_url, self.oidc_token_url) if url and not url.startswith("https://")
        ]
        if plain and not self.sandbox:
            msg = "正式环境的 oidc_authorize_url、oidc_token_url 须以 https:// 开头：授权码和令牌不以明文传送"
            raise ValueError(msg)

    def _traces_go_safely(self) -> None:
        if self.traces_url and not self.traces_url.startswith(("http://", "https://")):
            msg = "traces_url 应为 http:// 或 https:// 开头的 OTLP/HTTP 地址，例如 http://collector.example:4318/v1/traces"
            raise ValueError(msg)
        if self.traces_token_file and not self.sandbox and not self.traces_url.startswith("https://"):
            msg = "正式环境带令牌（traces_token_file）时 traces_url 须以 https:// 开头：令牌不以明文传送"
            raise ValueError(msg)

    def _proxies_are_named(self) -> None:
        networks = []
        for one in self.trusted_proxies:
            try:
                networks.append(ip_network(one))
            except ValueError as error:
                msg = f"trusted_proxies 中的 {one} 不是地址或网段（如 10.1.2.3、10.1.2.0/28）"
                raise ValueError(msg) from error
        if self.client_certificate_header and not networks:
            msg = "client_certificate_header 须与 trusted_proxies 一并设置：否则任何人都能冒充客户端证书"
            raise ValueError(msg)
        if self.client_certificate_header.lower() in NOT_CERTIFICATE_HEADERS:
            msg = f"client_certificate_header 不能是 {self.client_certificate_header}，如 Client-Cert、X-Client-Cert"
            raise ValueError(msg)
        wide = [str(one) for one in networks if one.num_addresses > MAX_PROXY_ADDRESSES]
        if wide and not self.sandbox:
            msg = f"正式环境的 trusted_proxies 范围过大：{'、'.join(wide)}；只写代理本身的地址或小网段"
            raise ValueError(msg)

    def _mail_is_whole(self) -> None:
        if bool(self.smtp_host) != bool(self.smtp_from):
            msg = "smtp_host、smtp_from 须一并设置"
            raise ValueError(msg)
        if bool(self.smtp_user) != bool(self.smtp_password_file):
            msg = "smtp_user、smtp_password_file 须一并设置"
            raise ValueError(msg)
        if self.smtp_security == "none" and self.smtp_host not in {"", *LOOPBACK}:
            msg = "smtp_security 为 none 时 smtp_host 只能是本机：通知不能明文经过网络"
            raise ValueError(msg)


def is_configured() -> bool:
    """Whether anybody told this process anything: a configuration file or a setting in the environment."""
    return any(name.startswith(ENV_PREFIX) and name != FAULT_KEY for name in os.environ)


def load_settings(overrides: Mapping[str, object] | None = None) -> Settings:
    """Read file and environment once.

    Raises:
        ConfigurationError: unreadable file, unknown key or bad value, named one by one.
    """
    values: dict[str, object] = {}
    config = os.environ.get(CONFIG_KEY)
    if config:
        try:
            values.update(tomllib.loads(Path(config).read_text(encoding="utf-8")))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise ConfigurationError(f"配置文件 {config} 无法读取：{error}") from error
    for name, text in os.environ.items():
        if name.startswith(ENV_PREFIX) and name not in {CONFIG_KEY, FAULT_KEY}:
            key = name.removeprefix(ENV_PREFIX).lower()
            values[key] = text.split(_LISTS[key]) if key in _LISTS else text
    values.update(overrides or {})
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        lines = [
            "：".join(filter(None, (".".join(str(part) for part in item["loc"]), _plain(item["msg"]))))
            for item in error.errors()
        ]
        raise ConfigurationError("请更正后重新启动：" + "；".join(lines)) from error


def _plain(message: str) -> str:
    """The reason without the validator's own prefix."""
    return message.removeprefix("Value error, ")


def fault_point() -> str:
    """Name of the fault point a test asked for, or empty."""
    return os.environ.get(FAULT_KEY, "")
