"""Loads the whole catalog from its seed files and proves that the files agree with each other.

``<directory>/authorities.toml``, ``matters.toml`` and ``types/<slug>.toml``; where a city has them, ``laws.toml``,
``bundles.toml``, ``sources.toml``, ``materials.toml``, ``workdays.toml`` and ``local/<slug>.toml``. A catalog that
loads can be issued from: every reference resolves, every sample validates, every face fits its page. One that does
not load stops the process.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from certsvc.catalog.authority import Authority
from certsvc.catalog.authority_file import read_authorities
from certsvc.catalog.face_plan import MAX_NAME
from certsvc.catalog.material_file import MaterialKind, Materials, read_materials
from certsvc.catalog.matter_file import read_matters
from certsvc.catalog.model import LicenseType, Matter, ValidityKind
from certsvc.catalog.numbers import check_given_number, first_number
from certsvc.catalog.relations import check_relations, read_bundles, read_laws
from certsvc.catalog.source_file import read_sources
from certsvc.catalog.toml_table import read_toml
from certsvc.catalog.type_file import Sample, TypeFile, read_type
from certsvc.catalog.validation import check_text, parse_date, validate_fields
from certsvc.catalog.workdays import Workdays, read_workdays
from certsvc.errors import ConfigurationError, FieldProblem, InvalidIdentifier, InvalidInput, UnknownLicenseType
from certsvc.identifiers.holder_code import HolderCode
from certsvc.identifiers.matter_code import MatterCode

if TYPE_CHECKING:
    from certsvc.catalog.entry import Bundle, Law, Source
    from certsvc.catalog.toml_table import TomlFile

SEED_DIRECTORY = Path(__file__).parent
SAMPLE_YEAR = 2026
"""Any year does to try a number pattern."""
MAX_TYPES = 500
"""A province has a few hundred types; more files are a wrong directory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalog:
    """Everything the catalog knows, immutable.

    Attributes:
        types: all license types, by slug in alphabetical order.
        matters: all matters, by code.
        authorities: all authorities, by USCC.
        bundles: 一业一证, by code.
        laws: legal bases, by id.
        sources: systems elsewhere whose licenses are registered here, by id.
        materials: the material lists of matters, the kinds of 电子材料, and the counters (综合窗口).
        workdays: the calendar of working days.
        digest: hex SHA-256 over the digests of all files; two processes with one digest follow the same rules.
    """

    types: tuple[LicenseType, ...]
    matters: tuple[Matter, ...]
    authorities: tuple[Authority, ...]
    bundles: tuple[Bundle, ...]
    laws: tuple[Law, ...]
    sources: tuple[Source, ...]
    materials: Materials
    workdays: Workdays
    digest: str
    _types: Mapping[str, LicenseType]
    _type_codes: Mapping[str, LicenseType]
    _matters: Mapping[str, Matter]
    _authorities: Mapping[str, Authority]
    _samples: Mapping[str, Sample]

    def type(self, slug: str) -> LicenseType:
        """The type with ``slug``; UnknownLicenseType when there is none."""
        return _known(self._types, slug)

    def has_type(self, slug: str) -> bool:
        """Whether there is a type with ``slug``."""
        return slug in self._types

    def material_kind(self, slug: str) -> MaterialKind | None:
        """The kind of 电子材料 that ``material:<code>`` names, or None."""
        return self.materials.kinds.get(slug)

    def has_use(self, slug: str) -> bool:
        """Whether a policy may be about it: a type of licenses, or a kind of 电子材料."""
        return slug in self._types or slug in self.materials.kinds

    def used_name(self, slug: str) -> str:
        """What a type of licenses or a kind of 电子材料 is called; ``slug`` itself where it is gone."""
        kind = self._types.get(slug) or self.material_kind(slug)
        return kind.name if kind is not None else slug

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

    def consent_only(self, code: str) -> bool:
        """Whether the body may use licenses on the holder's consent alone; an unknown one is not said to."""
        found = self._authorities.get(code)
        return found is not None and found.consent_only

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

    def bundle(self, code: str) -> Bundle:
        """The bundle with ``code``; InvalidInput when there is none."""
        found = next((bundle for bundle in self.bundles if bundle.code == code), None)
        if found is None:
            raise InvalidInput("一业一证目录中没有这个行业，请从目录中选择")
        return found

    def source(self, source_id: str) -> Source:
        """The source with ``source_id``; InvalidInput when there is none."""
        found = next((source for source in self.sources if source.id == source_id), None)
        if found is None:
            raise InvalidInput(
                f"没有这个来源系统；已登记的来源：{'、'.join(source.id for source in self.sources) or '无'}"
            )
        return found

    def law_titles(self, kind: LicenseType) -> tuple[str, ...]:
        """Titles of the legal bases of a type, in its order."""
        titles = {law.id: law.title for law in self.laws}
        return tuple(titles[law] for law in kind.laws)

    def dependants(self, slug: str) -> tuple[LicenseType, ...]:
        """Types that cannot stand without ``slug``, directly or through others: its end flags them."""
        found = {slug}
        while True:
            more = {kind.slug for kind in self.types if found & set(kind.depends_on)} - found
            if not more:
                return tuple(kind for kind in self.types if kind.slug in found and kind.slug != slug)
            found |= more

    def satisfied_by(self, filing_code: str) -> tuple[LicenseType, ...]:
        """Types that absorb a 备案 or registration (多证合一); none for a filing that still stands alone."""
        return tuple(kind for kind in self.types if any(f.code == filing_code for f in kind.satisfies))

    def sample(self, slug: str) -> Sample:
        """The complete synthetic application of a type, for previews and demos; UnknownLicenseType as above."""
        return self._samples[self.type(slug).slug]


