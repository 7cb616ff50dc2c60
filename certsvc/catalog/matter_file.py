"""``matters.toml``: the matters, and what each may see of which type (免证办 policy)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from certsvc.catalog.answer_keys import fault_of
from certsvc.catalog.model import Matter
from certsvc.catalog.toml_table import identifier
from certsvc.identifiers.matter_code import MatterCode
from certsvc.identifiers.use_basis import BASES, DUTY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from certsvc.catalog.authority import Authority
    from certsvc.catalog.model import LicenseType
    from certsvc.catalog.toml_table import Table, TomlFile


def read_matters(
    file: TomlFile, authorities: Mapping[str, Authority], types: Mapping[str, LicenseType]
) -> dict[str, Matter]:
    """All matters by 实施编码.

    Raises:
        ConfigurationError: a wrong or repeated code, an unknown authority, type or field, a policy without a basis.
    """
    root = file.root()
    matters: dict[str, Matter] = {}
    for table in root.tables("matters"):
        code = identifier(table, "code", lambda text: MatterCode.parse(text).value)
        authority_code = MatterCode.parse(code).authority_code
        if authority_code not in authorities:
            table.refuse("code", "前 18 位的实施主体不在 authorities.toml 中")
        if code in matters:
            table.refuse("code", "事项重复")
        bases = table.texts("bases")
        for basis in bases:
            if basis not in BASES:
                table.refuse("bases", f"“{basis}”不是可用的依据：{'、'.join(BASES)}")
        if DUTY in bases and authorities[authority_code].consent_only:
            table.refuse("bases", f"{authorities[authority_code].name}只能凭持证人授权用证，依据不能写 duty")
        allows = _allows(table.table("allows"), types)
        if bool(bases) != bool(allows):
            table.refuse("bases", "允许用证时必须写明依据，不用证时不写依据")
        matters[code] = Matter(
            code=code, name=table.text("name"), authority_code=authority_code, allows=allows, bases=bases
        )
        table.done()
    root.done()
    return matters


def _allows(table: Table, types: Mapping[str, LicenseType]) -> Mapping[str, tuple[str, ...]]:
    allows: dict[str, tuple[str, ...]] = {}
    for slug in table.names():
        if slug not in types:
            table.refuse(slug, "证照类型不存在")
        keys = table.texts(slug)
        if not keys:
            table.refuse(slug, "至少要有一个字段")
        for key in keys:
            fault = fault_of(types[slug], key)
            if fault:
                table.refuse(slug, fault)
        allows[slug] = keys
    return MappingProxyType(allows)
