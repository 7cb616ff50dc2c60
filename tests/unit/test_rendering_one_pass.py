"""Short cuts of the page maker and the sealer give what the long way gives."""

from __future__ import annotations

import hashlib
import io
import re
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pikepdf
import pytest
from asn1crypto import core
from rendering_samples import METADATA, job, renderer
from signing_pages import EC_SEAL, NOW, RSA_SEAL, SM2_SEAL, open_workshop

from certsvc.errors import RenderingError, SigningError
from certsvc.rendering.metadata import _NOT_XML, XMP_STEP, checked
from certsvc.rendering.pdf import FileWriter, stream, stream_pieces, table_lines
from certsvc.rendering.subset import _bf_blocks
from certsvc.rendering.template import MAX_OPENINGS
from certsvc.signing.cms import make_template, utc_time
from certsvc.signing.keyring import KeyCertificate, SoftwareKeyRing
from certsvc.signing.sealer import LicenseSealer


def test_every_character_that_xml_cannot_carry_is_found_among_printable_ones() -> None:
    for code in range(sys.maxunicode + 1):
        char = chr(code)
        assert not (_NOT_XML.match(char) and char.isprintable()), hex(code)
    for bad in "\x00\x1f\x7f\x9f\ud800\ufffe":
        with pytest.raises(RenderingError, match="控制字符"):
            checked({"name": "李明", "other": f"张三{bad}"})
    assert checked({"b": "\u3000张 三", "a": "一\n二"}) == {"a": "一\n二", "b": "\u3000张 三"}


def test_a_writer_that_goes_on_closes_with_the_same_table_as_one_that_wrote_all() -> None:
    whole, first = FileWriter(), FileWriter()
    for out in (whole, first):
        out.add(b"<</A 1>>")
        out.add(stream(b"/B 2", b"data"))
    second = FileWriter(b"".join(first.parts), first.offsets, table_lines(first.offsets))
    for out in (whole, second):
        for number in range(300):
            out.add(*stream_pieces(b"", b"%d" % number, b"more"))
        out.close(b"/Root 1 0 R")
    data = b"".join(second.parts)
    assert data == b"".join(whole.parts)
    for number, offset in enumerate(second.offsets, 1):
        assert data[offset:].startswith(b"%d 0 obj\n" % number)


def test_a_stream_in_pieces_is_the_stream() -> None:
    assert b"".join(stream_pieces(b"/X 1", b"ab", b"", b"c")) == stream(b"/X 1", b"abc")


@pytest.mark.parametrize("count", [1, 99, 100, 101, 250])
def test_a_character_map_has_at_most_a_hundred_entries_in_a_block(count: int) -> None:
    blocks = re.findall(r"(\d+) beginbfchar\n(.*?)endbfchar\n", _bf_blocks(count), re.DOTALL)
    entries = "".join(lines for _, lines in blocks).splitlines()
    assert entries == [f"<{cid:04X}><%s>" for cid in range(1, count + 1)]
    assert all(int(size) == lines.count("\n") <= 100 for size, lines in blocks)


def test_a_cms_of_ready_pieces_is_the_cms_put_together(tmp_path: Path) -> None:
    workshop = open_workshop(tmp_path)
    for seal_id in (EC_SEAL, RSA_SEAL, SM2_SEAL):
        template = make_template(workshop.ring.certificate(workshop.seals[seal_id].key_id))
        for size in (*range(1, template.signature_size + 1), *range(template.signature_size, 0, -1)):
            digest, signature = bytes([size % 251]) * 32, bytes([(size + 7) % 251]) * size
            whole = template._whole(template.attributes(digest), signature, b"")
            assert template.assemble(digest, signature) == whole
        assert template.assemble(b"d" * 32, b"s" * 8, unsigned=b"\x05\x00").endswith(b"\xa1\x02\x05\x00")


class FaultyRing:
    """A key ring whose processor errs by one bit of the signature's last byte."""

    def __init__(self, ring: SoftwareKeyRing) -> None:
        self._ring = ring

    def key_ids(self) -> tuple[str, ...]:
        return self._ring.key_ids()

    def certificate(self, key_id: str) -> KeyCertificate:
        return self._ring.certificate(key_id)

    def operations(self, key_id: str) -> int:
        return self._ring.operations(key_id)

    def sign_digest(self, key_id: str, digest_algorithm: str, data: bytes) -> bytes:
        good = self._ring.sign_digest(key_id, digest_algorithm, data)
        return good[:-1] + bytes([good[-1] ^ 1])


def test_a_signature_that_does_not_verify_is_never_handed_out(tmp_path: Path) -> None:
    workshop = open_workshop(tmp_path)
    faulty = LicenseSealer(FaultyRing(workshop.ring))
    for format_name, seal_id in (("pades-b-b", EC_SEAL), ("pades-b-b", RSA_SEAL), ("sm2-cms", SM2_SEAL)):
        prepared, _ = workshop.sealed(format_name, seal_id)
        with pytest.raises(SigningError, match="自检未通过"):
            faulty.seal(prepared, workshop.seals[seal_id], format_name, signed_at=NOW)


def test_pages_with_metadata_of_any_length_are_digested_as_a_whole_and_keep_few_openings() -> None:
    prefixes = set()
    for turn in range(2 * MAX_OPENINGS):
        page = renderer().render(job(metadata={**METADATA, "note": "长" * (turn * XMP_STEP // 3 + turn)}))
        assert page.prefix is not None
        prefixes.add(page.prefix.data)
        assert page.known_prefix() is not None
        covered = page.data[: page.hole_start] + page.data[page.hole_end :]
        for algorithm in ("sha256", "sm3"):
            assert page.digest(algorithm) == hashlib.new(algorithm, covered).digest()
        with pikepdf.open(io.BytesIO(page.data)) as file:
            raw = file.Root.Metadata.read_raw_bytes()
            assert raw.startswith(b"<?xpacket begin=")
            assert raw.endswith(b'<?xpacket end="r"?>')
            assert file.open_metadata()["dc:title"]
            assert file.Root.AF[0].EF.F.read_raw_bytes().count("长".encode()) == turn * XMP_STEP // 3 + turn
    # Those kept, and the template's own for all others.
    assert len(prefixes) <= MAX_OPENINGS + 1


def test_pages_that_differ_little_begin_with_the_same_digested_bytes_up_to_the_first_value() -> None:
    first, second = (renderer().render(job(metadata={**METADATA, "note": word})) for word in ("甲", "乙丙"))
    assert first.prefix is second.prefix
    assert first.prefix is not None
    assert first.prefix.data.endswith(b"</rdf:Bag></pdfaExtension:schemas>\n")


@pytest.mark.parametrize("hour", [0, 8, 23])
def test_a_signing_time_is_written_as_asn1_writes_it(hour: int) -> None:
    for zone in (UTC, timezone(timedelta(hours=8)), timezone(timedelta(hours=-3, minutes=-30))):
        at = datetime(2031, 2, 1, hour, 5, 9, 123456, tzinfo=zone)
        assert utc_time(at) == core.UTCTime(at.astimezone(UTC).replace(microsecond=0)).dump()
    with pytest.raises(SigningError, match="2049"):
        utc_time(datetime(2050, 6, 1, tzinfo=UTC))
