"""A person or company as somebody names them: name and code, checked by the rules of the code's type."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from certsvc.catalog.validation import check_text
from certsvc.errors import FieldProblem, InvalidIdentifier, InvalidInput
from certsvc.identifiers.holder_code import HolderCode
from certsvc.license.model import Holder

MAX_NAME = 200
"""Characters; long enough for names of companies and Latin names."""


def _name(text: str) -> str:
    fault = check_text(text, max_length=MAX_NAME, is_name=True)
    if fault:
        raise PydanticCustomError("text", "{fault}", {"fault": fault})
    return text.strip()


class PartyBody(BaseModel):
    """姓名或名称、证件类型和号码."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, AfterValidator(_name)] = Field(min_length=1, max_length=MAX_NAME)
    code_type: str = Field(min_length=3, max_length=3, description="持证主体代码类型代码（GB/T 36903 附录A）")
    code: str = Field(min_length=1, max_length=64, description="持证主体代码")

    def holder(self, pointer: str = "/delegate/code") -> Holder:
        """As a holder; InvalidInput when the code is none."""
        try:
            code = HolderCode.parse(self.code_type, self.code)
        except InvalidIdentifier as error:
            problem = FieldProblem(pointer=pointer, code=error.code, detail=error.detail)
            raise InvalidInput(error.detail, problems=(problem,)) from error
        return Holder(name=self.name, code=code.value, code_type=code.type.value)
