"""Loads the whole catalog from its seed files and proves that the files agree with each other.

``<directory>/authorities.toml``, ``matters.toml`` and ``types/<slug>.toml``. A catalog that loads can be issued from:
every reference resolves, every sample validates, every face fits its page. One that does not load stops the process.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from certsvc.catalog.face_plan import MAX_NAME
from certsvc.catalog.model import Authority, LicenseType, Matter, ValidityKind
from certsvc.catalog.numbers import check_given_number, number_parts, render_number
from certsvc.catalog.toml_table import TomlFile, read_toml
from certsvc.catalog.type_file import STANDARD_KEYS, Sample, TypeFile, read_type
from certsvc.catalog.validation import check_text, parse_date, validate_fields
from certsvc.errors import ConfigurationError, FieldProblem, InvalidIdentifier, InvalidInput, UnknownLicenseType
from certsvc.identifiers.holder_code import HolderCode
from certsvc.identifiers.matter_code import MatterCode
from certsvc.identifiers.region import Region
from certsvc.identifiers.uscc import Uscc

if TYPE_CHECKING:
    from certsvc.catalog.toml_table import Table

SEED_DIRECTORY = Path(__file__).parent
COPY = "*copy"
"""In ``Matter.allows``: the whole file may leave, as an annotated copy (加注件)."""
BASES = ("consent", "duty")
MAX_TYPES = 500
"""A province has a few hundred types; more files are a wrong directory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalog:
    """Everything the catalog knows, immutable.

    Attributes:
        types: all license types, by slug in alphabetical order.
        matters: all matters, by code.
        authorities: all authorities, by USCC.
        digest: hex SHA-256 over the digests of all files; two processes with one digest follow the same rules.
    """

    types: tuple[LicenseType, ...]
    matters: tuple[Matter, ...]
    authorities: tuple[Authority, ...]
    digest: str
    _types: Mapping[str, LicenseType]
    _type_codes: Mapping[str, LicenseType]
    _matters: Mapping[str, Matter]
    _authorities: Mapping[str, Authority]
    _samples: Mapping[str, Sample]

    def type(self, slug: str) -> LicenseType:
        """The type with ``slug``; UnknownLicenseType when there is none."""
        return _known(self._types, slug)

    def by_type_code(self, type_code: str) -> LicenseType:
        """The type with the 21-character 证照类型代码; UnknownLicenseType when there is none."""
        return _known(self._type_codes, type_code)

    def authority(self, code: str) -> Authority:
        """The authority with the USCC ``code``; InvalidInput when there is none."""
        found = self._authorities.get(code)
        if found is None:
            raise InvalidInput("机构代码不在目录中，请核对统一社会信用代码或先登记该机构")
        return found

    def has_authority(self, code: str) -> bool:
        """Whether the catalog knows the authority."""
        return code in self._authorities

    def matter(self, code: str) -> Matter:
        """The matter with 实施编码 ``code``, also by its 业务办理项编码; InvalidInput when there is none."""
        found = self.find_matter(code)
        if found is None:
            raise InvalidInput("事项编码不在目录中，请核对 31 位实施编码或先登记该事项")
        return found

    def find_matter(self, code: str) -> Matter | None:
        """As :meth:`matter`, with None when there is none."""
        found = self._matters.get(code)
        if found is None:
            with contextlib.suppress(InvalidIdentifier):
                found = self._matters.get(MatterCode.parse(code).implementation_code)
        return found

    def sample(self, slug: str) -> Sample:
        """The complete synthetic application of a type, for previews and demos; UnknownLicenseType as above."""
        return self._samples[self.type(slug).slug]


def load_catalog(directory: Path | None = None) -> Catalog:
    """Read and check all files.

    Args:
        directory: where ``authorities.toml``, ``matters.toml`` and ``types/`` are; the seed files when None.

    Raises:
        ConfigurationError: the first fault found, with file, line, key and reason.
    """
    directory = directory or SEED_DIRECTORY
    authority_file = read_toml(directory / "authorities.toml")
    authorities = _read_authorities(authority_file)
    names = {code: authority.name for code, authority in authorities.items()}
    paths = sorted((directory / "types").glob("*.toml"))
    if not 0 < len(paths) <= MAX_TYPES:
        msg = f"目录 {directory.name}/types 应有 1 至 {MAX_TYPES} 个 .toml 文件，现有 {len(paths)} 个"
        raise ConfigurationError(msg)
    files = [read_type(read_toml(path), names) for path in paths]
    types = {file.license_type.slug: file.license_type for file in files}
    matter_file = read_toml(directory / "matters.toml")
    matters = _read_matters(matter_file, authorities, types)
    type_codes: dict[str, LicenseType] = {}
    for file in files:
        _check_references(file, authorities, matters)
        _check_sample(file)
        if type_codes.setdefault(file.license_type.type_code, file.license_type) is not file.license_type:
            file.file.refuse("type_code", f"与 {type_codes[file.license_type.type_code].slug}.toml 重复")
    raws = (authority_file.raw, matter_file.raw, *(file.file.raw for file in files))
    return Catalog(
        types=tuple(types.values()),
        matters=tuple(matters.values()),
        authorities=tuple(authorities.values()),
        digest=hashlib.sha256(b"".join(hashlib.sha256(raw).digest() for raw in raws)).hexdigest(),
        _types=MappingProxyType(types),
        _type_codes=MappingProxyType(type_codes),
        _matters=MappingProxyType(matters),
        _authorities=MappingProxyType(authorities),
        _samples=MappingProxyType({file.license_type.slug: file.sample for file in files}),
    )


