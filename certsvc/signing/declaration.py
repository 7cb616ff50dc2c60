"""Reads ``keys/dev.toml``: which keys, certificates and seals the development PKI has.

Unknown and missing names are both refused by name, so that a slip of the pen is not silently a default.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from certsvc.errors import ConfigurationError, SigningError
from certsvc.seal.model import Seal, SealKind, SealState, StampSpec
from certsvc.signing.keyfile import check_key_id, read_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from certsvc.signing.keyring import KeyRing

KEY_ALGORITHMS = ("p256", "rsa2048", "rsa3072", "sm2")
"""Algorithms of which this room can make keys."""

SM2 = "sm2"
"""The algorithm whose chains stand apart."""

USCC_LENGTH = 18
"""Length of a unified social credit code (GB 32100-2015)."""

MIN_DIAMETER_MM, MAX_DIAMETER_MM = 10.0, 100.0
"""No seal is smaller or larger (国发〔1999〕25号: up to 60 mm)."""

MAX_YEARS = 30
"""No certificate of ours lives longer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyDeclaration:
    """One key and its certificate.

    Attributes:
        key_id: file name of the key.
        algorithm: one of :data:`KEY_ALGORITHMS`.
        common_name, organization, organization_code: subject of the certificate (CN, O, organizationIdentifier).
        years: length of the certificate's validity.
        seals: whether the key seals documents (nonRepudiation) or signs tokens only.
        timestamps: whether the key is that of a timestamping authority.
    """

    key_id: str
    algorithm: str
    common_name: str
    organization: str
    organization_code: str
    years: int
    seals: bool
    timestamps: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuerDeclaration:
    """An issuing CA and the key algorithms it issues for."""

    key: KeyDeclaration
    issues: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SealDeclaration:
    """A seal of the development PKI: its key and what the register needs to know of it."""

    key: KeyDeclaration
    seal_id: str
    kind: SealKind
    stamp: StampSpec
    scope_types: tuple[str, ...]
    daily_budget: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PkiDeclaration:
    """The whole of ``keys/dev.toml``.

    Attributes:
        root: root of the chains abroad can check (RSA, P-256); None in a file that only names seals, whose keys are
            an HSM's or a province's.
        sm2_root: root of the SM2 chains, from end to end SM2 with SM3; None when nothing is SM2.
        makers: keys of the seal maker (制作管理单位), which sign seal objects.
        timestampers: keys of the development TSA.
        people_issuers: issuing CAs for people's signatures, apart from those for seals: each has its own CRL.
    """

    root: KeyDeclaration | None
    sm2_root: KeyDeclaration | None
    issuers: tuple[IssuerDeclaration, ...]
    seals: tuple[SealDeclaration, ...]
    tokens: tuple[KeyDeclaration, ...]
    makers: tuple[KeyDeclaration, ...]
    timestampers: tuple[KeyDeclaration, ...]
    people_issuers: tuple[IssuerDeclaration, ...] = ()

    @property
    def leaves(self) -> tuple[KeyDeclaration, ...]:
        """Every key that is no CA's."""
        return (*(seal.key for seal in self.seals), *self.tokens, *self.makers, *self.timestampers)

    def issuer_for(self, algorithm: str) -> IssuerDeclaration:
        """The issuing CA for keys of ``algorithm``; ConfigurationError when none is declared."""
        for issuer in self.issuers:
            if algorithm in issuer.issues:
                return issuer
        msg = f"keys/dev.toml 没有为算法 {algorithm} 声明签发机构（issuer.issues）"
        raise ConfigurationError(msg)

    def root_for(self, issuer: IssuerDeclaration) -> KeyDeclaration:
        """The root above ``issuer``: chains do not mix SM2 with other algorithms; ConfigurationError without one."""
        sm2 = issuer.key.algorithm == SM2
        found = self.sm2_root if sm2 else self.root
        if found is None:
            kind, table = ("SM2 ", "sm2_root") if sm2 else ("", "root")
            msg = f"密钥声明中有{kind}签发机构，但没有{kind}根证书（[{table}]）"
            raise ConfigurationError(msg)
        return found


def load_declaration(keys_toml: Path) -> PkiDeclaration:
    """Read and check ``keys_toml``.

    Raises:
        ConfigurationError: unreadable, no TOML, a name unknown or missing, or a value of the wrong kind.
    """
    return _declared(str(keys_toml), read_file(keys_toml))


