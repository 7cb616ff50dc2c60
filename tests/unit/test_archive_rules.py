"""保管期限 in the catalog, metadata read strictly, packages opened under limits."""

from __future__ import annotations

import hashlib
import io
import time
import zipfile
from pathlib import Path

import pytest

from certsvc.catalog.archive_rule import read_archive
from certsvc.catalog.entry import ArchiveRule, ArchiveWhen, Keeping, keeping_for
from certsvc.catalog.loader import load_catalog
from certsvc.catalog.local_part import read_local
from certsvc.catalog.toml_table import TomlFile
from certsvc.commands.archiving.metadata import agree, read_metadata
from certsvc.commands.archiving.package import MAX_NAME_CHARS, is_name, open_package
from certsvc.commands.stamping.archive import read_member
from certsvc.errors import ConfigurationError

QUICK_S = 5
"""Far more than a pass takes here, and nothing to what was possible."""


def rule(text: str, local: str = "", *, document: bool = False) -> ArchiveRule:
    part = read_local(TomlFile("local.toml", local.encode(), Path()) if local else None)
    return read_archive(TomlFile("type.toml", text.encode(), Path()).root(), part, document=document)


def test_a_type_that_says_nothing_is_kept_at_least_as_long_as_its_files() -> None:
    assert [keeping_for(years) for years in (1, 10, 11, 30, 31, 100)] == [
        Keeping.YEARS_10,
        Keeping.YEARS_10,
        Keeping.YEARS_30,
        Keeping.YEARS_30,
        Keeping.PERMANENT,
        Keeping.PERMANENT,
    ]
    assert rule("retention_years = 12") == ArchiveRule(keeping=Keeping.YEARS_30, when=ArchiveWhen.ENDED)
    assert rule("retention_years = 5", document=True).when is ArchiveWhen.ISSUED
    for kind in load_catalog().types:
        assert kind.archive.keeping.years is None or kind.archive.keeping.years >= kind.retention_years


def test_the_city_may_have_its_own_rule_and_none_is_shorter_than_the_files_are_kept() -> None:
    standard = 'retention_years = 10\n[archive]\nkeeping = "years_30"\nwhen = "issued"'
    assert rule(standard) == ArchiveRule(keeping=Keeping.YEARS_30, when=ArchiveWhen.ISSUED)
    assert rule(standard, '[archive]\nkeeping = "permanent"').when is ArchiveWhen.ISSUED
    assert rule(standard, '[archive]\nwhen = "never"').keeping is Keeping.YEARS_30
    for wrong in (
        'retention_years = 20\n[archive]\nkeeping = "years_10"',
        'retention_years = 20\n[archive]\nkeeping = "forever"',
        'retention_years = 20\n[archive]\nkept = "permanent"',
    ):
        with pytest.raises(ConfigurationError):
            rule(wrong)
    with pytest.raises(ConfigurationError, match="不能短于"):
        rule("retention_years = 50", '[archive]\nkeeping = "years_30"')


def test_names_of_a_package_are_a_list_of_what_may_be() -> None:
    assert all(map(is_name, ("metadata.xml", "licenses/1.2.A.pdf", "evidence/1.2.A.zip", "materials/mat_01.pdf")))
    for name in (
        *("licenses/../x.pdf", "/metadata.xml", "../metadata.xml", "licenses/a\n.pdf", "licenses/1.exe", "licenses/"),
        *("METADATA.XML", "licenses/1.2/1.pdf", "evidence/1.2.A.zip/x", "a.xml", "metadata.xml\0.exe", ""),
    ):
        assert not is_name(name), name


def test_metadata_declares_nothing_and_names_everything_once() -> None:
    good = b'<archive><package><item element="a" name="b">c</item></package></archive>'
    assert read_metadata(good).package == {"a": "c"}
    twice = b'<archive><package><item element="a"/><item element="a"/></package></archive>'
    lol = b'<!DOCTYPE x [<!ENTITY a "aa">]><archive>&a;</archive>'
    for wrong in (twice, lol, lol.decode().encode("utf-16"), b"", b"<archive>", b"<archive><x/></archive>", b"\xff"):
        with pytest.raises(ValueError, match=r"."):
            read_metadata(wrong)


