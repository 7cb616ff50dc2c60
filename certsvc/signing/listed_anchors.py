"""Which anchors one verification stands on: those of the trust list with the wanted purpose at its moment.

The directory's CRLs and intermediates serve every version of the list. Without a list the fixed anchors serve every
purpose, as on a machine without a register.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from certsvc.seal.trust_list import TIMESTAMP

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from certsvc.commands.ports import TrustChoice
    from certsvc.seal.trust_list import TrustList
    from certsvc.signing.trust import TrustAnchors


class ListedAnchors:
    """Anchors by purpose and moment; every question looks at the list in force, so a change needs no restart."""

    def __init__(self, base: TrustAnchors, current: Callable[[], TrustList] | None = None) -> None:
        """Stand on ``current``'s lists, with the CRLs and intermediates of ``base``; on ``base`` alone without one."""
        self._base = base
        self._current = current

    def chosen(self, trust: TrustChoice, now: datetime) -> TrustAnchors:
        """The anchors for a question.

        Raises:
            InvalidInput: an extra anchor of ``trust`` is not a PEM certificate.
        """
        moment = trust.at if trust.at is not None else now
        found = self.serving(trust.uses, moment, trust.listed)
        return found.with_extra(trust.extra_anchors) if trust.extra_anchors else found

    def serving(self, uses: frozenset[str], moment: datetime, listed: TrustList | None = None) -> TrustAnchors:
        """The anchors with one of the purposes ``uses``, and those of timestamps, at ``moment``."""
        if listed is None:
            if self._current is None:
                return self._base
            listed = self._current()
        seals = listed.serving(uses, moment)
        stamps = listed.serving((TIMESTAMP,), moment)
        beside = (der for one in (*seals, *stamps) for der in one.intermediates)
        return replace(
            self._base,
            certificates=tuple(one.certificate for one in seals),
            stamps=tuple(one.certificate for one in stamps),
            intermediates=tuple(dict.fromkeys((*self._base.intermediates, *beside))),
        )


def listed(anchors: TrustAnchors | ListedAnchors) -> ListedAnchors:
    """Fixed anchors as a list that never changes."""
    return anchors if isinstance(anchors, ListedAnchors) else ListedAnchors(anchors)
