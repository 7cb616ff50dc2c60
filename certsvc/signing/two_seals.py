"""The page with two seals: one for readers abroad, one under SM2, each a signature of its own.

The second one is an incremental update that ``rendering`` prepares; neither room knows the other, so the caller brings
the function (``PageRenderer.prepare_next``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.seal.marks import NextSignature

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from certsvc.seal.marks import NextField
    from certsvc.seal.model import Seal
    from certsvc.seal.prepared import PreparedPdf
    from certsvc.signing.sealer import LicenseSealer


def seal_twice(
    sealer: LicenseSealer,
    prepare_next: Callable[[bytes, NextField, NextSignature], PreparedPdf],
    prepared: PreparedPdf,
    seals: tuple[tuple[Seal, str], tuple[Seal, str]],
    field: NextField,
    *,
    signed_at: datetime,
) -> bytes:
    """The page with two seals: for readers abroad first (RSA or P-256, certification with P=2), then SM2.

    ``seals`` are pairs of a seal and a format's name, in the order of signing. Each is one use of its key.

    Raises:
        SigningError: a seal cannot sign (see :meth:`~certsvc.signing.sealer.LicenseSealer.seal`), the first one allows
            no changes, or the field is missing or taken.
    """
    (first, first_format), (second, second_format) = seals
    sealed = sealer.seal(prepared, first, first_format, signed_at=signed_at)
    again = prepare_next(
        sealed,
        field,
        NextSignature(
            filter=sealer.filter(second_format),
            sub_filter=sealer.sub_filter(second_format),
            signed_at=signed_at,
            signer=second.name,
            reserved_bytes=sealer.reserved_bytes(second, second_format),
        ),
    )
    return sealer.seal(again, second, second_format, signed_at=signed_at)