@lru_cache(maxsize=4)
def _declared(name: str, content: bytes) -> PkiDeclaration:
    """What a file of this content declares; a process asks four times while it starts."""
    try:
        document = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"密钥声明 {name} 不是有效的 TOML：{error}"
        raise ConfigurationError(msg) from error
    table = _Table(name, document)
    root = _ca(table.table("root")) if table.has("root") else None
    sm2_root = _ca(table.table("sm2_root")) if table.has("sm2_root") else None
    issuers = tuple(_issuer(item) for item in table.tables("issuer")) if table.has("issuer") else ()
    seals = tuple(_seal(item) for item in table.tables("seal"))
    tokens = tuple(_token(item) for item in table.tables("token")) if table.has("token") else ()
    makers = tuple(replace(_ca(item), seals=True) for item in table.tables("maker")) if table.has("maker") else ()
    timestampers = tuple(_timestamper(item) for item in table.tables("tsa")) if table.has("tsa") else ()
    people = tuple(_issuer(item) for item in table.tables("people_issuer")) if table.has("people_issuer") else ()
    table.done()
    declaration = PkiDeclaration(
        root=root,
        sm2_root=sm2_root,
        issuers=issuers,
        seals=seals,
        tokens=tokens,
        makers=makers,
        timestampers=timestampers,
        people_issuers=people,
    )
    cas = (root, sm2_root, *(i.key for i in (*issuers, *people)))
    key_ids = [key.key_id for key in (*cas, *declaration.leaves) if key is not None]
    for what, values in (("key_id", key_ids), ("seal_id", [s.seal_id for s in seals])):
        twice = {value for value in values if values.count(value) > 1}
        if twice:
            msg = f"密钥声明 {name} 中 {what} 重复：{'、'.join(sorted(twice))}"
            raise ConfigurationError(msg)
    _check_chains(declaration)
    return declaration


def _check_chains(declaration: PkiDeclaration) -> None:
    """Every key has an issuing CA and every issuing CA its root; an SM2 chain is SM2 throughout."""
    if declaration.root is None and declaration.sm2_root is None and not declaration.issuers:
        return
    for key in declaration.leaves:
        declaration.issuer_for(key.algorithm)
    roots = {}
    if declaration.root is not None:
        roots[declaration.root.algorithm] = declaration.root.algorithm != SM2
    if declaration.sm2_root is not None:
        roots[declaration.sm2_root.algorithm] = declaration.sm2_root.algorithm == SM2
    every = (*declaration.issuers, *declaration.people_issuers)
    mixed = [i.key.key_id for i in every if (SM2 in i.issues) != (i.key.algorithm == SM2)]
    if mixed or not all(roots.values()):
        msg = "密钥声明中的 SM2 证书链须从根证书到印章证书全部使用 SM2：请检查 [root]、[sm2_root] 与 issuer.issues"
        raise ConfigurationError(msg)
    for issuer in every:
        declaration.root_for(issuer)


def load_seal_declarations(keys_toml: Path, ring: KeyRing) -> tuple[Seal, ...]:
    """The declared seals as the register of seals wants them, ``active``, valid as long as their certificates.

    Raises:
        ConfigurationError: the declaration is wrong, or ``ring`` lacks a seal's key.
    """
    return tuple(_registered(item, ring) for item in load_declaration(keys_toml).seals)


def _registered(item: SealDeclaration, ring: KeyRing) -> Seal:
    try:
        certificate = ring.certificate(item.key.key_id).certificate
    except SigningError as error:
        msg = f"密钥声明中的印章 {item.seal_id} 没有密钥：{error.detail}"
        raise ConfigurationError(msg) from error
    return Seal(
        seal_id=item.seal_id,
        owner_code=item.key.organization_code,
        owner_name=item.key.organization,
        name=item.key.common_name,
        kind=item.kind,
        state=SealState.ACTIVE,
        key_id=item.key.key_id,
        algorithm=item.key.algorithm,
        stamp=item.stamp,
        scope_types=item.scope_types,
        valid_from=certificate.not_valid_before_utc,
        valid_until=certificate.not_valid_after_utc,
        daily_budget=item.daily_budget,
    )