def load_catalog(directory: Path | None = None, *, drafts: Collection[str] = ()) -> Catalog:
    """Read and check all files.

    Args:
        directory: where ``authorities.toml``, ``matters.toml`` and ``types/`` are; the seed files when None.
        drafts: slugs of type files that are not in effect: this process does not keep what it parsed of them.

    Raises:
        ConfigurationError: the first fault found, with file, line, key and reason.
    """
    directory = directory or SEED_DIRECTORY
    authority_file, matter_file = read_toml(directory / "authorities.toml"), read_toml(directory / "matters.toml")
    law_file, bundle_file = _optional(directory / "laws.toml"), _optional(directory / "bundles.toml")
    source_file = _optional(directory / "sources.toml")
    material_file, day_file = _optional(directory / "materials.toml"), _optional(directory / "workdays.toml")
    authorities = read_authorities(authority_file)
    files = _read_types(directory, {code: authority.name for code, authority in authorities.items()}, drafts)
    types = {slug: file.license_type for slug, file in files.items()}
    matters = read_matters(matter_file, authorities, types)
    laws = read_laws(law_file)
    type_codes: dict[str, LicenseType] = {}
    for file in files.values():
        _check_references(file, authorities, matters)
        _check_sample(file)
        if type_codes.setdefault(file.license_type.type_code, file.license_type) is not file.license_type:
            file.file.refuse("type_code", f"与 {type_codes[file.license_type.type_code].slug}.toml 重复")
    check_relations(files, laws)
    bundles = read_bundles(bundle_file, types, matters)
    sources = read_sources(source_file, types)
    read = (authority_file, matter_file, law_file, bundle_file, source_file, material_file, day_file)
    raws = (file.raw for file in read if file is not None)
    digests = (*(hashlib.sha256(raw).hexdigest() for raw in raws), *(kind.digest for kind in types.values()))
    return Catalog(
        types=tuple(types.values()),
        matters=tuple(matters.values()),
        authorities=tuple(authorities.values()),
        bundles=tuple(bundles.values()),
        laws=tuple(laws.values()),
        sources=tuple(sources.values()),
        materials=read_materials(material_file, authorities, types, matters),
        workdays=read_workdays(day_file),
        digest=hashlib.sha256("".join(digests).encode("ascii")).hexdigest(),
        _types=MappingProxyType(types),
        _type_codes=MappingProxyType(type_codes),
        _matters=MappingProxyType(matters),
        _authorities=MappingProxyType(authorities),
        _samples=MappingProxyType({slug: file.sample for slug, file in files.items()}),
    )


