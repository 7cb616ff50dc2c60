"""The request of a type's sample, as an approval system would send it: for the demo, the sandbox and the benchmarks."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from certsvc.errors import InvalidInput
from certsvc.identifiers.holder_code import HolderCodeType
from certsvc.identifiers.uscc import check_character, organisation_check_character
from certsvc.rendering.portrait import silhouette

if TYPE_CHECKING:
    from certsvc.catalog.loader import Catalog


def sample_body(catalog: Catalog, slug: str, business_no: str, **changes: Any) -> dict[str, Any]:
    """The body of an issuance request for the sample of ``slug``; ``changes`` replace its members."""
    sample = catalog.sample(slug)
    body: dict[str, Any] = {
        "authority_code": sample["issuer_code"],
        "business_no": business_no,
        "type": slug,
        "holder": {
            "name": sample["holder_name"],
            "code": sample["holder_code"],
            "code_type": sample["holder_code_type"],
        },
        "data": dict(sample["data"]),
        "region": sample["region"],
        "matter_code": sample["matter_code"],
    }
    dates = {"issued_on": sample["issued_on"], "valid_from": sample["valid_from"], "valid_until": sample["valid_until"]}
    body.update({key: value for key, value in {"number": sample["number"], **dates}.items() if value})
    if catalog.type(slug).photo:
        body["photo"] = base64.b64encode(silhouette()).decode()
    return {**body, **changes}


def for_another(body: dict[str, Any], holder: int) -> dict[str, Any]:
    """The same request for the ``holder``-th made-up company: its code, and the number where that is the code.

    Raises:
        InvalidInput: the sample's holder is a person, whose code says more than a number can make up.
    """
    holder_of = body["holder"]
    if holder_of["code_type"] != HolderCodeType.USCC:
        raise InvalidInput("样例的持证主体不是单位，不能另编一个")
    kept, organisation = holder_of["code"][:8], f"MA{holder:06d}"
    text = kept + organisation + organisation_check_character(organisation)
    code = text + check_character(text)
    number = {"number": code} if body.get("number") == holder_of["code"] else {}
    return {**body, "holder": {**holder_of, "code": code}, **number}
