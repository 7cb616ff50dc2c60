"""Puts the signatures of people, and the seal behind them, into the fields of a document."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from certsvc.rendering.handwriting import normalise_handwriting
from certsvc.rendering.layout import MM
from certsvc.rendering.signature_look import signature_drawing
from certsvc.seal.marks import NextField, NextSignature, VisibleMark

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from certsvc.rendering.page import PageRenderer
    from certsvc.seal.marks import Box, Drawing
    from certsvc.seal.model import Seal
    from certsvc.seal.prepared import PreparedPdf
    from certsvc.seal.signing_page import PreparedField, SignatureLook, SignatureRoom
    from certsvc.seal.signing_round import Place


class SigningPageMaker:
    """Implements ``signer_ports.SigningPages``."""

    def __init__(
        self,
        renderer: PageRenderer,
        prepare: Callable[[bytes, NextField, NextSignature], PreparedPdf],
        *,
        sandbox: bool,
    ) -> None:
        """Draw with the fonts of ``renderer``; in the sandbox every signature says that it is a sample.

        ``prepare`` writes the update of a document, which is a file of others: in a worker process.
        """
        self._renderer = renderer
        self._prepare = prepare
        self._sandbox = sandbox

    def begin(
        self, data: bytes, fields: Sequence[PreparedField], name: str, room: SignatureRoom, look: SignatureLook
    ) -> PreparedPdf:
        """The document with one more revision: the field ``name`` filled and a hole for its signature.

        The first signature brings the empty fields of all others along: later ones only fill what is there.
        """
        field = _named(fields, name)
        width, height = field.place.width * MM, field.place.height * MM
        family = self._renderer.family("song")
        drawing = signature_drawing(look, family, width, height, sandbox=self._sandbox)
        signature = NextSignature(
            filter=room.filter,
            sub_filter=room.sub_filter,
            signed_at=look.signed_at,
            signer=look.name,
            reserved_bytes=room.reserved_bytes,
            reason=look.reason,
        )
        return self._update(data, fields, field, drawing, signature)

    def begin_seal(
        self,
        data: bytes,
        fields: Sequence[PreparedField],
        name: str,
        room: SignatureRoom,
        seal: Seal,
        at: datetime,
    ) -> PreparedPdf:
        """The same for a seal: its stamp, whose nominal size the field has."""
        signature = NextSignature(
            filter=room.filter,
            sub_filter=room.sub_filter,
            signed_at=at,
            signer=seal.name,
            reserved_bytes=room.reserved_bytes,
        )
        return self._update(data, fields, _named(fields, name), self._renderer.stamp_drawing(seal.stamp), signature)

    def stamp_size_mm(self, seal: Seal) -> tuple[float, float]:
        """Width and height of the seal's stamp on paper."""
        width, height = self._renderer.stamp_points(seal.stamp)
        return width / MM, height / MM

    def normalise_handwriting(self, data: bytes) -> bytes:
        """A picture of handwriting as a PNG of ink on a transparent ground; see :mod:`.handwriting`."""
        return normalise_handwriting(data)

    def _update(
        self,
        data: bytes,
        fields: Sequence[PreparedField],
        field: PreparedField,
        drawing: Drawing,
        signature: NextSignature,
    ) -> PreparedPdf:
        mark = VisibleMark(page=field.place.page - 1, rect=box_of(field.place), drawing=drawing)
        if has_signatures(data):
            return self._prepare(data, NextField(name=field.name, marks=(mark,), lock=field.locks), signature)
        later = tuple(_empty(other) for other in fields if other.name != field.name)
        first = NextField(name=field.name, create=True, marks=(mark,), lock=field.locks)
        return self._prepare(data, first, replace(signature, later=later))


def box_of(place: Place) -> Box:
    """The place in points."""
    return (place.x * MM, place.y * MM, (place.x + place.width) * MM, (place.y + place.height) * MM)


def has_signatures(data: bytes) -> bool:
    """Whether a document that passed the upload check has been signed here: only we put a byte range into it."""
    return b"/ByteRange" in data


def _empty(field: PreparedField) -> NextField:
    mark = VisibleMark(page=field.place.page - 1, rect=box_of(field.place))
    return NextField(name=field.name, create=True, marks=(mark,), lock=field.locks)


def _named(fields: Sequence[PreparedField], name: str) -> PreparedField:
    return next(field for field in fields if field.name == name)