def _optional(path: Path) -> TomlFile | None:
    return read_toml(path) if path.exists() else None


def _read_types(directory: Path, authorities: Mapping[str, str], drafts: Collection[str]) -> dict[str, TypeFile]:
    """All types by slug in alphabetical order, each with its local part."""
    paths = sorted((directory / "types").glob("*.toml"))
    if not 0 < len(paths) <= MAX_TYPES:
        msg = f"目录 {directory.name}/types 应有 1 至 {MAX_TYPES} 个 .toml 文件，现有 {len(paths)} 个"
        raise ConfigurationError(msg)
    local_paths = {path.name: path for path in sorted((directory / "local").glob("*.toml"))}
    files: dict[str, TypeFile] = {}
    for path in paths:
        local_path = local_paths.pop(path.name, None)
        local_file = read_toml(local_path) if local_path else None
        file = read_type(read_toml(path, keep=path.stem not in drafts), authorities, local_file)
        files[file.license_type.slug] = file
    for name, path in local_paths.items():
        read_toml(path).refuse("", f"types/{name} 不存在，没有可补充的证照类型")
    return files


def _known(types: Mapping[str, LicenseType], key: str) -> LicenseType:
    found = types.get(key)
    if found is None:
        raise UnknownLicenseType(f"证照类型不存在或未发布；现有 {len(types)} 种，见 GET /v1/catalog/types")
    return found


def _check_references(file: TypeFile, authorities: Mapping[str, Authority], matters: Mapping[str, Matter]) -> None:
    kind = file.license_type
    if not kind.issuers:
        file.file.refuse("issuers", "至少要有一个颁发机构")
    for code in kind.issuers:
        if code not in authorities:
            file.file.refuse("issuers", f"颁发机构 {code} 不在 authorities.toml 中")
        if authorities[code].consent_only:
            file.file.refuse("issuers", f"{authorities[code].name}只能凭持证人授权用证，不颁发证照")
        if kind.seals and authorities[code].seal_name not in kind.seals:
            file.file.refuse("seals", f"{authorities[code].name}没有本类型要求的印章（{'、'.join(kind.seals)}）")
    for code in kind.penalisers:
        if code not in authorities:
            file.file.refuse("penalisers", f"处罚机关 {code} 不在 authorities.toml 中")
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
        _check_dates(file)
        if kind.number.given:
            check_given_number(kind, sample["number"], holder_code=holder.value)
        elif sample["number"]:
            file.file.refuse("sample.number", "编号由系统生成，示例中应为空")
        else:
            first_number(kind, data, region=sample["region"], year=SAMPLE_YEAR)
    except InvalidInput as error:
        first = error.problems[0] if error.problems else FieldProblem(pointer="", code="", detail=error.detail)
        file.file.refuse("sample" + first.pointer.replace("/", "."), first.detail)
    fault = check_text(sample["holder_name"], max_length=MAX_NAME, is_name=True)
    if fault:
        file.file.refuse("sample.holder_name", fault)


def _check_dates(file: TypeFile) -> None:
    """All three dates, or none of them for a license of fixed length that is issued today."""
    kind, sample = file.license_type, file.sample
    if not (sample["issued_on"] or sample["valid_from"] or sample["valid_until"]):
        if kind.validity.kind is not ValidityKind.YEARS:
            file.file.refuse("sample.issued_on", "只有固定年限的类型可以不写日期（以当天为准）")
        return
    parse_date(sample["issued_on"])
    start = parse_date(sample["valid_from"])
    if (kind.validity.kind is ValidityKind.OPEN_ENDED) != (not sample["valid_until"]) and not _may_end(kind):
        file.file.refuse("sample.valid_until", "长期有效的类型应为空，其他类型应填写")
    if sample["valid_until"] and parse_date(sample["valid_until"]) < start:
        file.file.refuse("sample.valid_until", "早于起始日期")


def _may_end(kind: LicenseType) -> bool:
    """Whether the approval may leave the end open: it gives the period, and the type sets no limit."""
    return kind.validity.kind is ValidityKind.GIVEN and not kind.validity.years
