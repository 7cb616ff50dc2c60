"""What a seal is asked to be used for, as far as its scope and its approvals look at it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class SealUse:
    """What one use of a seal is about; an empty text means that the use is not about one.

    Attributes:
        type_slug: license type of the document, or empty for a document that is no license.
        matter_code: 事项编码 of the matter the document belongs to, or empty.
        region: GB/T 2260 code of the region the document is for, or empty.
        operator: subject of the person who asked for this use, or empty for the service itself.
        manual: whether a person asked for this one use by hand (人工用印), and not the automatic issue spine.
        approval_id: the approval that allows this manual use, or empty.
        represented_by: id of the 首席代表 appointment in whose name the use is made, or empty.
    """

    type_slug: str = ""
    matter_code: str = ""
    region: str = ""
    operator: str = ""
    manual: bool = False
    approval_id: str = ""
    represented_by: str = ""
