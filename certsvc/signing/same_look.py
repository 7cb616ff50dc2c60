"""No change of the form makes a reader draw the sealed fields anew (rule c).

pyHanko lets a later signature change what a form says of all its fields together: that readers draw them anew, in which
font, size and colour, and where in the line. A sealed amount that was drawn as 100 is then drawn as its value says, or
in white. Where the sealed revision has no fields but those of signatures there is nothing to draw.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyhanko.pdf_utils import generic
from pyhanko.sign.diff_analysis import FieldMDPRule, SuspiciousModification

from certsvc.signing.fields import item_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyhanko.sign.diff_analysis import FieldComparisonContext, FormUpdate, ModificationLevel

_DRAWN_BY = ("/NeedAppearances", "/DA", "/Q")


class SameLookRule(FieldMDPRule):
    """Refuses another look of fields; it never allows anything by itself."""

    def apply(self, context: FieldComparisonContext) -> Iterable[tuple[ModificationLevel, FormUpdate]]:
        """Nothing, or SuspiciousModification."""
        if any(spec.old_field_ref and spec.field_type != "/Sig" for spec in context.field_specs.values()):
            old, new = (item_of(one.root, "/AcroForm") for one in (context.old, context.new))
            if not _draws_alike(old, new):
                msg = "the fields of the form would be drawn anew"
                raise SuspiciousModification(msg)
        return ()


def _draws_alike(old: object, new: object) -> bool:
    if not isinstance(old, generic.DictionaryObject) or not isinstance(new, generic.DictionaryObject):
        return False
    same = all(item_of(old, key) == item_of(new, key) for key in _DRAWN_BY)
    return same and _keeps(item_of(old, "/DR"), item_of(new, "/DR"), levels=2)


def _keeps(old: object, new: object, *, levels: int) -> bool:
    """Whether every resource is what it was; more may have come."""
    if not levels or not isinstance(old, generic.DictionaryObject):
        return old is None or old == new
    if not isinstance(new, generic.DictionaryObject):
        return False
    return all(key in new and _keeps(_at(old, key, levels), _at(new, key, levels), levels=levels - 1) for key in old)


def _at(node: generic.DictionaryObject, key: str, levels: int) -> object:
    """The kind of resources behind ``key``, or on the last level the reference to one."""
    return node.raw_get(key) if levels == 1 else item_of(node, key)