def _known(types: Mapping[str, LicenseType], key: str) -> LicenseType:
    found = types.get(key)
    if found is None:
        raise UnknownLicenseType(f"证照类型不存在或未发布；现有：{'、'.join(kind.slug for kind in types.values())}")
    return found


def _read_authorities(file: TomlFile) -> dict[str, Authority]:
    root = file.root()
    authorities: dict[str, Authority] = {}
    seals: set[str] = set()
    for table in root.tables("authorities"):
        authority = Authority(
            code=_identifier(table, "code", lambda text: Uscc.parse(text).value),
            name=table.text("name"),
            region=_identifier(table, "region", lambda text: Region.parse(text).code),
            seal_id=table.text_or_empty("seal_id"),
        )
        table.done()
        if authority.code in authorities:
            table.refuse("code", "机构重复")
        if authority.seal_id in seals:
            table.refuse("seal_id", "同一枚印章不能属于两个机构")
        if authority.seal_id:
            seals.add(authority.seal_id)
        authorities[authority.code] = authority
    root.done()
    return authorities


def _read_matters(
    file: TomlFile, authorities: Mapping[str, Authority], types: Mapping[str, LicenseType]
) -> dict[str, Matter]:
    root = file.root()
    matters: dict[str, Matter] = {}
    for table in root.tables("matters"):
        code = _identifier(table, "code", lambda text: MatterCode.parse(text).value)
        authority_code = MatterCode.parse(code).authority_code
        if authority_code not in authorities:
            table.refuse("code", "前 18 位的实施主体不在 authorities.toml 中")
        if code in matters:
            table.refuse("code", "事项重复")
        bases = table.texts("bases")
        for basis in bases:
            if basis not in BASES:
                table.refuse("bases", f"“{basis}”不是可用的依据：{'、'.join(BASES)}")
        allows = _allows(table.table("allows"), types)
        if bool(bases) != bool(allows):
            table.refuse("bases", "允许用证时必须写明依据，不用证时不写依据")
        matters[code] = Matter(
            code=code, name=table.text("name"), authority_code=authority_code, allows=allows, bases=bases
        )
        table.done()
    root.done()
    return matters


def _identifier(table: Table, key: str, parse: Callable[[str], str]) -> str:
    """The text of ``key`` as an identifier; its refusal keeps the identifier's reason."""
    try:
        return parse(table.text(key))
    except InvalidIdentifier as error:
        table.refuse(key, error.detail)


def _allows(table: Table, types: Mapping[str, LicenseType]) -> Mapping[str, tuple[str, ...]]:
    allows: dict[str, tuple[str, ...]] = {}
    for slug in table.names():
        if slug not in types:
            table.refuse(slug, "证照类型不存在")
        keys = table.texts(slug)
        if not keys:
            table.refuse(slug, "至少要有一个字段")
        for key in keys:
            if key != COPY and key not in STANDARD_KEYS and types[slug].field(key) is None:
                table.refuse(slug, f"“{key}”不是 {slug} 的字段，也不是 {COPY}、{'、'.join(STANDARD_KEYS)}")
        allows[slug] = keys
    return MappingProxyType(allows)


def _check_references(file: TypeFile, authorities: Mapping[str, Authority], matters: Mapping[str, Matter]) -> None:
    kind = file.license_type
    if not kind.issuers:
        file.file.refuse("issuers", "至少要有一个颁发机构")
    for code in kind.issuers:
        if code not in authorities:
            file.file.refuse("issuers", f"颁发机构 {code} 不在 authorities.toml 中")
    for code in kind.matters:
        if code not in matters:
            file.file.refuse("matters", f"事项 {code} 不在 matters.toml 中")
    if file.sample["issuer_code"] not in kind.issuers:
        file.file.refuse("sample.issuer_code", "不在本类型的颁发机构之列")
    if file.sample["matter_code"] not in kind.matters:
        file.file.refuse("sample.matter_code", "不在本类型的关联事项之列")


def _check_sample(file: TypeFile) -> None:
    """The sample must pass every rule that a real application passes."""
    kind, sample = file.license_type, file.sample
    try:
        if sample["holder_code_type"] not in kind.holder_code_types:
            file.file.refuse("sample.holder_code_type", "不是本类型允许的持证主体代码类型")
        holder = HolderCode.parse(sample["holder_code_type"], sample["holder_code"])
        data = validate_fields(kind, sample["data"], holder=holder)
        issued = parse_date(sample["issued_on"])
        start = parse_date(sample["valid_from"])
        if kind.number.given:
            check_given_number(kind, sample["number"], holder_code=holder.value)
        elif sample["number"]:
            file.file.refuse("sample.number", "编号由系统生成，示例中应为空")
        else:
            parts = number_parts(kind, data)
            render_number(kind.number, region=sample["region"], year=issued.year, sequence=1, parts=parts)
        if (kind.validity.kind is ValidityKind.OPEN_ENDED) != (not sample["valid_until"]) and not _may_end(kind):
            file.file.refuse("sample.valid_until", "长期有效的类型应为空，其他类型应填写")
        if sample["valid_until"] and parse_date(sample["valid_until"]) < start:
            file.file.refuse("sample.valid_until", "早于起始日期")
    except InvalidInput as error:
        first = error.problems[0] if error.problems else FieldProblem(pointer="", code="", detail=error.detail)
        file.file.refuse("sample" + first.pointer.replace("/", "."), first.detail)
    fault = check_text(sample["holder_name"], max_length=MAX_NAME, is_name=True)
    if fault:
        file.file.refuse("sample.holder_name", fault)


def _may_end(kind: LicenseType) -> bool:
    """Whether the approval may leave the end open: it gives the period, and the type sets no limit."""
    return kind.validity.kind is ValidityKind.GIVEN and not kind.validity.years