class _Table:
    """One TOML table of which every name must be asked for."""

    def __init__(self, where: str, values: Mapping[str, object]) -> None:
        self._where = where
        self._values = dict(values)

    def _take(self, name: str, kind: type, default: object = None) -> object:
        value = self._values.pop(name, default)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            msg = f"{self._where}：缺少 {name}，或其类型不是 {kind.__name__}"
            raise ConfigurationError(msg)
        return value

    def has(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str, default: str | None = None) -> str:
        return str(self._take(name, str, default))

    def number(self, name: str, low: int, high: int) -> int:
        value = self._take(name, int)
        if not isinstance(value, int) or not low <= value <= high:
            msg = f"{self._where}：{name} 应在 {low} 与 {high} 之间"
            raise ConfigurationError(msg)
        return value

    def length_mm(self, name: str) -> float:
        value = self._take(name, float)
        if not isinstance(value, float) or not MIN_DIAMETER_MM <= value <= MAX_DIAMETER_MM:
            msg = f"{self._where}：{name} 应在 {MIN_DIAMETER_MM} 与 {MAX_DIAMETER_MM} 毫米之间"
            raise ConfigurationError(msg)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        values = self._take(name, list)
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            msg = f"{self._where}：{name} 应为字符串数组"
            raise ConfigurationError(msg)
        return tuple(values)

    def table(self, name: str) -> _Table:
        value = self._take(name, dict)
        return _Table(f"{self._where} [{name}]", value if isinstance(value, dict) else {})

    def tables(self, name: str) -> tuple[_Table, ...]:
        values = self._take(name, list)
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            msg = f"{self._where}：[[{name}]] 应为表数组"
            raise ConfigurationError(msg)
        return tuple(_Table(f"{self._where} [[{name}]] 第 {n} 项", value) for n, value in enumerate(values, 1))

    def algorithm(self) -> str:
        value = self.text("algorithm")
        if value not in KEY_ALGORITHMS:
            msg = f"{self._where}：算法 {value} 不支持，可用 {'、'.join(KEY_ALGORITHMS)}"
            raise ConfigurationError(msg)
        return value

    def done(self) -> None:
        if self._values:
            msg = f"{self._where}：无法识别 {'、'.join(sorted(self._values))}，请检查拼写"
            raise ConfigurationError(msg)


def _key(table: _Table, *, organization: str, organization_code: str, seals: bool) -> KeyDeclaration:
    return KeyDeclaration(
        key_id=check_key_id(table.text("key_id")),
        algorithm=table.algorithm(),
        common_name=table.text("name"),
        organization=organization,
        organization_code=organization_code,
        years=table.number("years", 1, MAX_YEARS),
        seals=seals,
    )


def _ca(table: _Table) -> KeyDeclaration:
    key = _key(table, organization=table.text("owner_name"), organization_code="", seals=False)
    table.done()
    return key


def _issuer(table: _Table) -> IssuerDeclaration:
    issues = table.texts("issues")
    return IssuerDeclaration(key=_ca(table), issues=issues)


def _token(table: _Table) -> KeyDeclaration:
    return _ca(table)


def _timestamper(table: _Table) -> KeyDeclaration:
    return replace(_ca(table), timestamps=True)


def _seal(table: _Table) -> SealDeclaration:
    owner_code, owner_name = table.text("owner_code"), table.text("owner_name")
    if len(owner_code) != USCC_LENGTH:
        msg = f"keys/dev.toml [[seal]]：owner_code {owner_code} 应为 18 位统一社会信用代码"
        raise ConfigurationError(msg)
    kind = table.text("kind")
    if kind not in set(SealKind):
        msg = f"keys/dev.toml [[seal]]：kind {kind} 不是印章类型代码（01、02、03、04、05、99）"
        raise ConfigurationError(msg)
    declared = SealDeclaration(
        key=_key(table, organization=owner_name, organization_code=owner_code, seals=True),
        seal_id=check_key_id(table.text("seal_id")),
        kind=SealKind(kind),
        stamp=StampSpec(
            ring_text=table.text("ring_text"),
            diameter_mm=table.length_mm("diameter_mm"),
            second_line=table.text("second_line", ""),
            number=table.text("number", ""),
        ),
        scope_types=table.texts("scope_types"),
        daily_budget=table.number("daily_budget", 0, 10_000_000),
    )
    table.done()
    return declared
