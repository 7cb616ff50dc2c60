"""The set-up of fonts: what is declared, what is adopted, what is repaired. The network is not asked here."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from rendering_samples import FONT_DIR

from certsvc.rendering.font_list import font_list
from certsvc.rendering.font_setup import main


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_a_local_source_is_copied_checked_and_left_alone_afterwards(tmp_path: Path) -> None:
    declared = {face.file: face.sha256 for face in font_list().faces}
    assert main([str(tmp_path), "--source", str(FONT_DIR)]) == 0
    assert digests(tmp_path) == declared
    times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert main([str(tmp_path)]) == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == times


def test_a_damaged_file_is_replaced(tmp_path: Path) -> None:
    face = font_list().faces[0]
    assert main([str(tmp_path), "--source", str(FONT_DIR)]) == 0
    (tmp_path / face.file).write_bytes(b"damaged")
    assert main([str(tmp_path), "--source", str(FONT_DIR)]) == 0
    assert digests(tmp_path)[face.file] == face.sha256


@pytest.mark.parametrize("name", sorted(font_list().families))
def test_every_family_names_declared_faces_of_pinned_packages_with_its_terms(name: str) -> None:
    faces = {face.face_id: face for face in font_list().faces}
    packages = {package.name: package for package in font_list().packages}
    for face_id in font_list().families[name]:
        package = packages[faces[face_id].package]
        assert package.version
        assert package.terms
        assert package.source in {"npm", "debian"}
