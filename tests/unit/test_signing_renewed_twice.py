"""Archive timestamps behind archive timestamps: each holds at the time that the next one proves (EN 319 102-1 §5.6)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from signing_pages import EC_SEAL, NOW, SES, SM2_SEAL, Workshop, open_workshop

from certsvc.clock import FixedClock
from certsvc.commands.ports import TrustChoice
from certsvc.ids import SystemIds
from certsvc.seal.verdict import FileFindings, Indication, Reason
from certsvc.signing.devpki import init_dev_keys
from certsvc.signing.inspector import PdfInspector
from certsvc.signing.keyring import SoftwareKeyRing
from certsvc.signing.long_term import add_document_timestamp
from certsvc.signing.timestamps import DevelopmentTsa, TimestampClient

FORMATS = [("pades-b-b", EC_SEAL), ("sm2-cms", SM2_SEAL), (SES, SM2_SEAL)]
YEAR = timedelta(days=365)
LATER = """
[[tsa]]
key_id = "tsa-{number}"
algorithm = "p256"
name = "示例省第{number}时间戳服务"
owner_name = "示例省电子印章开发环境"
years = {years}
"""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """With a second authority that ends after nine years, the first after eight."""
    made = open_workshop(tmp_path_factory.mktemp("twice"))
    declared = made.keys.directory / "later.toml"
    project = Path(__file__).resolve().parents[2]
    text = (project / "keys" / "dev.toml").read_text(encoding="utf-8")
    declared.write_text(text + LATER.format(number=2, years=9), encoding="utf-8")
    init_dev_keys(declared, made.keys.directory, made.master, FixedClock(NOW), SystemIds())
    return made


def stamped(workshop: Workshop, data: bytes, key_id: str, years: float) -> bytes:
    ring = SoftwareKeyRing(workshop.keys.directory, workshop.master, profile="sandbox")
    tsa = DevelopmentTsa(ring, key_id, FixedClock(NOW + years * YEAR), SystemIds())
    client = TimestampClient(("direct",), lambda _, body: tsa(body), SystemIds())
    return add_document_timestamp(data, client)


def look(workshop: Workshop, data: bytes, years: float) -> FileFindings:
    return PdfInspector(workshop.anchors).inspect(data, TrustChoice(), NOW + years * YEAR)


@pytest.mark.parametrize(("format_name", "seal_id"), FORMATS)
def test_a_file_renewed_twice_outlives_its_seal_and_its_first_timestamps(
    workshop: Workshop, format_name: str, seal_id: str
) -> None:
    _, sealed = workshop.sealed(format_name, seal_id)
    assert look(workshop, sealed, 4).reason is Reason.CERT_EXPIRED
    first = stamped(workshop, sealed, "tsa-1", 0.001)
    assert look(workshop, first, 4).reason is Reason.OK
    assert look(workshop, first, 8.5).reason is Reason.CERT_EXPIRED
    second = stamped(workshop, first, "tsa-1", 3.5)
    twice = stamped(workshop, second, "tsa-2", 7.5)
    for years in (7.8, 8.5):
        findings = look(workshop, twice, years)
        assert (findings.indication, findings.reason) == (Indication.TOTAL_PASSED, Reason.OK), (years, findings)
    assert look(workshop, twice, 9.2).reason is Reason.CERT_EXPIRED, "the last one has ended too"
    # Stamped after the first one's certificate ended, it came too late to prove anything.
    late = stamped(workshop, first, "tsa-2", 8.3)
    assert look(workshop, late, 8.5).reason is Reason.CERT_EXPIRED
    assert [one.kind for one in look(workshop, twice, 8.5).signatures] == ["seal", *["timestamp"] * 3]