def test_what_a_file_masks_fits_what_it_stands_for_and_nothing_else() -> None:
    stated = {"name": "示例张三", "code": "990101199001011234", "other": "x"}
    assert agree(stated, {"name": "示例张三", "code": "990101********1234"}) == []
    assert agree(stated, {"name": "示例*", "other": ""}) == []
    assert agree(stated, {"name": "示例李*", "code": "990101********1235"}) == ["name", "code"]
    assert agree(stated, {"other": "x*y"}) == ["other"]
    assert agree({"a": "1.2"}, {"a": "1x2"}) == ["a"]


def test_whatever_is_no_package_is_told_and_not_raised() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("metadata.xml", b"<archive/>")
        archive.writestr("x" * (MAX_NAME_CHARS + 1), b"")
        archive.mkdir("licenses")
    data = out.getvalue()
    found = open_package(data)
    assert set(found.files) == {"metadata.xml"}
    assert found.fault("names")
    for end in range(0, len(data), 7):
        assert open_package(data[:end]).fault("readable")
    for at in range(len(data)):
        open_package(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])


def test_a_mask_of_many_parts_is_matched_in_one_pass() -> None:
    began = time.thread_time()
    assert agree({"name": "a" * 5000}, {"name": "*a" * 2000 + "*b"}) == ["name"]
    assert agree({"name": "a" * 5000}, {"name": "*a" * 2000 + "*"}) == []
    assert time.thread_time() - began < QUICK_S
    assert agree({"a": "ab"}, {"a": "ab*b"}) == ["a"], "the end is not counted twice"
    assert agree({"a": "xbcy"}, {"a": "x*c*b*y"}) == ["a"], "parts follow in order"


def with_members(names: list[str], content: bytes) -> bytearray:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, content)
    return bytearray(out.getvalue())


def test_a_zip_is_not_read_on_behind_what_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Members that each inflate to more than they may: the first that breaks the limit is the last that is unpacked."""
    data = bytes(with_members([f"materials/m{number}.pdf" for number in range(50)], b"0" * 1_000_000))
    unpacked: list[str] = []

    def counted(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
        unpacked.append(member.filename)
        return read_member(archive, member, most)

    monkeypatch.setattr("certsvc.commands.archiving.package.read_member", counted)
    began = time.thread_time()
    found = open_package(data)
    assert time.thread_time() - began < QUICK_S
    assert found.fault("limits")
    assert found.files == {}
    assert unpacked == ["materials/m0.pdf"]


def test_names_and_places_that_repeat_are_refused_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> bytes:
        raise AssertionError

    monkeypatch.setattr("certsvc.commands.archiving.package.read_member", never)
    names = [f"materials/m{number}.pdf" for number in range(9)]
    shared = with_members(names, b"x" * 100)
    first = shared.index(b"PK\x01\x02")
    at = first
    while (at := shared.find(b"PK\x01\x02", at + 1)) > 0:
        shared[at + 42 : at + 46] = shared[first + 42 : first + 46]  # the place of the first file's header
    assert open_package(bytes(shared)).fault("limits")
    twice = bytes(with_members(names, b"")).replace(b"m8.pdf", b"m0.pdf")
    assert open_package(twice).fault("names")
    assert open_package(twice).files == {}


def test_bytes_of_a_broken_member_are_counted_too() -> None:
    """Each inflates whole and fails its checksum at the end: without counting they cost as much as there are."""
    incompressible = [hashlib.shake_128(bytes([n])).digest(30_000) * 10 for n in range(8)]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, content in enumerate(incompressible):
            archive.writestr(f"materials/m{number}.pdf", content)
    data = bytearray(out.getvalue())
    at = -1
    while (at := data.find(b"PK\x01\x02", at + 1)) >= 0:
        data[at + 16 : at + 20] = b"\0\0\0\0"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("certsvc.commands.archiving.package.MAX_PACKAGE_BYTES", 1_000_000)
        found = open_package(bytes(data))
    assert found.fault("readable").count("materials/") < len(incompressible)
    assert found.fault("limits")
